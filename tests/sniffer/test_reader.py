"""What is read of a connection and what is passed by, where messages are broken, too long or out of place."""

from __future__ import annotations

import pytest

from sniffer.decode import ACK, FIN, PSH
from sniffer.flow import SECOND
from sniffer.head import MAX_HEAD
from sniffer.observer import Observer
from tests.sniffer.wire import Wire, observe, seen

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
OK5 = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
BAD = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
CONNECT = b"CONNECT h:25 HTTP/1.1\r\nHost: h:25\r\n\r\n"
REFUSAL = b"HTTP/1.1 407 X\r\nContent-Length: 2\r\n\r\nno"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
TOLD = ("GET /a HTTP/1.1", 200, 5)


@pytest.mark.parametrize("mss", [1460, 3])
@pytest.mark.parametrize(("answer", "told"), [(REFUSAL, [("CONNECT h:25 HTTP/1.1", 407, 2), TOLD])])
def test_what_a_client_sends_behind_connect_is_read_once_that_is_refused(
    answer: bytes, told: list[tuple[str, int, int]], mss: int
) -> None:
    wire = Wire(mss=mss).open().ask(CONNECT + GET[:9]).ask(GET[9:]).answer(answer + OK5).close()
    assert seen(observe(wire.frames)) == told


def test_what_a_client_sends_behind_connect_is_not_read_if_that_is_granted() -> None:
    wire = Wire().open().ask(CONNECT + GET).answer(b"HTTP/1.1 200 OK\r\n\r\n" + OK5).close()
    assert seen(observe(wire.frames)) == [("CONNECT h:25 HTTP/1.1", 200, 0)]


@pytest.mark.parametrize("lost", [False, True])
def test_behind_connect_no_more_is_kept_than_of_a_head_nor_anything_behind_a_loss(lost: bool) -> None:
    wire = Wire().open().ask(CONNECT)
    if lost:
        wire.next[0] += 100
        wire.send(1, ACK).ask(b"a\r\n\r\n")
    else:
        wire.ask(b"x" * (MAX_HEAD + 1))
    observer = Observer()
    found = observe(wire.ask(GET).answer(REFUSAL + OK5).close().frames, observer)
    assert seen(found) == [("CONNECT h:25 HTTP/1.1", 407, 2)]
    assert observer.counts.orphans == 1


def test_an_answer_to_half_a_line_is_given_to_it_at_once() -> None:
    wire = Wire().open().ask(b"GET /a HTT").answer(BAD)
    assert seen(Observer().feed(wire.frames)) == [("GET /a HTT", 400, 0)]


def test_a_line_that_its_sender_broke_off_after_an_exchange_is_told_with_its_answer() -> None:
    wire = Wire().open().ask(GET).answer(OK5).ask(b"hello there").send(0, FIN | ACK).answer(BAD)
    assert seen(observe(wire.frames)) == [TOLD, ("hello there", 400, 0)]


def test_an_answer_to_half_a_proxys_introduction_is_an_orphan() -> None:
    observer = Observer()
    assert observe(Wire().open().ask(b"\x00\r\nQUIT").answer(BAD).close().frames, observer) == []
    assert observer.counts.orphans == 1


def test_the_longest_introduction_of_a_proxy_is_passed_by() -> None:
    introduction = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff" + b"GET / HTTP/1.1\r\n\r\n".ljust(0xFFFF, b"\n")
    assert seen(observe(Wire().open().ask(introduction + GET).answer(OK5).close().frames)) == [TOLD]


def test_an_answer_that_was_sent_before_a_stray_line_is_not_given_to_it() -> None:
    wire = Wire().open().ask(GET).answer(OK5)
    early = Wire(begins=(wire.next[0], wire.next[1]), now=wire.now).send(1, PSH | ACK, BAD.replace(b"400", b"408"))
    wire.send(0, PSH | ACK, b"hello there\r\n")
    observer = Observer()
    assert seen(observe(wire.frames + early.frames, observer)) == [TOLD]
    assert observer.counts.orphans == 1


def test_an_interim_answer_that_nobody_asked_for_is_nothing() -> None:
    observer = Observer()
    wire = Wire().open().answer(b"HTTP/1.1 100 Continue\r\n\r\n").ask(GET).answer(OK5).close()
    assert seen(observe(wire.frames, observer)) == [TOLD]
    assert observer.counts.orphans == 0


