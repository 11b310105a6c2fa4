"""``python -m tests.sniffer.floods NAME``: what a hostile network sends, and what memory that takes."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import sniffer.app
import sniffer.capture.live  # noqa: F401 - what is loaded in a real run
from sniffer.decode import ACK, PSH, SYN
from sniffer.observer import Observer

START = 1_700_000_000 * 10**9  # ns
GET = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"


def frame(number: int, flags: int, data: bytes = b"", seq: int = 1000, ack: int = 0, up: bool = True) -> bytes:
    """One frame of the connection with this number, made fast."""
    address, port = struct.pack("!I", 0x0A000000 + number), struct.pack("!H", 1024 + number % 60_000)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 40 + len(data), 0, 0, 64, 6, 0)
    ends = address + b"\xc0\x00\x02\x01" if up else b"\xc0\x00\x02\x01" + address
    ports = port + b"\x00\x50" if up else b"\x00\x50" + port
    head = struct.pack("!IIBBHHH", seq, ack, 0x50, flags, 65535, 0, 0)
    return (b"\x02" * 12 + b"\x08\x00" + ip + ends + ports + head + data).ljust(60, b"\x00")


def syn_flood() -> Iterator[bytes]:
    return (frame(number, SYN) for number in range(1_000_000))


def half_open() -> Iterator[bytes]:
    for number in range(500_000):
        yield frame(number, SYN)
        yield frame(number, SYN | ACK, seq=7, ack=1001, up=False)


def unanswered() -> Iterator[bytes]:
    for number in range(70_000):
        yield frame(number, PSH | ACK, b"GET / HTTP/1.1\r\nCookie: " + b"c" * 900 + b"\r\n\r\n", ack=8)


def endless_heads() -> Iterator[bytes]:
    for turn in range(40):
        for number in range(1500):
            data = (b"GET / HTTP/1.1\r\n" if not turn else b"") + b"X: " + b"c" * 1400 + b"\r\n"
            yield frame(number, PSH | ACK, data, seq=1000 + turn * 1405 + 16 * bool(turn), ack=8)


def held_back() -> Iterator[bytes]:
    for number in range(1000):
        yield frame(number, SYN)
    for turn in range(60):
        for number in range(1000):
            yield frame(number, PSH | ACK, b"z" * 1400, seq=5000 + turn * 1400, ack=8)


def never_ends() -> Iterator[bytes]:
    yield frame(1, PSH | ACK, GET, ack=8)
    yield frame(1, PSH | ACK, b"HTTP/1.1 200 OK\r\n\r\n", seq=8, ack=1000 + len(GET), up=False)
    for turn in range(200_000):
        yield frame(1, ACK, b"z" * 1000, seq=27 + turn * 1000 & 0xFFFFFFFF, ack=1000 + len(GET), up=False)


def begun() -> Iterator[bytes]:
    for number in range(30_000):
        yield frame(number, PSH | ACK, b"G", ack=8)
        yield frame(number, PSH | ACK, b"H", seq=8, ack=1001, up=False)


def begun_behind_a_hole() -> Iterator[bytes]:
    for first in range(0, 300_000, 30_000):  # as fast as a gap takes to be given up, and faster
        for number in range(first, first + 30_000):
            yield frame(number, SYN)
        for number in range(first, first + 30_000):
            yield frame(number, PSH | ACK, b"z", seq=5000, ack=8)


def full_of_holes() -> Iterator[bytes]:
    for number in range(5000):
        yield frame(number, PSH | ACK, b"POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n", ack=8)
    for turn in range(64):
        for number in range(5000):
            yield frame(number, PSH | ACK, b"z", seq=1053 + turn * 2, ack=8)


def ports_used_again() -> Iterator[bytes]:
    for number in range(200_000):
        begin = number * 7_919_000 & 0xFFFFFFFF
        yield frame(1, SYN, seq=begin)
        yield frame(1, PSH | ACK, GET, seq=begin + 1, ack=8)


FLOODS = [syn_flood, half_open, unanswered, endless_heads, held_back, never_ends]
FLOODS += [begun, begun_behind_a_hole, full_of_holes, ports_used_again]


def flood(name: str) -> None:
    """Run a flood; print the peak memory in MB."""
    observer, batch, now = Observer(), [], START
    for data in globals()[name]():
        now += 5000
        batch.append((now, 1, data, len(data)))
        if len(batch) == 512:
            observer.feed(batch)
            batch.clear()
    observer.feed(batch)
    # Not ru_maxrss: that of the process which started this one counts in it.
    (most,) = (line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
    print(int(most) // 1024)


if __name__ == "__main__":
    flood(sys.argv[1])
