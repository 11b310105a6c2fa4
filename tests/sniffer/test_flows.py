"""Connections as networks have them: picked up, broken off, with holes, with their ports used again."""

from __future__ import annotations

import random

import pytest

from sniffer.decode import ACK, FIN, PSH, RST, SYN
from sniffer.flow import SECOND, Limits
from sniffer.observer import Observer
from tests.sniffer.wire import START, Wire, observe, seen


def get(name: str, more: str = "") -> bytes:
    return f"GET /{name} HTTP/1.1\r\nHost: h\r\n{more}\r\n".encode()


def answer(status: int, size: int) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, size) + b"x" * size


def talk(wire: Wire, *statuses: int) -> Wire:
    """An exchange for each status; its path is the status, its body as long."""
    for status in statuses:
        wire.ask(get(str(status))).answer(answer(status, status))
    return wire


def told(*statuses: int) -> list[tuple[str, int | None, int | None]]:
    return [(f"GET /{status} HTTP/1.1", status, status) for status in statuses]


def test_sequence_numbers_wrap() -> None:
    wire = talk(Wire(begins=(0xFFFFFFFF, 0xFFFFFFF0)).open(), 200, 404, 500).close()
    assert seen(observe(wire.frames)) == told(200, 404, 500)


def test_a_connection_is_picked_up_in_the_middle() -> None:
    frames = talk(Wire().open(), 200, 201, 202, 203).frames
    for begin in range(3, len(frames) - 3):
        found = seen(observe(frames[begin:]))
        assert set(found) <= set(told(200, 201, 202, 203)) | {
            (f"GET /{n} HTTP/1.1", None, None) for n in (200, 201, 202)
        }
        assert found[-1:] == told(203) or begin > len(frames) - 4


def test_of_a_fast_connection_picked_up_in_the_middle_every_answer_finds_its_request() -> None:
    wire = talk(Wire(step=20_000).open(), *[200, 404, 500] * 700)  # 2,100 exchanges while the beginning is waited for
    observer = Observer()
    assert seen(observe(wire.frames[7:], observer)) == told(*([200, 404, 500] * 700)[1:])
    assert (observer.counts.unanswered, observer.counts.orphans) == (0, 0)


