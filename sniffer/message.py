"""A request and a response of one flow, and what the numbers of their segments say of each other."""

from __future__ import annotations

from dataclasses import dataclass

from sniffer.framing import NO_BODY, Framing, body_of
from sniffer.head import Head
from sniffer.stream import MASK, distance
from sniffer.transaction import field

NO_ACK = -1  # the segment carried no acknowledgement number


@dataclass(slots=True, eq=False)
class Request:
    """A request, or what may have been requests that nobody saw."""

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

    def within(self, start: int, end: int) -> bool:
        """Whether the client had a part of a message, and no more, when it sent it."""
        return self.ack != NO_ACK and distance(self.ack, start) > 0 > distance(self.ack, end)


@dataclass(slots=True, eq=False)
class Response:
    """A response, as far as it came."""

    request: Request | None  # None: an orphan, or not known yet
    head: Head
    time: int
    sure: bool = True  # it is its request's, whether the client waits or not
    end: tuple[int, int, int, bool] = (0, 0, 0, False)  # where it is kept: size, time, bytes in all, whole

    @property
    def start(self) -> int:
        """Sequence number of its first byte."""
        return self.head.mark[1] + self.head.at & MASK

    @property
    def framing(self) -> Framing:
        """How its body ends, as far as its head was seen."""
        method = self.request.method if self.request is not None else b""
        if method == b"HEAD" or self.head.status in (204, 304):  # RFC 9112 section 6.3 (1)
            return NO_BODY
        return body_of(self.head.raw, False)
