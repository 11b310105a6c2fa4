"""What an outsider sends costs no more than the limits say (docs/limits.md)."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sniffer.decode import ACK, PSH, SYN
from sniffer.flow import Limits
from sniffer.head import MAX_HEAD
from sniffer.observer import Observer
from sniffer.pairing import MAX_PENDING
from tests.requires import plain_environment
from tests.sniffer.wire import START, Wire, observe, seen

GET = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
MEMORY = 128  # MB, the interpreter and scapy included


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


FLOODS = [syn_flood, half_open, unanswered, endless_heads, held_back, never_ends]


def flood(name: str) -> None:
    """Run a flood in a process of its own; print the peak memory in MB."""
    import sniffer.capture.files  # noqa: F401 - it is loaded in a real run

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


@pytest.mark.parametrize("name", [made.__name__ for made in FLOODS])
def test_memory_stays_bounded(name: str) -> None:
    command = [sys.executable, "-c", f"from tests.sniffer.test_bounds import flood; flood({name!r})"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=300, env=plain_environment())
    assert int(done.stdout) < MEMORY


def test_at_the_bound_of_flows_the_oldest_idle_one_is_closed_and_counted() -> None:
    observer = Observer(Limits(flows=16))
    found = []
    for number in range(17):
        found += observer.feed([(START + number, 1, frame(number, PSH | ACK, GET, ack=8), 60 + len(GET))])
        observer.tick(START + number + 10**9)
    assert observer.counts.evicted == 1
    assert [t.client[:4] for t in found] == [b"\x0a\x00\x00\x00"]


def test_a_head_over_the_bound_is_told_as_far_as_it_was_read() -> None:
    wire = Wire().open().ask(b"GET /long HTTP/1.1\r\nX: " + b"x" * (MAX_HEAD + 5000) + b"\r\n\r\n")
    wire.answer(b"HTTP/1.1 431 X\r\nContent-Length: 0\r\n\r\n")
    (found,) = observe(wire.frames)
    assert (found.line, found.status) == (b"GET /long HTTP/1.1", 431)
    assert len(found.request) <= MAX_HEAD + 1460


def test_requests_that_are_never_answered_are_told_at_the_bound() -> None:
    wire = Wire().open().ask(GET * (MAX_PENDING + 5))
    observer = Observer()
    assert len(observer.feed(wire.frames)) == 5


def test_a_direction_that_holds_too_much_back_has_its_hole_declared() -> None:
    wire = Wire(step=1000).open().ask(GET).answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    wire.next[0] += 100
    for _ in range(20):
        wire.send(0, PSH | ACK, b"z" * 1000)
    wire.send(0, PSH | ACK, b"\r\n\r\n" + GET)
    observer = Observer(Limits(flow_bytes=10_000))
    found = observer.feed(wire.frames)
    assert observer.counts.gaps == 1
    assert len(seen(found)) == 1
