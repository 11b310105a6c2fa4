"""Heads and ends of both directions -> transactions: requests and responses paired in order.

What tells which response answers which request, where something was lost, are the numbers that both sides acknowledge:
a response can answer no request that its sender had not received, and none whose sender had it already. A client that
waits for each answer has received all that came before the one to its request. One that does not wait (pipelining)
says less: there the answers are counted, and given when they are as many as the requests that they may answer.
Where neither is certain, none is given.
"""

from __future__ import annotations

from dataclasses import dataclass

from sniffer.framing import FOREVER, NO_BODY, TUNNEL, Body, Framing, body_of
from sniffer.head import Head
from sniffer.http1 import Reader, State
from sniffer.startline import Role
from sniffer.stream import distance
from sniffer.transaction import Transaction, endpoints, field

MAX_PENDING = 1000  # requests of one connection that wait for a response; browsers pipelined 8, load generators 100
_HEAD_COST = 700  # bytes that a kept head takes beside its text
NO_ACK = -1  # the segment carried no acknowledgement number


@dataclass(slots=True)
class Counts:
    """What happened in all flows."""

    flows: int = 0
    evicted: int = 0  # flows closed at a bound
    gaps: int = 0
    gap_bytes: int = 0
    transactions: int = 0
    unanswered: int = 0  # transactions without a response
    orphans: int = 0  # responses without a request
    not_http: int = 0  # connections that carried something else


@dataclass(slots=True, eq=False)
class _Request:
    head: Head | None  # None: any number of requests that nobody saw, or none
    start: int  # sequence number of the first byte
    ack: int  # what the client had received when it sent it
    received: int = 0
    interim: int = 0  # bytes of 1xx responses
    doubtful: bool = False  # only a part of the first line is known: told if it is answered
    sure: bool = True  # there was one at least

    @property
    def method(self) -> bytes:
        """The method, of a line whose rest is missing, too; empty where it is not known."""
        return self.head.method or self.head.line.split(b" ", 1)[0] if self.head is not None else b""

    @property
    def expects(self) -> bool:
        """Whether it asks for an interim response."""
        return self.head is not None and field(self.head.raw, b"expect") is not None

    def fits(self, start: int, ack: int) -> bool:
        """Whether a response that begins at ``start``, sent by who had received all before ``ack``, may answer it."""
        received = ack == NO_ACK or distance(ack, self.start) > 0
        return received and (self.ack == NO_ACK or distance(start, self.ack) >= 0)

    def precedes(self, start: int) -> bool:
        """Whether the client sent it before it had anything of a response that begins at ``start``."""
        return self.ack != NO_ACK and distance(start, self.ack) >= 0

    def next(self, start: int) -> bool:
        """Whether the client had all before ``start`` when it sent it, but for interim responses to it."""
        return self.ack != NO_ACK and distance(start, self.ack) == self.interim


@dataclass(slots=True, eq=False)
class _Response:
    request: _Request | None  # None: an orphan, or not known yet
    head: Head
    time: int
    end: tuple[int, int, int, bool] = (0, 0, 0, False)  # of one without a request: size, time, bytes in all, whole

    @property
    def framing(self) -> Framing:
        """How its body ends, as far as its head was seen."""
        method = self.request.method if self.request is not None else b""
        if method == b"HEAD" or self.head.status in (204, 304):  # RFC 9112 section 6.3 (1)
            return NO_BODY
        return body_of(self.head.raw, False)


