"""A run of the sniffer: frames from an interface or a capture, through the observer, to the log.

Knows the order in which things are opened and privileges given up, the signals and the clock; nothing of packets.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING

from sniffer.capture.filter import FileFilter
from sniffer.capture.live import Live
from sniffer.clf import LineFormat
from sniffer.config import Settings
from sniffer.errors import SnifferError
from sniffer.logfile import LogFile
from sniffer.observer import Observer, ObserverCounts
from sniffer.privileges import drop, go_first, log_group, name_of, run_user
from sniffer.transaction import Transaction
from sniffer.writer import Writer

if TYPE_CHECKING:
    from sniffer.capture.files import CaptureFile

_WAKE = 0.2  # s between two looks at the clock when nothing comes
_BLOCKS = 32  # of frames, then the signals and the clock are looked at
_IN_FLIGHT = 100_000_000  # ns that a frame may take from the wire to us
_DROPS_ASKED = 1.0  # s between two looks at the kernel's count
_DROPS_SAID = 60.0  # s between two messages about it
_SWITCH = 0.0005  # s; a tenth of what Python would have it wait beside a busy capture
_LAST_FRAMES = 0.1  # s; more than twice what a frame may wait for others
_LAST_READS = 8  # as much as the ring holds, should the traffic go on
_PATIENCE = 5.0  # s for the last lines to be written

Say = Callable[[str], None]


def run(settings: Settings, environ: Mapping[str, str], say: Say, greet: Say | None = None) -> None:
    """Observe until the end, or until SIGINT or SIGTERM; ``greet`` is told what is begun. Raises SnifferError."""
    with _Signals() as signals:
        _run(settings, environ, say, greet, signals)


def _run(settings: Settings, environ: Mapping[str, str], say: Say, greet: Say | None, signals: _Signals) -> None:
    line_format = LineFormat(settings.format, settings.origin_form)
    user, group = run_user(settings.user, environ), log_group(settings.group)
    log = LogFile(settings.log, settings.rotation, say, settings.mode, group)
    # All that needs a privilege is opened here, and the first packet is read after it was given up.
    live = None
    files = _opened(settings.captures)
    chosen = FileFilter(settings.filter) if files and settings.filter else None
    if not files:
        live = Live(settings.interfaces, settings.filter)
        go_first()
    if files and not log.rotates:
        log.open()
    else:
        log.prepare(user.uid if user else None)
    drop(user, group if settings.group else None)
    if live or log.rotates:
        log.open()  # as whom it will be opened after a rotation
    if live is None:
        _Replay(files, chosen, log, line_format, say).run(signals)
    else:
        if greet:
            where = ", ".join(settings.interfaces) or "all interfaces"
            greet(f"watching {where} as {name_of(os.geteuid())}, writing to {log.name}; Ctrl-C ends it")
        if log.found is not None:
            say(absence(log.name, log.found, time.time()))
        _Watch(live, log, line_format, say).run(signals)


def _opened(captures: Sequence[str]) -> list[CaptureFile]:
    if not captures:
        return []
    from sniffer.capture.files import CaptureFile  # scapy takes memory that a live capture would never give back

    return [CaptureFile(path) for path in captures]


class _Signals:
    """Which signals have come, and a descriptor that can be read when one has."""

    _CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)

    def __init__(self) -> None:
        self.stop = False
        self._come: set[int] = set()

    def __enter__(self) -> _Signals:
        self.descriptor, self._write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        for number in self._CAUGHT:
            signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        for number in self._CAUGHT:
            signal.signal(number, signal.SIG_DFL)
        os.close(self.descriptor)
        os.close(self._write_end)

    def _note(self, number: int, _: FrameType | None) -> None:
        if number in (signal.SIGINT, signal.SIGTERM):
            self.stop = True
            signal.signal(number, signal.SIG_DFL)  # the second time it is meant
        self._come.add(number)

    def take(self, number: int) -> bool:
        """Tell once that the signal has come."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.descriptor, 1024)
        come = number in self._come
        self._come.discard(number)
        return come


def _lines(transactions: list[Transaction], line_format: LineFormat) -> bytes:
    return b"".join(map(line_format.line, transactions))


