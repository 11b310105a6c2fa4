"""Heads and ends of both directions -> transactions: requests and responses paired in order.

What tells which response answers which request, where something was lost, are the numbers that both sides acknowledge:
a response can answer no request that its sender had not received, and none whose sender had it already.
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
    head: Head | None  # None: it was swallowed by a gap, and is known only to have been there
    start: int  # sequence number of the first byte
    ack: int  # what the client had received when it sent it
    received: int = 0
    interim: int = 0  # bytes of 1xx responses
    doubtful: bool = False  # only a part of the first line is known: told if it is answered

    @property
    def method(self) -> bytes:
        """The method, of a line whose rest is missing, too; empty where it is not known."""
        return self.head.method or self.head.line.split(b" ", 1)[0] if self.head is not None else b""

    def fits(self, start: int, ack: int) -> bool:
        """Whether a response that begins at ``start``, sent by who had received all before ``ack``, may answer it."""
        received = ack == NO_ACK or distance(ack, self.start) > 0
        return received and (self.ack == NO_ACK or distance(start, self.ack) >= 0)


@dataclass(slots=True, eq=False)
class _Response:
    request: _Request | None  # None: an orphan
    head: Head
    time: int

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
        "_lost_at",
        "_pending",
        "_responding",
        "_sending",
        "_swallowed",
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
        self._lost_at: int | None = None  # where the responses got lost, since the last response
        self._swallowed = False  # a response began there
        self.missing = 0  # sequence number of the gap that a reader is being told of

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

    def foreign(self, reader: Reader) -> Framing | None:
        """Take note that a direction carries no HTTP; see http1.Listener."""
        peer = self.peer(reader)
        if reader.role is Role.UNKNOWN:
            if peer.role is Role.UNKNOWN and peer.judged:
                reader.tunnel()
                peer.tunnel()
        elif reader.role is Role.RESPONSES and self._oldest_is_old():
            request, mark = self._pending.pop(0), reader.mark
            self._responding = _Response(request, Head(b"", b"", b"", b"", b"", 0, mark, 0), mark[0])
            self.kept += _HEAD_COST
            return Framing(Body.CLOSE, FOREVER)  # the response is nothing but a body
        elif reader.role is Role.RESPONSES and self._lost_at is None:
            self._lost_at = reader.begin  # what comes may be an answer that nobody can read
        return None

    def lost(self, reader: Reader, swallowed: bool) -> None:
        """Take note that messages may be missing; see http1.Listener."""
        if reader.role is Role.RESPONSES:
            if self._lost_at is None:
                self._lost_at = self.missing
            self._swallowed |= swallowed
        elif reader.role is Role.REQUESTS and swallowed:
            partial = reader.partial()
            if partial is None:
                self._pending.append(_Request(None, self.missing, NO_ACK))
            else:
                reader.take(partial)
                self._request(reader, partial)
                self._sending = None
                self._pending[-1].doubtful = True

    def close(self) -> None:
        """Tell what is still open: nothing more comes."""
        for reader in sorted(self.readers, key=lambda reader: reader.role is Role.RESPONSES):
            reader.close(orderly=False)
        if self.readers[0].role is Role.UNKNOWN:
            self.counts.not_http += 1
        if self._responding is not None:
            self.ended(self.readers[self.readers[0].role is not Role.RESPONSES], False)
        while self._pending:
            self._unanswered(self._pending.pop(0))

    def _oldest_is_old(self) -> bool:
        """Whether what comes may be an answer of HTTP/0.9."""
        head = self._pending[0].head if self._pending else None
        return head is not None and head.old

    def _request(self, reader: Reader, head: Head) -> Framing:
        request = _Request(head, head.mark[1] + head.at & 0xFFFFFFFF, head.mark[2], reader.wire)
        self._pending.append(request)
        self._sending = request
        self.kept += _HEAD_COST + len(head.raw)
        if len(self._pending) > MAX_PENDING:
            self._unanswered(self._pending.pop(0))
        if head.method == b"CONNECT":
            return Framing(Body.WAIT)
        if head.old:
            return TUNNEL
        return body_of(head.raw, True)

    def _response(self, reader: Reader, head: Head) -> Framing:
        start = head.mark[1] + head.at & 0xFFFFFFFF
        client = self.peer(reader)
        if not self._pending and (partial := client.partial()) is not None:
            begin = partial.mark[1] + partial.at & 0xFFFFFFFF
            if _Request(partial, begin, partial.mark[2]).fits(start, head.mark[2]):
                client.take(partial)
                self._request(client, partial)
                self._sending = None
        request = self._match(start, head.mark[2])
        if 100 <= head.status < 200 and head.status != 101:
            if request is not None:
                request.interim += len(head.raw)
                self._pending.insert(0, request)
            return NO_BODY
        if request is None:
            self.counts.orphans += 1
        self._responding = _Response(request, head, head.mark[0])
        self.kept += _HEAD_COST + len(head.raw)
        if request is not None and request.head is not None and request.head.old:
            client.look()  # a status line answers no HTTP/0.9: its client may ask again
        method = request.method if request is not None else b""
        if head.status == 101 or (method == b"CONNECT" and 200 <= head.status < 300):
            client.tunnel()
            return TUNNEL
        if method == b"CONNECT":
            client.resume()
        return self._responding.framing

    def _match(self, start: int, ack: int) -> _Request | None:
        """Find the request that a response answers; those before it will never be answered."""
        pending = self._pending
        chosen = 0
        if self._lost_at is not None or any(request.head is None or request.doubtful for request in pending):
            chosen = self._after_loss(start, ack)
        self._lost_at = None
        self._swallowed = False
        if chosen >= len(pending) or not pending[chosen].fits(start, ack):
            return None
        for request in pending[:chosen]:
            self._unanswered(request)
        request = pending[chosen]
        del pending[: chosen + 1]
        return request if request.head is not None else None

    def _after_loss(self, start: int, ack: int) -> int:
        """Return the place of the request that a response after a loss answers."""
        pending = self._pending
        for place, request in enumerate(pending):
            if request.ack == start:  # its client had everything before this response
                return place
        if self._lost_at is None:
            return 0
        informed = 0  # the last request whose client had seen bytes that are missing here
        for place, request in enumerate(pending):
            if request.ack != NO_ACK and distance(start, request.ack) > 0 and distance(request.ack, self._lost_at) > 0:
                informed = place + 1
        if informed:  # the response to it began in the gap, so this one is for a later request if there is any
            return informed if informed < len(pending) and pending[informed].fits(start, ack) else informed - 1
        # All were sent before. What began in the gap answered the first one, or told it to go on.
        first = pending[0].head if pending else None
        interim = first is not None and field(first.raw, b"expect") is not None
        return 1 if self._swallowed and not interim else 0

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
        self.kept -= _HEAD_COST + len(response.head.raw)
        if request is None:
            return
        if request is self._sending:
            sender = self.peer(reader)
            sender.settle()
            request.received = sender.wire
        size = reader.body
        if not response.head.whole:
            declared = response.framing
            size = min(size, declared.length) if declared.body is Body.LENGTH else size - reader.cut
        self._append(request, response, size, self.now, request.interim + reader.wire, whole)

    def _append(
        self, request: _Request, response: _Response | None, size: int | None, last: int | None, sent: int, whole: bool
    ) -> None:
        client = self.readers[0].role is not Role.REQUESTS
        head = request.head
        assert head is not None
        self.kept -= _HEAD_COST + len(head.raw)
        source, target = endpoints(self.key)
        self.counts.transactions += 1
        raw = response.head.raw if response is not None else b""
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
                raw,
                response.head.status or None if response is not None else None,
                size,
                request.received,
                sent,
                whole,
            )
        )
