"""The table of flows at its bounds, its clock, and connections that come to it in odd ways."""

from __future__ import annotations

import gc

import pytest

from sniffer.decode import ACK, PSH, RST, SYN
from sniffer.flow import _MAX_HOLES, SECOND, Flow, Limits
from sniffer.flows import HalfOpen
from sniffer.observer import Observer
from tests.sniffer.wire import Wire, observe, seen

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
OK5 = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
TOLD = ("GET /a HTTP/1.1", 200, 5)


def client(number: int, **told: int) -> Wire:
    return Wire(client=("192.0.2.1", 30_000 + number), **told)  # type: ignore[arg-type]


def test_at_the_bound_of_half_open_connections_the_older_half_is_forgotten() -> None:
    half_open = HalfOpen(4)
    for number in range(5):
        half_open.add(b"%d" % number, number)
    assert [half_open.take(b"%d" % number) for number in range(5)] == [None, None, 2, 3, 4]
    assert half_open.take(b"4") is None


def test_a_syn_that_comes_again_is_the_one_that_counts() -> None:
    half_open = HalfOpen(4)
    for key, seq in ((b"a", 1), (b"b", 2), (b"a", 3)):
        half_open.add(key, seq)
    assert half_open.take(b"a") == 3
    assert half_open.take(b"a") is None


def test_a_connection_whose_syn_was_forgotten_is_read_all_the_same() -> None:
    observer, wire = Observer(Limits(half_open=4)), Wire().open()
    observer.feed(wire.frames)
    observer.feed([frame for number in range(9) for frame in client(number, now=wire.now).send(0, SYN).frames])
    assert seen(observe(wire.ask(GET).answer(OK5).frames[3:], observer)) == [TOLD]


def test_connections_that_had_to_go_are_not_held_by_what_was_to_be_given_up_of_them() -> None:
    observer = Observer(Limits(flows=100))
    for number in range(3000):
        wire = client(number, now=Wire().now + number, step=1).send(0, SYN)
        wire.next[0] += 10
        observer.feed(wire.send(0, PSH | ACK, b"z").frames)
    gc.collect()
    assert observer.counts.evicted > 2800
    assert sum(isinstance(each, Flow) for each in gc.get_objects()) < 1500


def test_at_the_bound_closed_connections_make_room_before_any_is_evicted() -> None:
    observer = Observer(Limits(flows=20))
    kept, now = client(0).open().ask(GET), 0
    observer.feed(kept.frames)
    for number in range(1, 100):
        wire = client(number, now=max(now, kept.now), step=1000).open().ask(GET).answer(OK5).close()
        now = wire.now
        assert seen(observer.feed(wire.frames)) == [TOLD]
    assert observer.counts.evicted == 0
    late = Wire(client=kept.client, now=now, begins=(kept.next[0], kept.next[1])).answer(OK5)
    assert seen(observer.feed(late.frames)) == [TOLD]


def test_at_the_bound_of_bytes_kept_the_connection_idle_for_the_longest_time_is_told_and_closed() -> None:
    observer = Observer(Limits(all_bytes=27_000))
    found = []
    for number in range(5):
        wire = client(number, now=Wire().now + number * SECOND).open()
        wire.ask(b"POST /%d HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloGET /x HTTP/1.1\r\nA: " % number + b"a" * 5000)
        found += observer.feed(wire.frames)
    assert [t.target for t in found] == [b"/0", b"/x", b"/1", b"/x"]
    assert observer.counts.evicted == 2


def test_a_connection_that_reaches_the_bound_of_bytes_kept_alone_is_told_and_closed() -> None:
    observer = Observer(Limits(all_bytes=20_000))
    wire = Wire().open()
    for _ in range(4):
        wire.ask(b"GET /a HTTP/1.1\r\nA: " + b"a" * 6000 + b"\r\n\r\n")
    assert seen(observer.feed(wire.frames)) == [("GET /a HTTP/1.1", None, None)] * 3
    assert observer.counts.evicted == 1


