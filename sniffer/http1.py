"""Bytes of one direction -> heads of messages, the lengths of their bodies, and their ends (RFC 9112).

Sans-IO. Knows nothing of TCP: a mark says where a piece of bytes comes from and is handed back unread; nor how to find
a message whose beginning is not known (``resync`` does). Body bytes are counted and stepped over, never stored: whoever
has ``skip`` bytes or fewer may lower ``skip`` instead of feeding them.
"""

from __future__ import annotations

import enum
import re
from typing import Protocol

from sniffer.framing import FOREVER, NO_BODY, Body, Framing
from sniffer.head import MAX_HEAD, Head, Mark, cut_head, partial_head, rest_of_head
from sniffer.resync import Search, prelude_end
from sniffer.startline import BINARY, KNOWN, SOCKS, Role, first_line, may_begin

_MAX_CHUNK_LINE = 4096  # bytes; a chunk's size with its extensions
_GIVE_UP = 32 * 1024  # bytes without anything of HTTP, after which a direction is no longer looked at


class Listener(Protocol):
    """Who is told what a reader reads."""

    def head(self, reader: Reader, head: Head) -> Framing:
        """Take a head; say how the message goes on."""

    def ended(self, reader: Reader, whole: bool) -> None:
        """Take note of the end of the message whose head came last. ``whole`` is False if it was cut short."""

    def broken_off(self, reader: Reader) -> None:
        """Take note that its sender ended the direction before the message that ends next was whole."""

    def foreign(self, reader: Reader) -> Framing | None:
        """Take note that what comes is no head; return how to read it if it is a body without one."""

    def peer(self, reader: Reader) -> Reader:
        """Return the reader of the other direction."""

    def lost(self, reader: Reader, swallowed: bool) -> None:
        """Take note that it is not known any more where messages begin. ``swallowed``: one began in what is missing."""


class State(enum.Enum):
    """What the reader expects next."""

    HEAD = enum.auto()
    OFFERED = enum.auto()  # a body that its peer was asked for first (Expect), or the next head
    BODY = enum.auto()  # ``skip`` bytes, then the end of the message
    CHUNK_SIZE = enum.auto()
    CHUNK_DATA = enum.auto()  # ``skip`` bytes, then CRLF and the next size
    CHUNK_END = enum.auto()
    TRAILER = enum.auto()
    LOST = enum.auto()  # anything; looks for the next head
    WAIT = enum.auto()
    TUNNEL = enum.auto()  # anything, for good


# Looked up for each head: attributes of an enum cost several times what a name does.
_HEAD, _OFFERED, _BODY, _CHUNK_SIZE, _CHUNK_DATA, _CHUNK_END, _TRAILER, _LOST, _WAIT, _TUNNEL = State
_UNKNOWN, _REQUESTS, _RESPONSES = Role


