"""A request with its response, or without one: what a log line is written from."""

from __future__ import annotations

import re
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_ntop
from typing import NamedTuple

from sniffer.framing import Body, body_of


@lru_cache(maxsize=4096)
def endpoint(packed: bytes) -> tuple[str, int]:
    """Return address and port as text and number from 4 or 16 bytes of address and 2 of port."""
    family = AF_INET if len(packed) == 6 else AF_INET6
    return inet_ntop(family, packed[:-2]), int.from_bytes(packed[-2:], "big")


def endpoints(key: bytes) -> tuple[bytes, bytes]:
    """Return the source's and the destination's address and port from a segment's key."""
    half = (len(key) - 4) // 2
    return key[:half] + key[-4:-2], key[half : 2 * half] + key[-2:]


class Transaction(NamedTuple):
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

    @property
    def lasting(self) -> bool:
        """Whether the connection may carry another exchange, RFC 9112 section 9.3."""
        if not self.protocol or not self.whole:
            return False
        for head in (self.request, self.response):
            options = (field(head, b"connection") or b"").lower()
            if b"close" in options or (b"HTTP/1.0" in head.split(b"\n", 1)[0] and b"keep-alive" not in options):
                return False
        bodyless = self.method == b"HEAD" or self.status in (204, 304)
        return self.status != 101 and (bodyless or body_of(self.response, False).body is not Body.CLOSE)

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
    at = head.lower().find(b"\n" + name)
    if at < 0:
        return None
    found = [
        value.strip() if b"\n" not in value else b" ".join(map(bytes.strip, value.split(b"\n"))).strip()
        for value in _pattern(name).findall(head, at)
    ]
    return b", ".join(found) if found else None
