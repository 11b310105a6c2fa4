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
from collections.abc import Callable, Container, Iterator
from dataclasses import replace

from monitor.errors import TaplineError
from monitor.input.archive import compression, is_binary, unreadable
from monitor.input.block import Block
from monitor.input.file import File, Positions, Print
from monitor.input.lineage import SETTLE, Lineage
from monitor.input.lines import CHUNK
from monitor.input.packed import Packed
from monitor.input.warm import warmed

LINGER = 60.0  # s without a byte after which a rotated file is closed; servers reopen within seconds
FIRST_LINES = 64 * 1024  # bytes of the first lines at most
MAX_OLD = 16  # rotated files watched for stragglers at once


class Tail:
    """The lines of one log, each once, in the order in which they were written.

    ``foreign``: path names that are logs of their own, and so none of this one's predecessors.
    """

    def __init__(self, path: str, log: int = 0, foreign: Container[str] = ()) -> None:
        """Follow ``path`` as the log of that index; one of the three methods below says from where."""
        self.path = path
        self._log = log
        self._foreign = foreign
        self.messages: deque[str] = deque(maxlen=100)
        self.more = False  # the last read ended at its limit
        self._lineage = Lineage(path, foreign)
        self._sources: list[File | Packed] = []  # in the order of writing
        self._current: File | None = None  # what the path stands for, or stood for before it was away
        self._away = False
        self._folder = 0  # ns; when an entry of the folder had changed at the last search
        self._searched = 0.0  # when missed files were searched for after a change
        self._quiet: dict[tuple[int, int], float] = {}  # by identity: since when a file has not grown
        self._complaint = ""

    def start_at_beginning(self) -> None:
        """Begin at the beginning of the present file, or of the first to come."""
        self._lineage.remember_present()

    def start_at_end(self) -> None:
        """Begin at the end of the last whole line that there is now."""
        self._lineage.remember_present()
        if file := self._open():
            file.begin(file.end_of_lines())
            self._lineage.floor = max(self._lineage.floor, os.fstat(file.descriptor).st_mtime_ns)
            self._adopt(file)

    def resume(self, positions: Positions, read: Positions) -> None:
        """Begin where ``positions`` left it, wherever its files have got to; up to ``read`` the lines are past."""
        for position in positions.known:
            self._lineage.remember(position)
        self._lineage.floor = positions.floor
        for position in positions.following:
            if reopened := self._lineage.reopen(position):
                self._sources.append(reopened)
            else:
                self._lineage.lose(position)
        file = self._open()
        self._sources += self._lineage.missed([*self._sources, file] if file else self._sources)
        if file:
            self._adopt(file)
        if self._lineage.lost:
            self._say("a file that was read is no longer there; what was written to it since is missing")
        for source in self._sources:
            fits = [position for position in (*read.following, *read.known) if source.is_of(position)]
            # The file itself rather than a copy, of which all may be known.
            own = [position for position in read.following if position in fits and position.identity == source.identity]
            source.until = max((position.offset for position in own or fits), default=0)

    def warm(self, enough: Callable[[bytes], bool], budget: int) -> bool:
        """Go back before the present place of reading and begin where the lines are ``enough``; see ``warm.py``.

        Return False if there are lines before that cannot be had.
        """
        self._sources, free = warmed(self._sources, self._lineage.older(self._sources), enough, budget)
        return free

    def past(self) -> Iterator[Block]:
        """Return the lines up to the place where this run begins: those read back, and those read by the run before."""
        for source in self._sources.copy():
            while source.offset < source.until and not source.done:
                passed = source.passed
                try:
                    data = source.read(min(CHUNK, source.until - source.offset))
                except (OSError, TaplineError) as error:
                    self._tell(error)
                    break
                if data:
                    yield Block(self._log, data)
                elif source.passed == passed:
                    break

    def head(self) -> bytes:
        """Return the first lines of the file that is read first, for those formats that say there what is in it."""
        head = self._sources[0].beginning(FIRST_LINES) if self._sources else b""
        return head[: head.rfind(b"\n") + 1]

    @property
    def modified(self) -> float | None:
        """When the log was last written to, in epoch seconds; None if it is not there."""
        return os.fstat(self._current.descriptor).st_mtime if self._current else None

    def positions(self) -> Positions:
        """Tell how far the log was handed on."""
        following = tuple(source.position() for source in self._sources)
        held = {source.identity: source for source in self._sources}
        known = tuple(
            position
            for position in self._lineage.known
            if not (position.identity in held and position.head.begins(held[position.identity].beginning()))
        )
        return Positions(following, known, self._lineage.floor)

    def read(self, limit: int, now: float) -> list[Block]:
        """Return what is there, about ``limit`` bytes of it at most."""
        modified = self._look(now)
        blocks: list[Block] = []
        index = 0
        while limit > 0 and index < len(self._sources):
            source = self._sources[index]
            passed = source.passed
            try:
                data = source.read(min(CHUNK, limit))
            except (OSError, TaplineError) as error:
                self._tell(error)
                blocks.append(Block(self._log, self._drop(source)))
                continue
            if data is None:
                blocks.append(Block(self._log, self._truncated(source, now)))
                continue
            blocks.append(Block(self._log, data))
            if source.passed != passed:
                limit -= source.passed - passed
                self._quiet[source.identity] = now
            elif source.done:
                blocks.append(Block(self._log, self._drop(source)))
            else:
                index += 1
        self.more = limit <= 0
        if not self.more:
            if modified is not None:  # all that was there at the look was still there to be read
                self._lineage.settle(modified, now)
            blocks += [Block(self._log, data) for data in self._drop_old(now)]
        return [block for block in blocks if block.data]

    @property
    def unread(self) -> int:
        """Bytes that are there and were not read yet; those of packed files are not known."""
        return sum(source.unread for source in self._sources if isinstance(source, File))

    def close(self) -> None:
        """Give all descriptors back."""
        for source in self._sources:
            source.close()
        self._sources.clear()

    # -- looking at the path

    def _look(self, now: float) -> int | None:
        """See what the path stands for now; return when that was written to (ns), None if it stands for nothing."""
        folder = _changed(os.path.dirname(self.path) or ".")
        try:
            status = os.stat(self.path)
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                self._complain(str(unreadable(self.path, error)))
            status = None
        self._away = status is None
        if status and not (self._current and (status.st_dev, status.st_ino) == self._current.identity):
            if file := self._open():
                self._search(now, file)
                self._adopt(file)
        elif self._lineage.unsettled and now < self._searched + SETTLE:
            self._search(now, renew=folder != self._folder)  # what changed now takes its own time to settle
        elif folder != self._folder and (self._away or not self._offset or now > self._searched + SETTLE):
            # A truncation goes unnoticed where nothing was read yet, but its copy does not.
            self._search(now)
        else:
            folder = self._folder
        self._folder = folder
        return status.st_mtime_ns if status else None

    @property
    def _offset(self) -> int:
        return self._current.offset if self._current else 0

    def _search(self, now: float, begun: File | None = None, *, renew: bool = True) -> None:
        """Read what was missed before the current file, or before the one that is ``begun``."""
        reading = [*self._sources, begun] if begun else self._sources
        missed = self._lineage.missed(reading, begun or self._current)
        at = self._sources.index(self._current) if self._current and not begun else len(self._sources)
        self._sources[at:at] = missed
        if renew:
            self._searched = now

    def _adopt(self, file: File) -> None:
        """Read a file that the path stands for now."""
        for source in self._sources:
            if source.identity == file.identity and isinstance(source, File):  # renamed back, re-pointed back
                file.close()
                self._current = source
                return
        self._current = file
        self._sources.append(file)

    def _open(self) -> File | None:
        if os.path.islink(self.path) and os.path.realpath(self.path) in self._foreign:
            return None  # a link to another log
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

    def _tell(self, error: OSError | TaplineError) -> None:
        self.messages.append(str(unreadable(self.path, error) if isinstance(error, OSError) else error))

    def _say(self, text: str) -> None:
        self.messages.append(f"{self.path}: {text}")

    # -- what becomes of files

    def _truncated(self, source: File | Packed, now: float) -> bytes:
        """Begin a truncated file again, after what its copy has more than was read; return its unfinished line."""
        position = source.position()
        unfinished = _ended(source.lines.rest())
        source.begin(0)
        self._lineage.lose(position)
        self._search(now)
        if position in self._lineage.lost:
            self._say("was truncated; reading goes on from its new beginning")
            return unfinished
        return b""  # the copy has the rest of it

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


def _changed(folder: str) -> int:
    """Tell when a name in a folder changed (ns); 0 if it is away."""
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0
