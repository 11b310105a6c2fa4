"""A run in this process: what is said when, and what signals do. The interfaces and the clock are stand-ins."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from sniffer import app
from sniffer.capture.files import CaptureFile
from sniffer.capture.filter import FileFilter
from sniffer.clf import LineFormat
from sniffer.decode import Frame
from sniffer.errors import SnifferError
from sniffer.logfile import LogFile
from sniffer.rotation import Rotation
from tests.requires import need_libpcap
from tests.sniffer.captures.make import FOLDER
from tests.sniffer.wire import Wire, pcap

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
OK5 = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@pytest.fixture
def signals() -> Iterator[app._Signals]:
    before = {number: signal.getsignal(number) for number in app._Signals._CAUGHT}
    with app._Signals() as caught:
        yield caught
    for number, handler in before.items():
        signal.signal(number, handler)


class Interfaces:
    """Frames that come as told: each wait does the next thing, and with the last one comes the wish to stop."""

    losing = False

    def __init__(self, signals: app._Signals, *things: Callable[[Interfaces], object]) -> None:
        self.notes: list[str] = []
        self.dropped = 0
        self.frames: list[Frame] = []
        self.closed = False
        self._signals = signals
        self._things = list(things)

    def watch(self, descriptor: int) -> None:
        assert descriptor == self._signals.descriptor

    def wait(self, timeout: float) -> None:
        self._things.pop(0)(self)
        self._signals.stop = not self._things

    def read(self) -> list[Frame]:
        frames, self.frames = self.frames, []
        return frames

    def count_drops(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


class Clock:
    """Goes on by a second with each wait."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        stand_in = SimpleNamespace(
            monotonic=lambda: self.now, sleep=lambda _: None, time_ns=time.time_ns, time=time.time
        )
        monkeypatch.setattr(app, "time", stand_in)


def watched(signals: app._Signals, log: Path, *things: Callable[[Interfaces], object]) -> tuple[list[str], Interfaces]:
    said: list[str] = []
    live = Interfaces(signals, *things)
    file = LogFile(str(log), Rotation(0, 0), said.append)
    file.open()
    app._Watch(live, file, LineFormat("common"), said.append).run(signals)  # type: ignore[arg-type]
    return said, live


def test_drops_are_said_at_once_then_at_most_once_a_minute_and_at_the_end(
    signals: app._Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)

    def second(drops: int) -> Callable[[Interfaces], None]:
        def pass_by(live: Interfaces) -> None:
            clock.now += 1
            live.dropped += drops

        return pass_by

    said, live = watched(signals, tmp_path / "log", second(0), second(3), *[second(1)] * 59, second(1), second(5))
    assert said[:2] == [
        "the kernel dropped 3 frames, 3 in all; what they held is lost",
        "the kernel dropped 60 frames, 63 in all; what they held is lost",
    ]
    (end,) = said[2:]
    assert "dropped by the kernel 68" in end
    assert live.closed


def test_what_interfaces_do_is_said_once(
    signals: app._Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch)
    things = (lambda live: live.notes.append("eth0 is gone"), lambda live: None, lambda live: None)
    said, _ = watched(signals, tmp_path / "log", *things)
    assert said[:-1] == ["eth0 is gone"]


def test_what_comes_with_the_wish_to_stop_and_what_is_open_is_written(
    signals: app._Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch)
    wire = Wire(now=time.time_ns()).open().ask(GET).answer(OK5).ask(GET)
    said, _ = watched(signals, tmp_path / "log", lambda live: live.frames.extend(wire.frames))
    lines = (tmp_path / "log").read_text().splitlines()
    assert [text.split('"')[2] for text in lines] == [" 200 5", " - -"]
    assert said[-1].endswith("lines written 2, lines lost 0")


def test_traffic_that_never_pauses_holds_up_no_wish_to_stop(
    signals: app._Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch)
    frames = Wire(now=time.time_ns()).open().frames

    def endless(live: Interfaces) -> None:
        live.read = lambda: list(frames)  # type: ignore[method-assign]

    said, _ = watched(signals, tmp_path / "log", endless)
    assert f"frames {3 * app._BLOCKS * (1 + app._LAST_READS)}," in said[-1]