@pytest.mark.parametrize("mss", [1, 2, 3, 7, 1460])
@pytest.mark.parametrize("line", [b"GET /first HTTP/1.1", b"M-SEARCH * HTTP/1.1", b"CONNECT h:443 HTTP/1.1"])
def test_the_first_request_of_a_connection_picked_up_is_found_in_whatever_pieces_it_comes(
    line: bytes, mss: int
) -> None:
    wire = Wire(mss=mss).ask(line + b"\r\nHost: h\r\n\r\n").answer(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert seen(observe(wire.frames)) == [(line.decode(), 204, 0)]


@pytest.mark.parametrize("mss", [1, 7, 1460])
def test_a_letter_in_front_of_a_request_is_no_part_of_its_method(mss: int) -> None:
    wire = Wire().ask(b"X")  # the end of a body, say
    wire.mss = mss
    assert seen(observe(talk(wire, 200).frames)) == told(200)


@pytest.mark.parametrize("mss", [1, 2, 3, 7, 200, 1460])
def test_a_long_request_behind_a_head_that_was_cut_by_a_loss_is_found_in_whatever_pieces_it_comes(mss: int) -> None:
    wire = Wire(mss=mss).open().ask(b"GET /lost HTTP/1.1\r\nCoo")
    wire.next[0] += 100
    wire.send(1, 16).ask(b"kie: x\r\n\r\nGET /" + b"p" * 3000 + b" HTTP/1.1\r\n\r\n")
    assert [line for line, _, _ in seen(observe(wire.frames))][-1] == "GET /" + "p" * 3000 + " HTTP/1.1"


def test_a_text_line_that_nobody_answered_is_no_request_of_an_answer_sent_before_it() -> None:
    wire = Wire().ask(get("a")).send(1, 24, answer(200, 5) * 2).send(0, 24, b"nonsense\r\n")
    assert [line for line, _, _ in seen(observe(wire.frames))] == ["GET /a HTTP/1.1"]


def test_an_answer_to_an_unseen_request_is_given_to_no_other() -> None:
    wire = Wire().open().ask(get("200"))
    places = len(wire.frames) - 2
    wire = talk(wire.answer(answer(299, 10)), 201)
    frames = [frame for place, frame in enumerate(wire.frames) if place != places]
    observer = Observer()
    assert seen(observe(frames, observer)) == told(201)
    assert observer.counts.orphans == 1


def test_a_lost_response_shifts_no_other() -> None:
    wire = Wire().open().ask(get("200"))
    lost = len(wire.frames)
    wire = talk(wire.answer(answer(200, 300)), 201, 202, 203).close().lose(lost)
    observer = Observer()
    assert seen(observe(wire.frames, observer)) == [("GET /200 HTTP/1.1", None, None), *told(201, 202, 203)]
    assert (observer.counts.gaps, observer.counts.unanswered) == (1, 1)


def test_an_answer_behind_a_lost_one_is_not_given_to_its_request() -> None:
    wire = Wire().open().ask(get("a", "Upgrade: x\r\n")).answer(b"HTTP/1.1 101 X\r\n\r\n").ask(b"\x81\x85abcd")
    observer = Observer()
    assert seen(observe(wire.answer(answer(200, 5)).close().lose(5).frames, observer)) == [
        ("GET /a HTTP/1.1", None, None)
    ]
    assert observer.counts.orphans == 1


def test_the_answer_behind_a_lost_interim_one_is_its_requests() -> None:
    post = b"POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    wire = Wire().open().ask(post).answer(b"HTTP/1.1 100 Continue\r\n\r\n").ask(b"ab").answer(answer(200, 5)).close()
    assert seen(observe(wire.lose(5).frames)) == [("POST /a HTTP/1.1", 200, 5)]


def test_a_hole_in_a_body_costs_nothing_but_is_counted() -> None:
    wire = Wire(mss=100).open().ask(get("900")).answer(answer(900, 900)).ask(get("1")).answer(answer(201, 1)).close()
    observer = Observer()
    assert seen(observe(wire.lose(9, 10).frames, observer)) == [
        ("GET /900 HTTP/1.1", 900, 900),
        ("GET /1 HTTP/1.1", 201, 1),
    ]
    assert (observer.counts.gaps, observer.counts.gap_bytes) == (1, 200)


def test_bytes_that_come_late_are_no_gap() -> None:
    wire = Wire(mss=100).open().ask(get("900")).answer(answer(900, 900)).close()
    frames = wire.frames
    frames.insert(14, frames.pop(8))
    observer = Observer()
    assert seen(observe(frames, observer)) == told(900)
    assert observer.counts.gaps == 0


def test_after_a_loss_inside_a_head_the_next_message_is_found() -> None:
    wire = (
        Wire(mss=40).open().ask(get("1") + get("2", "Cookie: 0123456789012345678901234567890123456789\r\n") + get("3"))
    )
    wire.answer(answer(201, 1) + answer(202, 2) + answer(203, 3)).close()
    lines = [t.line for t in observe(wire.lose(4).frames)]
    assert lines[-1] == b"GET /3 HTTP/1.1"


def test_an_orphan_is_never_given_to_a_later_request() -> None:
    wire = Wire().open().ask(get("200")).answer(answer(200, 200) + answer(200, 7) + answer(200, 8))
    observer = Observer()
    assert seen(observe(talk(wire, 201).close().frames, observer)) == told(200, 201)
    assert observer.counts.orphans == 2


def test_a_timeout_answer_that_crosses_a_request_is_an_orphan() -> None:
    wire = talk(Wire().open(), 200)
    early = Wire(begins=tuple(wire.next), now=wire.now)  # type: ignore[arg-type]
    early.send(1, PSH | ACK, answer(408, 0))
    wire.send(0, PSH | ACK, get("lost"))
    wire.frames += early.frames
    assert seen(observe(wire.frames)) == [*told(200), ("GET /lost HTTP/1.1", None, None)]


def test_ports_used_again_are_another_connection() -> None:
    first = talk(Wire().open(), 200)
    again = talk(Wire(now=first.now, begins=(77, 88)).open(), 201).close()
    observer = Observer()
    assert seen(observe(first.frames + again.frames, observer)) == told(200, 201)
    assert observer.counts.flows == 2


@pytest.mark.parametrize("batch", [1, 7, 1000])
@pytest.mark.parametrize("closed", [True, False])
def test_ports_used_again_with_the_same_numbers_are_another_connection_but_not_at_once(
    closed: bool, batch: int
) -> None:
    first = talk(Wire().open(), 200)
    if closed:
        first.close()
    for pause, known in ((0, [200]), (3, [200, 201]), (1000, [200, 201]), (-1000, [200, 201])):
        again = talk(Wire(now=first.now + pause * SECOND).open(), 201).close()
        assert seen(observe(first.frames + again.frames, batch=batch)) == told(*known)


def test_a_syn_sent_again_because_nobody_answered_is_no_other_connection() -> None:
    wire = Wire().send(0, SYN, get("early"))  # data at once, as with TCP fast open
    behind = wire.next[0]
    for pause in (1, 2, 4):
        wire.now += pause * SECOND
        wire.next[0] = wire.begins[0]
        wire.send(0, SYN)
    wire.next[0] = behind
    wire.send(1, SYN | ACK).send(1, PSH | ACK, answer(200, 5))
    assert seen(observe(wire.frames)) == [("GET /early HTTP/1.1", 200, 5)]


def test_ports_used_again_are_known_without_syn() -> None:
    for begins in ((1 << 31, 1 << 30), (1 << 28, 7)):
        for first in (talk(Wire().open(), 200), talk(Wire().open(), 200).close()):
            again = talk(Wire(now=first.now + SECOND, begins=begins).open(), 201)
            assert seen(observe(first.frames + again.frames[3:])) == told(200, 201)


def test_ports_used_again_unseen_are_no_gap_of_a_gigabyte() -> None:
    wire = talk(Wire().open(), 200)
    wire.next = [wire.next[0] + 500_000_000, wire.next[1] + 900_000_000]
    wire.send(1, PSH | ACK, b"x" * 1000)  # the rest of an answer of another connection
    observer = Observer()
    assert seen(observe(talk(wire, 201).close().frames, observer)) == told(200, 201)
    assert observer.counts.gap_bytes < 5000


def test_http_behind_a_socks_greeting_is_read() -> None:
    wire = Wire(server=("198.51.100.1", 1080)).open().ask(b"\x05\x01\x00").answer(b"\x05\x00")
    wire.ask(b"\x05\x01\x00\x01\xc0\x00\x02\x07\x00\x50").answer(b"\x05\x00\x00\x01" + bytes(6))
    assert seen(observe(talk(wire, 200).close().frames)) == told(200)


@pytest.mark.parametrize("mss", [1, 2, 3, 1460])
@pytest.mark.parametrize(
    "asked",
    [
        b"\x05\x01\x00\x05\x01\x00\x01\xc0\x00\x02\x07\x00P",
        b"\x05\x02\x00\x02\x01\x04user\x04pass\x05\x01\x00\x03\x0bexample.com\x00P",
        b"\x05\x01\x00\x05\x01\x00\x04" + bytes(range(16)) + b"\x00P",
        b"\x04\x01\x00P\xc0\x00\x02\x07user\x00",
        b"\x04\x01\x00P\x00\x00\x00\x01\x00example.com\x00",
    ],
)
def test_what_a_client_asks_of_a_socks_proxy_is_stepped_over(asked: bytes, mss: int) -> None:
    wire = Wire(mss=mss).open().ask(asked + get("200"))
    wire.answer(b"\x05\x00\x05\x00\x00\x01" + bytes(6) + answer(200, 200))
    assert seen(observe(talk(wire, 201).close().frames)) == told(200, 201)


@pytest.mark.parametrize("asked", [b"\x05\x01\x00\x05\x01\x00\x02" + b"x" * 20, b"\x05\xff" + b"x" * 1200])
def test_what_only_begins_like_a_socks_greeting_is_not_stepped_over(asked: bytes) -> None:
    wire = Wire().open().ask(asked).answer(b"\x05\x00")
    observer = Observer()
    assert seen(observe(wire.close().frames, observer)) == []
    assert observer.counts.not_http == 1


def test_what_begins_like_a_socks_request_but_does_not_end_holds_up_no_request_behind_it() -> None:
    wire = Wire().open().ask(b"\x04\x01" + b"x" * 1200)
    assert seen(observe(talk(wire, 200).close().frames)) == told(200)


def test_a_copy_of_everything_changes_nothing() -> None:
    frames = talk(Wire(step=1000).open(), 200, 201).close().frames
    assert seen(observe(frames + frames)) == told(200, 201)


def test_a_copy_seen_on_a_second_interface_changes_nothing() -> None:
    frames = [frame for frame in talk(Wire().open(), 200, 201).close().frames for _ in range(2)]
    assert seen(observe(frames)) == told(200, 201)


def test_keep_alive_probes_are_no_data() -> None:
    wire = talk(Wire().open(), 200)
    wire.send(0, ACK, b"", back=1).send(0, ACK, b"\x00", back=1).send(1, ACK)
    assert seen(observe(talk(wire, 201).close().frames)) == told(200, 201)


def test_reset_ends_a_body_that_only_the_close_could_end() -> None:
    wire = Wire().open().ask(get("1")).answer(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 50).reset()
    (found,) = observe(wire.frames)
    assert (found.status, found.size) == (200, 50)


def test_what_was_sent_before_a_reset_may_be_captured_after_it() -> None:
    wire = talk(Wire().open(), 200).reset()
    wire.frames.insert(-3, wire.frames.pop())
    assert seen(observe(wire.frames)) == told(200)


def test_lost_last_bytes_do_not_count_and_the_close_ends_the_exchange_all_the_same() -> None:
    wire = Wire(mss=100).open().ask(get("1")).answer(answer(200, 250)).close()
    observer = Observer()
    lost = wire.lose(-5)
    found = observer.feed(lost.frames) + observer.tick(lost.now + SECOND // 5)
    assert [(t.status, t.size, t.whole) for t in found] == [(200, 200 - len(answer(200, 250)) + 250, False)]
    assert (observer.counts.gaps, observer.counts.gap_bytes) == (1, len(answer(200, 250)) - 200)


def test_half_a_close_leaves_the_answer() -> None:
    wire = Wire().open().send(0, PSH | ACK | FIN, get("1")).answer(answer(200, 5)).send(1, FIN | ACK).send(0, ACK)
    assert seen(observe(wire.frames)) == [("GET /1 HTTP/1.1", 200, 5)]


def test_the_handshake_may_be_captured_in_disorder() -> None:
    frames = talk(Wire().open(), 200).close().frames
    for order in ((1, 0, 2), (2, 1, 0), (1, 2, 0)):
        assert seen(observe([frames[place] for place in order] + frames[3:])) == told(200)


def test_data_in_syn_are_read() -> None:
    wire = Wire().send(0, SYN, get("1")).send(1, SYN | ACK).send(0, ACK).answer(answer(200, 5)).close()
    assert seen(observe(wire.frames)) == [("GET /1 HTTP/1.1", 200, 5)]


def test_one_direction_alone_gives_its_requests_without_answers() -> None:
    frames = [frame for frame in talk(Wire().open(), 200, 201).close().frames if frame[2][34:36] != b"\x00\x50"]
    assert seen(observe(frames)) == [("GET /200 HTTP/1.1", None, None), ("GET /201 HTTP/1.1", None, None)]


def test_the_servers_direction_alone_gives_nothing_but_orphans() -> None:
    frames = [frame for frame in talk(Wire().open(), 200, 201).close().frames if frame[2][34:36] == b"\x00\x50"]
    observer = Observer()
    assert seen(observe(frames, observer)) == []
    assert observer.counts.orphans == 2


def test_the_roles_do_not_go_by_ports() -> None:
    wire = talk(Wire(client=("192.0.2.1", 80), server=("198.51.100.1", 50_000)).open(), 200)
    (found,) = observe(wire.frames)
    assert found.server[-2:] == (50_000).to_bytes(2, "big")


def test_ipv6() -> None:
    wire = talk(Wire(client=("2001:db8::1", 40_000), server=("2001:db8::2", 80)).open(), 200, 201)
    assert seen(observe(wire.close().frames)) == told(200, 201)


def test_times_and_bytes_of_an_exchange() -> None:
    wire = Wire(step=SECOND).open()
    wire.ask(get("1")).answer(b"HTTP/1.1 100 Continue\r\n\r\n").answer(answer(200, 2000)).close()
    (found,) = observe(wire.frames)
    assert (found.begin - START) // SECOND == 3
    assert (found.first or 0) - found.begin == 4 * SECOND
    assert (found.last or 0) - found.begin == 5 * SECOND
    assert found.received == len(get("1"))
    assert found.sent == len(b"HTTP/1.1 100 Continue\r\n\r\n") + len(answer(200, 2000))
    assert found.whole
    assert found.lasting


def test_an_exchange_is_told_as_soon_as_it_ended() -> None:
    wire = talk(Wire().open(), 200)
    assert len(Observer().feed(wire.frames)) == 1


def test_a_gap_is_declared_soon_after_the_peer_acknowledged_it() -> None:
    wire = Wire().open().ask(get("1"))
    lost = len(wire.frames)
    wire.answer(answer(200, 5)).ask(get("2")).answer(answer(201, 6)).lose(lost)
    observer = Observer()
    assert observer.feed(wire.frames) == []
    assert seen(observer.tick(wire.now + SECOND // 5)) == [("GET /1 HTTP/1.1", None, None), ("GET /2 HTTP/1.1", 201, 6)]


def test_what_the_peer_acknowledged_is_not_waited_for_where_frames_were_dropped() -> None:
    wire = Wire().open().ask(get("1"))
    lost = len(wire.frames)
    wire.answer(answer(200, 5)).ask(get("2")).answer(answer(201, 6)).ask(get("3")).lose(lost)
    observer = Observer()
    found = observer.feed(wire.frames, hurried=True)
    assert seen(found) == [("GET /1 HTTP/1.1", None, None), ("GET /2 HTTP/1.1", 201, 6)]


def test_without_a_word_of_the_peer_a_gap_is_declared_after_two_seconds() -> None:
    wire = talk(Wire().open(), 200)
    wire.next[0] += 30
    wire.send(0, PSH | ACK, b"x\r\n\r\n" + get("2"))
    observer = Observer()
    assert len(observer.feed(wire.frames)) == 1
    observer.tick(wire.now + SECOND)
    assert observer.counts.gaps == 0
    observer.tick(wire.now + 3 * SECOND)
    assert observer.counts.gaps == 1
    assert seen(observer.finish()) == [("GET /2 HTTP/1.1", None, None)]


def test_an_idle_connection_is_closed_and_its_request_told() -> None:
    observer = Observer(Limits(idle=60 * SECOND))
    observer.feed(Wire().open().ask(get("1")).frames)
    assert observer.tick(START + 30 * SECOND) == []
    assert seen(observer.tick(START + 90 * SECOND)) == [("GET /1 HTTP/1.1", None, None)]


def test_an_exchange_that_never_ends_is_told_in_the_end() -> None:
    observer = Observer(Limits(life=3600 * SECOND))
    wire = Wire(step=SECOND).open().ask(get("1")).answer(b"HTTP/1.1 200 OK\r\n\r\n")
    found = observer.feed(wire.frames)
    for _ in range(500):
        wire.frames.clear()
        wire.send(1, PSH | ACK, b"x" * 100)
        wire.now += 10 * SECOND
        found += observer.feed(wire.frames)
    assert [(t.status, t.whole) for t in found] == [(200, False)]


def test_any_loss_of_segments_pairs_no_answer_with_another_request() -> None:
    for seed in range(200):
        rng = random.Random(seed)
        statuses = rng.sample(range(400, 500), 6)
        frames = talk(Wire(mss=rng.choice([60, 300, 1460])).open(), *statuses).close().frames
        kept = [frame for frame in frames if rng.random() > 0.1]
        for line, status, _ in seen(observe(kept)):
            assert status is None or line == f"GET /{status} HTTP/1.1"


def test_losses_in_bursts_pair_no_answer_with_another_request() -> None:
    for seed in range(300):
        rng = random.Random(seed)
        wire = Wire(step=5_000_000)
        if rng.random() < 0.7:
            wire.open()
        for status in (statuses := rng.sample(range(400, 500), 12)):  # acknowledged by what is said next
            wire.send(0, PSH | ACK, get(str(status))).send(1, PSH | ACK, answer(status, status))
        kept, there, left = [], True, rng.randrange(1, 8)
        for frame in wire.frames:
            if there:
                kept.append(frame)
            left -= 1
            if not left:
                there, left = not there, rng.randrange(1, 8)
        for line, status, _ in seen(observe(kept)):
            assert status is None or line == f"GET /{status} HTTP/1.1", (seed, statuses)


def test_losses_before_the_first_message_shift_no_answer() -> None:
    wire = talk(Wire().open(), 200, 201, 202, 203).lose(3, 4, 5, 6, 9)
    assert seen(observe(wire.frames)) == [("GET /201 HTTP/1.1", None, None), *told(202, 203)]


def test_rst_from_elsewhere_ends_nothing() -> None:
    wire = talk(Wire().open(), 200)
    forged = Wire(begins=(1 << 31, 1 << 30), now=wire.now).send(1, RST)
    wire.frames += forged.frames
    assert seen(observe(talk(wire, 201).close().frames)) == told(200, 201)


def snapped(wire: Wire, place: int, length: int) -> Wire:
    """Cut the data of a frame, as a snap length does."""
    time, link, data, size = wire.frames[place]
    wire.frames[place] = (time, link, data[: 54 + length], size)
    return wire


@pytest.mark.parametrize("before", [0, 1])
def test_a_request_line_cut_by_the_snap_length_is_told_as_far_as_it_goes_with_its_answer(before: int) -> None:
    wire = talk(Wire().open(), *[200] * before)
    asked = len(wire.frames)
    snapped(wire.ask(get("long")), asked, 8).answer(answer(404, 7))
    assert seen(observe(talk(wire, 201).frames)) == [*told(200)[:before], ("GET /lon", 404, 7), *told(201)]


def test_half_a_request_line_without_an_answer_is_none() -> None:
    assert observe(snapped(Wire().open().ask(get("long")), 3, 8).frames) == []


def test_a_request_that_a_loss_cut_in_its_method_still_has_no_body_in_its_answer() -> None:
    wire = snapped(Wire().open().ask(b"HEAD /long HTTP/1.1\r\n\r\n"), 3, 8)
    wire.answer(b"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\n")
    assert seen(observe(talk(wire, 201).frames)) == [("HEAD /lo", 200, 0), *told(201)]


@pytest.mark.parametrize(
    ("fields", "size"),
    [(b"Server: s\r\nDate", 500), (b"Content-Length: 1400\r\nDate", 1400), (b"Content-Length: 9\r\nDate", 9)],
)
def test_bytes_missing_behind_a_part_of_a_head_count_no_further_than_a_length_says(fields: bytes, size: int) -> None:
    head = b"HTTP/1.1 200 X\r\n" + fields
    wire = Wire().open().ask(get("a")).answer(head + b"x" * (1460 - len(head)) + b"y" * 500).close()
    assert seen(observe(snapped(wire, 5, len(head)).frames)) == [("GET /a HTTP/1.1", 200, size)]


@pytest.mark.parametrize(("asked", "status"), [(b"HEAD /a HTTP/1.1", 200), (b"GET /a HTTP/1.1", 304)])
def test_an_answer_without_a_body_has_none_with_half_a_head_either(asked: bytes, status: int) -> None:
    said = b"HTTP/1.1 %d X\r\nServer: s\r\nContent-Length: 50\r\n\r\n" % status
    wire = Wire().open().ask(asked + b"\r\n\r\n").answer(said)
    assert seen(observe(talk(snapped(wire, 5, 20), 201).frames)) == [(asked.decode(), status, 0), *told(201)]


def test_an_upgrade_of_which_half_the_head_is_known_is_one() -> None:
    wire = Wire().open().ask(get("a")).answer(b"HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n")
    assert seen(observe(talk(snapped(wire, 5, 20), 201).frames)) == [("GET /a HTTP/1.1", 101, 0)]


def test_what_a_gap_parts_is_no_first_line() -> None:
    wire = talk(Wire().open(), 200).ask(b"GET /lost HT")
    wire.next[0] += 100
    wire.send(1, ACK).ask(b"T")
    wire.next[0] += 100
    talk(wire.send(1, ACK).answer(answer(404, 7)), 201)
    assert seen(observe(wire.frames)) == [*told(200), ("GET /lost HT", 404, 7), *told(201)]


@pytest.mark.parametrize(
    "rest",
    [
        [b"Server: s\r\nAge: 1\r\n\r\n"],
        [b"Server: s\r\n", b"Age: 1\r\n", b"\r\n"],
        [b"st of a date\r\nServer: s\r\n", b"Age: 1\r\n\r\n"],
    ],
)
def test_fields_behind_what_was_cut_of_a_head_are_no_body(rest: list[bytes]) -> None:
    wire = Wire().open().ask(get("a")).answer(b"HTTP/1.1 200 X\r\nDate: x\r\n")
    for piece in rest:
        wire.answer(piece)
    assert seen(observe(snapped(wire.answer(b"x" * 500).close(), 5, 16).frames)) == [("GET /a HTTP/1.1", 200, 500)]


@pytest.mark.parametrize("body", [b"first: line\n" * 9, b"text\r\n\r\nmore text", b"\r\n\r\n<html>"])
def test_text_behind_what_was_cut_of_a_head_is_body_if_it_is_no_field(body: bytes) -> None:
    wire = Wire().open().ask(get("a")).answer(b"HTTP/1.1 200 X\r\nDate: x\r\n\r\n").answer(b"<html>").answer(body)
    assert seen(observe(snapped(wire.close(), 5, 16).frames)) == [("GET /a HTTP/1.1", 200, 6 + len(body))]


def test_the_end_of_a_body_in_front_of_a_request_is_no_part_of_its_method() -> None:
    wire = talk(Wire().open(), 200).send(0, 24, b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n")
    wire.next[0] += 100
    wire.send(1, ACK).ask(b"line\r\n\r\nwordGET /b HTTP/1.1\r\n\r\n").close()
    assert [line for line, _, _ in seen(observe(wire.frames))] == ["GET /200 HTTP/1.1", "POST /a HTTP/1.1"]
