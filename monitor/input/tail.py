"""One path name as one perpetual source of lines, whatever files stand behind it in turn.

The words for what may happen between two looks at the path:

- rotation: the path stands for another file than before (create-after-rename, delete and re-create, a replaced folder,
  a re-pointed symbolic link). The old descriptor is read to its end before the new file is begun, and for ``LINGER``
  seconds more, because servers go on writing to the renamed file until they are told to reopen.
- truncation: the file is the same, but what was read is no longer there (copytruncate). What was written after the last
  read and before is looked for in the copy that was made.
- missed files: rotated twice between two looks. They are found among the log's rotated names and read in their order.
- away: the path stands for nothing. The old descriptor is read on meanwhile.

Knows nothing of who else reads, of wake-ups or of what a line says. Time is an argument (monotonic seconds).
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Container
from dataclasses import replace

from monitor.errors import TaplineError
from monitor.input.archive import compression, is_binary, unreadable
from monitor.input.block import MAX_LINE
from monitor.input.file import File, Positions, Print
from monitor.input.lineage import Lineage
from monitor.input.lines import CHUNK
from monitor.input.packed import Packed

LINGER = 60.0  # s without a byte after which a rotated file is closed; servers reopen within seconds
MAX_OLD = 16  # rotated files watched for stragglers at once


class Tail:
    """The lines of one log, each once, in the order in which they were written.

    ``foreign``: path names that are logs of their own, and so none of this one's predecessors.
    """

    def __init__(self, path: str, foreign: Container[str] = ()) -> None:
        """Follow ``path``; one of the three methods below says from where."""
        self.path = path
        self.messages: deque[str] = deque(maxlen=100)
        self._lineage = Lineage(path, foreign)
        self._sources: list[File | Packed] = []  # in the order of writing
        self._current: File | None = None  # what the path stands for, or stood for before it was away
        self._away = False
        self._modified = 0  # ns; when the current file was written to, last seen while it was what it was
        self._folder = 0  # ns; when an entry of the folder changed, last seen
        self._quiet: dict[tuple[int, int], float] = {}  # by identity: since when a file has not grown
        self._complaint = ""

    def start_at_beginning(self) -> None:
        """Begin at the beginning of the present file, or of the first to come."""
        self._lineage.remember_present()

    def start_at_end(self) -> None:
        """Begin at the end of the last whole line that there is now."""
        self._lineage.remember_present()
        if file := self._open():
            file.begin(_end_of_lines(file.descriptor))
            self._take(file)

    def resume(self, positions: Positions) -> None:
        """Begin where ``positions`` left it, wherever its files have got to since."""
        for position in positions.known:
            self._lineage.remember(position)
        self._modified = positions.modified
        for position in positions.following:
            if source := self._lineage.reopen(position):
                self._sources.append(source)
            elif position.offset:
                self._say("the file that was read last is no longer there; what was written to it since is missing")
        self._sources += self._lineage.missed(self._modified, self._sources)

    def positions(self) -> Positions:
        """Tell how far the log was handed on."""
        following = tuple(source.position() for source in self._sources)
        return Positions(following, self._lineage.known, self._modified)

    def read(self, limit: int, now: float) -> list[bytes]:
        """Return what is there, about ``limit`` bytes of it at most, as blocks of whole lines."""
        modified = self._look()
        blocks: list[bytes] = []
        index = 0
        while limit > 0 and index < len(self._sources):
            source = self._sources[index]
            passed = source.passed
            try:
                block = source.read(min(CHUNK, limit))
            except (OSError, TaplineError) as error:
                self.messages.append(str(unreadable(self.path, error) if isinstance(error, OSError) else error))
                blocks.append(self._drop(source))
                continue
            if block is None:
                blocks.append(self._truncated(source))
                continue
            blocks.append(block)
            if source.passed != passed:
                limit -= source.passed - passed
                self._quiet[source.identity] = now
            elif source.done:
                blocks.append(self._drop(source))
            else:
                index += 1
        if limit > 0:
            self._modified = modified or self._modified  # all that was there at the look was still there to be read
            blocks += self._drop_old(now)
        return [block for block in blocks if block]

    def close(self) -> None:
        """Give all descriptors back."""
        for source in self._sources:
            source.close()
        self._sources.clear()

    # -- looking at the path

    def _look(self) -> int | None:
        """See what the path stands for now; return when that was written to (ns), None if it stands for nothing."""
        try:
            status = os.stat(self.path)
            folder = os.stat(os.path.dirname(self.path) or ".").st_mtime_ns
        except OSError as error:
            self._away = True
            if not isinstance(error, FileNotFoundError):
                self._complain(str(unreadable(self.path, error)))
            return None
        self._away = False
        if not self._current or (status.st_dev, status.st_ino) != self._current.identity:
            self._rotated()
        elif not self._current.offset and folder != self._folder:
            # Nothing was read of it yet, so a truncation would not be noticed; but the copy would be.
            at = self._sources.index(self._current)
            self._sources[at:at] = self._lineage.missed(self._modified, self._sources)
        self._folder = folder
        return status.st_mtime_ns

    def _rotated(self) -> None:
        file = self._open()
        if not file:
            return
        for source in self._sources:
            if source.identity == file.identity and isinstance(source, File):  # renamed back, re-pointed back
                file.close()
                self._current = source
                return
        if self._current or self._sources:
            self._sources += self._lineage.missed(self._modified, [*self._sources, file])
        self._take(file)

    def _take(self, file: File) -> None:
        self._current = file
        self._sources.append(file)
        self._modified = os.fstat(file.descriptor).st_mtime_ns

    def _open(self) -> File | None:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                self._complain(str(unreadable(self.path, error)))
            return None
        mode = os.fstat(descriptor).st_mode
        file = None
        if stat.S_ISDIR(mode):
            self._complain(f"{self.path}: is a directory")
        elif not stat.S_ISREG(mode):
            self._complain(f"{self.path}: is not a regular file")
        else:
            file = self._lineage.begin(descriptor)
            head = file.beginning()
            if packed := compression(head):
                self._complain(f"{self.path}: is packed ({packed}) and cannot grow; --replay reads it")
            elif is_binary(head):
                self._complain(f"{self.path}: binary, not a log")
            else:
                self._complaint = ""
                return file
        os.close(descriptor)
        return None

    def _complain(self, text: str) -> None:
        """Say what keeps the log from being read, once as long as it stays the same."""
        if text != self._complaint:
            self._complaint = text
            self.messages.append(text)

    def _say(self, text: str) -> None:
        self.messages.append(f"{self.path}: {text}")

    # -- what becomes of files

    def _truncated(self, source: File | Packed) -> bytes:
        """Begin a truncated file again, after what its copy has more than was read; return its unfinished line."""
        if not isinstance(source, File) or source is not self._current:
            return self._drop(source)
        at = self._sources.index(source)
        missed = self._lineage.missed(self._modified, self._sources, source)
        self._sources[at:at] = missed
        unfinished = b"" if missed else _ended(source.lines.rest())  # a copy has the rest of it
        source.begin(0)
        self._modified = os.fstat(source.descriptor).st_mtime_ns
        return unfinished

    def _drop_old(self, now: float) -> list[bytes]:
        """Close the files that the path no longer stands for and that nobody writes to any more."""
        old = [source for source in self._sources if self._away or source is not self._current]
        for source in old:
            self._quiet.setdefault(source.identity, now)
        return [
            self._drop(source)
            for place, source in enumerate(old)
            if now - self._quiet[source.identity] > LINGER or place < len(old) - MAX_OLD
        ]

    def _drop(self, source: File | Packed) -> bytes:
        """Close a file for good but know it; return its unfinished line."""
        position = source.position()
        unfinished = source.lines.rest()
        if unfinished:
            position = replace(position, offset=source.offset, mark=Print.of(b""))
        self._lineage.remember(position)
        self._sources.remove(source)
        self._quiet.pop(source.identity, None)
        if source is self._current:
            self._current = None
        source.close()
        return _ended(unfinished)


def _ended(line: bytes) -> bytes:
    return line and line + b"\n"


def _end_of_lines(descriptor: int) -> int:
    """Find the end of the last whole line; the end of the file if it is further back than the longest line."""
    size = end = os.fstat(descriptor).st_size
    while end > max(0, size - MAX_LINE):
        start = max(0, end - CHUNK)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0 if not end else size
