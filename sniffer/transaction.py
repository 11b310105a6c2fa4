"""A request with its response, or without one: what a log line is written from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_ntop


@lru_cache(maxsize=4096)
def endpoint(packed: bytes) -> tuple[str, int]:
    """Return address and port as text and number from 4 or 16 bytes of address and 2 of port."""
    family = AF_INET if len(packed) == 6 else AF_INET6
    return inet_ntop(family, packed[:-2]), int.from_bytes(packed[-2:], "big")


@dataclass(frozen=True, slots=True)
class Transaction:
    """One exchange. Times are in ns since the epoch, on the clock of the capture.

    ``request`` and ``response`` are the heads as sent, empty where there was none. ``line`` is the first line of the
    request without its line end; ``method`` is empty where it is no request line, ``protocol`` in HTTP/0.9.
    """

    client: bytes  # address and port, as in a packet; see ``endpoint``
    server: bytes
    begin: int  # the first byte of the request was seen
    first: int | None  # the first byte of the response, None where there was none
    last: int | None  # the last byte of the response
    line: bytes
    method: bytes
    target: bytes
    protocol: bytes
    request: bytes
    response: bytes
    status: int | None  # None: no response, or one of HTTP/0.9
    size: int | None  # bytes of the response's body, without chunk framing, still coded; None: no response
    received: int  # bytes of the request with head and framing
    sent: int  # bytes of the response with head and framing, interim responses included
    whole: bool  # the response came to its end
    lasting: bool  # the connection may carry another exchange

    def request_field(self, name: bytes) -> bytes | None:
        """Return the value of a header field of the request; several are joined by ", ". ``name`` in lower case."""
        return field(self.request, name)

    def response_field(self, name: bytes) -> bytes | None:
        """Return the value of a header field of the response, likewise."""
        return field(self.response, name)


@lru_cache(maxsize=256)
def _pattern(name: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"\n%s[ \t]*:([^\n]*(?:\n[ \t]+[^\n]*)*)" % re.escape(name), re.IGNORECASE)


def field(head: bytes, name: bytes) -> bytes | None:
    """Return the value of a field in a head, unfolded, blanks around it cut; None if it has no such field."""
    if b"\n" + name not in head.lower():
        return None
    found = [
        b" ".join(part.strip() for part in match[1].split(b"\n")).strip(b" \t\r")
        for match in _pattern(name).finditer(head)
    ]
    return b", ".join(found) if found else None
