"""Hands lines to the log in a thread of its own, so that no disk and no reader of a pipe ever holds up the capture."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sniffer.logfile import LogFile

WAITING = 8 << 20  # bytes of lines that may wait for a slow disk: about 80,000 lines


class Writer:
    """A log that never makes its caller wait. What it can't take is counted."""

    def __init__(self, log: LogFile, say: Callable[[str], None]) -> None:
        self._log = log
        self._say = say
        self._behind: int | None = None  # lines lost before the queue was full; None: it is not
        self._lost = 0  # lines that did not fit in the queue
        self._queue: list[bytes] = []
        self._bytes = 0  # in the queue or being written
        self._lines = 0  # likewise
        self._released = False
        self._closing = False
        self._ready = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="log", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> int:
        """Lines that could not be written."""
        return self._lost + self._log.lost

    def write(self, lines: bytes) -> None:
        """Have whole lines written soon."""
        count = lines.count(b"\n")
        with self._ready:
            if self._bytes + len(lines) <= WAITING:
                self._queue.append(lines)
                self._bytes += len(lines)
                self._lines += count
                self._ready.notify()
                return
            if self._behind is None:
                self._behind = self._lost
                self._say(f"{self._log.name} is slower than the traffic; lines are being lost")
            self._lost += count

    def release(self) -> None:
        """Have the log opened by its name again."""
        with self._ready:
            self._released = True
            self._ready.notify()

    def close(self, patience: float) -> None:
        """Write what waits and let go; a disk that hangs is given up after ``patience`` s, its lines then lost."""
        with self._ready:
            self._closing = True
            self._ready.notify()
        self._thread.join(patience)
        with self._ready:
            self._lost += self._lines
            self._lines = 0

    def _work(self) -> None:
        while True:
            with self._ready:
                while not (self._queue or self._released or self._closing):
                    self._ready.wait()
                lines, count, released = b"".join(self._queue), self._lines, self._released
                self._queue.clear()
                self._released = False
            if released:
                self._log.release()
            elif not lines:  # closing
                self._log.close()
                return
            self._log.write(lines, time.time())
            with self._ready:
                self._bytes -= len(lines)
                self._lines = max(self._lines - count, 0)
                if self._behind is not None and not self._queue:
                    self._say(f"{self._log.name} keeps up again; {self._lost - self._behind} lines were lost")
                    self._behind = None
