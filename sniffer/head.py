"""A message's head as sent, and what can be told of one of which something is missing (RFC 9112 section 2.1).

Knows nothing of bodies, nor of how the bytes came together: a mark says where a piece of them comes from.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sniffer.startline import BINARY, REQUEST_LINE, Role, first_line

MAX_HEAD = 64 * 1024  # bytes; Apache's limits allow 8 kB a line, nginx's 32 kB, Tomcat's and Node's 8 and 16 kB in all

_FIELD = rb"[A-Za-z][A-Za-z0-9_-]*: [^\n]*"
# What a piece begins with that goes on with a head: whole fields, or the rest of one and another; then maybe its end
_REST = re.compile(
    rb"(?:%b\n|[^\x00-\x1f]*\r?\n%b(?:\n|\Z))(?:%b\n)*(?:%b\Z|(\r?\n))?|(\r?\n)\Z" % (_FIELD, _FIELD, _FIELD, _FIELD)
)

Mark = tuple[int, int, int]
"""(time in ns, sequence number of the piece's first byte, acknowledgement number)."""


class Head(NamedTuple):
    """A request's or response's head as sent. ``at``: where in its first piece (``mark``) it began."""

    raw: bytes
    line: bytes  # without its line end
    method: bytes  # b"" in a response
    target: bytes
    protocol: bytes  # b"" in HTTP/0.9
    status: int  # 0 in a request
    mark: Mark
    at: int
    whole: bool = True  # False: something of it was lost, or it is too long

    @property
    def old(self) -> bool:
        """Whether it is a request of HTTP/0.9."""
        return self.method == b"GET" and not self.protocol


def cut_head(raw: bytes, mark: Mark, at: int, role: Role) -> Head | None:
    """Return the head of which this came; None if its first line is not known to the version."""
    line = raw.split(b"\n", 1)[0].rstrip(b"\r")
    first = first_line(line + b"\n", 0, len(line) + 1, role)
    if first is None or not (first[2] or first[3]):  # without its version, who knows how it went on
        return None
    return Head(raw, line, *first, mark, at, False)


def partial_head(raw: bytes, mark: Mark, at: int) -> Head | None:
    """Return what may have been a request, whatever its first line lacks; None if that is no text."""
    line = raw.split(b"\n", 1)[0].rstrip(b"\r")
    if BINARY.search(line) or not line:
        return None
    match = REQUEST_LINE.match(line + b"\n")
    method, target, protocol = match.groups(b"") if match else (b"", b"", b"")
    return Head(raw, line, method, target, protocol, 0, mark, at, False)


def rest_of_head(data: bytes, begin: int) -> tuple[int, bool]:
    """Return how many bytes of a piece are of a head of which bytes before it are missing, and if more may come."""
    match = _REST.match(data, begin)
    if match is None:
        return 0, False
    return match.end() - begin, match.end() == len(data) and not (match[1] or match[2])
