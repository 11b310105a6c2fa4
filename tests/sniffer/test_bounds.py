"""What an outsider sends costs no more than the limits say (docs/limits.md)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sniffer.capture.live import RING
from sniffer.decode import ACK, PSH
from sniffer.flow import Limits
from sniffer.head import MAX_HEAD
from sniffer.observer import Observer
from sniffer.order import MAX_PENDING
from tests.requires import plain_environment
from tests.sniffer.floods import FLOODS, GET, START, frame
from tests.sniffer.wire import Wire, observe, seen

MEMORY = 128  # MB of a live sniffer, with the interpreter and the ring


@pytest.mark.parametrize("name", [made.__name__ for made in FLOODS])
def test_memory_stays_bounded(name: str) -> None:
    command = [sys.executable, "-m", "tests.sniffer.floods", name]
    done = subprocess.run(command, capture_output=True, check=True, timeout=300, env=plain_environment())
    assert int(done.stdout) + (RING >> 20) < MEMORY


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
