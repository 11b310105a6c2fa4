"""Several logs and quoted patterns, followed together. Knows nothing of what a line says; time is an argument."""

from __future__ import annotations

import glob
import os
import stat
from collections import deque
from collections.abc import Sequence

from monitor.input.block import Block
from monitor.input.file import Positions
from monitor.input.siblings import PACKED_NAME, rotated_names
from monitor.input.stream import Stream
from monitor.input.tail import Tail
from monitor.input.waker import Watched

READ = 4 * 1024 * 1024  # bytes handed on at once, so that a large backlog does not starve the rest of the program
SHARE = 64 * 1024  # bytes each log may hand on at once however many there are
RESCAN = 1.0  # s between two looks for new matches


class Followers:
    """All logs of a run. A log keeps its index, its place in ``names``."""

    def __init__(self, patterns: Sequence[str], saved: dict[str, Positions] | None = None) -> None:
        """Follow path names (``-``: standard input) and patterns.

        Without ``saved`` positions a log that exists now begins at its end, one that joins later at its beginning.
        """
        self.names: list[str] = []
        self._logs: list[Tail | Stream] = []
        self._saved = saved or {}
        self._patterns = [pattern for pattern in patterns if glob.has_magic(pattern) and not os.path.lexists(pattern)]
        self._notes: deque[str] = deque(maxlen=100)
        self._scanned: float | None = None
        self._first = 0
        for pattern in dict.fromkeys(patterns):
            if pattern not in self._patterns:
                self._join(pattern, new=False)
        self._scan(new=False)

    @property
    def ended(self) -> bool:
        """Whether nothing can come any more: all logs are pipes whose writers have left."""
        return not self._patterns and all(isinstance(log, Stream) and log.ended for log in self._logs)

    def read(self, now: float, limit: int = READ) -> list[Block]:
        """Return what is there, about ``limit`` bytes at most. ``now``: monotonic seconds."""
        if self._patterns and (self._scanned is None or now - self._scanned >= RESCAN):
            self._scanned = now
            self._scan(new=True)
        share = max(SHARE, limit // max(1, len(self._logs)))
        return [Block(index, data) for index, log in enumerate(self._logs) for data in log.read(share, now)]

    def watched(self) -> Watched:
        """Tell what to be woken by."""
        files = {os.path.realpath(log.path) for log in self._logs if isinstance(log, Tail)}
        folders = {os.path.dirname(path) for path in files}
        folders |= {os.path.realpath(os.path.dirname(path)) for path in (*self._patterns, *self.names)}
        pipes = [log.awaited for log in self._logs if isinstance(log, Stream) and log.awaited is not None]
        present = {(folder, identity) for folder in folders if (identity := _identity(folder))}
        return Watched(frozenset(files), frozenset(present), frozenset(pipes))

    def messages(self) -> list[str]:
        """Return what a person should know, one line each, and forget it."""
        told = list(self._notes)
        self._notes.clear()
        for log in self._logs:
            told += log.messages
            log.messages.clear()
        return told

    def positions(self) -> dict[str, Positions]:
        """Tell how far each log was handed on."""
        return {name: log.positions() for name, log in zip(self.names, self._logs, strict=True) if name != "-"}

    def close(self) -> None:
        """Give all descriptors back."""
        for log in self._logs:
            log.close()

    def _scan(self, *, new: bool) -> None:
        for pattern in self._patterns:
            matches = sorted(glob.glob(pattern, recursive=True))
            for path in matches:
                if path in self.names or PACKED_NAME.search(path) or not os.path.isfile(path):
                    continue
                if not self._was_rotated(path, matches):
                    self._join(path, new=new)

    def _was_rotated(self, path: str, matches: list[str]) -> bool:
        """Tell whether a path is the rotated name of another match or log, whose tail sees to it."""
        folder, name = os.path.split(path)
        return any(
            os.path.dirname(other) == folder and rotated_names(os.path.basename(other)).fullmatch(name)
            for other in {*matches, *self.names}
        )

    def _join(self, path: str, *, new: bool) -> None:
        self.names.append(path)
        if path == "-" or _is_pipe(path):
            self._logs.append(Stream(path))
            return
        tail = Tail(path, self.names)
        if path in self._saved:
            tail.resume(self._saved[path])
        elif new:
            tail.start_at_beginning()
        else:
            tail.start_at_end()
        self._logs.append(tail)


def _is_pipe(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
