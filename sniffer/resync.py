"""Where a message begins if that is not known: after a loss, in a connection picked up, behind a proxy's prelude.

Sans-IO. Knows what first lines look like, and nothing of heads, of bodies or of who reads them: what it finds only
looks like a message, since bodies hold text, too. A mark is handed back unread.
"""

from __future__ import annotations

from typing import NamedTuple

from sniffer.head import Mark
from sniffer.startline import (
    BEGINS,
    KNOWN,
    MAY_BEGIN,
    PROXIED,
    REQUEST_BEHIND,
    REQUEST_OPEN,
    RESPONSE_AHEAD,
    SOCKS,
    Role,
    first_line,
    may_begin,
)

_TAIL = 256  # bytes kept of what is passed by; a message's first line may be cut
_MAX_SOCKS = 1100  # bytes; a greeting of 257, name and password of 513, a request of 262
_SOCKS_ADDRESS = {1: 4, 3: 0, 4: 16}  # bytes of an address of each kind; a name's come with it
_MAX_LINE = 8 * 1024  # bytes kept likewise of what may be a request line whose end did not come yet

# Looked up for each piece: attributes of an enum cost several times what a name does.
_UNKNOWN, _, _RESPONSES = Role


class Found(NamedTuple):
    """Where what looks like a message begins: at ``at`` of the piece that ``mark`` tells of (below 0: before it)."""

    before: bytes  # what of it came before the data that was looked through
    mark: Mark
    at: int
    resume: int  # where in that data it begins or goes on


class Search:
    """Looks for the beginning of a message in one direction. Feed it pieces in order, until it finds one."""

    __slots__ = ("_begun", "_blind", "passed", "tail")

    def __init__(self, tail: bytes = b"", *, blind: bool = False) -> None:
        """``tail``: what came before. ``blind``: the first piece goes on with what was no head: none begins there."""
        self.tail = tail  # what is kept of what was passed by
        self.passed = 0  # bytes without anything of HTTP
        self._blind = blind
        self._begun: tuple[tuple[bytes, Mark, int], ...] = ()  # what pieces began with, and may become a first line

    def gap(self) -> None:
        """What follows does not continue what came."""
        self.tail, self._begun = b"", ()

    def find(self, data: bytes, at: int, mark: Mark, role: Role) -> Found | None:
        """Look through the next piece, from ``at``."""
        found = self._ahead(data, at, mark, role)
        if found is None and role is not _UNKNOWN:
            found = self._within(data, at, mark, role)
        if found is None:
            self.passed += len(data) - at
        return found

    def _ahead(self, data: bytes, at: int, mark: Mark, role: Role) -> Found | None:
        """Find a message that begins with this piece, or began with an earlier one and is known as one by this."""
        beginnings = () if self._blind else (*self._begun, (b"", mark, at))
        self._blind = False
        begun, likely = [], None
        for before, origin, place in beginnings:
            start, line = (0, before + data[at:]) if before else (at, data)
            if MAY_BEGIN.match(line, start):
                begun.append((line[start:], origin, place))
            elif BEGINS.match(line, start):
                stop = line.find(b"\n", start) + 1
                if first_line(line, start, stop, role) if stop else may_begin(line, start, start, role):
                    found = Found(before, origin, place, at)
                    if not before or KNOWN.match(line, start):
                        return found
                    likely = likely or found  # what came before may have been the end of something else
        self._begun = tuple(begun)
        return likely

    def _within(self, data: bytes, at: int, mark: Mark, role: Role) -> Found | None:
        """Find a message that begins anywhere in this piece, or in what is kept of those before it."""
        kept = len(self.tail)
        joined = self.tail + data[at:]
        if role is _RESPONSES:
            begin = match.start() if (match := RESPONSE_AHEAD.search(joined)) else -1
        else:
            begin = match.end() if (match := REQUEST_BEHIND.search(joined)) else -1
        if begin >= 0:
            place = at + begin - kept
            return Found(joined[begin:kept], mark, place, max(place, at))
        open_line = REQUEST_OPEN.search(joined, max(0, len(joined) - _MAX_LINE))
        keep = len(joined) - _TAIL
        self.tail = joined[max(0, min(keep, open_line.start()) if open_line else keep) :]
        return None


def prelude_end(data: bytes, begin: int) -> int:
    """Return where what stands in front of a connection that is handed on ends; ``begin`` if there is no such thing.

    That is what a proxy tells, or what a client asks of a SOCKS proxy. It is behind the end of the data if more of it
    must come, how much more being known or not.
    """
    if SOCKS.match(data, begin):
        return _socks_end(data, begin)
    match = PROXIED.match(data, begin)
    if match is None:
        return begin
    if match[1] is None and match[0][:1] != b"P":  # version 2, whose length did not come yet
        return len(data) + 1
    return match.end() + int.from_bytes(match[1] or b"", "big")


def _socks_end(data: bytes, begin: int) -> int:
    """Return where a client's words to a SOCKS proxy end, likewise (RFC 1928, RFC 1929; versions 4 and 4a)."""
    if len(data) - begin > _MAX_SOCKS:
        return begin
    try:
        if data[begin] == 4:  # command, port and address, user; no address but a name
            user = data.index(0, begin + 8)
            return data.index(0, user + 1) + 1 if data[begin + 4 : begin + 7] == bytes(3) else user + 1
        at = begin + 2 + data[begin + 1]  # behind the methods offered
        if data[at] == 1:  # name and password
            at += 2 + data[at + 1]
            at += 1 + data[at]
        if data[at] != 5 or data[at + 3] not in _SOCKS_ADDRESS:
            return begin
        return at + 6 + (_SOCKS_ADDRESS[data[at + 3]] or 1 + data[at + 4])
    except (IndexError, ValueError):  # it needs more
        return len(data) + 1