def test_half_a_request_line_that_is_not_answered_is_no_request() -> None:
    wire = Wire().open().ask(GET).answer(OK5)
    cut = len(wire.frames)
    wire.ask(b"GET /lost HTTP/1.1\r\n\r\n").close()
    time, link, data, size = wire.frames[cut]
    wire.frames[cut] = (time, link, data[: 54 + 8], size)
    observer = Observer()
    assert seen(observe(wire.frames, observer)) == [TOLD]
    assert observer.counts.unanswered == 0


def test_an_upgrade_whose_head_is_too_long_is_one() -> None:
    head = b"HTTP/1.1 101 X\r\nA: " + b"a" * (MAX_HEAD + 3000) + b"\r\n\r\n"
    observer = Observer()
    wire = Wire().open().ask(GET).answer(head).ask(GET).answer(OK5).close()
    assert seen(observe(wire.frames, observer)) == [("GET /a HTTP/1.1", 101, 0)]
    assert observer.counts.orphans == 0


BROKEN_CHUNKS = (b"5;" + b"x" * 5000, b"5;" + b"x" * 5000 + b"\r\nhello\r\n0\r\n\r\n", b"xyz\r\nhello\r\n0\r\n\r\n")


@pytest.mark.parametrize("chunks", BROKEN_CHUNKS)
def test_nothing_is_read_of_a_client_behind_broken_chunks(chunks: bytes) -> None:
    wire = Wire().open().ask(b"POST / HTTP/1.1\r\n" + CHUNKED + chunks).ask(GET).answer(BAD).close()
    assert seen(observe(wire.frames)) == [("POST / HTTP/1.1", 400, 0)]


@pytest.mark.parametrize("chunks", BROKEN_CHUNKS)
def test_an_answer_in_broken_chunks_ends_with_its_connection(chunks: bytes) -> None:
    wire = Wire().open().ask(GET).answer(b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"3\r\nabc\r\n" + chunks).answer(b"x" * 9)
    observer = Observer()
    assert observer.feed(wire.frames) == []
    ((_, status, size),) = seen(observer.feed(wire.close().frames[-3:]) + observer.finish())
    assert status == 200
    assert size is not None
    assert size >= 3 + 9


def test_in_a_body_whose_beginning_is_lost_what_only_begins_like_a_request_is_none() -> None:
    wire = Wire().ask(b"GET /a story of words\r\n")  # a whole line at once
    wire.ask(b"GET /a").ask(b" story of words\r\n\r\n")  # and one in pieces
    wire.ask(GET).answer(OK5)
    assert seen(observe(wire.frames)) == [TOLD]


def test_after_a_loss_in_a_head_a_text_that_only_begins_like_a_request_is_none() -> None:
    wire = Wire().open().ask(GET).answer(OK5).ask(b"POST /b HTTP/1.1\r\nContent-Le")
    wire.next[0] += 60
    wire.send(1, ACK).ask(b"GET /a").ask(b" story\r\n").answer(BAD).ask(GET).answer(OK5)
    assert seen(observe(wire.frames)) == [TOLD, ("POST /b HTTP/1.1", 400, 0), TOLD]


def test_a_text_in_a_body_behind_a_loss_is_not_taken_for_a_line_that_is_answered() -> None:
    wire = Wire().open().ask(GET).answer(OK5).ask(b"POST /b HTTP/1.1\r\nContent-Le")
    wire.next[0] += 60
    wire.send(1, ACK).answer(BAD).ask(b"GET /a").ask(b" story\r\n").answer(BAD.replace(b"400", b"408"))
    observer = Observer()
    assert seen(observe(wire.frames, observer)) == [TOLD, ("POST /b HTTP/1.1", 400, 0)]
    assert observer.counts.orphans == 1


def test_an_answer_of_which_half_the_head_is_known_goes_on_through_what_only_begins_like_another() -> None:
    head = b"HTTP/1.1 200 X\r\nServer: s\r\n"
    wire = Wire().open().ask(GET)
    cut = len(wire.frames)
    wire.answer(head.ljust(500, b"h")).answer(b"HTTP/1.1 is a protocol\r\n").answer(b"x" * 100).close()
    time, link, data, size = wire.frames[cut]
    wire.frames[cut] = (time, link, data[: 54 + len(head)], size)
    assert seen(observe(wire.frames)) == [("GET /a HTTP/1.1", 200, 24 + 100)]


def test_a_refusal_of_connect_does_not_disturb_the_request_that_is_being_read_by_then() -> None:
    wire = Wire().open().ask(CONNECT[:30])
    wire.next[0] += 60
    wire.send(1, ACK).ask(b"POST /p HTTP/1.1\r\nContent-Length: 50\r\n\r\n" + b"x" * 20)
    wire.now += SECOND
    wire.answer(REFUSAL).ask(GET + b"\r\n").answer(OK5).ask(GET).answer(OK5)
    told = seen(observe(wire.frames))
    assert [line for line, _, _ in told] == ["CONNECT h:25 HTTP/1.1", "POST /p HTTP/1.1", TOLD[0]]
    assert told[0] == ("CONNECT h:25 HTTP/1.1", 407, 2)
    assert {each[1:] for each in told[1:]} <= {(200, 5), (None, None)}  # what the loss took may have asked for it


