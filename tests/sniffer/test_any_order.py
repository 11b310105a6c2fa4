"""Whatever the segmentation, the order within the window and the copies: the same exchanges. h11 reads them too."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

import h11
from hypothesis import given, settings
from hypothesis import strategies as st

from sniffer.decode import Frame
from sniffer.startline import BEGINS
from tests.sniffer.wire import Wire, observe, seen

METHODS = ["GET", "POST", "HEAD", "PUT", "OPTIONS", "DELETE", "x-odd"]


@dataclass(frozen=True)
class Exchange:
    method: str
    path: str
    upload: int
    chunked_upload: bool
    status: int
    size: int
    chunks: tuple[int, ...]  # not empty: the response is chunked
    interim: bool

    @property
    def request(self) -> bytes:
        head = f"{self.method} /{self.path} HTTP/1.1\r\nHost: example.com\r\n".encode()
        if self.chunked_upload:
            return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"GET / HTTP/1.1\r\n"[: self.upload])
        if self.upload:
            return head + b"Content-Length: %d\r\n\r\n" % self.upload + filler(self.upload)
        return head + b"\r\n"

    @property
    def response(self) -> bytes:
        head = b"HTTP/1.1 100 Continue\r\n\r\n" if self.interim else b""
        head += b"HTTP/1.1 %d X\r\nServer: t\r\n" % self.status
        if self.bodyless:
            return head + (b"\r\n" if self.status == 204 else b"Content-Length: 77\r\n\r\n")
        if self.chunks:
            return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(*map(filler, self.chunks))
        return head + b"Content-Length: %d\r\n\r\n" % self.size + filler(self.size)

    @property
    def bodyless(self) -> bool:
        return self.method == "HEAD" or self.status in (204, 304)

    @property
    def told(self) -> tuple[str, int, int]:
        size = 0 if self.bodyless else sum(self.chunks) if self.chunks else self.size
        return (f"{self.method} /{self.path} HTTP/1.1", self.status, size)


def filler(size: int) -> bytes:
    """A body that looks like HTTP to whoever reads it."""
    return (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nGET / HTTP/1.1\r\n\r\n\r\n" * (size // 40 + 1))[:size]


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part) + b"0\r\n\r\n"


exchanges = st.builds(
    Exchange,
    method=st.sampled_from(METHODS),
    path=st.text("abc/%?=", max_size=8),
    upload=st.sampled_from([0, 0, 1, 40, 900]),
    chunked_upload=st.booleans(),
    status=st.sampled_from([200, 200, 200, 204, 206, 304, 404, 500]),
    size=st.sampled_from([0, 1, 2, 300, 4000]),
    chunks=st.sampled_from([(), (), (5,), (1, 2, 700), (10,)]),
    interim=st.booleans(),
)


def frames_of(talk: list[Exchange], pipelined: bool, close: bool, seed: int) -> list[Frame]:
    """The conversation, cut at random; every segment acknowledges all that its sender has."""
    rng = random.Random(seed)
    wire = Wire().open()

    def say(side: int, data: bytes) -> None:
        at = 0
        while at < len(data):
            size = rng.choice([1, 2, 3, 7, 30, 100, 500, 1460])
            wire.send(side, 24, data[at : at + size])
            at += size
        wire.send(1 - side, 16)

    if pipelined:
        say(0, b"".join(exchange.request for exchange in talk))
        say(1, b"".join(exchange.response for exchange in talk))
    else:
        for exchange in talk:
            say(0, exchange.request)
            say(1, exchange.response)
    return wire.close().frames if close else wire.frames


def disturb(frames: list[Frame], window: int, copies: float, seed: int) -> list[Frame]:
    """Displace each frame by at most ``window`` places, repeat some; capture times stay in order."""
    rng = random.Random(seed)
    placed = sorted((place + rng.uniform(0, window), frame) for place, frame in enumerate(frames))
    again = [(place + rng.uniform(0, 3 * window), frame) for place, frame in placed if rng.random() < copies]
    order = [frame for _, frame in sorted(placed + again, key=lambda pair: pair[0])]
    times = sorted(frame[0] for frame in order)
    return [(time, *frame[1:]) for time, frame in zip(times, order, strict=True)]


@settings(max_examples=150, deadline=None)
@given(
    talk=st.lists(exchanges, min_size=1, max_size=6),
    pipelined=st.booleans(),
    close=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_any_segmentation_gives_the_same_exchanges(
    talk: list[Exchange], pipelined: bool, close: bool, seed: int
) -> None:
    assert seen(observe(frames_of(talk, pipelined, close, seed))) == [exchange.told for exchange in talk]


@settings(max_examples=200, deadline=None)
@given(
    talk=st.lists(exchanges, min_size=1, max_size=6),
    pipelined=st.booleans(),
    close=st.booleans(),
    window=st.integers(0, 8),
    copies=st.sampled_from([0.0, 0.1, 0.5]),
    seed=st.integers(0, 10**6),
)
def test_any_order_within_the_window_and_any_copies_give_the_same_exchanges(
    talk: list[Exchange], pipelined: bool, close: bool, window: int, copies: float, seed: int
) -> None:
    frames = disturb(frames_of(talk, pipelined, close, seed), window, copies, seed)
    assert seen(observe(frames)) == [exchange.told for exchange in talk]


@settings(max_examples=100, deadline=None)
@given(talk=st.lists(exchanges, min_size=1, max_size=6))
def test_h11_reads_the_same(talk: list[Exchange]) -> None:
    client, server = h11.Connection(h11.CLIENT), h11.Connection(h11.SERVER)
    found: list[tuple[str, int, int]] = []
    for exchange in talk:
        server.receive_data(exchange.request)
        client.receive_data(exchange.response)
        asked = server.next_event()
        assert isinstance(asked, h11.Request)
        while not isinstance(server.next_event(), h11.EndOfMessage):
            pass
        client.send(asked)
        client.send(h11.EndOfMessage()) if not exchange.upload else _upload(client, exchange)
        status, size = 0, 0
        while not isinstance(event := client.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                size += len(event.data)
        found.append((f"{asked.method.decode()} {asked.target.decode()} HTTP/1.1", status, size))
        server.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
        server.send(h11.EndOfMessage())
        server.start_next_cycle()
        client.start_next_cycle()
    assert seen(observe(frames_of(talk, False, True, 1))) == found


def _upload(client: h11.Connection, exchange: Exchange) -> None:
    client.send(h11.Data(data=filler(exchange.upload)[: 16 if exchange.chunked_upload else None]))
    client.send(h11.EndOfMessage())


# What two sides may send that is HTTP, something like it, or not at all
ASKED = [
    *[
        b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n",
        b"POST /b HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
        b"HEAD /h HTTP/1.0\r\n\r\n",
    ],
    *[
        b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\n\r\n",
    ],
    *[
        b"GET /old\r\n",
        b"GET \r\n",
        b"GET /foo bar\n",
        b" HTTP/1.1\r\n",
        b"Host: h\r\n\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
    ],
    *[b"\x00\r\nQUIT\n\x21\x11\x00\x02ab", b"\r\n\r\n", b"x" * 100, b":", b"\x00", b"\xff", b"\n"],
]
ANSWERED = [
    *[
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
    *[
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    ],
    *[b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", b"Content-Length: 3\r\n\r\n", b"HTTP/1.1 ", b"200 OK\r\n"],
    *[b"\r\n\r\n", b"x" * 100, b":", b"\x00", b"\xff", b"\n", b"abc"],
]


def ended(words: list[bytes]) -> bytes:
    """Not ending with what may begin a message: nobody could know where the next segment begins then."""
    said = b"".join(words)
    return said + b"\r\n" if re.search(rb"[A-Z][A-Z .:/0-9-]*\Z", said) else said


sayings = st.one_of(
    st.tuples(st.just(0), st.lists(st.sampled_from(ASKED), min_size=1, max_size=6).map(ended), st.booleans()),
    st.tuples(st.just(1), st.lists(st.sampled_from(ANSWERED), min_size=1, max_size=6).map(ended), st.booleans()),
)


def cut(
    talk: list[tuple[int, bytes, bool]], opened: bool, closed: bool, lost: set[int], seed: int | None
) -> list[Frame]:
    """A segment for each saying, or several (``seed``), none of which makes a message begin where no segment did."""
    rng = random.Random(seed)
    wire = Wire(step=1000)
    if opened:
        wire.open()
    for place, (side, data, acknowledged) in enumerate(talk):
        before, now, at = len(wire.frames), wire.now, 0
        while at < len(data):
            size = len(data) if seed is None else rng.choice([1, 1, 2, 3, 5, 9, 40, 400])
            while BEGINS.match(data, at + size):
                size += 1
            wire.send(side, 24, data[at : at + size])
            at += size
        if place in lost:
            del wire.frames[before:]
        if acknowledged:
            wire.send(1 - side, 16)
        wire.now = now + 10_000_000
    return wire.close().frames if closed else wire.frames


@settings(max_examples=400, deadline=None)
@given(
    talk=st.lists(sayings, min_size=1, max_size=8),
    opened=st.booleans(),
    closed=st.booleans(),
    lost=st.sets(st.integers(0, 7), max_size=2),
    seed=st.integers(0, 10**6),
)
def test_segments_cut_into_smaller_ones_leave_no_trace_whatever_is_sent_lost_or_was_sent_before(
    talk: list[tuple[int, bytes, bool]], opened: bool, closed: bool, lost: set[int], seed: int
) -> None:
    whole, small = (seen(observe(cut(talk, opened, closed, lost, how))) for how in (None, seed))
    assert small == whole
