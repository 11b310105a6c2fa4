"""What strangers send on the wire: frames, segments, messages."""

from __future__ import annotations

import re
import struct
from collections import Counter

from fuzz.draw import Draw
from sniffer.clf import FORMATS, LineFormat
from sniffer.decode import ACK, FIN, RST, SYN, Decoder, Frame
from sniffer.flow import Limits
from sniffer.framing import Framing, body_of
from sniffer.head import Head
from sniffer.http1 import Reader
from sniffer.observer import Observer
from sniffer.transaction import Transaction
from tests.sniffer.wire import START, ethernet, ip4, ip6, tcp

LINKS: tuple[int, ...] = (1, 113, 276, 104, 12, 14, 101, 228, 229, 0, 108, 109, 9, 50, 51, 166, 204)
LINKS += (239, 105, 127, 147, 6, 10, 119, 163, 192)
LAYERS = (
    bytes(12) + b"\x08\x00",
    bytes(12) + b"\x86\xdd",
    b"\x00\x07\x08\x00",  # the rest of an 802.1Q tag
    bytes(12) + b"\x81\x00\x00\x07\x08\x00",
    bytes(12) + b"\x88\x47\x00\x00\x11\x40",
    bytes(12) + b"\x88\x64\x11\x00\x00\x01\x00\x10\x00\x21",
    ip4("192.0.2.1", "192.0.2.2", 47, b"\x00\x00\x08\x00"),
    ip4("192.0.2.1", "192.0.2.2", 4, b"", total=200),
    ip4("192.0.2.1", "192.0.2.2", 6, b"", total=200, fragment=0x2000),
    ip4("192.0.2.1", "192.0.2.2", 6, b"", total=100, fragment=4),
    ip4("192.0.2.1", "192.0.2.2", 17, struct.pack("!HHHH", 4789, 4789, 0, 0) + b"\x08" + bytes(7), total=300),
    ip4("192.0.2.1", "192.0.2.2", 17, struct.pack("!HHHH", 2152, 2152, 0, 0) + b"\x34\xff" + bytes(10), total=300),
    ip6("2001:db8::1", "2001:db8::2", 44, b"\x06\x00\x00\x01\x00\x00\x00\x07", 200),
    ip6("2001:db8::1", "2001:db8::2", 0, b"\x06\x00" + bytes(6), 200),
    ip6("2001:db8::1", "2001:db8::2", 6, b"", 60),
    tcp(40000, 80, 1000, 0, 24, b"GET / HTTP/1.1\r\n\r\n"),
)
SAYINGS = (
    b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n",
    b"POST /b HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\nT: 1\r\n\r\n",
    b"HEAD http://x/ HTTP/1.0\r\nAuthorization: Basic YTpi\r\n\r\n",
    b"CONNECT h:443 HTTP/1.1\r\n\r\n",
    b"GET /old\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    b"Content-Length: 9999999999999999999\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"\r\n\r\n",
    b"x" * 100,
)
CRUMBS = (b"\r", b"\n", b"\r\n\r\n", b":", b" ", b"0", b"HTTP/1.1 ", b"GET ", b"\x00", b"\xff", b",", b";", b"\t", b'"')
WRITERS = [LineFormat(name) for name in FORMATS]
WRITERS.append(LineFormat('%a %A %B %D %H %m %p %u "%U%q" "%{x-y}i" "%{server}o"', origin_form=True))
CLEAN = re.compile(rb"[ -~]*\n")
SMALL = Limits(flows=8, half_open=8, flow_bytes=4096, flow_segments=16, all_bytes=16_384)


def frames(data: bytes) -> None:
    """Any frame of any link type is a segment or is counted, and no two ways of decoding it differ."""
    draw = Draw(data)
    decoder = Decoder(fragment_bytes=4096)
    fed = found = 0
    while draw and fed < 16:
        link = draw.pick(LINKS)
        body = b"".join(draw.mutated(draw.pick(LAYERS), CRUMBS) for _ in range(draw.number(5))) + draw.some(80)
        frame = (START + fed * draw.number(1 << 36), link, body, len(body) + draw.number(3))
        segments = decoder.segments([frame])
        fed += 1
        found += len(segments)
        for _, key, seq, ack, flags, length, _, start in segments:
            assert len(key) in (12, 36)
            assert length >= 0
            assert start >= 0
            assert 0 <= seq < 1 << 32 > ack >= 0 <= flags < 256
        assert decoder.fragments._size <= decoder.fragments.limit + 70_000
        if link == 1 and len(body) >= 14 and not segments_of_fragments(decoder):
            cooked = (frame[0], 113, bytes(14) + body[12:], frame[3] + 2)
            other = Decoder().segments([cooked])
            if len(segments) == len(other) == 1:
                assert segments[0][1:6] == other[0][1:6]
    told = found + decoder.other + decoder.cut + sum(decoder.unknown.values())
    assert told <= fed