class _Replay:
    """Capture files to their end. The log may hold this up: no packet is lost by it."""

    def __init__(
        self, files: list[CaptureFile], chosen: FileFilter | None, log: LogFile, line_format: LineFormat, say: Say
    ) -> None:
        self._files = files
        self._chosen = chosen
        self._log = log
        self._format = line_format
        self._say = say
        self._observer = Observer()

    def run(self, signals: _Signals) -> None:
        """Read all, or until told to stop. Raises SnifferError if lines were lost: who converts a capture wants all."""
        for transactions in self._transactions(signals):
            if transactions:
                self._log.write(_lines(transactions, self._format), time.time())
            if signals.take(signal.SIGUSR1):
                self._tell()
            if signals.take(signal.SIGHUP):
                self._log.release()
            if self._log.unread:
                return
        self._log.close()
        self._tell()
        if self._log.lost and not self._log.unread:
            raise SnifferError(f"{self._log.name}: not all lines could be written")

    def _transactions(self, signals: _Signals) -> Iterator[list[Transaction]]:
        with contextlib.ExitStack() as stack:
            for file in self._files:
                stack.callback(file.close)
            for file in self._files:
                for frames in file.batches():
                    yield self._observer.feed(self._chosen.matching(frames) if self._chosen else frames)
                    if signals.stop:
                        break
                if file.problem:
                    self._say(f"{file.path}: {file.problem}")
                if signals.stop:
                    break
        for note in self._chosen.notes if self._chosen else ():
            self._say(note)
        yield self._observer.finish()

    def _tell(self) -> None:
        self._say(summary(self._observer.counts, 0, self._log.written, self._log.lost))


class _Watch:
    """Interfaces, until told to stop. Nothing may hold this up."""

    def __init__(self, live: Live, log: LogFile, line_format: LineFormat, say: Say) -> None:
        self._live = live
        self._log = log
        self._writer = Writer(log, say)
        self._format = line_format
        self._say = say
        self._observer = Observer()
        self._drops_asked = time.monotonic()
        self._drops_said = -_DROPS_SAID
        self._drops_told = 0

    def run(self, signals: _Signals) -> None:
        """Capture until told to stop, then say what was seen."""
        # The log's thread needs the interpreter for a moment after each call of the kernel; a rotation is many calls.
        sys.setswitchinterval(_SWITCH)
        self._live.watch(signals.descriptor)
        while not (signals.stop or self._log.unread):
            self._tell_notes()
            self._live.wait(_WAKE)
            self._read()
            self._look_at_drops()
            if signals.take(signal.SIGUSR1):
                self._tell()
            if signals.take(signal.SIGHUP):
                self._writer.release()
        time.sleep(_LAST_FRAMES)  # the kernel hands over what came before the signal
        for _ in range(_LAST_READS):
            self._read()
        self._write(self._observer.finish())
        self._writer.close(_PATIENCE)
        self._live.count_drops()
        self._tell()
        self._live.close()

    def _read(self) -> None:
        for _ in range(_BLOCKS):
            frames = self._live.read()
            if not frames:
                # Frames on the way here are not overtaken by the clock.
                self._write(self._observer.tick(time.time_ns() - _IN_FLIGHT))
                return
            self._write(self._observer.feed(frames, self._live.losing))

    def _write(self, transactions: list[Transaction]) -> None:
        if transactions:
            self._writer.write(_lines(transactions, self._format))

    def _look_at_drops(self) -> None:
        now = time.monotonic()
        if now < self._drops_asked + _DROPS_ASKED:
            return
        self._drops_asked = now
        self._live.count_drops()
        unsaid = self._live.dropped - self._drops_told
        if unsaid and now >= self._drops_said + _DROPS_SAID:
            self._say(f"the kernel dropped {unsaid} frames, {self._live.dropped} in all; what they held is lost")
            self._drops_said, self._drops_told = now, self._live.dropped

    def _tell_notes(self) -> None:
        for note in self._live.notes:
            self._say(note)
        self._live.notes.clear()

    def _tell(self) -> None:
        self._live.count_drops()
        self._say(summary(self._observer.counts, self._live.dropped, self._log.written, self._writer.lost))


def absence(name: str, last: float, now: float) -> str:
    """Say which exchanges a log lacks because no sniffer was there: a killed one can't tell. Times: s of wall time."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(last))
    ago = (now - last) // 0.1 / 10 + 0.1
    return (
        f"{name} was last written at {when}, {max(ago, 0.0):.1f} s ago; exchanges that ended since then are not in it"
    )


def summary(counts: ObserverCounts, dropped: int, written: int, lost: int) -> str:
    """Say in one line what was observed; the rarer counts only where they are not 0."""
    told = [
        ("frames", counts.frames),
        ("dropped by the kernel", dropped),
        ("segments", counts.segments),
        ("gaps", counts.gaps),
        ("flows", counts.flows),
        ("transactions", counts.transactions),
        ("unanswered", counts.unanswered),
        ("not HTTP", counts.not_http),
        ("lines written", written),
        ("lines lost", lost),
    ]
    rare = [
        ("bytes in gaps", counts.gap_bytes),
        ("orphan responses", counts.orphans),
        ("flows closed at a bound", counts.evicted),
        ("frames cut short", counts.cut),
        ("datagrams never whole", counts.fragments),
        ("frames of unknown link types", counts.unknown_links),
    ]
    return ", ".join(f"{name} {count}" for name, count in told + [one for one in rare if one[1]])
