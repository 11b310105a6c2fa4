"""One direction of a flow: segments in any order -> pieces in order, with what is missing between them.

Knows sequence numbers (RFC 9293), nothing of what the bytes mean. The first arrival of a byte wins.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sniffer.flow import Flow
    from sniffer.http1 import Reader

MASK = 0xFFFFFFFF  # sequence numbers are modulo 2**32
HALF = 0x80000000
WINDOW = 1 << 30  # the largest window that TCP can have (RFC 7323 section 2.3): further ahead is not of this stream

_BEFORE = 1 << 24  # room for what came earlier, while the beginning is not known

Piece = tuple[int, int, bytes | None, int, int]
"""(distance from the stream's origin, length, bytes or None if they were not captured, time, ack)."""


_NONE: list[tuple[int, int]] = []  # shared by all streams that miss nothing; never changed
_NOTHING: list[Piece] = []  # shared likewise by all that never held anything


def distance(a: int, b: int) -> int:
    """How far sequence number ``a`` is ahead of ``b``; negative if it is behind."""
    d = (a - b) & MASK
    return d - 0x100000000 if d >= HALF else d


def _place(piece: Piece) -> int:
    return piece[0]


class Stream:
    """One direction: what comes next, and what came too early.

    ``next`` is the sequence number of the next byte. Held pieces are placed by their distance from ``base``, a
    sequence number that moves only when nothing is held.
    """

    __slots__ = (
        "ack",
        "base",
        "begin",
        "ends",
        "fin",
        "fin_time",
        "finished",
        "first",
        "flow",
        "held",
        "holding",
        "holes",
        "key",
        "next",
        "peer",
        "reader",
        "started",
    )

    flow: Flow
    peer: Stream

    def __init__(self, key: bytes, reader: Reader) -> None:
        self.key = key
        self.reader = reader
        self.next = 0
        self.first = 0  # the first sequence number, after SYN
        self.started = False  # next is known
        self.ack = 0  # the newest acknowledgement number seen in this direction
        self.begin: int | None = None  # the acknowledgement number of the first data
        self.ends: tuple[bytes, bytes] | None = None  # its source and destination, once ``exchange`` has asked
        self.fin: int | None = None  # the sequence number behind the last byte
        self.fin_time = 0  # when it was said
        self.finished = False  # all of it was read
        self.held: list[Piece] = _NOTHING
        self.holding = 0  # bytes held
        self.base = 0
        self.holes: list[tuple[int, int]] = _NONE  # sequence number and length of what was stepped over unseen

    def start(self, seq: int) -> None:
        """The stream's next byte has this sequence number."""
        self.next = self.first = seq & MASK
        self.started = True
        if not self.held:
            self.base = self.next

    def hold(self, seq: int, length: int, data: bytes, time: int, ack: int) -> int:
        """Keep a segment that is to be looked at; return how many bytes were new. ``data`` may be cut."""
        if not self.held:
            if not self.started:
                self.next = (seq - _BEFORE) & MASK
            self.base = self.next
        place = distance(seq, self.base)
        end = place + length
        behind = distance(self.next, self.base)
        if place < behind:
            data, place = data[behind - place :], behind
        if end <= place or end - behind > WINDOW:
            return 0
        if self.held is _NOTHING:
            self.held = []
        new = 0
        origin, captured = place, place + len(data)
        # Most come in order: what is held already costs them nothing.
        late = self.held and place < self.held[-1][0] + self.held[-1][1]
        for begin, stop in self._gaps(place, end) if late else ((place, end),):
            new += stop - begin
            pieces: list[Piece] = []
            if captured > begin:
                kept = data[begin - origin : stop - origin]
                pieces.append((begin, len(kept), kept, time, ack))
                self.holding += len(kept)
                begin += len(kept)
            if begin < stop:
                pieces.append((begin, stop - begin, None, time, ack))
            if late:
                for piece in pieces:
                    insort(self.held, piece, key=_place)
            else:
                self.held += pieces
        return new

    def _gaps(self, place: int, end: int) -> list[tuple[int, int]]:
        """Return what of a range no earlier arrival has, as begins and ends."""
        gaps = []
        for at in range(max(0, bisect_right(self.held, place, key=_place) - 1), len(self.held)):
            piece = self.held[at]
            if piece[0] >= end:
                break
            if piece[0] + piece[1] <= place:
                continue
            if piece[0] > place:
                gaps.append((place, piece[0]))
            place = piece[0] + piece[1]
        if place < end:
            gaps.append((place, end))
        return gaps

    def skip(self, length: int) -> None:
        """Step over bytes that may still come, but need not be seen."""
        self.holes = [*self.holes, (self.next, length)]
        self.advance(length)

    def fill(self, seq: int, length: int) -> None:
        """Take note that bytes behind ``next`` came after all."""
        left = []
        for begin, size in self.holes:
            start, stop = max(0, distance(seq, begin)), min(size, distance(seq, begin) + length)
            if stop <= start:
                left.append((begin, size))
                continue
            if start:
                left.append((begin, start))
            if stop < size:
                left.append(((begin + stop) & MASK, size - stop))
        self.holes = left or _NONE

    def hole(self) -> int | None:
        """How many bytes are missing before the first held piece; None if nothing is held."""
        return self.held[0][0] - distance(self.next, self.base) if self.held else None

    def take(self) -> Piece | None:
        """Take the first held piece, if it begins no later than it should; None if nothing of it is new."""
        place, length, data, time, ack = self.held.pop(0)
        if data is not None:
            self.holding -= len(data)
        known = distance(self.next, self.base) - place
        if known >= length:
            return None
        return place + known, length - known, data[known:] if data else data, time, ack

    def lowest(self) -> int:
        """Return the sequence number of the first held piece."""
        return (self.base + self.held[0][0]) & MASK

    def advance(self, count: int) -> None:
        """Step over ``count`` bytes."""
        self.next = (self.next + count) & MASK
