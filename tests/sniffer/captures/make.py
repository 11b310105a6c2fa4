"""Writes the captures of this folder and the lists of their exchanges: ``python -m tests.sniffer.captures.make``.

Seeded: the same bytes every time. ``NAME.pcap`` or ``NAME.pcapng`` goes with ``NAME.txt``, which holds one exchange a
line: client, status, bytes (``-`` where there is none) and the request line.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

from sniffer.decode import ACK, FIN, PSH, SYN, Frame
from tests.sniffer.wire import START, Wire, ethernet, ip4, pcap, pcapng, tcp

FOLDER = Path(__file__).parent
Row = tuple[str, int | None, int | None, str]  # client, status, bytes, request line
Made = tuple[list[Frame], list[Row]]

ME = "192.0.2.1"


def get(path: str, more: str = "", version: str = "HTTP/1.1") -> bytes:
    return f"GET {path} {version}\r\nHost: example.com\r\n{more}\r\n".encode()


def ok(size: int, status: int = 200, more: str = "") -> bytes:
    return f"HTTP/1.1 {status} X\r\n{more}Content-Length: {size}\r\n\r\n".encode() + b"b" * size


def row(path: str, status: int | None, size: int | None, method: str = "GET", client: str = ME) -> Row:
    return client, status, size, f"{method} {path} HTTP/1.1"


def browsing(rng: random.Random) -> Made:
    """Many clients at once: keep-alive, chunked and plain, disorder, copies."""
    wires, rows = [], []
    for number in range(20):
        client = f"192.0.2.{number + 1}"
        wire = Wire(client=(client, 40_000 + number), now=START + rng.randrange(10**9), step=300_000)
        wire.begins = (rng.getrandbits(32), rng.getrandbits(32))
        wire.next = list(wire.begins)
        wire.open()
        for count in range(rng.randrange(1, 8)):
            path, size, status = f"/{number}/{count}", rng.randrange(4000), rng.choice([200, 200, 404, 503])
            wire.ask(get(path))
            if rng.random() < 0.3:
                head = f"HTTP/1.1 {status} X\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
                wire.answer(head + (b"%x\r\n%b\r\n" % (size, b"c" * size) if size else b"") + b"0\r\n\r\n")
            else:
                wire.answer(ok(size, status))
            rows.append(row(path, status, size, client=client))
        wires.append(wire.close())
    frames = sorted(frame for wire in wires for frame in wire.frames)
    for _ in range(30):  # a frame a little too late, or twice
        place = rng.randrange(len(frames) - 5)
        if rng.random() < 0.5:
            frames.insert(place + 3, frames.pop(place))
        else:
            frames.insert(place + 3, frames[place])
    times = sorted(frame[0] for frame in frames)
    return [(time, *frame[1:]) for time, frame in zip(times, frames, strict=True)], rows


def without_bodies(_: random.Random) -> Made:
    """HEAD, 204, 304, 1xx, Upgrade."""
    wire = Wire().open()
    wire.ask(get("/1").replace(b"GET", b"HEAD")).answer(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")
    wire.ask(get("/2")).answer(b"HTTP/1.1 204 No Content\r\n\r\n")
    wire.ask(get("/3")).answer(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 999\r\n\r\n")
    wire.ask(b"POST /4 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    wire.answer(b"HTTP/1.1 100 Continue\r\n\r\n").ask(b"abc").answer(ok(5, 201))
    wire.ask(get("/5", "Connection: Upgrade\r\nUpgrade: chat\r\n"))
    wire.answer(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\n\r\n").ask(get("/no")).answer(ok(1)).close()
    rows = [row("/1", 200, 0, "HEAD"), row("/2", 204, 0), row("/3", 304, 0), row("/4", 201, 5, "POST")]
    return wire.frames, [*rows, row("/5", 101, 0)]


def lost_segments(_: random.Random) -> Made:
    """A lost response, a hole in a body, a lost request: nothing shifts."""
    wire = Wire(mss=500).open()
    lost = []
    wire.ask(get("/1"))
    lost.append(len(wire.frames))
    wire.answer(ok(100)).ask(get("/2"))
    lost.append(len(wire.frames) + 1)
    wire.answer(ok(2000, 203))
    lost.append(len(wire.frames))
    wire.ask(get("/3")).answer(ok(30, 206)).ask(get("/4")).answer(ok(40, 404)).close()
    return wire.lose(*lost).frames, [row("/1", None, None), row("/2", 203, 2000), row("/4", 404, 40)]


def picked_up(_: random.Random) -> Made:
    """A connection that was open before the capture began, its first frames the end of a response."""
    wire = Wire().open().ask(get("/unseen")).answer(ok(5000))
    begin = len(wire.frames) - 3
    wire.ask(get("/1")).answer(ok(10)).ask(get("/2")).answer(ok(20, 404))
    return wire.frames[begin:], [row("/1", 200, 10), row("/2", 404, 20)]


def not_http(_: random.Random) -> Made:
    """A TLS hello that an HTTP server refuses, mail, an SSH banner for a browser."""
    tls = (
        Wire(client=(ME, 41_000)).open().ask(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").answer(ok(5, 400)).close()
    )
    mail = Wire(client=(ME, 41_001), server=("198.51.100.2", 25), now=tls.now).open()
    mail.answer(b"220 mail ESMTP\r\n").ask(b"EHLO me\r\n").answer(b"250 ok\r\n").close()
    shell = Wire(client=(ME, 41_002), server=("198.51.100.3", 22), now=mail.now).open()
    shell.answer(b"SSH-2.0-OpenSSH_9.6\r\n").ask(get("/")).close()
    text = Wire(client=(ME, 41_003), now=shell.now).open().ask(b"hello there\r\n").answer(ok(0, 400)).close()
    rows: list[Row] = [row("/", None, None), (ME, 400, 0, "hello there")]
    return tls.frames + mail.frames + shell.frames + text.frames, rows


def old_and_odd(_: random.Random) -> Made:
    """HTTP/0.9, bare line feeds, blanks in a target, data in SYN, half a close."""
    old = Wire(client=(ME, 42_000)).open().ask(b"GET /old\r\n").answer(b"<html></html>").close()
    bare = (
        Wire(client=(ME, 42_001), now=old.now)
        .open()
        .ask(b"GET /bare HTTP/1.0\n\n")
        .answer(b"HTTP/1.0 200 OK\n\nhi")
        .close()
    )
    blank = Wire(client=(ME, 42_002), now=bare.now).open().ask(get("/a b")).answer(ok(1)).close()
    early = Wire(client=(ME, 42_003), now=blank.now).send(0, SYN, get("/early")).send(1, SYN | ACK).answer(ok(2))
    half = Wire(client=(ME, 42_004), now=early.now).open().send(0, PSH | ACK | FIN, get("/half")).answer(ok(3))
    half.send(1, FIN | ACK).send(0, ACK)
    rows: list[Row] = [(ME, None, 13, "GET /old"), (ME, 200, 2, "GET /bare HTTP/1.0")]
    rows += [row("/a b", 200, 1), row("/early", 200, 2), row("/half", 200, 3)]
    return old.frames + bare.frames + blank.frames + early.frames + half.frames, rows


def fragments(_: random.Random) -> Made:
    """A request and its response, each in three IP fragments, the last one first."""
    frames: list[Frame] = []
    request, response = get("/fragments", "Cookie: " + "c" * 3000 + "\r\n"), ok(3000)
    ends = (("192.0.2.1", 40_000), ("198.51.100.1", 80))
    numbers = [100, 900]
    for side, data in enumerate((request, response)):
        segment = tcp(ends[side][1], ends[1 - side][1], numbers[side], numbers[1 - side], PSH | ACK, data)
        numbers[side] += len(data)
        for at in (2400, 1200, 0):
            last = at == 2400
            part = segment[at:] if last else segment[at : at + 1200]
            packet = ip4(
                ends[side][0], ends[1 - side][0], 6, part, fragment=at // 8 | (0 if last else 0x2000), ident=side
            )
            frames.append((START + len(frames) * 1000, 1, ethernet(packet), len(packet) + 14))
    return frames, [row("/fragments", 200, 3000)]


def tagged(_: random.Random) -> Made:
    """An exchange behind two VLAN tags and an MPLS label."""
    wire = Wire().open().ask(get("/tagged")).answer(ok(9)).close()
    tag = struct.pack("!HHHHHI", 0x88A8, 7, 0x8100, 8, 0x8847, 100 << 12 | 1 << 8 | 64)
    return [(time, link, data[:12] + tag + data[14:], size + 12) for time, link, data, size in wire.frames], [
        row("/tagged", 200, 9)
    ]


CAPTURES: dict[str, Callable[[random.Random], Made]] = {
    "browsing.pcap": browsing,
    "without_bodies.pcapng": without_bodies,
    "lost_segments.pcap": lost_segments,
    "picked_up.pcap": picked_up,
    "not_http.pcapng": not_http,
    "old_and_odd.pcap": old_and_odd,
    "fragments.pcap": fragments,
    "tagged.pcap": tagged,
}


def content(name: str) -> tuple[bytes, str]:
    """The bytes of a capture, and the text of its list."""
    frames, rows = CAPTURES[name](random.Random(name))
    written = pcapng(frames) if name.endswith("ng") else pcap(frames, nano=True)
    text = "".join(f"{client} {_or_dash(status)} {_or_dash(size)} {line}\n" for client, status, size, line in rows)
    return b"".join(written), text


def _or_dash(value: int | None) -> str:
    return "-" if value is None else str(value)


if __name__ == "__main__":
    for name in CAPTURES:
        data, text = content(name)
        (FOLDER / name).write_bytes(data)
        (FOLDER / name).with_suffix(".txt").write_text(text)
