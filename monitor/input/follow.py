"""Several logs and quoted patterns, followed together. Knows nothing of what a line says; time is an argument."""

from __future__ import annotations

import glob
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from functools import partial

from monitor.errors import TaplineError
from monitor.input.block import Block
from monitor.input.siblings import PACKED_NAME, rotated_names
from monitor.input.state import Reading, Saved
from monitor.input.stream import Stream
from monitor.input.tail import Tail
from monitor.input.waker import Watched
from monitor.input.warm import BUDGET

READ = 4 * 1024 * 1024  # bytes handed on at once, so that a large backlog does not starve the rest of the program
SHARE = 64 * 1024  # bytes each log may hand on at once however many there are
RESCAN = 1.0  # s between two looks for new matches, and for folders that were replaced
MAX_LOGS = 500  # followed at once: each takes a descriptor or two


class Followers:
    """All logs of a run. A log keeps its index, its place in ``names``."""

    def __init__(self, patterns: Sequence[str], saved: Saved | None = None) -> None:
        """Follow path names (``-``: standard input) and patterns.

        A log begins where ``saved`` left it, else at its end; one that comes later or came meanwhile at its beginning.
        """
        self.names: list[str] = []
        self._logs: list[Tail | Stream] = []
        self._own: set[str] = set()  # path names of the logs, see ``_own_name``
        self._left_out: set[str] = set()  # matches that are read under another name
        self._saved = saved or Saved()
        self._notes: deque[str] = deque(maxlen=100)
        self._noted: set[str] = set()
        self._scanned: float | None = None
        self._watched: Watched | None = None  # what was found at the last scan
        self._patterns = []
        for pattern in patterns:
            if glob.has_magic(pattern) and not os.path.lexists(pattern):
                self._patterns.append(pattern)
            else:
                self._join(pattern, new=False)
        for pattern in self._patterns:
            for name in sorted(self._saved.settled):
                if fnmatch(name, os.path.abspath(pattern)):  # rotated away meanwhile, but perhaps not read to its end
                    self._join(os.path.relpath(name) if not os.path.isabs(pattern) else name, new=False)
        self._scan(new=False)
        for pattern in self._patterns:
            if not glob.glob(pattern, recursive=True):
                self._note(f"{pattern}: no file matches yet; waiting for one")

    @property
    def ended(self) -> bool:
        """Whether nothing can come any more: all logs are pipes whose writers have left."""
        return not self._patterns and all(isinstance(log, Stream) and log.ended for log in self._logs)

    @property
    def more(self) -> bool:
        """Whether the last read left something that was there."""
        return any(log.more for log in self._logs)

    @property
    def unread(self) -> int:
        """Bytes that are there and were not read yet; those in pipes are not known."""
        return sum(log.unread for log in self._logs if isinstance(log, Tail))

    def read(self, now: float, limit: int = READ) -> list[Block]:
        """Return what is there, about ``limit`` bytes at most. ``now``: monotonic seconds."""
        if self._scanned is None or now - self._scanned >= RESCAN:
            self._scanned = now
            self._watched = None
            self._scan(new=True)
        share = max(SHARE, limit // max(1, len(self._logs)))
        return [block for log in self._logs for block in log.read(share, now)]

    def warm(self, enough: Callable[[int, bytes], bool]) -> bool:
        """Go back before the place where each log begins, before the first ``read``.

        ``enough(log, data)`` is handed blocks of whole lines, each the one before the last, and says when the log's
        last window is known. ``past`` returns them in their order. May be called again to go further back. Returns
        False if of some log there are lines before that cannot be had.
        """
        tails = [(index, log) for index, log in enumerate(self._logs) if isinstance(log, Tail)]
        free = True
        for index, tail in tails:
            free &= tail.warm(partial(enough, index), BUDGET // len(tails))
        return free

    def past(self, log: int) -> Iterator[Block]:
        """Return a log's lines up to the place where this run begins, oldest first, before the first ``read``.

        They were read back by ``warm``, or read by the run before, which ``saved`` tells about.
        """
        tail = self._logs[log]
        return tail.past() if isinstance(tail, Tail) else iter(())

    def head(self, log: int) -> bytes:
        """Return the first lines of the file that is read first, for formats that say there what is in it."""
        tail = self._logs[log]
        return tail.head() if isinstance(tail, Tail) else b""

    def modified(self, log: int) -> float | None:
        """When a log was last written to, in epoch seconds; None if that is not known."""
        tail = self._logs[log]
        return tail.modified if isinstance(tail, Tail) else None

    def watched(self) -> Watched:
        """Tell what to be woken by."""
        if not self._watched:
            files = {os.path.realpath(log.path) for log in self._logs if isinstance(log, Tail)}
            folders = {os.path.dirname(path) for path in files}
            folders |= {os.path.realpath(os.path.dirname(path)) for path in (*self._patterns, *self.names)}
            present = {(folder, identity) for folder in folders if (identity := _identity(folder))}
            self._watched = Watched(frozenset(files), frozenset(present))
        pipes = [log.awaited for log in self._logs if isinstance(log, Stream) and log.awaited is not None]
        return replace(self._watched, descriptors=frozenset(pipes))

    def messages(self) -> list[str]:
        """Return what a person should know, one line each, and forget it."""
        told = list(self._notes)
        self._notes.clear()
        for log in self._logs:
            told += log.messages
            log.messages.clear()
        return told

    def positions(self) -> Reading:
        """Tell how far each log was handed on."""
        return {os.path.abspath(log.path): log.positions() for log in self._logs if isinstance(log, Tail)}

    def close(self) -> None:
        """Give all descriptors back."""
        for log in self._logs:
            log.close()

    def _scan(self, *, new: bool) -> None:
        for pattern in self._patterns:
            matches = set(glob.glob(pattern, recursive=True)) - self._left_out
            known = any(fnmatch(name, os.path.abspath(pattern)) for name in self._saved.settled)
            for path in sorted(path for path in matches if _own_name(path) not in self._own):
                if PACKED_NAME.search(path) or self._was_rotated(path, matches):
                    self._note(f"{pattern}: packed and rotated files are not followed by their own names")
                elif os.path.isfile(path) and not self._is_other_name(path, matches):
                    self._join(path, new=new or known)

    def _was_rotated(self, path: str, matches: set[str]) -> bool:
        """Tell whether a path is the rotated name of another match or log, whose tail sees to it."""
        folder, name = os.path.split(path)
        return any(
            os.path.dirname(other) == folder
            and rotated_names(os.path.basename(other)).fullmatch(name)
            and not os.path.islink(other)  # a link to the latest of dated logs was none of them itself
            for other in {*matches, *self.names}
        )

    def _is_other_name(self, path: str, matches: set[str]) -> bool:
        """Tell whether a path stands for the same file as another match or log, through a symbolic link."""
        real = os.path.realpath(path)
        if real != _own_name(path):
            return real in self._own or any(_own_name(match) == real for match in matches)
        if any(os.path.realpath(name) == real for name in self._own):
            self._left_out.add(path)  # also when the link is pointed elsewhere: it will have been read
            return True
        return False

    def _join(self, path: str, *, new: bool) -> None:
        own = _own_name(path)
        if own in self._own:
            return
        if len(self._logs) >= MAX_LOGS:
            self._note(f"more than {MAX_LOGS} logs: {path} and what follows is left out")
            return
        self._own.add(own)
        try:
            log = (
                Stream(path, len(self._logs))
                if path == "-" or _is_pipe(path)
                else Tail(path, len(self._logs), self._own)
            )
        except TaplineError as error:
            self._note(str(error))
            return
        if isinstance(log, Tail):
            name = os.path.abspath(path)
            if settled := self._saved.settled.get(name):
                log.resume(settled, self._saved.read.get(name, settled))
            elif new:
                log.start_at_beginning()
            else:
                log.start_at_end()
                if not os.path.exists(path):
                    self._note(f"{path}: no such file yet; waiting for it")
        self.names.append(path)
        self._logs.append(log)

    def _note(self, text: str) -> None:
        if text not in self._noted:
            self._noted.add(text)
            self._notes.append(text)


def _own_name(path: str) -> str:
    """Make path names comparable: without links in the folder, but with the name's own link kept."""
    return path if path == "-" else os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


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
