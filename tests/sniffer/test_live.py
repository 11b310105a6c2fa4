"""The packet socket in this process: what is said where the kernel refuses something, and of interfaces that go."""

from __future__ import annotations

import errno
import os
import select
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sniffer.capture import live as capture
from sniffer.capture.live import RING, Live
from sniffer.errors import CaptureError
from tests.requires import need

MIB = 1 << 20


@pytest.fixture
def opened() -> Iterator[Callable[..., Live]]:
    need(hasattr(socket, "AF_PACKET") and os.geteuid() == 0, "capturing needs Linux and root")
    made: list[Live] = []

    def open_(*names: str) -> Live:
        made.append(Live(names, None))
        return made[-1]

    yield open_
    for one in made:
        one.close()


def refuse(monkeypatch: pytest.MonkeyPatch, option: int, number: int, when: Callable[[Any], bool]) -> None:
    """Have the kernel refuse an option of a socket."""
    real = socket.socket.setsockopt

    def setsockopt(self: socket.socket, level: int, name: int, *value: Any) -> None:
        if name == option and when(value[0]):
            raise OSError(number, os.strerror(number))
        real(self, level, name, *value)

    monkeypatch.setattr(socket.socket, "setsockopt", setsockopt)


def size_of(request: bytes) -> int:
    block, count = (int.from_bytes(request[at : at + 4], "little") for at in (0, 4))
    return block * count


def test_where_memory_is_short_the_ring_is_smaller_and_that_is_said(
    opened: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, capture._PACKET_RX_RING, errno.ENOMEM, lambda request: size_of(request) > 10 * MIB)
    live = opened("lo")
    told = [f"memory is short: {size} MiB of packets are buffered, not {RING // MIB}" for size in (32, 16, 8)]
    assert (live.notes, len(live._ring)) == (told, 8 * MIB)
    for _ in range(2 * len(live._ring) // capture._BLOCK):  # it goes round
        live.wait(0)
        live.read()


@pytest.mark.parametrize(("number", "told"), [(errno.ENOMEM, "allocate memory"), (errno.EINVAL, "Invalid argument")])
def test_without_a_ring_nothing_is_captured(
    opened: Callable[..., Live], number: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, capture._PACKET_RX_RING, number, lambda request: True)
    with pytest.raises(CaptureError, match=f"cannot capture: .*{told}"):
        opened("lo")


def test_a_filter_that_the_kernel_refuses_is_an_error(
    opened: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, capture._SO_ATTACH_FILTER, errno.ENOMEM, lambda request: True)
    with pytest.raises(CaptureError, match="the kernel refuses the filter: Cannot allocate memory"):
        opened("lo")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError(errno.EPERM, ""), "setcap cap_net_raw"),
        (OSError(errno.EAFNOSUPPORT, "no such family"), "family"),
    ],
)
def test_a_socket_that_cannot_be_had_is_an_error_that_says_why(
    error: OSError, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise error

    monkeypatch.setattr(socket, "socket", refused)
    with pytest.raises(CaptureError, match=told):
        Live((), None)


def test_where_there_is_no_packet_socket_captures_can_still_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_PACKET")
    with pytest.raises(CaptureError, match="needs Linux; elsewhere write a capture with tcpdump and read it with -r"):
        Live((), None)


def test_interfaces_that_there_are_not_are_named_with_those_that_there_are(opened: Callable[..., Live]) -> None:
    with pytest.raises(CaptureError, match=r"no interface none0, none1; there are .*\blo\b"):
        opened("none0", "lo", "none1")


def test_an_interface_that_goes_and_comes_back_is_told_of_each_time_once(
    opened: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    live, there = opened("lo"), socket.if_nameindex()
    assert live.notes == []
    for up, found in ((False, there), (False, there), (False, []), (False, []), (True, there), (True, there)):
        monkeypatch.setattr(capture, "_is_up", lambda *_, up=up: up)
        monkeypatch.setattr(socket, "if_nameindex", lambda found=found: found)
        live._look(("lo",))
    assert live.notes == ["lo is down: waiting for it", "lo is gone: waiting for it", "lo is up"]


def test_an_interface_that_there_is_not_is_not_up() -> None:
    with socket.socket() as any_socket:
        assert not capture._is_up(any_socket, "nonexistent0")


def test_an_error_of_the_socket_is_said_and_the_capture_goes_on(
    opened: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    live = opened("lo")

    class Poll:
        def poll(self, _: float) -> list[tuple[int, int]]:
            return [(live._socket.fileno(), select.POLLERR)]

    monkeypatch.setattr(live, "_poll", Poll())
    monkeypatch.setattr(socket.socket, "getsockopt", lambda *_: errno.ENETDOWN)
    live.wait(0)
    assert live.notes == ["capturing: Network is down"]


class Links:
    """Word of interfaces, of which some was lost."""

    def __init__(self, *answers: OSError | bytes) -> None:
        self.answers = list(answers)

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        pass

    def recv(self, _: int) -> bytes:
        answer = self.answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer


def test_word_of_interfaces_that_was_lost_is_word_of_interfaces(opened: Callable[..., Live]) -> None:
    live = opened()
    live._links.close()
    live._links = Links(b"x", OSError(errno.ENOBUFS, ""), b"x", BlockingIOError())  # type: ignore[assignment]
    live._drain_links()
    assert live._links.answers == []  # type: ignore[attr-defined]
    live._links = Links(OSError(errno.EBADF, "bad"))  # type: ignore[assignment]
    with pytest.raises(OSError, match="bad"):
        live._drain_links()


def test_a_socket_that_cannot_be_bound_says_why() -> None:
    made = socket.socket()
    made.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        capture._bind_to_all(made)
