"""Segments -> flows: opened, fed in order, closed, expired. The hot path of the sniffer.

Time is that of the packets. Nothing is done for a segment that only acknowledges, and what lies within a body is
stepped over by arithmetic.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from sniffer.decode import ACK, FIN, RST, SYN, Segment
from sniffer.http1 import Role, State
from sniffer.pairing import NO_ACK, Counts, Pairing
from sniffer.stream import MASK, Stream, distance
from sniffer.transaction import Transaction

SECOND = 1_000_000_000  # ns
NEVER = 1 << 63
_MAX_HOLES = 64  # in the bodies of one direction, that may still be filled; the older ones are taken for gaps


@dataclass(frozen=True, slots=True)
class Limits:
    """What a network may cost. Reasons stand in docs/limits.md."""

    flows: int = 32_768
    half_open: int = 32_768  # connections of which only SYNs came
    flow_bytes: int = 1024 * 1024  # held back in one direction of a flow
    all_bytes: int = 24 * 1024 * 1024  # held back and kept in all
    acknowledged: int = SECOND // 10  # ns to wait for bytes that the peer says it has
    missing: int = 2 * SECOND  # ns to wait for bytes without such a word
    closed: int = 2 * SECOND  # ns that a closed flow is remembered, so that copies of its segments are known
    idle: int = 600 * SECOND  # ns without a segment
    exchange: int = 24 * 3600 * SECOND  # ns from a flow's beginning


class Flow:
    """Two streams between two endpoints, and what they carry."""

    __slots__ = ("alarm", "began", "blocked", "closed", "pairing", "seen", "size", "streams")

    def __init__(self, key: bytes, back: bytes, pairing: Pairing, time: int) -> None:
        first, second = Stream(key, self, pairing.readers[0]), Stream(back, self, pairing.readers[1])
        first.peer, second.peer = second, first
        self.streams = (first, second)
        self.pairing = pairing
        self.began = time
        self.seen = time  # when the last segment came
        self.alarm = NEVER  # when something missing is given up
        self.blocked = False
        self.closed = False
        self.size = 0  # bytes held and kept, as last added to the total


def reverse(key: bytes) -> bytes:
    """Return the key of the other direction."""
    half = (len(key) - 4) // 2
    return key[half : 2 * half] + key[:half] + key[-2:] + key[-4:-2]


def endpoints(key: bytes) -> tuple[bytes, bytes]:
    """Return the source's and the destination's address and port."""
    half = (len(key) - 4) // 2
    return key[:half] + key[-4:-2], key[half : 2 * half] + key[-2:]


class Flows:
    """All flows. ``out`` gathers the transactions; whoever feeds takes them away."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.out: list[Transaction] = []
        self.exchanges = Counts()
        self.flows = 0  # opened so far
        self.gaps = 0  # holes given up
        self.gap_bytes = 0
        self.evicted = 0  # flows closed at a bound
        self.now = 0
        self._streams: dict[bytes, Stream] = {}
        self._half_open: dict[bytes, int] = {}
        self._waiting: dict[Flow, None] = {}
        self._alarm = NEVER
        self._closed: dict[Flow, int] = {}
        self._size = 0
        self._swept = 0

    def feed(self, segments: Iterable[Segment]) -> None:
        """Take segments in the order in which they were captured."""
        streams = self._streams
        for segment in segments:
            time, key, seq, ack, flags, length, _, _ = segment
            if time >= self._alarm:
                self._ring(time)
            stream = streams.get(key)
            if stream is not None and not flags & 7:
                stream.flow.seen = time
                if length:
                    reader = stream.reader
                    if seq == stream.next and length < reader.skip:
                        reader.skip -= length
                        stream.next = (seq + length) & MASK
                        stream.ack = ack
                        continue
                else:
                    stream.ack = ack
                    if stream.flow.alarm != NEVER:
                        self._watch(stream.flow, time)
                    continue
            self._segment(stream, segment)

    def tick(self, now: int) -> None:
        """Give up and close what has waited too long."""
        self.now = max(self.now, now)
        if now >= self._alarm:
            self._ring(now)
        limits = self.limits
        while self._closed:
            flow, until = next(iter(self._closed.items()))
            if until > now:
                break
            self._forget(flow)
        if now - self._swept >= 10 * SECOND or now < self._swept:
            self._swept = now
            for flow in {stream.flow for stream in self._streams.values()}:
                if now - flow.seen > limits.idle or now - flow.began > limits.exchange:
                    self._close(flow, now)
                    self._forget(flow)

    def finish(self) -> None:
        """Close all flows."""
        for flow in sorted({stream.flow for stream in self._streams.values()}, key=lambda flow: flow.began):
            self._close(flow, flow.seen)
        self._streams.clear()
        self._half_open.clear()

    def _segment(self, stream: Stream | None, segment: Segment) -> None:
        """Take a segment that is not simply the next one of a body, or a bare acknowledgement."""
        time, key, seq, ack, flags, length, data, start = segment
        if flags & SYN:
            seq = (seq + 1) & MASK
            if stream is not None and not self._same(stream, seq):  # the port is used again
                self._close(stream.flow, time)
                self._forget(stream.flow)
                stream = None
            if stream is None:
                self._open_half(key, seq)
                if flags & ACK:
                    self._open_half(reverse(key), ack)
            else:
                self._begin(stream, seq)
                if flags & ACK:
                    self._begin(stream.peer, ack)
        if stream is None:
            if not length:
                return
            stream = self._open(key, time, seq, ack if flags & ACK else NO_ACK)
        flow = stream.flow
        flow.seen = time
        if flow.closed:
            return
        if flags & ACK:
            stream.ack = ack
        else:
            ack = NO_ACK
        if length:
            if stream.begin is None and ack != NO_ACK:
                stream.begin = ack
            if (
                seq == stream.next
                and stream.started
                and not stream.held
                and length == len(data) - start
                and not self._blocks(stream, ack)
            ):
                flow.pairing.now = time
                stream.next = (seq + length) & MASK
                stream.reader.feed(data[start:] if start else data, (time, seq, ack))
            else:
                if stream.holes and distance(seq, stream.next) < 0:
                    stream.fill(seq, length)
                stream.hold(seq, length, data[start : start + length], time, ack)
        if flags & FIN:
            stream.fin = (seq + length) & MASK
        self._drain(flow, time)
        if flags & RST and (not stream.started or abs(distance(seq, stream.next)) < 1 << 20):
            self._close(flow, time)
            return
        self._settle(flow, time)

    @staticmethod
    def _same(stream: Stream, seq: int) -> bool:
        """Whether a SYN belongs to the stream as it is known: a copy, or the one that was captured late."""
        return not stream.started or seq == stream.first or 0 <= distance(stream.first, seq) < 1 << 16

    @staticmethod
    def _begin(stream: Stream, seq: int) -> None:
        """Now the beginning of a stream is known, unless it was before."""
        if not stream.started:
            stream.start(seq)
            stream.reader.sync()

    def _open_half(self, key: bytes, seq: int) -> None:
        half_open = self._half_open
        half_open.pop(key, None)
        if len(half_open) >= self.limits.half_open:
            del half_open[next(iter(half_open))]
        half_open[key] = seq

    def _open(self, key: bytes, time: int, seq: int, ack: int) -> Stream:
        if len(self._streams) >= 2 * self.limits.flows:
            self._evict(max(1, self.limits.flows // 64))
        back = reverse(key)
        first, second = self._half_open.pop(key, None), self._half_open.pop(back, None)
        if second is None and first == seq and ack != NO_ACK:
            second = ack  # the answer to SYN was not captured; the first data acknowledge it
        pairing = Pairing(endpoints(key), self.out, self.exchanges, (first is not None, second is not None))
        flow = Flow(key, back, pairing, time)
        for stream, begin in zip(flow.streams, (first, second), strict=True):
            self._streams[stream.key] = stream
            if begin is not None:
                stream.start(begin)
        self.flows += 1
        return flow.streams[0]

    def _blocks(self, stream: Stream, ack: int) -> bool:
        """Whether a piece must wait: it was sent after bytes of the peer that did not come yet, and may answer them."""
        reader = stream.reader
        if ack == NO_ACK or reader.role is Role.REQUESTS or reader.skip or reader.state is State.TUNNEL:
            return False
        peer = stream.peer
        if not peer.started:
            return True
        return distance(ack, peer.next) > 0

    def _drain(self, flow: Flow, time: int) -> None:
        """Read all that is ready in both directions."""
        moved = True
        while moved:
            moved = False
            flow.blocked = False
            for stream in flow.streams:
                while stream.held and stream.started and not flow.closed:
                    hole = stream.hole() or 0
                    reader = stream.reader
                    if hole > 0:
                        if hole > reader.skip:
                            break
                        stream.skip(hole)
                        if len(stream.holes) > _MAX_HOLES:
                            self._count_gap(stream.holes.pop(0)[1])
                        reader.gap(hole)
                        moved = True
                        continue
                    piece = stream.held[0]
                    if self._blocks(stream, piece[4]):
                        flow.blocked = True
                        break
                    self._read(stream)
                    moved = True
                if stream.fin is not None and stream.started and not stream.held and stream.next == stream.fin:
                    stream.fin = None
                    stream.advance(1)  # FIN has a number of its own
                    flow.pairing.now = time
                    stream.reader.close()
                    stream.finished = True
                    moved = True

    def _read(self, stream: Stream) -> None:
        piece = stream.take()
        if piece is None:
            return
        _, length, data, time, ack = piece
        stream.flow.pairing.now = time
        seq = stream.next
        stream.advance(length)
        if data is None:
            self._missing(stream, seq, length)
        else:
            stream.reader.feed(data, (time, seq, ack))

    def _step(self, stream: Stream, length: int) -> None:
        """Give up ``length`` bytes."""
        seq = stream.next
        stream.advance(length)
        self._missing(stream, seq, length)

    def _missing(self, stream: Stream, seq: int, length: int) -> None:
        self._count_gap(length)
        stream.flow.pairing.missing = seq
        stream.reader.gap(length)

    def _count_gap(self, length: int) -> None:
        self.gaps += 1
        self.gap_bytes += length

    def _settle(self, flow: Flow, time: int) -> None:
        """After a change: watch what is missing, keep to the bounds, close what has ended."""
        first, second = flow.streams
        if first.finished and second.finished:
            self._close(flow, time)
            return
        size = first.holding + second.holding + first.reader.buffered + second.reader.buffered + flow.pairing.kept
        self._size += size - flow.size
        flow.size = size
        if first.held or second.held:
            if max(first.holding, second.holding) > self.limits.flow_bytes or len(first.held) + len(second.held) > 2000:
                self._give_up(flow, time)
            self._watch(flow, time)
        elif flow.alarm != NEVER:
            flow.alarm = NEVER
            self._waiting.pop(flow, None)
        while self._size > self.limits.all_bytes:
            self._evict(max(1, len(self._streams) // 128))

    def _watch(self, flow: Flow, time: int) -> None:
        """Set the time when what is missing is given up."""
        limit = self.limits.missing
        for stream in flow.streams:
            if stream.held and (flow.blocked or not stream.started or distance(stream.peer.ack, stream.next) > 0):
                limit = self.limits.acknowledged
        flow.alarm = min(flow.alarm, time + limit)
        self._waiting[flow] = None
        self._alarm = min(self._alarm, flow.alarm)

    def _ring(self, time: int) -> None:
        """Give up what has waited long enough."""
        for flow in [flow for flow in self._waiting if flow.alarm <= time]:
            flow.alarm = NEVER
            del self._waiting[flow]
            self._give_up(flow, time)
            self._settle(flow, time)
        self._alarm = min((flow.alarm for flow in self._waiting), default=NEVER)

    def _give_up(self, flow: Flow, time: int) -> None:
        """Declare the first hole of each direction a gap, or the bytes that a blocked piece waits for."""
        for stream in flow.streams:
            hole = stream.hole()
            if hole is None:
                continue
            if not stream.started:
                self._pick_up(stream)
            elif hole > 0:
                self._step(stream, hole)
            elif self._blocks(stream, ack := stream.held[0][4]):
                peer = stream.peer
                if not peer.started:
                    self._pick_up(peer, ack)
                elif peer.held and distance(ack, peer.next) > 0:
                    behind = peer.hole() or 0
                    if behind > 0:
                        self._step(peer, behind)
                    else:
                        self._read(peer)
                else:
                    self._step(peer, distance(ack, peer.next))
        self._drain(flow, time)

    @staticmethod
    def _pick_up(stream: Stream, ack: int = 0) -> None:
        """Begin in the middle: where the peer's first bytes acknowledged, else with what was captured first."""
        seq = stream.lowest() if stream.held else ack
        begin = stream.peer.begin
        stream.start(begin if begin is not None and 0 <= distance(seq, begin) < 1 << 20 else seq)

    def _close(self, flow: Flow, time: int) -> None:
        """End a flow: read what is held, tell what is open. Its segments are known as copies for a while."""
        if flow.closed:
            return
        while any(stream.held for stream in flow.streams):
            self._give_up(flow, time)
        flow.pairing.now = flow.seen
        flow.pairing.close()
        for stream in flow.streams:
            for _, length in stream.holes:
                self._count_gap(length)
            stream.holes = []
        flow.closed = True
        self._size -= flow.size
        flow.size = 0
        self._waiting.pop(flow, None)
        flow.alarm = NEVER
        self._closed[flow] = time + self.limits.closed

    def _forget(self, flow: Flow) -> None:
        self._closed.pop(flow, None)
        for stream in flow.streams:
            if self._streams.get(stream.key) is stream:
                del self._streams[stream.key]

    def _evict(self, count: int) -> None:
        """Close the flows that were idle for the longest time."""
        flows = {stream.flow for stream in self._streams.values()}
        for flow in heapq.nsmallest(count, flows, key=lambda flow: (not flow.closed, flow.seen)):
            if not flow.closed:
                self.evicted += 1
                self._close(flow, flow.seen)
            self._forget(flow)