def test_a_connection_that_a_hole_given_up_makes_too_large_is_closed_and_rings_no_more() -> None:
    observer = Observer(Limits(all_bytes=20_000))
    wire = Wire().open().ask(GET).answer(OK5)
    wire.next[0] += 50
    for _ in range(50):  # each takes less while it is held than when it waits for an answer
        wire.send(0, PSH | ACK, b"GET / HTTP/1.1\r\n\r\n")
    assert len(observer.feed(wire.frames)) == 1
    assert observer.counts.evicted == 0
    assert len(observer.tick(wire.now + 3 * SECOND)) == 50
    assert (observer.counts.evicted, observer.counts.gaps) == (1, 1)
    assert observer.tick(wire.now + 100 * SECOND) == []


def test_a_later_hole_is_waited_for_as_long_as_the_first_was() -> None:
    observer = Observer()
    wire = Wire(mss=10, step=1000).open().ask(GET)
    frames = wire.frames
    first = len(frames) - 3
    early, missing = [*frames[: first - 1], frames[first]], frames[first - 1]
    observer.feed(early)  # it rings in two seconds
    base = wire.now + SECOND
    observer.feed([(base, *missing[1:])])
    observer.feed([(base + 1, *frames[first + 1][1:])])
    wire.frames = []
    wire.now = base + 2
    wire.next[0] += 30
    wire.send(0, PSH | ACK, b"\r\n\r\n" + GET)
    observer.feed(wire.frames)
    observer.tick(base + 2 + 2 * SECOND - 1)
    assert observer.counts.gaps == 0
    observer.tick(base + 2 + 2 * SECOND)
    assert observer.counts.gaps == 1


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\n\r\nhello", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"]
)
def test_a_reset_connection_is_told_a_tenth_of_a_second_later(answer: bytes) -> None:
    observer = Observer()
    wire = Wire().open().ask(GET).answer(answer).send(1, RST | ACK)
    assert observer.feed(wire.frames) == []
    reset = wire.frames[-1][0]
    assert observer.tick(reset + SECOND // 10 - 1) == []
    assert seen(observer.tick(reset + SECOND // 10)) == [TOLD]


def test_what_was_sent_before_a_reset_and_is_captured_after_it_is_read() -> None:
    wire = Wire().open().ask(GET).answer(OK5)
    ahead = wire.frames.pop(-2)
    wire.send(1, RST | ACK)
    wire.frames.append((wire.now, *ahead[1:]))
    assert seen(Observer().feed(wire.frames)) == [TOLD]


@pytest.mark.parametrize("flags", [SYN, PSH | ACK])
def test_segments_whose_ends_are_the_same_harm_nothing(flags: int) -> None:
    observer = Observer(Limits(flows=2))
    wire = Wire(client=("192.0.2.1", 80), server=("192.0.2.1", 80)).send(0, flags, GET).send(1, flags, OK5)
    for number in range(4):
        wire.frames += client(number, now=wire.now + number).open().ask(GET).answer(OK5).frames
    found = seen(observe(wire.frames, observer))
    assert found[-4:] == [TOLD] * 4
    observer.tick(wire.now + 100 * SECOND)


def test_what_was_held_before_a_syn_captured_late_is_not_of_its_connection() -> None:
    stray = Wire(begins=(900, 1)).send(0, PSH | ACK, b"old bytes")
    wire = Wire(now=stray.now).open().ask(GET).answer(OK5).close()
    observer = Observer()
    assert seen(observe(stray.frames + wire.frames, observer)) == [TOLD]
    assert observer.counts.gaps == 0


def test_of_many_holes_in_a_body_the_oldest_are_gaps_and_the_others_may_still_be_filled() -> None:
    size = 100 * (2 * _MAX_HOLES + 20)
    wire = Wire(mss=100, step=1000).open().ask(GET)
    wire.send(1, PSH | ACK, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
    begin = len(wire.frames)
    for _ in range(size // 100):
        wire.send(1, PSH | ACK, b"x" * 100)
    lost = wire.frames[begin::2]
    observer = Observer()
    found = observer.feed(wire.frames[:begin] + wire.frames[begin + 1 :: 2])
    assert seen(found) == [("GET /a HTTP/1.1", 200, size)]
    assert observer.counts.gaps == len(lost) - _MAX_HOLES
    observer.feed([(wire.now, *frame[1:]) for frame in lost])
    observer.finish()
    assert (observer.counts.gaps, observer.counts.gap_bytes) == (len(lost) - _MAX_HOLES, 100 * (len(lost) - _MAX_HOLES))
