"""Heads and ends of both directions -> transactions: each request with its response, or without one.

What answers what is for ``order`` to say. An exchange in doubt is kept until it is proven or refuted; where nothing is
certain a request is told without an answer, and a response is an orphan.
"""

from __future__ import annotations

from dataclasses import dataclass

from sniffer.framing import FOREVER, NO_BODY, TUNNEL, Body, Framing, body_of
from sniffer.head import Head
from sniffer.http1 import Reader, State
from sniffer.message import NO_ACK, Request, Response
from sniffer.order import MAX_PENDING, Order
from sniffer.startline import Role
from sniffer.stream import MASK
from sniffer.transaction import Transaction, endpoints

_HEAD_COST = 700  # bytes that a kept head takes beside its text
_MAX_HELD = 100  # exchanges in doubt

Begins = tuple[int | None, int | None]


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


class Pairing:
    """The exchanges of one flow."""

    __slots__ = (
        "_early",
        "_headless",
        "_held",
        "_responding",
        "_sending",
        "begins",
        "counts",
        "kept",
        "key",
        "missing",
        "now",
        "order",
        "out",
        "readers",
    )

    def __init__(self, key: bytes, out: list[Transaction], counts: Counts, begins: Begins) -> None:
        """``key``: that of the first reader's segments. ``begins``: the first sequence numbers, if known."""
        self.key = key
        self.out = out
        self.counts = counts
        self.begins = begins
        self.readers = (Reader(self, begins[0] is not None), Reader(self, begins[1] is not None))
        self.order = Order(None not in begins)
        self.now = 0  # ns, the time of what is being read
        self.kept = 0  # about how many bytes the kept heads take
        self._sending: Request | None = None
        self._responding: Response | None = None
        self._held: list[tuple[Request, Response]] = []  # exchanges in doubt
        self._early: tuple[Reader, ...] = ()  # those that missed something before it was known what they read
        self._headless: tuple[Reader, ...] = ()  # those of them that missed the beginning of their first message
        self.missing = 0  # sequence number of the gap that a reader is being told of

    @property
    def rests(self) -> bool:
        """Whether nothing waits for an answer, is being told, is in doubt or was lost."""
        order = self.order
        open_ = order.pending or self._sending or self._responding or order.begun
        return not (open_ or order.lost or self._early) and order.proven

    @property
    def doubtful(self) -> bool:
        """Whether exchanges are in doubt and nothing is under way: if so it stays, no other request was open."""
        return bool(self._held) and not (self.order.pending or self.order.begun or self._responding)

    def paused(self) -> None:
        """Take note that it stayed so."""
        self.order.paused()
        self._judge()

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
            origin = self.begins[server is self.readers[1]]
            self.order.origin = NO_ACK if origin is None else origin
            if client in self._early or not client.synced:
                start = head.mark[2] if head.status else head.mark[1] + head.at
                sure = client in self._headless or (client.synced and client.partial() is None)
                self.order.unseen(start - 1 & MASK, sure)
            self.order.lost = server in self._early
        framing = self._response(reader, head) if head.status else self._request(reader, head)
        self._judge()
        return framing

    def ended(self, reader: Reader, whole: bool) -> None:
        """Take note of the end of a message; see http1.Listener."""
        if reader.role is Role.REQUESTS:
            if self._sending is not None:
                self._sending.received = reader.wire
                self._sending = None
        elif self._responding is not None:
            response, self._responding = self._responding, None
            self._tell(response, reader, whole)
            if whole:
                self.order.ended(response, reader.wire)
                self._judge()
        elif reader.wire:
            self.order.note()

    def broken_off(self, reader: Reader) -> None:
        """Take note that a message ends before it is whole, by its sender's word; see http1.Listener."""
        response = self._responding
        if reader.role is Role.RESPONSES and response is not None and response.request and not response.sure:
            self.order.contradicted()  # what was taken for its body may have been another response

    def foreign(self, reader: Reader) -> Framing | None:
        """Take note that a direction carries no HTTP; see http1.Listener."""
        peer, order = self.peer(reader), self.order
        if reader.role is Role.UNKNOWN:
            if peer.role is Role.UNKNOWN and peer.judged:
                reader.tunnel()
                peer.tunnel()
        elif reader.role is Role.RESPONSES and self._oldest_is_old():
            self._settle(int(order.pending[0].head is None), False)
            request, mark = order.pending.pop(0), reader.mark
            self._responding = Response(request, Head(b"", b"", b"", b"", b"", 0, mark, 0), mark[0])
            self.kept += _HEAD_COST
            return Framing(Body.CLOSE, FOREVER)  # the response is nothing but a body
        elif reader.role is Role.RESPONSES:
            if self._held:
                order.contradicted()  # a body, where a request that has none was thought to be answered
                self._judge()
            order.lost = True  # what comes may be an answer that nobody can read
        return None

    def lost(self, reader: Reader, swallowed: bool) -> None:
        """Take note that messages may be missing; see http1.Listener."""
        self.order.missed(reader.role is Role.RESPONSES)
        if reader.role is Role.UNKNOWN:
            if reader not in self._early:
                self._early += (reader,)
                if swallowed and reader.synced and reader.partial() is None:
                    self._headless += (reader,)
        elif reader.role is Role.RESPONSES:
            if swallowed:
                self.order.began(None)
        else:
            if swallowed and (partial := reader.partial()) is not None:
                reader.take(partial)
                self._request(reader, partial)
                self._sending = None
                self.order.pending[-1].doubtful = True
                swallowed = False
            self.order.unseen(self.missing, swallowed)
        self._judge()

    def close(self) -> None:
        """Tell what is still open: nothing more comes."""
        for reader in sorted(self.readers, key=lambda reader: reader.role is Role.RESPONSES):
            reader.close(orderly=False)
        if self.readers[0].role is Role.UNKNOWN:
            self.counts.not_http += 1
        if self._responding is not None:
            self.ended(self.readers[self.readers[0].role is not Role.RESPONSES], False)
        self.order.close()
        self._release()
        self._settle(len(self.order.pending), False)

    def _oldest_is_old(self) -> bool:
        """Whether what comes may be an answer of HTTP/0.9."""
        return next((request.head.old for request in self.order.pending if request.head is not None), False)

    def _request(self, reader: Reader, head: Head) -> Framing:
        request = Request(head, head.mark[1] + head.at & MASK, head.mark[2], reader.wire)
        self.order.asked(request)
        self._sending = request
        if self._responding is not None:
            server = self.peer(reader)
            server.settle()
            if self._ends(self._responding, server.wire, request):
                server.look()
        self.kept += _HEAD_COST + len(head.raw)
        if len(self.order.pending) > MAX_PENDING:
            self._settle(1, False)
        if head.method == b"CONNECT":
            return Framing(Body.WAIT)
        if head.old:
            return TUNNEL
        return body_of(head.raw, True)

    def _ends(self, orphan: Response, length: int, request: Request) -> bool:
        """Whether a response to an unseen request, HEAD maybe, ends so far: its client has that and asks again."""
        return orphan.request is None and request.ack == orphan.start + length & MASK and not self.order.piled

    def _response(self, reader: Reader, head: Head) -> Framing:
        response = Response(None, head, head.mark[0])
        start, ack = response.start, head.mark[2]
        client, order = self.peer(reader), self.order
        pending = order.pending
        unseen = not pending or (len(pending) == 1 and pending[0].head is None)
        if unseen and (partial := client.partial()) is not None:
            begin = partial.mark[1] + partial.at & MASK
            if Request(partial, begin, partial.mark[2]).fits(start, ack):
                client.take(partial)
                self._request(client, partial)
                self._sending = None
                if client in self._early:
                    order.unseen(begin + 1 & MASK, False)
        place, strict = order.match(start, ack, head)
        if order.adrift:
            self._settle(sum(each.fits(start, ack) for each in pending), False)
        if 100 <= head.status < 200 and head.status != 101:
            if place is not None and place >= 0:
                pending[place].interim += len(head.raw)
                if strict:
                    self._settle(place, True)
                    order.lost = False
            order.note()
            return NO_BODY
        self._responding = response
        self.kept += _HEAD_COST + len(head.raw)
        request: Request | None = None
        if place is None:
            if not order.began(response):
                self._drop(response)
        elif place < 0:
            self._drop(response)
        else:
            alone = len(pending) == 1 and not (order.lost or order.begun)
            request = response.request = pending[place]
            order.given(request, start, strict, alone)
            response.sure = order.proven
            if place or order.begun:
                self._settle(place, strict or order.piled)
            del pending[0]
        if request is not None and request.head and request.head.old:
            client.look()  # a status line answers no HTTP/0.9: its client may ask again
        method = request.method if request is not None else b""
        if head.status == 101 or (method == b"CONNECT" and 200 <= head.status < 300):
            client.tunnel()
            if not (method != b"CONNECT" or response.sure or order.likely or self._held):
                order.contradicted()  # nothing that follows would tell if it was another's
            return TUNNEL
        if method == b"CONNECT":
            client.resume()
        if request is None and any(self._ends(response, len(head.raw), each) for each in pending):
            return NO_BODY
        return response.framing

    def _settle(self, count: int, counted: bool) -> None:
        """Tell the first requests, for which no answer comes any more: with those that began if that is the order."""
        pending = self.order.pending
        begun, self.order.begun = self.order.begun, []
        counted = counted and len(begun) == count and all(each.head for each in pending[:count])
        for place in range(count):
            request = pending[place]
            response = begun[place] if counted else None
            if response is None:
                self._unanswered(request)
            else:
                response.sure = self.order.proven
                self._pair(request, response)
        for response in begun:
            if response is not None and not counted:
                self._drop(response)
        del pending[:count]

    def _pair(self, request: Request, response: Response) -> None:
        """Tell an exchange, or keep it while it is in doubt, or tell the request alone if it was refuted meanwhile."""
        if response.sure or self.order.proven:
            self._append(request, response, *response.end)
        elif self.order.adrift:
            self._unanswered(request)
            self._drop(response)
        else:
            self._held.append((request, response))

    def _judge(self) -> None:
        """Tell what was in doubt, if it is no more."""
        if self._held:
            if len(self._held) > _MAX_HELD:
                self.order.believe()
            if self.order.adrift or self.order.proven:
                self._release()

    def _release(self) -> None:
        """Tell what was in doubt, as what is known now says; all of it, if nothing spoke against it."""
        held, self._held = self._held, []
        for request, response in held:
            response.sure = not self.order.adrift
            self._pair(request, response)

    def _drop(self, response: Response) -> None:
        """Take note that no request will be known for a response."""
        self.counts.orphans += 1
        self.kept -= _HEAD_COST + len(response.head.raw)

    def _unanswered(self, request: Request) -> None:
        if request.head is None:
            return
        if request.doubtful:
            self.kept -= _HEAD_COST + len(request.head.raw)
            return
        self.counts.unanswered += 1
        if request is self._sending:
            request.received = self.readers[self.readers[0].role is not Role.REQUESTS].wire
        self._append(request, None, None, None, 0, False)

    def _tell(self, response: Response, reader: Reader, whole: bool) -> None:
        reader.settle()
        request = response.request
        size = reader.body
        if not response.head.whole:
            declared = response.framing
            size = min(size, declared.length) if declared.body is Body.LENGTH else size - reader.cut
        response.end = size, self.now, reader.wire, whole
        if request is None:
            return
        if request is self._sending:
            sender = self.peer(reader)
            sender.settle()
            request.received = sender.wire
        self._pair(request, response)

    def _append(
        self, request: Request, response: Response | None, size: int | None, last: int | None, sent: int, whole: bool
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
