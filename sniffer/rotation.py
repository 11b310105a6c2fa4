"""Rotated logs: ``access.log.1`` is the newest, ``access.log.2.gz`` the one before.

Knows names in one folder, by a descriptor of it (so that a path is never walked again), and nothing of what the files
hold. A rename never copies, and a compressed file appears whole under its name or not at all.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

_NICE = 19  # compression takes what time the capture leaves


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a log is rotated and what becomes of it. 0 switches a limit off."""

    size: int = 100_000_000  # bytes, never exceeded but by a single longer line
    every: int = 86_400  # s, counted in local time: days begin at midnight
    keep: int = 7  # rotated files, at least 1
    compress: bool = False  # all but the newest of them

    def period(self, now: float) -> int:
        """Return the number of the stretch of ``every`` seconds, in local time, that ``now`` is in."""
        return (int(now) + time.localtime(now).tm_gmtoff) // self.every if self.every else 0


class Archive:
    """The rotated files of the log ``name``."""

    def __init__(self, name: str, rotation: Rotation, say: Callable[[str], None]) -> None:
        self._name = name
        self._keep = rotation.keep
        self._compress = rotation.compress
        self._say = say
        self._pattern = re.compile(re.escape(name) + r"\.([1-9]\d*)(\.gz)?")
        self.part = f".{name}.gz.part"  # hidden: no glob for the logs takes it for one
        self._names = threading.Lock()  # held while names change
        self._worker: threading.Thread | None = None
        self._asked = False  # of the worker, to look once more

    def rotated(self, folder: int) -> list[tuple[int, str]]:
        """Return the number and name of every rotated file, the newest first."""
        found = (self._pattern.fullmatch(entry) for entry in os.listdir(folder))
        return sorted((int(match[1]), match[0]) for match in found if match)

    def push(self, folder: int) -> None:
        """Make the log the newest rotated file; drop what is beyond ``keep``. Raises OSError, the log then in place."""
        with self._names:
            files = self.rotated(folder)
            hole = next(n for n in range(1, len(files) + 2) if all(n != number for number, _ in files))
            for number, name in reversed(files):
                if number >= self._keep:
                    os.unlink(name, dir_fd=folder)
                elif number < hole:
                    suffix = ".gz" if name.endswith(".gz") else ""
                    _rename(name, f"{self._name}.{number + 1}{suffix}", folder)
            _rename(self._name, f"{self._name}.1", folder)

    def undo(self, folder: int) -> None:
        """Give the newest rotated file the log's name again."""
        with self._names:
            _rename(f"{self._name}.1", self._name, folder)

    def compress(self, folder: int, wait: bool = False) -> None:
        """Compress all rotated files but the newest, in a thread of its own."""
        if not self._compress:
            return
        with self._names:
            self._asked = True
            if self._worker is None:
                # Not a duplicate of the descriptor: those share their place in the list of names.
                own = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
                self._worker = threading.Thread(target=self._work, args=(own,), name="compress", daemon=True)
                self._worker.start()
            worker = self._worker
        if wait:
            worker.join()

    def _work(self, folder: int) -> None:
        # On Linux a thread has a niceness of its own.
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        while True:
            with self._names:
                if not self._asked:
                    self._worker = None
                    break
                self._asked = False
            self._compress_all(folder)
        os.close(folder)

    def _compress_all(self, folder: int) -> None:
        try:
            while plain := [name for n, name in self.rotated(folder) if n > 1 and not name.endswith(".gz")]:
                with contextlib.suppress(FileNotFoundError):  # renamed meanwhile: look again
                    self._compress_one(plain[-1], folder)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(self.part, dir_fd=folder)
            self._say(f"cannot compress {self._name}'s rotated files: {error.strerror}")

    def _compress_one(self, name: str, folder: int) -> None:
        def opener(path: str, flags: int) -> int:
            return os.open(path, flags, 0o600, dir_fd=folder)

        with contextlib.suppress(FileNotFoundError):  # left by a crash; the log's lock says that nobody writes it
            os.unlink(self.part, dir_fd=folder)
        with open(name, "rb", opener=opener) as source:
            status = os.fstat(source.fileno())
            with open(self.part, "xb", opener=opener) as part:
                with gzip.GzipFile(name, "wb", fileobj=part, mtime=status.st_mtime) as packed:
                    shutil.copyfileobj(source, packed, 1 << 20)
                part.flush()
                os.fchmod(part.fileno(), status.st_mode & 0o777)
                with contextlib.suppress(PermissionError):
                    os.fchown(part.fileno(), -1, status.st_gid)
                os.utime(part.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
                os.fsync(part.fileno())  # the plain file is given up for it
        with self._names:
            # A rotation may have renamed the file meanwhile, or dropped it.
            for _, now in self.rotated(folder):
                if os.stat(now, dir_fd=folder).st_ino == status.st_ino:
                    _rename(self.part, f"{now}.gz", folder)
                    os.unlink(now, dir_fd=folder)
                    return
            os.unlink(self.part, dir_fd=folder)


def _rename(old: str, new: str, folder: int) -> None:
    os.rename(old, new, src_dir_fd=folder, dst_dir_fd=folder)
