"""All flows: segments given to theirs, opened, closed, expired, kept to the bounds. The hot path of the sniffer.

Time is that of the packets. Nothing is done for a segment that only acknowledges, and what lies within a body is
stepped over by arithmetic.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable
from itertools import count
from operator import attrgetter

from sniffer.decode import ACK, SYN, Segment
from sniffer.exchange import Exchanges
from sniffer.flow import FAR, NEVER, SECOND, Flow, Limits
from sniffer.pairing import Counts
from sniffer.startline import BEGINS
from sniffer.stream import MASK, Stream, distance
from sniffer.transaction import Transaction

_SWEEP = 10 * SECOND  # ns between two looks for idle flows
_STREAM_COST = 1100  # bytes that a direction takes when nothing is kept of it
_EVICT = 16  # at a bound this part of the flows is closed at once, so that the search for the oldest is paid off
_LATE_SYN = 1 << 16  # bytes that may have been captured before the SYN in front of them


class HalfOpen:
    """Sequence numbers that SYNs announced. At the bound the older half is forgotten."""

    def __init__(self, limit: int) -> None:
        self._limit = limit // 2
        self._young: dict[bytes, int] = {}
        self._old: dict[bytes, int] = {}

    def add(self, key: bytes, seq: int) -> None:
        """Take note of the first sequence number of a direction."""
        if len(self._young) >= self._limit:
            self._old, self._young = self._young, {}
        self._young[key] = seq

    def take(self, key: bytes) -> int | None:
        """Return what is known of a direction, and forget it."""
        seq = self._young.pop(key, None)
        old = self._old.pop(key, None)
        return old if seq is None else seq


class Flows:
    """The flows by key. ``out`` gathers the transactions; whoever feeds takes them away."""

    def __init__(self, limits: Limits, counts: Counts) -> None:
        self.limits = limits
        self.counts = counts
        self.out: list[Transaction] = []
        self._exchanges = Exchanges(self.out, counts)
        self._streams: dict[bytes, Stream] = {}
        self._half_open = HalfOpen(limits.half_open)
        self._alarms: list[tuple[int, int, Flow]] = []  # a heap of when to look at which flow
        self._alarm = NEVER  # the first of them
        self._armed = count()  # keeps flows of one time apart
        self._closed: deque[tuple[int, Flow]] = deque()  # closed flows with when they are forgotten
        self._size = 0  # bytes kept
        self._swept = 0

    def feed(self, segments: Iterable[Segment], hurried: bool = False) -> None:
        """Take segments in the order in which they were captured; ``hurried``: see ``Observer.feed``."""
        streams, most = self._streams, self.limits.all_bytes
        ask, answer = self._exchanges.ask, self._exchanges.answer
        for segment in segments:
            time, key, seq, ack, flags, length, _, _ = segment
            if time >= self._alarm:
                self._ring(time)
            stream = streams.get(key)
            if stream is not None and not flags & 7:
                flow = stream.flow
                flow.seen = time
                if not length:
                    stream.ack = ack
                    if flow.alarm != NEVER:
                        flow.watch()
                        self._arm(flow)
                    continue
                if seq == stream.next:
                    reader = stream.reader
                    if length < reader.skip:
                        reader.skip -= length
                        stream.next = (seq + length) & MASK
                        stream.ack = ack
                        continue
                    if ask(stream, segment) if flow.asked is None else answer(stream, segment):
                        self._size += flow.waits - flow.size
                        flow.size = flow.waits
                        if self._size + _STREAM_COST * len(streams) > most:
                            self._grow(flow, flow.waits)
                        continue
            if flags & SYN:
                segment = (time, key, (seq + 1) & MASK, *segment[3:])
                stream = self._syn(stream, segment)
            if stream is None:
                if not length:
                    continue
                stream = self._open(segment)
                if not flags & 7 and seq == stream.next and ask(stream, segment):
                    self._grow(stream.flow, stream.flow.waits)
                    continue
            flow = stream.flow
            if length and seq != stream.next and self._of_another(stream, segment):
                self._drop(flow)
                stream = self._open(segment)
                flow = stream.flow
            if flow.closed:
                continue
            flow.hurried = hurried
            flow.segment(stream, segment)
            if flow.finished:
                self._close(flow)
                continue
            if flow.alarm < flow.armed:
                self._arm(flow)
            self._account(flow)

    def tick(self, now: int) -> None:
        """Give up and close what has waited too long."""
        if now >= self._alarm:
            self._ring(now)
        while self._closed and self._closed[0][0] <= now:
            self._forget(self._closed.popleft()[1])
        if not 0 <= now - self._swept < _SWEEP:
            self._swept = now
            for flow in self._open_flows():
                if now - flow.seen > self.limits.idle or now - flow.began > self.limits.life:
                    self._close(flow)

    def finish(self) -> None:
        """Close all flows, the oldest first."""
        for flow in sorted(self._open_flows(), key=attrgetter("began")):
            self._close(flow)
        self._streams.clear()
        self._closed.clear()

    def _syn(self, stream: Stream | None, segment: Segment) -> Stream | None:
        """Take note of the beginning that a SYN announces; return its stream if that is known."""
        time, key, seq, ack, flags, _, _, _ = segment
        if stream is not None:
            same = not stream.started or 0 <= distance(stream.first, seq) < _LATE_SYN
            if same and not self._over(stream.flow, time):  # a copy, or captured late
                self._begin(stream, seq)
                if flags & ACK:
                    self._begin(stream.peer, ack)
                return stream
            self._drop(stream.flow)  # the ports are used again
        self._half_open.add(key, seq)
        if flags & ACK:
            self._half_open.add(reverse(key), ack)
        return None

    def _over(self, flow: Flow, time: int) -> bool:
        """Whether a SYN is no copy, though its number is known: who had an answer does not ask for a connection."""
        if abs(time - flow.seen) <= self.limits.closed:  # an older capture may be read after a newer one
            return False
        return flow.closed or all(stream.started and stream.next != stream.first for stream in flow.streams)

    @staticmethod
    def _of_another(stream: Stream, segment: Segment) -> bool:
        """Whether a segment begins a message far from where its stream is: the ports are used again, unseen."""
        if not stream.started:
            return False
        ahead = distance(segment[2], stream.next)
        far = ahead > (0 if stream.flow.closed else FAR) or ahead < -FAR
        return far and BEGINS.match(segment[6], segment[7]) is not None

    @staticmethod
    def _begin(stream: Stream, seq: int) -> None:
        if not stream.started:
            stream.start(seq)
            stream.reader.sync()

    def _open(self, segment: Segment) -> Stream:
        time, key, seq, ack, flags, _, _, _ = segment
        if len(self._streams) >= 2 * self.limits.flows:
            self._evict()
        back = reverse(key)
        first, second = self._half_open.take(key), self._half_open.take(back)
        if second is None and first == seq and flags & ACK:
            second = ack  # the answer to SYN was not captured; the first data acknowledge it
        flow = Flow((key, back), (first, second), time, self.limits, self.out, self.counts)
        for stream in flow.streams:
            self._streams[stream.key] = stream
        self.counts.flows += 1
        return flow.streams[0]

    def _arm(self, flow: Flow) -> None:
        """See to it that a flow is looked at when its alarm is due."""
        if flow.alarm < flow.armed:
            flow.armed = flow.alarm
            if len(self._alarms) > max(1000, 3 * len(self._streams) // 4):  # many hold flows that are gone
                self._alarms = [each for each in self._alarms if each[2].armed == each[0] and not each[2].closed]
                heapq.heapify(self._alarms)
            heapq.heappush(self._alarms, (flow.alarm, next(self._armed), flow))
            self._alarm = self._alarms[0][0]

    def _ring(self, time: int) -> None:
        """Give up what has waited long enough."""
        while self._alarms and self._alarms[0][0] <= time:
            flow = heapq.heappop(self._alarms)[2]
            flow.armed = NEVER
            if flow.alarm <= time:  # never of a closed flow
                flow.ring()
                if flow.reset <= time or flow.finished:
                    self._close(flow)
                    continue
                flow.watch()
                self._account(flow)
            self._arm(flow)
        self._alarm = self._alarms[0][0] if self._alarms else NEVER

    def _account(self, flow: Flow) -> None:
        """Keep to the bound of all bytes."""
        size = flow.keeps
        if size != flow.size:
            self._grow(flow, size)

    def _grow(self, flow: Flow, size: int) -> None:
        """Take note of how many bytes a flow keeps now."""
        self._size += size - flow.size
        flow.size = size
        while self._size + _STREAM_COST * len(self._streams) > self.limits.all_bytes and self._streams:
            self._evict()

    def _close(self, flow: Flow) -> None:
        """End an open flow. It is remembered for a while, so that copies of its segments are known."""
        flow.close()
        self._size -= flow.size
        self._closed.append((flow.seen + self.limits.closed, flow))

    def _drop(self, flow: Flow) -> None:
        """End a flow, if it has not ended, and forget it at once."""
        if not flow.closed:
            flow.close()
            self._size -= flow.size
        self._forget(flow)

    def _forget(self, flow: Flow) -> None:
        for stream in flow.streams:
            if self._streams.get(stream.key) is stream:
                del self._streams[stream.key]
        flow.dismantle()

    def _open_flows(self) -> set[Flow]:
        return {stream.flow for stream in self._streams.values() if not stream.flow.closed}

    def _evict(self) -> None:
        """Make room: forget the closed flows; if those are few, close the ones that were idle for the longest time."""
        before = len(self._streams)
        while self._closed:
            self._forget(self._closed.popleft()[1])
        flows = self._open_flows()
        if before - len(self._streams) <= before // _EVICT:
            for flow in heapq.nsmallest(max(1, len(flows) // _EVICT), flows, key=attrgetter("seen")):
                self.counts.evicted += 1
                self._drop(flow)


def reverse(key: bytes) -> bytes:
    """Return the key of the other direction."""
    half = (len(key) - 4) // 2
    return key[half : 2 * half] + key[:half] + key[-2:] + key[-4:-2]
