"""Wake-ups: what wakes, what does not, and that the slow look comes in any case. Times are bounds, not measurements."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.input import waker as module
from monitor.input.waker import FLOOD, Waker, Watched

LONG = 30.0  # s; a test that sleeps so long has not been woken


@pytest.fixture
def waker() -> Iterator[Waker]:
    waker = Waker()
    yield waker
    waker.close()


@pytest.fixture(autouse=True)
def _no_slow_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL", LONG)


def watched(log: Path) -> Watched:
    status = log.parent.stat()
    return Watched(frozenset({str(log)}), frozenset({(str(log.parent), (status.st_dev, status.st_ino))}))


def armed(waker: Waker, log: Path) -> Watched:
    """Begin to watch; the first wait returns at once so that the caller looks once more."""
    what = watched(log)
    waker.wait(LONG, what)
    return what


def wakes(waker: Waker, what: Watched, cause: object) -> bool:
    assert callable(cause)
    began = time.monotonic()
    timer = threading.Timer(0.05, cause)
    timer.start()
    waker.wait(LONG, what)
    timer.join()
    return time.monotonic() - began < LONG / 2


def test_a_line_wakes(waker: Waker, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    assert wakes(waker, armed(waker, log), lambda: log.write_text("line\n"))


def test_a_new_name_wakes(waker: Waker, tmp_path: Path) -> None:
    log = tmp_path / "log"
    what = armed(waker, log)
    assert wakes(waker, what, log.touch)
    assert wakes(waker, what, lambda: log.rename(tmp_path / "log.1"))


def test_a_pipe_wakes(waker: Waker) -> None:
    reader, writer = os.pipe()
    what = Watched(descriptors=frozenset({reader}))
    waker.wait(LONG, what)
    assert wakes(waker, what, lambda: os.write(writer, b"line\n"))
    os.close(reader)
    os.close(writer)


def test_another_thread_wakes_also_before_the_wait(waker: Waker) -> None:
    assert wakes(waker, Watched(), waker.wake)
    for _ in range(100_000):  # more than the pipe holds
        waker.wake()
    waker.wait(LONG)


def test_a_neighbours_lines_do_not_wake(waker: Waker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, neighbour = tmp_path / "log", tmp_path / "neighbour"
    log.touch()
    neighbour.touch()
    what = armed(waker, log)
    woken: list[str] = []
    monkeypatch.setattr(waker, "wake", lambda: woken.append("woken"))
    with neighbour.open("a") as stream:
        stream.write("line\n")
    deadline = time.monotonic() + LONG
    while not waker._notified and time.monotonic() < deadline:
        time.sleep(0.001)
    assert waker._notified
    assert not woken
    assert what.files == {str(log)}


def test_a_flood_ends_the_notifications_for_a_while(waker: Waker, tmp_path: Path) -> None:
    log, neighbour = tmp_path / "log", tmp_path / "neighbour"
    what = armed(waker, log)
    deadline = time.monotonic() + LONG
    while waker._watches and time.monotonic() < deadline:
        for _ in range(FLOOD):
            with neighbour.open("a") as stream:
                stream.write("line\n")
            time.sleep(0.001)  # else the kernel makes one notification of many
        waker.wait(0.01, what)
    assert not waker._watches
    before = waker._notified
    neighbour.write_text("line\n")
    waker.wait(0.05, what)
    assert waker._notified == before


def test_a_folder_that_is_gone_is_no_error(waker: Waker, tmp_path: Path) -> None:
    log = tmp_path / "folder" / "log"
    log.parent.mkdir()
    what = armed(waker, log)
    log.parent.rmdir()
    waker.wait(0.01, what)
    waker.wait(0.01, Watched())
    waker.wait(0.01, what)
    log.parent.mkdir()
    assert wakes(waker, armed(waker, log), log.touch)


def test_where_notifications_cannot_be_had_it_polls_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OSError(24, "inotify instance limit reached")

    monkeypatch.setattr(module, "Observer", refuse)
    monkeypatch.setattr(module, "FORCED_POLL", 0.001)
    waker = Waker()
    armed(waker, tmp_path / "log")
    assert waker.message == "no notifications of changes (inotify instance limit reached); looking every 0.001 s"
    waker.wait(LONG, watched(tmp_path / "log"))
    waker.close()


def test_polling_uses_no_notifications(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FORCED_POLL", 0.001)
    waker = Waker(poll=True)
    armed(waker, tmp_path / "log")
    waker.wait(LONG, watched(tmp_path / "log"))
    assert not waker._watches
    waker.close()