def segments_of_fragments(decoder: Decoder) -> bool:
    """Whether a datagram is being put together: what comes then depends on what came before."""
    return bool(decoder.fragments._open)


def flows(data: bytes) -> None:
    """Whatever two sides send: lines that are whole, counts that add up, nothing kept at the end."""
    draw = Draw(data)
    now, made, pause = START, list[Frame](), draw.pick((0, 10**7, 3 * 10**9))
    places = {(flow, side): 1000 * (1 + side) for flow in range(3) for side in range(2)}
    while draw and len(made) < 64:
        flow, side = draw.number(3), draw.number(2)
        said = draw.mutated(draw.pick(SAYINGS), CRUMBS) if draw.number(4) else b""
        said = said[: draw.number(120) or None]
        flags = draw.pick((ACK, ACK, ACK, ACK | 8, SYN, SYN | ACK, FIN | ACK, RST, RST | ACK, draw.number(256)))
        at = places[flow, side] + draw.pick((0, 0, 0, 0, 1, -1, 20, -20, len(said), 1 << 15, -(1 << 25), 1 << 31))
        ack = places[flow, 1 - side] + draw.pick((0, 0, 0, 5, -5, 100, 1 << 31))
        ends = (("10.0.0.1", "10.0.0.2"), (4000 + flow, 80))
        (one, two), (source, target) = (ends[0][::-1], ends[1][::-1]) if side else ends
        packet = ethernet(ip4(one, two, 6, tcp(source, target, at, ack, flags & 255, said)))
        made.append((now, 1, packet[: draw.pick((None, None, None, 54, 60))], len(packet)))
        if draw.number(4):
            places[flow, side] = (at + len(said) + bool(flags & (SYN | FIN))) & 0xFFFFFFFF
        now += draw.pick((0, 10**6, 10**6, 10**8, pause))
    observer = Observer(SMALL)
    found: list[Transaction] = []
    for frame in made:
        found += observer.feed([frame])
        assert observer._flows._size <= SMALL.all_bytes
        assert len(observer._flows._streams) <= 2 * SMALL.flows
    if draw.number(2):
        found += observer.tick(now + draw.number(1 << 42))
    found += observer.finish()
    counts = observer.counts
    assert observer._flows._size == 0
    assert counts.frames == len(made)
    assert counts.transactions == len(found)
    assert counts.unanswered == sum(t.status is None and not t.response and t.first is None for t in found)
    assert observer.finish() == []
    for transaction in found:
        assert (transaction.size or 0) >= 0
        assert min(transaction.received, transaction.sent) >= 0
        for writer in WRITERS:
            assert CLEAN.fullmatch(writer.line(transaction))
    if now - START < SMALL.closed and observer.counts.evicted == 0:  # else it matters when the clock was looked at
        whole = Observer(SMALL)
        assert Counter(whole.feed(made) + whole.finish()) == Counter(found)


class _Heard:
    """Notes what a reader tells, heads of messages framed as RFC 9112 says."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.astray: int | None = None  # how much was told when it was no longer known where messages begin

    def head(self, reader: Reader, head: Head) -> Framing:
        """Note it."""
        self.told.append(("head", head.raw, head.line, head.method, head.target, head.status, head.whole))
        return body_of(head.raw, head.status == 0)

    def ended(self, reader: Reader, whole: bool) -> None:
        """Note it."""
        reader.settle()
        self.told.append(("ended", whole, reader.body, reader.wire))

    def broken_off(self, reader: Reader) -> None:
        """That it is not whole is noted with its end."""

    def foreign(self, reader: Reader) -> Framing | None:
        """Note it."""
        self._stray()
        return None

    def lost(self, reader: Reader, swallowed: bool) -> None:
        """Note it."""
        self._stray()

    def _stray(self) -> None:
        if self.astray is None:
            self.told.append(("astray",))
            self.astray = len(self.told)


def messages(data: bytes) -> None:
    """The cuts into segments leave no trace in what is read of messages, as long as it is known where they begin."""
    draw = Draw(data)
    orderly = bool(draw.number(2))
    cuts = [1 + draw.number(40) for _ in range(8)]
    stream = b""
    while draw and len(stream) < 2000:
        stream += draw.mutated(draw.pick(SAYINGS), CRUMBS) if draw.number(4) else draw.some(60)
    heard = []
    for sizes in ([len(stream) or 1], [1], cuts):
        listener = _Heard()
        reader = Reader(listener, synced=True)
        at = turn = 0
        while at < len(stream) and not listener.astray:
            piece = stream[at : at + sizes[turn % len(sizes)]]
            reader.feed(piece, (START, at, 0))
            at += len(piece)
            turn += 1
            assert reader.kept < 1 << 17
        if not listener.astray:
            reader.close(orderly)
        heard.append(listener.told[: listener.astray])
    assert heard[0] == heard[1] == heard[2], (stream, heard)
