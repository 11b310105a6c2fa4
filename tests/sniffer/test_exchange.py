"""Exchanges told at a glance: the same as if every message had been read."""

from __future__ import annotations

from collections.abc import Iterable
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniffer.decode import Frame
from sniffer.exchange import Exchanges
from sniffer.flow import Limits
from sniffer.http1 import Reader
from sniffer.memo import BYTES, COUNT, LONGEST, Memo
from sniffer.observer import Observer, ObserverCounts
from sniffer.transaction import Transaction
from tests.sniffer.test_any_order import ANSWERED, ASKED, disturb
from tests.sniffer.wire import Wire, observe, seen

GET = b"GET /%d HTTP/1.1\r\nHost: example.com\r\nCookie: a=b\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 5\r\n\r\nhello"
REQUESTS = [
    *ASKED,
    b"GET /a HTTP/1.1\n\n",
    b"GET /a HTTP/1.1\r\n\r\n",
    b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET  /a  HTTP/1.1 \r\nHost: h\r\n\r\n",
    b"GET /a HTTP/2.0\r\nHost: h\r\n\r\n",
    b"GET /a HTTP/1.1\r\nHost: h\n\r\nGET /b HTTP/1.1\r\n\r\n",
    b"GET /a HTTP/1.1\r\nHost: h\n\nGET /b HTTP/1.1\r\n\r\n",
    b"POST /b HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell",
    b"POST /b HTTP/1.1\r\nContent-Length: 5\r\n\r\nhellooo",
    b"POST /b HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    b"POST /b HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"PUT /e HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]
RESPONSES = [
    *ANSWERED,
    OK,
    OK + OK,
    OK[:-1],
    OK[:-5],
    b"HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
    b"ello",
    b"hello",
    b"el",
    OK + b"!",
    OK.replace(b"\r\n", b"\n"),
    b"HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nX: y\n\nabc\r\n\r\n",
    b"HTTP/1.1 204 No\r\nContent-Length: 4\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0002\r\nbc\r\n0\r\nA: b\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nb",
]


def found(frames: Iterable[Frame], glance: bool) -> tuple[list[Transaction], ObserverCounts]:
    observer = Observer()
    if glance:
        return observe(frames, observer), observer.counts
    with patch.object(Exchanges, "ask", lambda *_: False):
        return observe(frames, observer), observer.counts


def said(talk: list[tuple[int, bytes, bool]], opened: bool, closed: bool) -> list[Frame]:
    wire = Wire()
    if opened:
        wire.open()
    for side, data, acknowledged in talk:
        wire.send(side, 24, data)
        if acknowledged:
            wire.send(1 - side, 16)
    return wire.close().frames if closed else wire.frames


sayings = st.one_of(
    st.tuples(st.just(0), st.sampled_from(REQUESTS), st.booleans()),
    st.tuples(st.just(0), st.just(GET % 1), st.booleans()),
    st.tuples(st.just(1), st.sampled_from(RESPONSES), st.booleans()),
    st.tuples(st.just(1), st.just(OK), st.booleans()),
)
exchanges = st.tuples(
    st.tuples(st.just(0), st.sampled_from([GET % 1, GET % 2, b"HEAD / HTTP/1.1\r\n\r\n", *REQUESTS]), st.booleans()),
    st.tuples(st.just(1), st.sampled_from([OK, *RESPONSES]), st.booleans()),
)


@settings(max_examples=600, deadline=None)
@given(
    talk=st.lists(st.one_of(exchanges, exchanges, st.tuples(sayings)), min_size=1, max_size=8),
    opened=st.booleans(),
    closed=st.booleans(),
    lost=st.sets(st.integers(0, 24), max_size=3),
    window=st.sampled_from([0, 0, 0, 1, 3]),
    copies=st.sampled_from([0.0, 0.0, 0.1]),
    seed=st.integers(0, 10**6),
)
def test_exchanges_told_at_a_glance_are_those_that_are_read(
    talk: list[tuple[tuple[int, bytes, bool], ...]],
    opened: bool,
    closed: bool,
    lost: set[int],
    window: int,
    copies: float,
    seed: int,
) -> None:
    frames = said([saying for part in talk for saying in part], opened, closed)
    frames = [frame for place, frame in enumerate(disturb(frames, window, copies, seed)) if place not in lost]
    assert found(frames, True) == found(frames, False)


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize("response", RESPONSES)
def test_whatever_is_asked_and_answered_in_a_segment_each_a_glance_tells_what_reading_does(
    request_: bytes, response: bytes
) -> None:
    frames = said([(0, request_, False), (1, response, False), (0, GET % 7, False), (1, OK, False)] * 2, True, True)
    assert found(frames, True) == found(frames, False)


@pytest.mark.parametrize("flags", [24, 8])
@pytest.mark.parametrize("side", [0, 1])
def test_what_waits_is_read_when_another_request_or_a_segment_without_acknowledgement_follows(
    side: int, flags: int
) -> None:
    wire = Wire().open().send(0, 24, GET % 1).send(side, flags, (GET % 2, OK)[side]).send(1, 24, OK)
    frames = wire.close().frames
    told = found(frames, True)
    assert told == found(frames, False)
    assert seen(told[0])[0] == ("GET /1 HTTP/1.1", 200, 5)


@pytest.mark.parametrize(("more", "cut"), [(OK, 0), (b"", 5)])
def test_the_last_bytes_of_a_body_are_read_when_more_comes_with_them_or_some_were_not_captured(
    more: bytes, cut: int
) -> None:
    wire = Wire().open().send(0, 24, GET % 1).send(1, 24, OK[:-3]).send(1, 24, OK[-3:] + more)
    time, link, data, length = wire.frames[-1]
    wire.frames[-1] = (time, link, data[: len(data) - cut], length)  # a short frame ends with three bytes of padding
    told = found(wire.send(0, 24, GET % 2).send(1, 24, OK).close().frames, True)
    assert told == found(wire.frames, False)
    assert seen(told[0]) == [("GET /1 HTTP/1.1", 200, 5), ("GET /2 HTTP/1.1", 200, 5)]


def test_small_exchanges_are_told_without_reading_a_message() -> None:
    wire = Wire().open()
    for count in range(5):
        wire.send(0, 24, GET % count).send(1, 24, OK)
    wire.send(0, 24, GET % 5).send(1, 24, OK.replace(b"5", b"12")).send(1, 24, b"abcdef").send(1, 24, b"g")
    with patch.object(Reader, "feed", side_effect=AssertionError):
        told = seen(observe(wire.close().frames))
    assert told == [(f"GET /{count} HTTP/1.1", 200, 5 if count < 5 else 12) for count in range(6)]


def test_requests_that_wait_for_their_answers_count_among_the_bytes_that_are_kept() -> None:
    observer = Observer(Limits(all_bytes=400_000))
    frames = [
        frame
        for port in range(1000, 1100)
        for frame in Wire(client=("192.0.2.1", port)).open().send(0, 24, GET % port).frames
    ]
    big = [
        frame
        for port in range(2000, 2100)
        for frame in Wire(client=("192.0.2.1", port))
        .open()
        .send(0, 24, b"GET / HTTP/1.1\r\nX: " + b"x" * 2000 + b"\r\n\r\n")
        .frames
    ]
    observer.feed(frames)
    assert observer.counts.evicted == 0
    observer.feed(big)
    assert observer.counts.evicted > 0


def test_requests_that_wait_in_connections_known_already_count_likewise() -> None:
    observer = Observer(Limits(all_bytes=400_000))
    wires = [Wire(client=("192.0.2.1", port)).open().send(0, 24, GET % 1).send(1, 24, OK) for port in range(100)]
    observer.feed([frame for wire in wires for frame in wire.frames])
    assert observer.counts.evicted == 0
    big = b"GET / HTTP/1.1\r\nX: " + b"x" * 2000 + b"\r\n\r\n"
    observer.feed([wire.send(0, 24, big).frames[-1] for wire in wires])
    assert observer.counts.evicted > 0


def test_what_is_remembered_is_bounded_in_number_and_in_bytes() -> None:
    memo: Memo[int] = Memo()
    for number in range(10 * COUNT):
        memo.put(b"%d" % number, number)
        assert len(memo) <= 2 * COUNT
    for number in range(1000):
        memo.put(b"%8d" % number * 900, number)
    assert len(memo) <= 2 * BYTES // 7200
    memo.put(bytes(LONGEST + 1), 1)
    assert memo.get(bytes(LONGEST + 1)) is None


def test_what_recurs_is_remembered_whatever_comes_between() -> None:
    memo: Memo[int] = Memo()
    memo.put(b"again", 5)
    for number in range(10 * COUNT):
        memo.put(b"%d" % number, number)
        assert memo.get(b"again") == 5
