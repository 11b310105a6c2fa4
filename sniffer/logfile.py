"""The log: whole lines are appended, it is rotated, and opened anew when its name was moved or taken away.

Knows bytes that end in LF, and nothing of what they say. After ``open`` nothing here raises for a disk that is full, a
folder that has gone or a file that was deleted: the lines that could not be written are counted, it is said once, and
said again when writing works.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import stat
from collections.abc import Callable
from pathlib import Path

from sniffer.errors import SnifferError
from sniffer.privileges import name_of
from sniffer.rotation import Archive, Rotation

_STDOUT = 1
_ROTATE_AGAIN = 10  # s to wait after a rotation that failed


class LogFile:
    """One log, or ``-`` for standard output. One thread writes."""

    def __init__(
        self, path: str, rotation: Rotation, say: Callable[[str], None], mode: int = 0o640, group: int | None = None
    ) -> None:
        self.written = 0  # lines
        self.lost = 0  # lines
        self.found: float | None = None  # s of wall time: when the lines that were there at ``open`` were last written
        self.unread = False  # standard output's reader has gone: nothing more can be written
        self.path = Path(os.path.abspath(path)) if path != "-" else None
        self.name = str(self.path or "standard output")  # what messages call it
        self._rotation = rotation
        self._say = say
        self._mode = mode
        self._group = group
        self._base = self.path.name if self.path else ""
        self._archive = Archive(self._base, rotation, say)
        self._folder = -1  # descriptors
        self._file = -1
        self._regular = False  # a file that can be rotated, locked and looked at
        self._identity = (0, 0)  # device and inode
        self._size = 0
        self._period = 0
        self._rest = b""  # what is still missing of the line that the file ends in
        self._rest_counts = True  # that line is one of this run, not what a crash left
        self._failing: tuple[str, int] | None = None  # why lines are lost, and how many were before
        self._rotate_after = 0.0  # s of wall time

    def prepare(self, owner: int | None = None) -> None:
        """Make and open the log's folder; with ``owner``, as root, give the log's own folder to that user.

        A folder is the log's own when it was made here, or holds nothing but this log and its rotated files. Any other,
        and one that everybody may write to, is left as it is. Raises SnifferError.
        """
        if self.path is None:
            return
        folder = self.path.parent
        try:
            made = not folder.exists()
            if made:
                folder.mkdir(parents=True)
            no_link = os.O_NOFOLLOW if made else 0
            self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | no_link)
            if made or owner is not None:
                self._own(made, -1 if owner is None else owner)
        except OSError as error:
            raise SnifferError(f"cannot use the folder {folder}: {error.strerror}") from error

    def _own(self, made: bool, owner: int) -> None:
        status = os.fstat(self._folder)
        present = set(os.listdir(self._folder))
        own = {self._base, self._archive.part, *(name for _, name in self._archive.rotated(self._folder))}
        if not made and (status.st_uid == owner or status.st_mode & stat.S_IWOTH or not present <= own):
            return
        group = -1 if self._group is None else self._group
        for name in present:
            # The folder may have been another user's, who may have put links to anything in it.
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self._folder)
            status = os.fstat(file)
            if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                os.fchown(file, owner, group)
            os.close(file)
        readable = self._mode & 0o444
        with contextlib.suppress(PermissionError):  # a normal user may not be in the group
            os.fchown(self._folder, owner, group)
        # Who may read the log may enter; new files get the folder's group, after root was given up too.
        os.fchmod(self._folder, 0o700 | readable | readable >> 2 | stat.S_ISGID)

    def open(self) -> None:
        """Open the log to append to it. Raises SnifferError, also where a rotation would be impossible later."""
        try:
            if self.path and self._folder < 0:
                self.prepare()
            self._open()
        except PermissionError as error:
            who = name_of(os.geteuid())
            raise SnifferError(
                f"cannot write {self.name}: user {who} may not; name another log (-w) or user (--user)"
            ) from error
        except OSError as error:
            raise SnifferError(f"cannot write {self.name}: {error.strerror}") from error
        if self._regular and self._size:
            self.found = os.fstat(self._file).st_mtime
        if self._regular and self.rotates:
            if not os.access(".", os.W_OK | os.X_OK, dir_fd=self._folder):
                raise SnifferError(
                    f"cannot rotate {self.name}: user {name_of(os.geteuid())} may not write to its folder; "
                    "name a log in a folder of its own (-w), another --user, or no rotation"
                )
            self._archive.compress(self._folder)  # what an earlier run left

    @property
    def rotates(self) -> bool:
        """Whether the log is ever rotated."""
        return bool(self._rotation.size or self._rotation.every)

    def _open(self) -> None:
        """Open by name, take the lock, and look how the file ends. Raises OSError."""
        if self.path is None:
            self._file = _STDOUT
            return
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        file = os.open(self._base, flags, self._mode, dir_fd=self._folder)
        try:
            status = os.fstat(file)
            regular = stat.S_ISREG(status.st_mode)
            rest = b""
            if regular:
                _lock(file)
                if not status.st_size:
                    self._dress(file)
                elif os.pread(file, 1, status.st_size - 1) != b"\n":
                    rest = b"\n"  # a crash left half a line
        except OSError:
            os.close(file)
            raise
        self._file, self._regular, self._rest, self._rest_counts = file, regular, rest, False
        self._identity = (status.st_dev, status.st_ino)
        self._size = status.st_size
        self._period = self._rotation.period(status.st_mtime)

    def _dress(self, file: int) -> None:
        """Give a new log its mode, which the umask may have cut, and its group where that is allowed."""
        with contextlib.suppress(PermissionError):
            os.fchmod(file, self._mode)
            if self._group is not None:
                os.fchown(file, -1, self._group)

    def write(self, lines: bytes, now: float) -> None:
        """Append whole lines, in one write for each file that they go to. ``now`` is in seconds of wall time."""
        left = lines
        lost_before = self.lost
        try:
            self._follow_name()
            while left:
                part = self._fitting(left, now)
                left = left[len(part) :]
                self._append(part)
        except OSError as error:
            self.lost += left.count(b"\n")
            self._fail(error, lost_before)
        else:
            self._recover()

    def _follow_name(self) -> None:
        """Open the log anew where its name stands for another file, or for none. Raises OSError."""
        if self.path is None:
            return
        if self._folder >= 0 and not self._folder_stands(self.path.parent):
            self.close()
        if self._folder < 0:
            self._folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        if self._file >= 0 and self._regular:
            try:
                status = os.stat(self._base, dir_fd=self._folder)
            except FileNotFoundError:
                self._let_go()
            except PermissionError:
                pass  # a log opened as root where the run user may not look: it is still open
            else:
                self._size = status.st_size  # somebody may have truncated it
                if (status.st_dev, status.st_ino) != self._identity:
                    self._let_go()
        if self._file < 0:
            self._open()

    def _folder_stands(self, path: Path) -> bool:
        held = os.fstat(self._folder)
        try:
            return os.path.samestat(held, os.stat(path))
        except PermissionError:  # the run user may not walk there, but holds the folder open
            return held.st_nlink > 0
        except OSError:
            return False

    def _fitting(self, lines: bytes, now: float) -> bytes:
        """Return the first of ``lines`` that fit in the log, which is rotated before if it must be."""
        if not self._regular or not self.rotates or now < self._rotate_after:
            return lines
        period = self._rotation.period(now)
        part = self._head(lines)
        # A line that the file ends in is finished first.
        if self._size and not self._rest and (not part or period != self._period):
            try:
                self._rotate()
            except OSError as error:
                self._rotate_after = now + _ROTATE_AGAIN
                self._say(f"cannot rotate {self.name}: {error.strerror}; it grows on")
                return lines
            part = self._head(lines)
        self._period = period
        return part or lines[: lines.index(b"\n") + 1]

    def _head(self, lines: bytes) -> bytes:
        """Return the whole lines for which the file has room."""
        room = self._rotation.size - self._size
        if not self._rotation.size or len(lines) <= room:
            return lines
        return lines[: lines.rfind(b"\n", 0, max(room, 0)) + 1]

    def _rotate(self) -> None:
        """Start a new file under the log's name. Raises OSError, the old file then still in use."""
        old = self._file
        self._archive.push(self._folder)
        try:
            self._open()
        except OSError:
            self._archive.undo(self._folder)
            raise
        os.close(old)
        self._archive.compress(self._folder)

    def _append(self, lines: bytes) -> None:
        """Write all, or count what is lost and keep what is missing of a line begun. Raises OSError."""
        data = self._rest + lines
        done = 0
        try:
            while done < len(data):
                done += self._some(memoryview(data)[done:])
        finally:
            self._size += done
            self.written += data.count(b"\n", 0, done)
            if done >= len(self._rest):
                self.written -= bool(self._rest) and not self._rest_counts
                self._rest_counts = True
            begun = data[done - 1] != 0x0A if done else bool(self._rest)
            end = data.index(b"\n", done) + 1 if begun else done
            self.lost += data.count(b"\n", end)
            self._rest = data[done:end]

    def _some(self, data: memoryview) -> int:
        while True:
            try:
                return os.write(self._file, data)
            except BlockingIOError:  # standard output, shared with a program that made it so
                select.select([], [self._file], [])

    def _fail(self, error: OSError, lost_before: int) -> None:
        if error.errno == errno.EPIPE:
            self.unread = True
        elif self._failing is None:
            reason = error.strerror or str(error)
            self._failing = (reason, lost_before)
            self._say(f"cannot write {self.name}: {reason}; lines are being lost")

    def _recover(self) -> None:
        if self._failing is not None:
            lost = self.lost - self._failing[1]
            self._failing = None
            self._say(f"{self.name} is written again; {lost} lines were lost")

    def release(self) -> None:
        """Let go of the file; the next line opens it by name again, as another program's rotation wants it."""
        if self.path is not None:
            self._let_go()

    def close(self) -> None:
        """Let go of file and folder."""
        self.release()
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1

    def _let_go(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file = -1
        self.lost += bool(self._rest) and self._rest_counts
        self._rest = b""


def _lock(file: int) -> None:
    """Refuse a log that another sniffer writes. The lock stays with the file when it is rotated, and ends with us."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OSError(errno.EBUSY, "another sniffer is writing it") from error
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):  # a file system without locks
            raise
