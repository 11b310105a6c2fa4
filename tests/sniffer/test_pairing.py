"""Which answer is given to which request where either was lost: the right one, or none."""

from __future__ import annotations

import random

import pytest

from sniffer.decode import ACK, PSH
from sniffer.flow import SECOND
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


def ahead(wire: Wire, *names: int) -> Wire:
    """Go on as a client that always has one more request on its way than it has answers."""
    for name in names:
        wire.answer(answer(name - 2)).ask(get(name))
    return wire


def test_of_a_connection_picked_up_no_answer_is_given_if_one_comes_for_which_nobody_asked() -> None:
    wire = ahead(Wire().ask(get(400)), 401, 402, 403)
    observer = Observer()
    found = seen(observe(wire.answer(answer(402)).answer(answer(403)).close().frames, observer))
    assert [status for _, status, _ in found] == [None] * 4
    assert observer.counts.orphans == 5


def test_an_exchange_in_doubt_is_told_once_its_client_has_waited_often_enough() -> None:
    wire = Wire()
    for name in range(210, 218):
        wire.ask(get(name)).answer(answer(name))
    observer = Observer()
    assert observer.feed(wire.frames) + observer.tick(wire.now + SECOND) == []
    more = Wire(now=wire.now + SECOND, begins=(wire.next[0], wire.next[1])).ask(get(218)).answer(answer(218))
    assert [t.status for t in observer.feed(more.frames)] == list(range(210, 219))


def test_an_exchange_in_doubt_is_told_after_a_pause() -> None:
    wire = Wire().ask(get(200)).answer(answer(200))
    observer = Observer()
    assert observer.feed(wire.frames) + observer.tick(wire.now + SECOND) == []
    assert [t.status for t in observer.tick(wire.now + 3 * SECOND)] == [200]


def test_a_client_that_was_seen_to_wait_is_believed_after_a_loss() -> None:
    wire = Wire().open()
    for name in range(205, 215):
        wire.ask(get(name)).answer(answer(name))
    lost(lost(wire, 0, get(215)), 1, answer(215)).ask(get(216)).answer(answer(216))
    observer = Observer()
    assert [t.status for t in observer.feed(wire.frames) + observer.tick(wire.now + SECOND)][-1] == 216


def test_a_lost_interim_response_is_not_counted_as_an_answer() -> None:
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    wire = lost(Wire().open().ask(b"".join(map(get, range(200, 205)))), 1, hint)
    for name in range(200, 204):
        wire.answer(answer(name))
    wire.answer(answer(204)[:-5])
    assert [status for _, status in statuses(wire.close())] == [None] * 5


def test_a_lost_interim_response_to_a_lost_request_leaves_its_answer_its_own() -> None:
    post = b"POST /200 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    wire = lost(Wire().open(), 0, post).answer(b"HTTP/1.1 100 Continue\r\n\r\n").ask(b"ok" + get(201))
    wire.answer(answer(200)).answer(answer(201)).close()
    assert ("/201", 200) not in statuses(wire)


def test_an_answer_without_body_taken_for_one_with_a_body_that_breaks_off_is_nobodys() -> None:
    head = b"HTTP/1.1 200 X\r\nContent-Length: 500\r\n\r\n"  # to HEAD, before the capture began
    wire = Wire().ask(get(201)).answer(head).answer(answer(201)).close()
    observer = Observer()
    found = observer.feed(wire.frames) + observer.tick(wire.now + 10 * SECOND) + observer.finish()
    assert seen(found) == [("GET /201 HTTP/1.1", None, None)]


def test_a_loss_of_the_end_of_a_body_and_of_the_next_request_does_not_make_a_client_one_that_does_not_wait() -> None:
    wire = Wire().open().ask(get(205)).answer(answer(205))
    post = b"POST /210 HTTP/1.1\r\nContent-Length: 50\r\n\r\n"
    wire.ask(post)
    lost(wire, 0, b"x" * 50).answer(answer(210))
    lost(wire, 0, get(211)).answer(answer(211)).ask(get(212)).answer(answer(212))
    assert statuses(wire.close())[-2:] == [("/210", 210), ("/212", 212)]


def test_no_loss_shifts_the_answers_to_requests_sent_at_once() -> None:
    for seed in range(300):
        rng = random.Random(seed)
        wire = Wire(mss=rng.choice([60, 300, 1460])).open()
        names = rng.sample(range(400, 500), 16)
        depth = rng.choice([2, 4, 8])
        for at in range(0, len(names), depth):
            for name in names[at : at + depth]:
                wire.ask(get(name))
            for name in names[at : at + depth]:
                wire.answer(answer(name, rng.choice([0, 9, 900])))
        kept = [frame for frame in wire.close().frames if rng.random() > 0.1]
        for line, told, _ in seen(observe(kept)):
            assert told is None or line.split()[1].startswith(f"/{told}"), seed


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


def test_exchanges_in_doubt_are_bounded_and_told_as_they_are_likely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sniffer.pairing._MAX_HELD", 2)
    wire = Wire()
    for name in range(210, 214):
        wire.ask(get(name)).answer(answer(name))
    observer = Observer()
    told = observer.feed(wire.frames) + observer.tick(wire.now + SECOND)
    assert [t.status for t in told] == [210, 211, 212, 213]


def test_an_interim_answer_behind_a_loss_leaves_the_final_one_to_its_request() -> None:
    wire = lost(lost(Wire().open(), 0, get(200)), 1, answer(200))
    put = b"PUT /201 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    wire.ask(put).answer(b"HTTP/1.1 100 Continue\r\n\r\n").ask(b"abc").answer(answer(201)).close()
    assert statuses(wire) == [("/201", 201)]


def test_a_tunnel_behind_a_loss_is_given_to_nobody_as_nothing_that_follows_would_refute_it() -> None:
    wire = lost(lost(Wire().open(), 0, get(200)), 1, answer(200)).ask(b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n")
    wire.answer(b"HTTP/1.1 200 OK\r\n\r\n").ask(b"\x16\x03\x01").close()
    assert statuses(wire) == [("h:443", None)]
