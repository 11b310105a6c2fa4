"""Which answer is given to which request where either was lost: the right one, or none."""

from __future__ import annotations

import random

import pytest

from sniffer.decode import ACK, PSH
from sniffer.observer import Observer
from tests.sniffer.wire import Wire, observe, seen


def get(name: int | str, method: str = "GET") -> bytes:
    return f"{method} /{name} HTTP/1.1\r\nHost: h\r\n\r\n".encode()


def upload(name: int, *chunks: int) -> bytes:
    body = b"".join(b"%x\r\n%b\r\n" % (size, b"u" * size) for size in chunks)
    return b"POST /%d HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n%b0\r\n\r\n" % (name, body)


def answer(status: int, size: int = 5) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, size) + b"x" * size


def lost(wire: Wire, side: int, data: bytes) -> Wire:
    """Say something that was not captured, and its acknowledgement neither."""
    place = len(wire.frames)
    wire.say(side, data)
    del wire.frames[place:]
    return wire


def statuses(wire: Wire) -> list[tuple[str, int | None]]:
    return [(line.split()[1], status) for line, status, _ in seen(observe(wire.frames))]


def test_an_answer_behind_neighbouring_losses_is_not_given_to_an_earlier_request() -> None:
    wire = Wire().open().send(0, PSH | ACK, upload(400, 900)[:100])
    lost(lost(lost(wire, 0, upload(400, 900)[100:]), 1, answer(400)), 0, get(401))
    assert statuses(wire.answer(answer(401)).ask(get(402)).answer(answer(402)).close()) == [
        ("/400", None),
        ("/402", 402),
    ]


def test_a_request_in_what_is_missing_at_the_end_keeps_its_answer_from_the_one_before() -> None:
    wire = Wire().open().send(0, PSH | ACK, b"POST /400 HTTP/1.1\r\nExpect: x\r\nContent-Length: 9\r\n\r\n1234")
    lost(lost(lost(wire, 0, b"56789"), 1, answer(400)), 0, get(401)).send(1, PSH | ACK, answer(401))
    assert statuses(wire.close()) == [("/400", None)]


def test_the_first_answer_of_a_connection_picked_up_is_the_pending_requests_if_nothing_stands_between() -> None:
    for missed in (False, True):
        wire = Wire().ask(get(200))
        if missed:
            lost(lost(wire, 1, answer(200)), 0, get(299))
        assert statuses(wire.answer(answer(299 if missed else 200))) == [("/200", None if missed else 200)]


def test_requests_sent_at_once_that_a_capture_begins_with_get_their_answers_without_a_handshake() -> None:
    wire = Wire().ask(get(200) + get(201)).answer(answer(200) + answer(201))
    assert statuses(wire) == [("/200", 200), ("/201", 201)]


def test_the_answer_to_a_lost_request_is_not_given_to_one_that_was_sent_with_it() -> None:
    wire = lost(Wire().open(), 0, get(200)).ask(get(201)).answer(answer(200) + answer(201)).ask(get(202))
    observer = Observer()
    assert ("GET /201 HTTP/1.1", 200, 5) not in seen(observe(wire.answer(answer(202)).frames, observer))
    assert observer.counts.orphans >= 1


def test_a_request_on_its_way_beside_the_answer_to_a_lost_one_is_not_the_only_one() -> None:
    wire = lost(Wire().open(), 0, get(200))
    begin = wire.next[1]
    wire.send(1, PSH | ACK, answer(200))
    end, wire.next[1] = wire.next[1], begin
    lost(wire, 0, get(201)).send(0, PSH | ACK, get(202))
    wire.next[1] = end
    assert statuses(wire.send(0, ACK).answer(answer(201)).answer(answer(202)).close()) == [("/202", None)]


def test_answers_to_requests_sent_at_once_are_given_where_their_number_tells_which_is_missing() -> None:
    asked = Wire().open().ask(b"".join(map(get, (200, 201, 202, 203))))
    wire = lost(asked, 1, answer(200)).answer(answer(201, 7)).answer(answer(202, 8)).answer(answer(203, 9))
    observer = Observer()
    assert seen(observe(wire.close().frames, observer)) == [
        ("GET /200 HTTP/1.1", None, None),
        *[(f"GET /{status} HTTP/1.1", status, status - 194) for status in (201, 202, 203)],
    ]
    assert (observer.counts.orphans, observer.counts.unanswered) == (0, 1)


def test_answers_to_requests_sent_at_once_are_given_to_none_where_it_is_not_known_how_many_are_missing() -> None:
    wire = lost(Wire().open().ask(b"".join(map(get, (200, 201, 202, 203)))), 1, answer(200) + answer(201))
    observer = Observer()
    found = seen(observe(wire.answer(answer(202)).answer(answer(203)).close().frames, observer))
    assert [status for _, status, _ in found] == [None] * 4
    assert (observer.counts.orphans, observer.counts.unanswered) == (2, 4)


@pytest.mark.parametrize("first", [True, False])
def test_an_answer_without_body_to_a_lost_head_request_hides_none_that_follows(first: bool) -> None:
    wire = Wire().open()
    if not first:
        wire.ask(get(200)).answer(answer(200))
    lost(wire, 0, get(201, "HEAD")).answer(answer(201, 500)[:-500])
    wire.ask(get(202)).answer(answer(202)).ask(get(203)).answer(answer(203))
    assert statuses(wire.close())[-2:] == [("/202", 202), ("/203", 203)]


def test_no_loss_makes_an_exchange_up() -> None:
    """Of connections whose clients wait, upload in chunks, ask for what has no body; in bursts, in either direction."""
    for seed in range(600):
        rng = random.Random(seed)
        wire = Wire(mss=rng.choice([60, 300, 1460]))
        if rng.random() < 0.8:
            wire.open()
        for status in rng.sample(range(400, 500), 8):
            method = rng.choice(["GET", "GET", "HEAD", "POST"])
            wire.ask(upload(status, *rng.choices([9, 90, 900], k=3)) if method == "POST" else get(status, method))
            said = answer(status, rng.choice([0, 9, 900]))
            wire.answer(said[: said.index(b"\r\n\r\n") + 4] if method == "HEAD" else said)
        frames = wire.close().frames
        for _ in range(rng.choice([1, 2, 4])):
            begin = rng.randrange(len(frames) - 1)
            del frames[begin : begin + rng.choice([1, 2, 3, 5])]
        kept = [frame for frame in frames if rng.random() > 0.1]
        for line, status, _ in seen(observe(kept)):
            assert status is None or line.split()[1].startswith(f"/{status}"), seed
