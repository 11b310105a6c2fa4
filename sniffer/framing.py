"""A message's head -> how its body ends (RFC 9112 section 6.3). Knows nothing of where the bytes come from."""

from __future__ import annotations

import enum
import re
from typing import NamedTuple

FOREVER = 1 << 62  # bytes until the connection closes
_FIELD = rb"\n(%s)([ \t]*):([^\n]*(?:\n[ \t]+[^\n]*)*)"  # with obs-fold, RFC 9112 section 5.2
_LENGTH = re.compile(_FIELD % rb"content-length", re.IGNORECASE)
_CODING = re.compile(_FIELD % rb"transfer-encoding", re.IGNORECASE)


class Body(enum.Enum):
    """How the end of a message is known, RFC 9112 section 6.3."""

    LENGTH = "length"  # after so many bytes
    CHUNKED = "chunked"
    CLOSE = "close"  # with the connection
    TUNNEL = "tunnel"  # there is no message after this head, and nothing of HTTP either
    BROKEN = "broken"  # can't be known; a server refuses such a request
    WAIT = "wait"  # the peer decides; what comes is kept until ``resume``


class Framing(NamedTuple):
    """A body's kind, and its length if that is known."""

    body: Body
    length: int = 0


NO_BODY = Framing(Body.LENGTH, 0)
TUNNEL = Framing(Body.TUNNEL)
_CLOSE = Framing(Body.CLOSE, FOREVER)


def values(pattern: re.Pattern[bytes], raw: bytes) -> list[bytes]:
    """Return the elements of a list-valued field, in all its lines, unfolded; nothing if there is no such field."""
    unfolded = [b" ".join(match[3].split(b"\n")) for match in pattern.finditer(raw)]
    return [element.strip(b" \t\r") for value in unfolded for element in value.split(b",")]


def body_of(raw: bytes, request: bool) -> Framing:
    """Return how the body of a message with this head ends, RFC 9112 section 6.3 (4 to 8)."""
    lower = raw.lower()
    length_at = lower.find(b"\ncontent-length")
    if b"\ntransfer-encoding" in lower:
        coded = True
    elif length_at < 0:
        return NO_BODY if request else _CLOSE
    else:
        coded = False
        end = lower.find(b"\n", length_at + 1)
        value = lower[length_at + 15 : end]
        if (  # one plain length, as nearly always
            value[:1] == b":"
            and (digits := value[1:].strip(b" \t\r")).isdigit()
            and len(digits) < 19
            and lower[end + 1 : end + 2] not in (b" ", b"\t")
            and lower.find(b"\ncontent-length", end) < 0
        ):
            return Framing(Body.LENGTH, int(digits))
    unknown = Framing(Body.BROKEN) if request else _CLOSE
    if coded and (codings := [coding.lower() for coding in values(_CODING, raw)]):
        if request and any(match[2] for match in _CODING.finditer(raw)):
            return unknown  # a blank before the colon, RFC 9112 section 5.1
        if codings[-1] == b"chunked":
            return Framing(Body.CHUNKED)
        if codings != [b"identity"]:  # RFC 2616's word for no coding
            return unknown
    if length_at >= 0 and (lengths := values(_LENGTH, raw)):
        if request and any(match[2] for match in _LENGTH.finditer(raw)):
            return unknown
        numbers = {int(length) for length in lengths if re.fullmatch(rb"[0-9]{1,1000}", length)}
        if len(numbers) != 1 or not all(length.isdigit() for length in lengths):
            return unknown
        return Framing(Body.LENGTH, min(numbers.pop(), FOREVER))
    return NO_BODY if request else _CLOSE
