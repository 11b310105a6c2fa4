"""The ring that the kernel fills: what it says of drops, and what becomes of it afterwards."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise

import pytest

from sniffer.capture.live import RING, Live
from tests.requires import need, need_libpcap

SIZE = 60_000  # bytes of a datagram; the loopback takes it as one frame


@pytest.fixture
def sender() -> Iterator[socket.socket]:
    """Sends to itself what nobody reads."""
    need(hasattr(socket, "AF_PACKET") and os.geteuid() == 0, "capturing needs Linux and root")
    need_libpcap()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.connect(made.getsockname())
        yield made


def read_all(live: Live, sent: int) -> tuple[int, list[bool]]:
    """Read until all that was sent was read or was dropped; return how many frames, which blocks after drops."""
    count, losing = 0, []
    for _ in range(600):
        while frames := live.read():
            count += len(frames)
            losing.append(live.losing)
        live.count_drops()
        if count + live.dropped == sent:
            return count, losing
        live.wait(0.05)
    raise AssertionError(f"of {sent} frames {count} were read and {live.dropped} dropped")


def test_after_an_overload_it_is_known_which_frames_follow_drops_and_the_whole_ring_is_used_again(
    sender: socket.socket,
) -> None:
    with closing(Live(("lo",), f"udp dst port {sender.getsockname()[1]}")) as live:
        many = RING // SIZE
        for _ in range(2 * many):
            sender.send(bytes(SIZE))
        _, losing = read_all(live, 2 * many)
        assert live.dropped > 0
        assert not losing[0]
        dropped = live.dropped
        for _ in range(2):  # in the second round every block was used before
            for _ in range(many // 2):
                sender.send(bytes(SIZE))
            read, losing = read_all(live, dropped + many // 2)
            assert (read, any(losing)) == (many // 2, False)


def test_during_an_overload_what_is_kept_and_what_is_dropped_comes_in_long_runs(sender: socket.socket) -> None:
    with closing(Live(("lo",), f"udp dst port {sender.getsockname()[1]}")) as live:
        numbers: list[int] = []
        sent = 0
        for _ in range(1500):  # twice what is read, once the ring is full
            for _ in range(8):
                sender.send(sent.to_bytes(4, "big") + bytes(SIZE))
                sent += 1
            numbers += [int.from_bytes(frame[2][42:46], "big") for frame in live.read()]
        runs = sum(after != before + 1 for before, after in pairwise(numbers))
        assert live.losing
        assert 0 < runs < 20
        assert len(numbers) > 4000