class Reader:
    """Reads one direction. Feed it pieces in order; ``skip`` bytes may be stepped over without being fed."""

    __slots__ = (
        "_at",
        "_found",
        "_granted",
        "_mark",
        "_offer",
        "_open",
        "_search",
        "_synced",
        "body",
        "buffer",
        "cut",
        "heads",
        "judged",
        "listener",
        "role",
        "skip",
        "state",
        "text",
        "wire",
    )

    def __init__(self, listener: Listener, synced: bool) -> None:
        """``synced``: the first byte fed is the first of the connection."""
        self.listener = listener
        self.role = _UNKNOWN
        self.state = _HEAD if synced else _LOST
        self.skip = 0
        self.cut = 0  # bytes missing behind the part of the message's head that was seen; some may be of its body
        self._open = False  # more of that head may come
        self.body = 0  # bytes of the message's body that were stepped over, up to the last change of state
        self.wire = 0  # bytes of the message, head and chunk framing included, likewise
        self.text: tuple[bytes, Mark, int] | None = None  # a first line of text that is no request line; its place
        self._granted = 0
        self.buffer = b""  # what is kept of a message until more of it comes
        self._mark: Mark = (0, 0, 0)
        self._at = 0
        self._search = None if synced else Search()  # for the next head, while lost
        self._found = False  # the head that is being read was looked for, and may be none
        self._synced = synced
        self.heads = 0  # told so far, but for those of interim responses
        self._offer = (NO_BODY, 0)  # how the body that was offered ends; how many heads its peer had told then
        self.judged = False  # something came that is no head

    @property
    def mark(self) -> Mark:
        """Where the head that is being read began."""
        return self._mark

    @property
    def synced(self) -> bool:
        """Whether the first byte fed was the first of the connection."""
        return self._synced

    @property
    def kept(self) -> int:
        """How many bytes are kept until more of them come."""
        return len(self.buffer) + (len(self._search.tail) if self._search is not None else 0)

    @property
    def rests(self) -> bool:
        """Whether it stands between two messages, and keeps nothing."""
        return self.state is _HEAD and not self.buffer and not self._found and self.text is None

    def settle(self) -> None:
        """Bring ``body`` and ``wire`` up to date with ``skip``."""
        done = self._granted - self.skip
        self._granted = self.skip
        self.wire += done
        if self.state in (_BODY, _CHUNK_DATA):
            self.body += done

    def feed(self, data: bytes, mark: Mark) -> None:
        """Read the next piece."""
        at, end = 0, len(data)
        while at < end:
            if self.skip:
                count = min(self.skip, end - at)
                self.skip -= count
                at += count
                if self.skip:
                    return
                self._stepped()
            elif self.state is _HEAD:
                at = self._head(data, at, mark)
            elif self.state is _LOST:
                at = self._find(data, at, mark)
            elif self.state is _WAIT:
                at = self._wait(data, at, mark)
            elif self.state is _OFFERED:
                self._take_up(data, at)
            else:
                at = self._line(data, at)

    def gap(self, length: int) -> None:
        """Step over bytes that never came. Within a body they count; in a head, what is known of it is told.

        Of a first line that is not known to its version, the part that came is noted as a ``partial`` one.
        """
        if self.state is _OFFERED:
            self._go_on(self._offer[0])
        if self.skip:
            count = min(self.skip, length)
            self.skip -= count
            length -= count
            if not self.skip:
                self._stepped()
        if length:
            if self.state is _WAIT:
                self._become(_TUNNEL)
            in_head, begun = self.state is _HEAD, self.buffer
            swallowed = in_head and not self._cut_head()
            if self.state is not _TUNNEL:
                if swallowed:
                    self._note(begun)
                if in_head:
                    self.cut, self._open = length, True
                elif self._open:
                    self.cut += length
                if self._search is not None:
                    self._search.gap()
                else:
                    self.settle()
                    self._lose()
                self.listener.lost(self, swallowed)
                self.wire += length
                self.body += length

    def close(self, orderly: bool) -> None:
        """Nothing more comes; ``orderly`` if that is what the sender said."""
        self.settle()
        if self.state is _BODY and self._granted > FOREVER >> 1:
            self._end(orderly)
        elif self.state is _HEAD:
            line = self.buffer
            if not self._cut_head():
                self._note(line)
        elif self.state not in (_LOST, _TUNNEL, _WAIT):
            if orderly:
                self.listener.broken_off(self)
            self._end(False)
        self._become(_TUNNEL)

    def tunnel(self) -> None:
        """Leave HTTP for good."""
        self.settle()
        self._become(_TUNNEL)

    def sync(self) -> None:
        """The next byte fed is the first of all, and of the connection."""
        self._synced = True
        self._become(_HEAD)

    def look(self) -> None:
        """Look for messages again in what was given up as a tunnel."""
        self.settle()
        self._lose()

    def resume(self) -> None:
        """Go on after WAIT with the next message."""
        if self.state is _WAIT:
            kept, mark = self.buffer, self._mark
            self._become(_HEAD)
            if kept:
                self.feed(kept, mark)

    def partial(self) -> Head | None:
        """Return what began as a request and is not one yet, or no proper one: the peer may have answered it."""
        if self.state is _HEAD and self.buffer:
            return partial_head(self.buffer, self._mark, self._at)
        return partial_head(*self.text) if self.text is not None else None

    def take(self, partial: Head) -> None:
        """Go on behind what ``partial`` returned: it was a request."""
        self.text = None
        self.wire = len(partial.raw)
        self._lose()

    def _become(self, state: State) -> None:
        self.state = state
        self.buffer = b""
        self._search = None
        self._found = False
        self.skip = self._granted = FOREVER if state is _TUNNEL else 0

    def _step(self, state: State, count: int) -> None:
        self.state = state
        self.skip = self._granted = count

    def _stepped(self) -> None:
        """All of ``skip`` was stepped over."""
        self.settle()
        if self.state is _BODY:
            self._end(True)
        else:
            self.state = _CHUNK_END

    def _end(self, whole: bool) -> None:
        self._become(_HEAD)
        self.listener.ended(self, whole)

    def _lose(self, tail: bytes = b"", *, blind: bool = False) -> None:
        self._become(_LOST)
        self._search = Search(tail, blind=blind)

    def _cut_head(self) -> bool:
        """Tell the head that is being read as far as it came; return whether enough of it did."""
        head = cut_head(self.buffer, self._mark, self._at, self.role)
        self.buffer = b""
        if head is None:
            return False
        framing = self._tell(head)
        if framing.body is Body.TUNNEL:
            self._go_on(framing)
        return True

    def _note(self, line: bytes) -> None:
        """Keep what should be a first line and is none, in case that the peer answers it."""
        line = line.split(b"\n", 1)[0]
        self.text = None if BINARY.search(line) or not line else (line + b"\n", self._mark, self._at)

    def _tell(self, head: Head) -> Framing:
        self.wire, self.body, self.cut = len(head.raw), 0, 0
        self._open = False
        self.text = None
        self.heads += head.status == 101 or not 100 <= head.status < 200
        self.role = _RESPONSES if head.status else _REQUESTS
        return self.listener.head(self, head)

    def _head(self, data: bytes, at: int, mark: Mark) -> int:
        """Read a head from ``at``; return where it ends, or the end of the data if it needs more."""
        end = len(data)
        if not self.buffer:
            while at < end and data[at] in b"\r\n":  # RFC 9112 section 2.2: empty lines before a request line
                at += 1
            if at == end:
                return end
            self._mark, self._at = mark, at
            begin = scanned = fed = at
        else:
            scanned = max(0, len(self.buffer) - 3)
            fed = len(self.buffer)
            self.buffer += data[at : at + MAX_HEAD]
            begin, data, end, at = 0, self.buffer, len(self.buffer), at - fed
        # ``begin`` is where the head starts in ``data``; what is returned must count from the data that was fed
        shift = at - begin  # negative where the head began in earlier data
        line_end = data.find(b"\n", begin)
        if line_end >= 0:
            first = first_line(data, begin, line_end + 1, self.role)
            if first is None:
                return shift + self._reject(data, begin, fed)
            if not first[2] and not first[3]:
                stop = line_end + 1  # HTTP/0.9 has no fields
            else:
                blank, bare = data.find(b"\n\r\n", scanned), data.find(b"\n\n", scanned)
                if blank >= 0 and (bare < 0 or blank < bare):
                    stop = blank + 3
                elif bare >= 0:
                    stop = bare + 2
                else:
                    stop = -1
            if stop >= 0:
                line = data[begin:line_end].rstrip(b"\r")
                head = Head(data[begin:stop], line, *first, self._mark, self._at)
                self.buffer = b""
                framing = self._tell(head)
                if framing is not NO_BODY and self._offers(head, framing):
                    self._offer = framing, self.listener.peer(self).heads
                    self._become(_OFFERED)
                else:
                    self._go_on(framing)
                return shift + stop
        elif not may_begin(data, begin, scanned, self.role):
            return shift + self._reject(data, begin, fed)
        if end - begin > MAX_HEAD:
            self.buffer = data[begin:end]
            if not self._cut_head():
                self._note(data[begin:end])
            if self.state is not _TUNNEL:
                self._lose()
            return shift + end
        if not self.buffer:
            self.buffer = data[begin:end]
        return shift + end

    def _reject(self, data: bytes, begin: int, fed: int) -> int:
        """What should be a head is none; keep its first line if it is text. Returns where to go on looking.

        What stands in ``data`` before ``fed`` came earlier.
        """
        if self._found:  # it stood in a body
            self._lose(data[begin:fed], blind=True)
            return fed
        introduced = not self.heads and self._synced and self.role is not _RESPONSES
        if introduced and (end := prelude_end(data, begin)) > begin:
            if end <= len(data):
                self._become(_HEAD)
                return end
            self.buffer = data[begin:]  # the rest of it is still to come
            return len(data)
        self.judged = not SOCKS.match(data, begin)
        self._note(data[begin : begin + MAX_HEAD])
        self._lose()
        framing = self.listener.foreign(self)
        if framing is not None:
            self.wire = self.body = 0
            self.text = self._search = None
            self._step(_BODY, framing.length)
            return begin
        if self.role is _UNKNOWN:
            return len(data)
        self._lose(data[begin:fed], blind=True)  # a message may begin behind whatever stands in front of it
        return fed

    def _offers(self, head: Head, framing: Framing) -> bool:
        """Whether the body is one that the peer is asked for first. RFC 9110 section 10.1.1."""
        return self.role is _REQUESTS and framing != NO_BODY and b"\nexpect:" in head.raw.lower()

    def _take_up(self, data: bytes, at: int) -> None:
        """Enter the body that was offered, unless the peer answered it unseen and the next request comes instead.

        RFC 9110 section 10.1.1 leaves open whether a client still sends what was refused; many don't. What is missing
        of the peer may have been that answer.
        """
        framing, before = self._offer
        peer = self.listener.peer(self)
        answered = peer.state is _LOST or (peer.heads > before and peer.heads >= self.heads)
        if answered and KNOWN.match(data, at):
            line_end = data.find(b"\n", at)
            if line_end >= 0 and first_line(data, at, line_end + 1, self.role):
                self._end(False)
                return
        self._go_on(framing)

    def _go_on(self, framing: Framing) -> None:
        """Enter the body."""
        kind, length = framing
        if kind is Body.CHUNKED:
            self._become(_CHUNK_SIZE)
        elif kind is Body.WAIT:
            self._end(True)
            self._become(_WAIT)
        elif kind in (Body.TUNNEL, Body.BROKEN):
            self._end(kind is Body.TUNNEL)
            self._become(_TUNNEL)
        elif length:
            self._step(_BODY, length)
        else:
            self._end(True)

    def _line(self, data: bytes, at: int) -> int:
        """Read a line of chunked coding, RFC 9112 section 7.1; return where it ends."""
        line_end = data.find(b"\n", at)
        if line_end < 0:
            self.buffer += data[at:]
            self.wire += len(data) - at
            if len(self.buffer) > _MAX_CHUNK_LINE:
                self._broken()
            return len(data)
        line = (self.buffer + data[at:line_end]).rstrip(b"\r")
        self.wire += line_end + 1 - at
        self.buffer = b""
        if self.state is _CHUNK_SIZE:
            size = line.split(b";", 1)[0].strip(b" \t")
            if not re.fullmatch(rb"0*[0-9A-Fa-f]{1,15}", size):
                self._broken()
            elif length := int(size, 16):
                self._step(_CHUNK_DATA, length)
            else:
                self.state = _TRAILER
        elif self.state is _CHUNK_END:
            if line:
                self._broken()
            else:
                self.state = _CHUNK_SIZE
        elif not line:
            self._end(True)
        return line_end + 1

    def _broken(self) -> None:
        """The chunked coding makes no sense: nothing more can be known of this direction."""
        if self.role is _RESPONSES:
            self.listener.broken_off(self)
            self._step(_BODY, FOREVER)
        else:
            self._end(False)
            self._become(_TUNNEL)

    def _wait(self, data: bytes, at: int, mark: Mark) -> int:
        if not self.buffer:
            self._mark = (mark[0], mark[1] + at & 0xFFFFFFFF, mark[2])
        self.buffer += data[at:]
        if len(self.buffer) > MAX_HEAD:
            self._become(_TUNNEL)
        return len(data)

    def _find(self, data: bytes, at: int, mark: Mark) -> int:
        """Pass by what is no message; return where to read on."""
        search = self._search
        assert search is not None
        found = search.find(data, at, mark, self.role)
        if found is None:
            self.wire += len(data) - at
            self.body += len(data) - at
            if self._open:
                rest, self._open = rest_of_head(data, at)
                self.body -= rest
            if search.passed > _GIVE_UP and self._synced and self.role is _UNKNOWN:
                self._become(_TUNNEL)
            return len(data)
        passed = found.resume - at - len(found.before)  # what was passed by before may belong to what was found
        self.wire += passed
        self.body += passed
        self.listener.ended(self, False)
        self._become(_HEAD)
        self._found = True
        self.buffer, self._mark, self._at = found.before, found.mark, found.at
        return found.resume