class Pairing:
    """The exchanges of one flow."""

    __slots__ = (
        "_begun",
        "_early",
        "_first",
        "_lost",
        "_newest",
        "_pending",
        "_piled",
        "_responding",
        "_sending",
        "counts",
        "kept",
        "key",
        "missing",
        "now",
        "out",
        "readers",
    )

    def __init__(self, key: bytes, out: list[Transaction], counts: Counts, synced: tuple[bool, bool]) -> None:
        """``key``: that of the first reader's segments. ``synced``: whose first byte is the connection's."""
        self.key = key
        self.out = out
        self.counts = counts
        self.readers = (Reader(self, synced[0]), Reader(self, synced[1]))
        self.now = 0  # ns, the time of what is being read
        self.kept = 0  # about how many bytes the kept heads take
        self._pending: list[_Request] = []
        self._sending: _Request | None = None
        self._responding: _Response | None = None
        self._newest = NO_ACK  # where the newest response began
        self._early: tuple[Reader, ...] = ()  # those that missed something before it was known what they read
        self._first = True  # nothing was lost, passed by or answered so far
        self._lost = False  # responses may be missing since the last one that was given to a request
        self._begun: list[_Response | None] = []  # those that are known to have begun since; None: not to be given
        self._piled = False  # the client sends requests before it has the answers to those before
        self.missing = 0  # sequence number of the gap that a reader is being told of

    @property
    def rests(self) -> bool:
        """Whether nothing waits for an answer, is being told or was lost."""
        open_ = self._pending or self._sending or self._responding or self._begun
        return not (open_ or self._lost or self._early)

    def passed(self, start: int) -> None:
        """Take note of a request and its response, begun at ``start``, that were told without being read here."""
        self._newest = start
        self._first = False

    def peer(self, reader: Reader) -> Reader:
        """Return the reader of the other direction."""
        return self.readers[reader is self.readers[0]]

    def head(self, reader: Reader, head: Head) -> Framing:
        """Take a head; see http1.Listener."""
        peer = self.peer(reader)
        if peer.role is Role.UNKNOWN:
            peer.role = Role.RESPONSES if reader.role is Role.REQUESTS else Role.REQUESTS
            if peer.state is State.TUNNEL:
                peer.look()
            client, server = (peer, reader) if head.status else (reader, peer)
            if client in self._early or not client.synced:
                start = head.mark[2] if head.status else head.mark[1] + head.at
                self._unseen(start - 1 & 0xFFFFFFFF, client.synced and client.partial() is None)
            self._lost = server in self._early
        return self._response(reader, head) if head.status else self._request(reader, head)

    def ended(self, reader: Reader, whole: bool) -> None:
        """Take note of the end of a message; see http1.Listener."""
        if reader.role is Role.REQUESTS:
            if self._sending is not None:
                self._sending.received = reader.wire
                self._sending = None
        elif self._responding is not None:
            response, self._responding = self._responding, None
            self._tell(response, reader, whole)
        elif reader.wire:
            self._first = False

    def foreign(self, reader: Reader) -> Framing | None:
        """Take note that a direction carries no HTTP; see http1.Listener."""
        peer = self.peer(reader)
        if reader.role is Role.UNKNOWN:
            if peer.role is Role.UNKNOWN and peer.judged:
                reader.tunnel()
                peer.tunnel()
        elif reader.role is Role.RESPONSES and self._oldest_is_old():
            self._settle(int(self._pending[0].head is None), False)
            request, mark = self._pending.pop(0), reader.mark
            self._responding = _Response(request, Head(b"", b"", b"", b"", b"", 0, mark, 0), mark[0])
            self.kept += _HEAD_COST
            return Framing(Body.CLOSE, FOREVER)  # the response is nothing but a body
        elif reader.role is Role.RESPONSES:
            self._lost = True  # what comes may be an answer that nobody can read
        return None

    def lost(self, reader: Reader, swallowed: bool) -> None:
        """Take note that messages may be missing; see http1.Listener."""
        self._first = False
        if reader.role is Role.UNKNOWN:
            if reader not in self._early:
                self._early += (reader,)
        elif reader.role is Role.RESPONSES:
            self._lost = True
            if swallowed:
                self._begin(None)
        else:
            if swallowed and (partial := reader.partial()) is not None:
                reader.take(partial)
                self._request(reader, partial)
                self._sending = None
                self._pending[-1].doubtful = True
                swallowed = False
            self._unseen(self.missing, swallowed)

    def close(self) -> None:
        """Tell what is still open: nothing more comes."""
        for reader in sorted(self.readers, key=lambda reader: reader.role is Role.RESPONSES):
            reader.close(orderly=False)
        if self.readers[0].role is Role.UNKNOWN:
            self.counts.not_http += 1
        if self._responding is not None:
            self.ended(self.readers[self.readers[0].role is not Role.RESPONSES], False)
        self._settle(len(self._pending), False)

    def _oldest_is_old(self) -> bool:
        """Whether what comes may be an answer of HTTP/0.9."""
        return next((request.head.old for request in self._pending if request.head is not None), False)

    def _unseen(self, start: int, sure: bool) -> None:
        """Take note that any number of requests may have been sent from ``start`` on, up to the next that is seen."""
        if not self._pending or self._pending[-1].head is not None:
            self._pending.append(_Request(None, start, NO_ACK, sure=sure))

    def _begin(self, response: _Response | None) -> None:
        """Take note of a response that began, and is not given to a request so far."""
        if len(self._begun) < len(self._pending):
            self._begun.append(response)
        elif response is not None:
            self._drop(response)

    def _request(self, reader: Reader, head: Head) -> Framing:
        request = _Request(head, head.mark[1] + head.at & 0xFFFFFFFF, head.mark[2], reader.wire)
        before = self._newest
        for each in reversed(self._pending):
            if each.head is not None:
                before = each.ack
                break
        if request.ack != NO_ACK != before and distance(request.ack, before) <= 0:
            self._piled = True
        self._pending.append(request)
        self._sending = request
        if self._responding is not None:
            server = self.peer(reader)
            server.settle()
            if self._ends(self._responding, server.wire, request):
                server.look()
        self.kept += _HEAD_COST + len(head.raw)
        if len(self._pending) > MAX_PENDING:
            self._settle(1, False)
        if head.method == b"CONNECT":
            return Framing(Body.WAIT)
        if head.old:
            return TUNNEL
        return body_of(head.raw, True)

    def _ends(self, orphan: _Response, length: int, request: _Request) -> bool:
        """Whether a response to an unseen request, HEAD maybe, ends so far: its client has that and asks again."""
        end = orphan.head.mark[1] + orphan.head.at + length & 0xFFFFFFFF
        return orphan.request is None and request.ack == end and not self._piled

    def _response(self, reader: Reader, head: Head) -> Framing:
        start = head.mark[1] + head.at & 0xFFFFFFFF
        client = self.peer(reader)
        unseen = not self._pending or (len(self._pending) == 1 and self._pending[0].head is None)
        if unseen and (partial := client.partial()) is not None:
            begin = partial.mark[1] + partial.at & 0xFFFFFFFF
            if _Request(partial, begin, partial.mark[2]).fits(start, head.mark[2]):
                client.take(partial)
                self._request(client, partial)
                self._sending = None
                if client in self._early:
                    self._unseen(begin + 1 & 0xFFFFFFFF, False)
        place = self._match(start, head.mark[2])
        self._newest = start
        if 100 <= head.status < 200 and head.status != 101:
            if place is not None and place >= 0:
                self._settle(place, self._piled)
                self._lost = self._first = False
                self._pending[0].interim += len(head.raw)
            return NO_BODY
        self._responding = response = _Response(None, head, head.mark[0])
        self.kept += _HEAD_COST + len(head.raw)
        request: _Request | None = None
        if place is None:
            self._begin(response)
        elif place < 0:
            self._drop(response)
        else:
            if place or self._begun:
                self._settle(place, self._piled)
            self._lost = self._first = False
            request = response.request = self._pending.pop(0)
        if request is not None and request.head and request.head.old:
            client.look()  # a status line answers no HTTP/0.9: its client may ask again
        method = request.method if request is not None else b""
        if head.status == 101 or (method == b"CONNECT" and 200 <= head.status < 300):
            client.tunnel()
            return TUNNEL
        if method == b"CONNECT":
            client.resume()
        if request is None and any(self._ends(response, len(head.raw), each) for each in self._pending):
            return NO_BODY
        return response.framing

    def _match(self, start: int, ack: int) -> int | None:
        """Find the place of the request that a response answers; None if that is not certain, below 0 if it is none."""
        pending = self._pending
        if not self._lost and not self._begun and pending:  # it is for the first after the one answered last
            request = pending[0]
            if request.head is not None and not request.doubtful and request.fits(start, ack):
                if not self._piled and request.ack != NO_ACK and not request.next(start):
                    self._piled = True
                return 0
            if request.head is None and request.sure and request.fits(start, ack):
                request.sure = False
                self._piled |= len(pending) > 1 and pending[1].precedes(start)
                return -1
        fitting = 0
        while fitting < len(pending) and pending[fitting].fits(start, ack):
            fitting += 1
        self._piled |= fitting < len(pending) and pending[fitting].precedes(start)
        if not fitting:
            return -1
        last = fitting - 1
        if self._piled and self._first and last and pending[1].next(start):
            return 1  # as if the capture began with all that its client sent at once
        if self._piled:
            sure = len(self._begun) == last and all(request.head for request in pending[:fitting])
            sure = sure and not any(request.expects for request in pending[:fitting])
            return last if sure else None
        for place in range(last, -1, -1):
            if pending[place].next(start):
                return place
        # What the client had not received yet may have been another answer, or told it to go on.
        return last if pending[last].head and (not self._begun or pending[last].expects) else None

    def _settle(self, count: int, counted: bool) -> None:
        """Tell the first requests, for which no answer comes any more: with those that began if that is the order."""
        begun, self._begun = self._begun, []
        counted = counted and len(begun) == count and all(each.head for each in self._pending[:count])
        for place in range(count):
            request = self._pending[place]
            response = begun[place] if counted else None
            if response is None:
                self._unanswered(request)
            else:
                self._append(request, response, *response.end)
        for response in begun:
            if response is not None and not counted:
                self._drop(response)
        del self._pending[:count]

    def _drop(self, response: _Response) -> None:
        """Take note that no request will be known for a response."""
        self.counts.orphans += 1
        self.kept -= _HEAD_COST + len(response.head.raw)

    def _unanswered(self, request: _Request) -> None:
        if request.head is None:
            return
        if request.doubtful:
            self.kept -= _HEAD_COST + len(request.head.raw)
            return
        self.counts.unanswered += 1
        if request is self._sending:
            request.received = self.readers[self.readers[0].role is not Role.REQUESTS].wire
        self._append(request, None, None, None, 0, False)

    def _tell(self, response: _Response, reader: Reader, whole: bool) -> None:
        reader.settle()
        request = response.request
        size = reader.body
        if not response.head.whole:
            declared = response.framing
            size = min(size, declared.length) if declared.body is Body.LENGTH else size - reader.cut
        if request is None:
            response.end = size, self.now, reader.wire, whole
            return
        if request is self._sending:
            sender = self.peer(reader)
            sender.settle()
            request.received = sender.wire
        self._append(request, response, size, self.now, reader.wire, whole)

    def _append(
        self, request: _Request, response: _Response | None, size: int | None, last: int | None, sent: int, whole: bool
    ) -> None:
        client = self.readers[0].role is not Role.REQUESTS
        head = request.head
        assert head is not None
        self.kept -= _HEAD_COST + len(head.raw)
        source, target = endpoints(self.key)
        self.counts.transactions += 1
        answer = response.head if response is not None else None
        self.kept -= _HEAD_COST + len(answer.raw) if answer is not None else 0
        self.out.append(
            Transaction(
                target if client else source,
                source if client else target,
                head.mark[0],
                response.time if response is not None else None,
                last,
                head.line,
                head.method,
                head.target,
                head.protocol,
                head.raw,
                answer.raw if answer is not None else b"",
                answer.status or None if answer is not None else None,
                size,
                request.received,
                request.interim + sent if response is not None else 0,
                whole,
            )
        )
