"""What answers what, tried in every small world: a status that is given is the request's, or none is.

A world is what a client and a server said, in which order, and what each had received when it spoke; and of every
message, whether it was captured. A lost one is as long as one that was captured, or half as long, so that two may look
like one. Worlds that look alike are one observation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import product

from sniffer.decode import ACK, FIN, PSH, Frame
from sniffer.flow import SECOND
from sniffer.head import Head
from sniffer.message import Request
from sniffer.observer import Observer
from sniffer.order import MAX_PENDING, Order
from tests.sniffer.wire import Wire

UNIT = 32  # bytes
SEEN, LOST, SHORT = 0, 1, 2  # what becomes of a message: captured, lost, lost and half as long
Message = tuple[int, int, int]
"""(side, its number, how many of the other side's messages had been received)."""
Observation = tuple[tuple[int, int, int], ...]
"""Of each captured message: (side, place in its stream in units, place acknowledged)."""


def talks(count: int) -> Iterator[tuple[Message, ...]]:
    """Every way in which so many requests are answered, with every number that either side may acknowledge."""

    def go_on(said: tuple[Message, ...], sent: tuple[int, int], had: tuple[int, int]) -> Iterator[tuple[Message, ...]]:
        if sent == (count, count):
            yield said
        if sent[0] < count:
            for got in range(had[0], sent[1] + 1):
                yield from go_on((*said, (0, sent[0], got)), (sent[0] + 1, sent[1]), (got, had[1]))
        if sent[1] < sent[0]:
            for got in range(max(had[1], sent[1] + 1), sent[0] + 1):
                yield from go_on((*said, (1, sent[1], got)), (sent[0], sent[1] + 1), (had[0], got))

    return go_on((), (0, 0), (0, 0))


def waits(talk: tuple[Message, ...]) -> bool:
    return all(got == number for side, number, got in talk if side == 0)


def places(talk: tuple[Message, ...], fates: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """Where the messages of both sides begin, in units, and where the last ends."""
    begins: tuple[list[int], list[int]] = ([0], [0])
    for (side, _, _), fate in zip(talk, fates, strict=True):
        begins[side].append(begins[side][-1] + (1 if fate == SHORT else 2))
    return begins


def observation(talk: tuple[Message, ...], fates: tuple[int, ...]) -> Observation:
    begins = places(talk, fates)
    ends = (2, begins[0][-1], begins[1][-1])
    captured = [
        (side, begins[side][number], begins[1 - side][got])
        for (side, number, got), fate in zip(talk, fates, strict=True)
        if fate == SEEN
    ]
    return (*captured, ends)


def frames(seen: Observation) -> list[Frame]:
    """The capture: a handshake, the messages, which are named by their places, the close."""
    wire = Wire(step=5_000_000).open()
    begins = tuple(wire.next)
    for side, place, ack in seen[:-1]:
        wire.next[side] = begins[side] + UNIT * place
        wire.next[1 - side] = begins[1 - side] + UNIT * ack
        if side == 0:
            head = b"GET /%d HTTP/1.1\r\nA: " % place
            wire.send(0, PSH | ACK, head + b"a" * (2 * UNIT - 4 - len(head)) + b"\r\n\r\n")
        else:
            head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nServer: %d;" % place
            wire.send(1, PSH | ACK, head + b"a" * (2 * UNIT - 4 - len(head)) + b"\r\n\r\n")
    _, requests, responses = seen[-1]
    wire.next[0], wire.next[1] = begins[0] + UNIT * requests, begins[1] + UNIT * responses
    return wire.send(1, FIN | ACK).send(0, FIN | ACK).send(1, ACK).frames


def told(seen: Observation) -> dict[int, int]:
    """Which response was given to which request, by their places."""
    observer = Observer()
    captured = frames(seen)
    found = observer.feed(captured) + observer.tick(captured[-1][0] + 10 * SECOND) + observer.finish()
    return {
        int(each.target[1:]): int(each.response.split(b"Server: ")[1].split(b";")[0])
        for each in found
        if each.status is not None
    }


def worlds() -> dict[Observation, list[tuple[bool, dict[int, int]]]]:
    """Of every observation the worlds behind it: whether the client waits, and which response is which request's."""
    alike = defaultdict(list)
    for count in (1, 2, 3):
        for talk in talks(count):
            for fates in product((SEEN, LOST, SHORT), repeat=len(talk)):
                requests, responses = places(talk, fates)
                truth = dict(zip(requests[:-1], responses[:-1], strict=True))
                alike[observation(talk, fates)].append((waits(talk), truth))
    return alike


def test_in_no_small_world_is_an_answer_given_to_another_request_or_withheld_from_a_client_that_waits() -> None:
    alike = worlds()
    assert len(alike) == 2817
    for seen, behind in alike.items():
        given = told(seen)
        captured = {(side, place) for side, place, _ in seen[:-1]}
        for waiting, truth in behind:
            assert given.items() <= truth.items(), seen
            both = {asked for asked, answer in truth.items() if {(0, asked), (1, answer)} <= captured}
            assert not waiting or given.keys() == both, seen


def head(raw: bytes, start: int, ack: int, status: int = 0) -> Head:
    return Head(raw, raw, b"" if status else b"GET", b"/", b"HTTP/1.1", status, (0, start, ack), 0)


def asked(order: Order, start: int, ack: int) -> None:
    order.asked(Request(head(b"x" * UNIT, start, ack), start, ack))


def test_a_request_sent_within_an_answer_is_one_of_a_client_that_does_not_wait() -> None:
    order = Order(True)
    asked(order, 100, 1000)
    asked(order, 200, 1000 + UNIT // 2)
    order.match(1000, 300, head(b"x" * UNIT, 1000, 300, 200))
    assert order.piled
    assert not order.adrift


def test_of_requests_over_the_bound_the_order_is_lost_only_if_they_were_not_waited_for() -> None:
    for step in (100, 0):
        order = Order(True)
        for number in range(MAX_PENDING + 1):
            asked(order, 100 + number * UNIT, 1000 + number * step)
        assert (order.lost, order.adrift) == (True, step == 0)


def test_what_is_in_doubt_for_long_is_believed_of_a_client_that_waits() -> None:
    waiting, piled = Order(False), Order(False)
    piled.piled = True
    waiting.believe()
    piled.believe()
    assert (waiting.proven, waiting.adrift) == (True, False)
    assert (piled.proven, piled.adrift) == (False, True)