def test_nothing_observed_is_nothing_told() -> None:
    observer = Observer()
    assert observer.feed([]) == []
    assert observer.feed(iter(Wire().open().ask(GET).answer(OK5).frames))[0].status == 200
    assert observer.counts.frames == 7
    assert observer.tick(10**19 + SECOND) == []


EXPECT = b"PUT /e HTTP/1.1\r\nExpect: 100-continue\r\n"
REFUSED = b"HTTP/1.1 417 X\r\nContent-Length: 0\r\n\r\n"
OFFERS = [EXPECT + b"Content-Length: %d\r\n\r\n" % len(GET), EXPECT + CHUNKED]


@pytest.mark.parametrize("offer", OFFERS)
def test_what_comes_instead_of_a_body_that_was_refused_is_the_next_request(offer: bytes) -> None:
    wire = Wire().open().ask(GET).answer(OK5).ask(offer).answer(REFUSED).ask(GET).answer(OK5).ask(GET).answer(OK5)
    assert seen(observe(wire.close().frames)) == [TOLD, ("PUT /e HTTP/1.1", 417, 0), TOLD, TOLD]


def test_what_comes_instead_of_a_body_is_the_next_request_though_it_was_captured_before_the_refusal() -> None:
    wire = Wire().open().ask(OFFERS[0])
    place = len(wire.frames)
    wire.answer(REFUSED).ask(GET).answer(OK5).close()
    refusal, request = (
        wire.frames[place],
        next(at for at, each in enumerate(wire.frames) if at > place and GET in each[2]),
    )
    wire.frames.remove(refusal)
    wire.frames.insert(request, refusal)
    assert seen(observe(wire.frames)) == [("PUT /e HTTP/1.1", 417, 0), TOLD]


@pytest.mark.parametrize("short", [False, True])
def test_a_lost_refusal_gives_the_request_that_was_offered_no_other_answer(short: bool) -> None:
    wire = Wire().open().ask(OFFERS[0])
    place = len(wire.frames)
    refused = REFUSED if short else b"HTTP/1.1 417 X\r\nServer: %b\r\nContent-Length: 0\r\n\r\n" % (b"x" * 60)
    wire.answer(refused).ask(GET).answer(OK5).close()
    del wire.frames[place]
    # So little may have been an interim response, and the next request the body.
    own = ("GET /a HTTP/1.1", None, None) if short else TOLD
    assert seen(observe(wire.frames)) == [("PUT /e HTTP/1.1", None, None), own]


@pytest.mark.parametrize("before", [b"HTTP/1.1 100 Continue\r\n\r\n", b""])
def test_a_body_that_reads_like_a_request_is_none_if_it_was_not_refused(before: bytes) -> None:
    wire = Wire().open().ask(OFFERS[0])
    wire = (wire.answer(before) if before else wire).ask(GET).answer(OK5).ask(GET).answer(OK5).close()
    assert seen(observe(wire.frames)) == [("PUT /e HTTP/1.1", 200, 5), TOLD]


@pytest.mark.parametrize("body", [b"x" * len(GET), b"GET " + b"x" * (len(GET) - 4)])
@pytest.mark.parametrize("lost", [False, True])
def test_a_body_that_was_refused_and_is_sent_nevertheless_is_passed_by(lost: bool, body: bytes) -> None:
    wire = Wire().open().ask(OFFERS[0]).answer(REFUSED)
    place = len(wire.frames)
    wire.ask(body)
    if lost:
        del wire.frames[place]
    wire.ask(GET).answer(OK5).close()
    assert seen(observe(wire.frames)) == [("PUT /e HTTP/1.1", 417, 0), TOLD]


@pytest.mark.parametrize("mss", [1, 7, 1460])
def test_a_stream_that_is_answered_in_the_manner_of_shoutcast_has_its_status(mss: int) -> None:
    reply = b"ICY 200 OK\r\nicy-metaint: 8192\r\n\r\n" + b"\xff\xfb\x90" * 500
    wire = Wire(mss=mss).open().ask(b"GET /radio HTTP/1.0\r\nHost: h\r\n\r\n").answer(reply).close()
    assert seen(observe(wire.frames)) == [("GET /radio HTTP/1.0", 200, 1500)]
