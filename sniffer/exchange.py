"""Exchanges of which nothing is unusual, told at a glance: a request in one segment, its response from the next on.

The request is left unread until the next segment of its flow. If that begins its response, and nothing but a body of
known length follows in order, both are an exchange; if it is anything else, what waits is read first as if it came only
now (``Flow.catch_up``). So whatever is unusual is left to ``http1`` and ``pairing``, which never know that it waited.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sniffer.decode import ACK, Segment
from sniffer.flow import NEVER
from sniffer.framing import Body, body_of
from sniffer.memo import Memo
from sniffer.startline import Role
from sniffer.stream import MASK
from sniffer.transaction import Transaction, endpoints

if TYPE_CHECKING:
    from sniffer.flow import Flow
    from sniffer.pairing import Counts
    from sniffer.stream import Stream

Asked = tuple["Stream", int, int, int, bytes, int, int, int, "re.Match[bytes]"]
"""(stream, time, seq, ack, data, start, end of the head, end, first line) of a request that is not read yet."""

Answered = tuple[int, int, int, bytes, int, int, int]
"""(time, seq, ack, head, status, size of the body, bytes on the wire) of the response to it, whose body is coming."""

ASKED_COST = 700  # bytes that a waiting message takes beside its text
_LARGEST = 8 * 1024  # bytes of a request, with its body, that may wait

# RFC 9112 section 3, as it is written nearly always
_REQUEST = re.compile(rb"(?!CONNECT |PRI )([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([^ \t\r\n]+) (HTTP/1\.[01])\r\n").match
_STATUS = re.compile(rb"HTTP/1\.[01] ([2-5]\d\d)(?: [^\r\n]*)?\r\n").match
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})\r\n").match
_CHUNKED, _OTHER = -1, -2  # in place of a length

_new = tuple.__new__  # without the detour by a function of Python's
# Looked up for each head: attributes of an enum cost several times what a name does.
_, _REQUESTS, _RESPONSES = Role
_BODILESS = frozenset((204, 304))  # RFC 9112 section 6.3 (1)


class Exchanges:
    """Takes requests of one segment and what answers them. ``out`` gathers the transactions."""

    def __init__(self, out: list[Transaction], counts: Counts) -> None:
        self._out = out
        self._counts = counts
        self._asked: Memo[int] = Memo()  # length of the body by the fields of a request
        self._answered: Memo[tuple[int, int]] = Memo()  # status and length by the head of a response

    def ask(self, stream: Stream, segment: Segment) -> bool:
        """Take a segment that is next in its stream if it is a request and nothing else is under way."""
        time, _, seq, ack, flags, length, data, start = segment
        flow, peer, end = stream.flow, stream.peer, start + length
        if ack != peer.next or not (flow.resting or _rests(flow)):
            return False
        match = _REQUEST(data, start, end)
        if match is None or stream.reader.role is _RESPONSES or end > len(data) or not flags & ACK or length > _LARGEST:
            return False
        stop = data.find(b"\r\n\r\n", match.end() - 2, end) + 4
        fields = data[match.end() - 1 : stop]
        size = self._asked.young.get(fields)
        if size is None and (size := self._asked.get(fields)) is None:
            size = self._asked.put(fields, _request(fields))
        if stop + size != end:
            return False
        flow.asked = (stream, time, seq, ack, data, start, stop, end, match)
        flow.waits = ASKED_COST + length
        if stream.begin is None:
            stream.begin = ack
        stream.next = (seq + length) & MASK
        stream.ack = ack
        return True

    def answer(self, stream: Stream, segment: Segment) -> bool:
        """Take a segment that is next in its stream if it is of the response to the request that waits."""
        time, _, seq, ack, flags, length, data, start = segment
        flow, peer, end = stream.flow, stream.peer, start + length
        assert flow.asked is not None
        if flow.asked[0] is not peer or not flags & ACK:
            return False
        reader = stream.reader
        if flow.answered is not None:  # the body ends, if nothing but its last bytes came
            if length != reader.skip or end > len(data):
                return False
            reader.skip = 0
        else:
            if ack != peer.next or flow.asked[3] != seq or end > len(data):
                return False
            stop = data.find(b"\r\n\r\n", start, end) + 4
            head = data[start:stop]
            known = self._answered
            status, size = known.young.get(head) or known.get(head) or known.put(head, _response(head))
            if not status:
                return False
            if status in _BODILESS or flow.asked[8][1] == b"HEAD":
                size = 0
            elif size == _CHUNKED:
                size = _chunks(data, stop, end)
                stop = end - size  # where a body of so many bytes would begin
            left = stop + size - end
            if size < 0 or left < 0:
                return False
            if stream.begin is None:
                stream.begin = ack
            flow.answered = (time, seq, ack, head, status, size, length + left)
            reader.skip = left  # nothing but a body is stepped over so far, read or not
            flow.waits += ASKED_COST + len(head)
        stream.next = (seq + length) & MASK
        stream.ack = ack
        if not reader.skip:
            self._tell(flow, peer, time)
        return True

    def _tell(self, flow: Flow, client: Stream, last: int) -> None:
        """Tell the exchange whose last byte came."""
        assert flow.asked is not None
        assert flow.answered is not None
        _, begin, _, _, data, start, stop, end, line = flow.asked
        first, seq, _, head, status, size, sent = flow.answered
        flow.asked = flow.answered = None
        flow.waits, flow.resting = 0, True
        flow.pairing.now = last
        flow.pairing.order.passed(seq)
        source, destination = client.ends or _introduce(client)
        self._counts.transactions += 1
        self._out.append(
            _new(
                Transaction,
                (
                    source,
                    destination,
                    begin,
                    first,
                    last,
                    data[start : line.end() - 2],
                    *line.groups(),
                    data[start:stop],
                    head,
                    status,
                    size,
                    end - start,
                    sent,
                    True,
                ),
            )
        )


def _rests(flow: Flow) -> bool:
    """Whether nothing is under way: nothing is missing, waits or is kept, and both sides stand between two messages."""
    if flow.alarm != NEVER or not flow.pairing.rests:
        return False
    return all(
        stream.started and stream.fin is None and not stream.held and stream.reader.rests for stream in flow.streams
    )


def _introduce(client: Stream) -> tuple[bytes, bytes]:
    """Take note of who is who, as ``http1`` and ``pairing`` do with the first heads; return both endpoints."""
    for reader, role in ((client.reader, _REQUESTS), (client.peer.reader, _RESPONSES)):
        reader.role = role
        reader.heads += 1
    client.ends = endpoints(client.key)
    return client.ends


def _ends(fields: bytes) -> bool:
    """Whether fields, which begin with the end of the line in front of them, have their only empty line at the end."""
    return fields.find(b"\n\r\n") == len(fields) - 3 and b"\n\n" not in fields


def _request(fields: bytes) -> int:
    """Return the length of the body of a request with these fields."""
    if not _ends(fields):
        return _OTHER
    kind, length = body_of(fields, True)
    return length if kind is Body.LENGTH else _OTHER


def _response(head: bytes) -> tuple[int, int]:
    """Return status and length of the body of a response with this head; status 0 if it is none that is known here."""
    match = _STATUS(head)
    if match is None or not _ends(fields := head[match.end() - 1 :]):
        return 0, _OTHER
    kind, length = body_of(fields, False)
    return int(match[1]), length if kind is Body.LENGTH else _CHUNKED if kind is Body.CHUNKED else _OTHER


def _chunks(data: bytes, at: int, end: int) -> int:
    """Return the length of a chunked body that fills ``at`` to ``end``, else a number below 0. RFC 9112 section 7.1."""
    total = 0
    while match := _CHUNK(data, at, end):
        size = int(match[1], 16)
        at = match.end() + size + 2
        if data[at - 2 : at] != b"\r\n":
            break
        if not size:
            return total if at == end else _OTHER
        total += size
    return _OTHER