def test_asked_by_a_signal_it_tells_the_counts_and_opens_the_log_again(
    signals: app._Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch)
    log = tmp_path / "log"

    def exchange(live: Interfaces) -> None:
        live.frames.extend(Wire(now=time.time_ns()).open().ask(GET).answer(OK5).close().frames)

    def rotate(_: Interfaces) -> None:
        log.rename(tmp_path / "old")
        signal.raise_signal(signal.SIGHUP)

    def ask(_: Interfaces) -> None:
        signal.raise_signal(signal.SIGUSR1)

    said, _ = watched(signals, log, ask, rotate, exchange, lambda live: None)
    assert ["frames 0" in said[0], "transactions 1" in said[-1]] == [True, True]
    assert log.read_text().count("\n") == 1
    assert (tmp_path / "old").read_text() == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_wish_to_stop_is_meant_at_once(signals: app._Signals, number: signal.Signals) -> None:
    signal.raise_signal(number)
    assert signals.stop
    assert signal.getsignal(number) is signal.SIG_DFL


def replayed(signals: app._Signals, log: Path | str, *captures: str, chosen: FileFilter | None = None) -> list[str]:
    said: list[str] = []
    file = LogFile(str(log), Rotation(0, 0), said.append)
    file.open()
    files = [CaptureFile(str(FOLDER / name)) for name in captures]
    app._Replay(files, chosen, file, LineFormat("common"), said.append).run(signals)
    return said


def test_when_who_reads_the_lines_has_left_a_replay_ends_without_a_word(
    signals: app._Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write = os.pipe()
    os.close(read)
    monkeypatch.setattr("sniffer.logfile._STDOUT", write)
    assert replayed(signals, "-", "browsing.pcap") == []
    with contextlib.suppress(OSError):
        os.close(write)


def test_a_replay_whose_lines_could_not_all_be_written_ends_with_an_error(
    signals: app._Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    monkeypatch.setattr("sniffer.logfile._STDOUT", full)
    with pytest.raises(SnifferError, match="standard output: not all lines"):
        replayed(signals, "-", "browsing.pcap")
    os.close(full)


def test_what_a_filter_could_not_look_at_is_said_at_the_end(signals: app._Signals, tmp_path: Path) -> None:
    need_libpcap()
    (tmp_path / "raw.pcap").write_bytes(b"".join(pcap(Wire().open().frames, link=101)))
    chosen = FileFilter("ether src 02:02:02:02:02:02")
    note, counts = replayed(signals, tmp_path / "log", str(tmp_path / "raw.pcap"), chosen=chosen)
    assert note.startswith("frames of link type 101 are left out")
    assert counts.startswith("frames 0")


def test_captures_are_told_of_when_a_signal_asks_and_at_the_end(signals: app._Signals, tmp_path: Path) -> None:
    signal.raise_signal(signal.SIGUSR1)
    signal.raise_signal(signal.SIGHUP)
    first, last = replayed(signals, tmp_path / "log", "browsing.pcap", "tagged.pcap")
    assert first.startswith("frames ")
    written = (tmp_path / "log").read_text().count("\n")
    assert f"lines written {written}, lines lost 0" in last
    assert written == sum((FOLDER / name).read_text().count("\n") for name in ("browsing.txt", "tagged.txt"))


def test_of_captures_that_are_broken_off_by_a_signal_what_was_read_is_written(
    signals: app._Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sniffer.capture.files.BATCH", 12)
    signal.raise_signal(signal.SIGTERM)
    (said,) = replayed(signals, tmp_path / "log", "browsing.pcap", "tagged.pcap")
    assert said.startswith("frames 12,")
    written = (tmp_path / "log").read_text().count("\n")
    assert 0 < written < (FOLDER / "browsing.txt").read_text().count("\n")


def test_a_capture_that_breaks_off_is_named(signals: app._Signals, tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes((FOLDER / "tagged.pcap").read_bytes()[:-5])
    problem, counts = replayed(signals, tmp_path / "log", str(cut))
    assert problem.startswith(f"{cut}: ")
    assert counts.startswith("frames ")
