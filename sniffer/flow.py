"""One flow: two streams read together, what is missing given up in time, its end.

Knows nothing of frames or of other flows. Time is that of the packets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sniffer.decode import ACK, FIN, RST, Segment
from sniffer.http1 import State
from sniffer.message import NO_ACK
from sniffer.pairing import Counts, Pairing
from sniffer.startline import Role
from sniffer.stream import MASK, WINDOW, Stream, distance
from sniffer.transaction import Transaction

if TYPE_CHECKING:
    from sniffer.exchange import Answered, Asked

SECOND = 1_000_000_000  # ns
NEVER = 1 << 63
_MAX_HOLES = 64  # in the bodies of one direction, that may still be filled; the older ones are taken for gaps
HELD_COST = 200  # bytes that a held segment takes beside its data
_HOLE_COST = 150  # bytes that a hole takes that may still be filled
FAR = 1 << 24  # bytes; more than a window, however scaled, is in flight at a time
_NEAR = 1 << 20  # bytes; a number further off is not of this connection, or not worth waiting for


@dataclass(frozen=True, slots=True)
class Limits:
    """What a network may cost. docs/limits.md says what happens at each."""

    flows: int = 10_000
    half_open: int = 32_768  # directions of which only a SYN came
    flow_bytes: int = 1024 * 1024  # held back in one direction of a flow
    flow_segments: int = 2000  # held back in one direction of a flow, however small
    all_bytes: int = 26 * 1024 * 1024  # held back, kept of heads, and what flows take themselves, in all
    acknowledged: int = SECOND // 10  # ns to wait for bytes that the peer says it has
    missing: int = 2 * SECOND  # ns to wait for bytes without such a word
    closed: int = 2 * SECOND  # ns that a closed flow is remembered, so that copies of its segments are known
    idle: int = 600 * SECOND  # ns without a segment
    life: int = 24 * 3600 * SECOND  # ns from a flow's first segment


class Flow:
    """Two streams between two endpoints, and the exchanges that they carry."""

    __slots__ = (
        "alarm",
        "answered",
        "armed",
        "asked",
        "began",
        "blocked",
        "closed",
        "hurried",
        "limits",
        "pairing",
        "reset",
        "resting",
        "seen",
        "size",
        "streams",
        "waits",
    )

    def __init__(
        self,
        keys: tuple[bytes, bytes],
        begins: tuple[int | None, int | None],
        time: int,
        limits: Limits,
        out: list[Transaction],
        counts: Counts,
    ) -> None:
        """``begins``: the first sequence number of each direction, where its SYN was seen."""
        self.pairing = Pairing(keys[0], out, counts, begins)
        first, second = map(Stream, keys, self.pairing.readers)
        first.flow = second.flow = self
        first.peer, second.peer = second, first
        self.streams: tuple[Stream, ...] = (first, second)
        for stream, begin in zip(self.streams, begins, strict=True):
            if begin is not None:
                stream.start(begin)
        self.limits = limits
        self.hurried = False  # what is missing and acknowledged was dropped before it came here: it is not waited for
        self.began = time
        self.seen = time  # when the last segment came
        self.alarm = NEVER  # when what is missing is given up; kept by ``watch``
        self.armed = NEVER  # when its table looks at it next
        self.blocked = False  # a piece waits for bytes of the other direction
        self.closed = False
        self.reset = NEVER  # when the flow is closed because of RST
        self.size = 0  # bytes that it keeps, as its table knows
        self.asked: Asked | None = None  # a request that is not read yet, see ``exchange``
        self.answered: Answered | None = None  # its response, if that is not read either
        self.waits = 0  # about how many bytes the two keep
        self.resting = False  # nothing happened since its last exchange that ``exchange`` took

    def segment(self, stream: Stream, segment: Segment) -> None:
        """Take a segment of one direction. SYN was counted in its sequence number before."""
        time, _, seq, ack, flags, length, data, start = segment
        self.catch_up()
        self.seen = time
        if flags & ACK:
            stream.ack = ack
        else:
            ack = NO_ACK
        if length:
            if stream.begin is None and ack != NO_ACK:
                stream.begin = ack
            whole = length == len(data) - start
            if seq == stream.next and whole and stream.started and not stream.held and not self._blocks(stream, ack):
                self.pairing.now = time
                stream.next = (seq + length) & MASK
                stream.reader.feed(data[start:], (time, seq, ack))
                if not (flags & (FIN | RST) or stream.fin is not None or stream.peer.held or self.pairing.doubtful):
                    return
            else:
                if stream.holes and distance(seq, stream.next) < 0:
                    stream.fill(seq, length)
                stream.hold(seq, length, data[start : start + length], time, ack)
        if flags & FIN and not (stream.started and distance(seq, stream.next) > WINDOW):
            stream.fin, stream.fin_time = (seq + length) & MASK, time
        self._drain()
        if flags & RST and (not stream.started or abs(distance(seq, stream.next)) < _NEAR):
            self.reset = min(self.reset, time + self.limits.acknowledged)  # what was sent before may be captured after
        limits = self.limits
        for each in self.streams:
            while each.holding > limits.flow_bytes or len(each.held) > limits.flow_segments:
                self.give_up()
        self.watch()

    def catch_up(self) -> None:
        """Read what waits, if anything does, as if it came now: its exchange does not go on in the ordinary way."""
        self.resting = False
        if self.asked is None:
            return
        stream, time, seq, ack, data, start, _, end, _ = self.asked
        answered = self.answered
        self.asked = self.answered = None
        self.waits = 0
        self.pairing.now = time
        stream.reader.feed(data[start:end], (time, seq, ack))
        if answered is not None:
            time, seq, ack, head, _, _, _ = answered
            reader = stream.peer.reader
            left, reader.skip = reader.skip, 0
            self.pairing.now = time
            reader.feed(head, (time, seq, ack))
            reader.skip = left

    @property
    def finished(self) -> bool:
        """Whether both directions were read to their ends."""
        return self.streams[0].finished and self.streams[1].finished

    @property
    def keeps(self) -> int:
        """About how many bytes it keeps."""
        first, second = self.streams
        size = self.pairing.kept + first.reader.kept + second.reader.kept
        if first.held or second.held:
            size += first.holding + second.holding + HELD_COST * (len(first.held) + len(second.held))
        if first.holes or second.holes:
            size += _HOLE_COST * (len(first.holes) + len(second.holes))
        return size

    def watch(self) -> None:
        """Set the time when what is missing is given up, counted from when what follows it came."""
        alarm = self.reset
        patience = 0 if self.hurried else self.limits.acknowledged
        for stream in self.streams:
            if stream.held:
                soon = self.blocked or not stream.started or distance(stream.peer.ack, stream.next) > 0
                alarm = min(alarm, stream.held[0][3] + (patience if soon else self.limits.missing))
            elif stream.fin is not None and stream.started:  # the last bytes are missing
                soon = distance(stream.peer.ack, stream.fin) >= 0
                alarm = min(alarm, stream.fin_time + (patience if soon else self.limits.missing))
        if alarm == NEVER and self.pairing.doubtful:
            alarm = self.seen + self.limits.missing
        self.alarm = alarm

    def ring(self) -> None:
        """What the alarm was set for did not come."""
        if self.reset != NEVER or any(stream.held or stream.fin is not None for stream in self.streams):
            self.give_up()
        else:
            self.pairing.paused()

    def give_up(self) -> None:
        """Declare the first hole of each direction a gap, or the bytes that a waiting piece waits for."""
        self.catch_up()
        for stream in self.streams:
            hole = stream.hole()
            if hole is None:
                if stream.fin is not None and stream.started:
                    self._end_short(stream, max(0, distance(stream.fin, stream.next)))
                continue
            if not stream.started:
                self._pick_up(stream, stream.lowest())
            elif hole > 0:
                self._gap(stream, hole)
            elif self._blocks(stream, ack := stream.held[0][4]):
                self._unblock(stream.peer, ack)
        self._drain()

    def close(self) -> None:
        """End the flow: read what is held, tell what is open."""
        self.catch_up()
        while any(stream.held for stream in self.streams):
            self.give_up()
        self.pairing.now = self.seen
        self.pairing.close()
        for stream in self.streams:
            for _, length in stream.holes:
                self._count(length)
            stream.holes = []
        self.closed = True
        self.alarm = NEVER

    def dismantle(self) -> None:
        """Cut what refers to each other, so that the memory is free at once."""
        for stream in self.streams:
            del stream.reader.listener, stream.reader, stream.peer, stream.flow
        self.streams = ()

    def _blocks(self, stream: Stream, ack: int) -> bool:
        """Whether a piece must wait: it was sent after bytes of the peer that did not come yet, and may answer them."""
        reader = stream.reader
        if ack == NO_ACK or reader.skip or reader.state is State.TUNNEL:
            return False
        if reader.role is Role.REQUESTS and reader.state is not State.OFFERED:
            return False
        peer = stream.peer
        return not peer.started or distance(ack, peer.next) > 0

    def _drain(self) -> None:
        """Read all that is ready in both directions; reading one may make the other ready."""
        moved = True
        while moved:
            moved = False
            self.blocked = False
            first, second = self.streams
            for stream in (second, first) if first.held and self._waits_longer(second) else (first, second):
                while stream.held and stream.started and self._next(stream):
                    moved = True
                    if stream.held and self._waits_longer(stream.peer):
                        break  # in the order of their capture, or requests would pile up that were answered
                if stream.fin is not None and stream.started and not stream.held and stream.next == stream.fin:
                    self._end(stream, orderly=True)
                    moved = True

    @staticmethod
    def _waits_longer(stream: Stream) -> bool:
        """Whether its first held piece was captured before that of its peer, which holds some, too."""
        return bool(stream.held) and stream.held[0][3] < stream.peer.held[0][3]

    def _end(self, stream: Stream, orderly: bool) -> None:
        """Pass FIN."""
        stream.fin = None
        stream.advance(1)  # FIN has a number of its own
        self.pairing.now = self.seen
        stream.reader.close(orderly)
        stream.finished = True

    def _end_short(self, stream: Stream, missing: int) -> None:
        """Pass FIN though the last bytes never came; they do not count in a body."""
        if missing > stream.reader.skip:  # messages may be missing, too
            self._gap(stream, missing)
        elif missing:
            self._count(missing)
            stream.advance(missing)
        self._end(stream, orderly=False)

    def _next(self, stream: Stream) -> bool:
        """Read the first held piece, or step over a hole in a body; False if neither can be done yet."""
        hole = stream.hole() or 0
        if hole > 0:
            if hole > stream.reader.skip:
                return False
            stream.skip(hole)
            if len(stream.holes) > _MAX_HOLES:
                self._count(stream.holes.pop(0)[1])
            stream.reader.gap(hole)
            return True
        if self._blocks(stream, stream.held[0][4]):
            self.blocked = True
            return False
        self._read(stream)
        return True

    def _read(self, stream: Stream) -> None:
        piece = stream.take()
        if piece is None:
            return
        _, length, data, time, ack = piece
        self.pairing.now = time
        if data is None:
            self._gap(stream, length)
        else:
            seq = stream.next
            stream.advance(length)
            stream.reader.feed(data, (time, seq, ack))

    def _gap(self, stream: Stream, length: int) -> None:
        """Go on behind bytes that never came. A jump further than a window is another connection's, and no length."""
        self._count(length if length < FAR else 0)
        self.pairing.missing = stream.next + min(stream.reader.skip, length) & MASK  # what is of a body is known
        stream.advance(length)
        stream.reader.gap(length)

    def _count(self, length: int) -> None:
        self.pairing.counts.gaps += 1
        self.pairing.counts.gap_bytes += length

    def _unblock(self, peer: Stream, ack: int) -> None:
        """Give up what a piece of the other direction waits for: the peer's bytes before ``ack``."""
        if not peer.started:
            self._pick_up(peer, peer.lowest() if peer.held else ack)
        elif not peer.held:
            self._gap(peer, distance(ack, peer.next))
        elif (hole := peer.hole() or 0) > 0:
            self._gap(peer, hole)
        else:  # both wait for each other
            self._read(peer)

    @staticmethod
    def _pick_up(stream: Stream, seq: int) -> None:
        """Begin in the middle: where the peer's first bytes acknowledged, else at ``seq``."""
        begin = stream.peer.begin
        stream.start(begin if begin is not None and 0 <= distance(seq, begin) < _NEAR else seq)
