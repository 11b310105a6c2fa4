"""The files that a log's predecessors become: how they are named, in which order they were written, how they begin.

A rotated ``access.log`` is ``access.log.1``, ``access.log-20261123``, ``access.log.1.gz``, ``access-20261123.log``,
``access.log.old`` and the like, in the same folder.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from monitor.errors import TaplineError
from monitor.input.archive import chunks, compression
from monitor.input.file import HEAD

_DATE = r"[.\-_]\d{4}[\dT:.\-_]*"  # and perhaps a time
_COUNT = r"\.\d{1,3}"
_PACKED = r"(?:\.(?:gz|bz2|xz|zst))?"
PACKED_NAME = re.compile(r"\.(?:gz|bz2|xz|zst)\Z")


@dataclass(frozen=True, slots=True)
class Sibling:
    """A file that may have been the log once."""

    path: str
    identity: tuple[int, int]  # device, inode
    size: int
    modified: int  # ns
    number: int | None  # the N of ``.N``: the larger the older

    def open(self) -> tuple[int, bytes, bool]:
        """Return a descriptor, the first bytes unpacked, and whether they were packed.

        Raises OSError, also if the name has gone on to another file, or TaplineError.
        """
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if (status.st_dev, status.st_ino) != self.identity:
                raise FileNotFoundError(self.path)
            head = os.pread(descriptor, HEAD, 0)
            packed = bool(compression(head))
            if packed:
                head = next(chunks(self.path, descriptor, HEAD), b"")
        except (OSError, TaplineError):
            os.close(descriptor)
            raise
        return descriptor, head, packed


def rotated_names(name: str) -> re.Pattern[str]:
    """Return what matches the names that rotation gives to a log called ``name``."""
    stem, extension = os.path.splitext(name)
    after = rf"{re.escape(name)}(?:{_DATE}|{_COUNT}|[.\-_]?(?:old|bak|orig|prev|save|rotated))?~?{_PACKED}"
    between = rf"{re.escape(stem)}(?:{_DATE}|{_COUNT}){re.escape(extension)}{_PACKED}"
    return re.compile(rf"(?!{re.escape(name)}\Z)(?:{after}|{between})")


def siblings(path: str) -> list[Sibling]:
    """Find what the log at ``path`` was rotated to, oldest first. A folder that is away holds none."""
    folder, name = os.path.split(os.path.realpath(path))
    names = rotated_names(name)
    if os.path.islink(path):  # to a file with a date or a number in its name, more often than not
        dated = re.sub(r"\d+", r"\\d+", re.escape(name))
        names = re.compile(rf"{names.pattern}|(?!{re.escape(name)}\Z){dated}{_PACKED}")
    found = list({sibling.identity: sibling for sibling in _siblings(folder, names)}.values())
    if all(sibling.number is not None for sibling in found):
        return sorted(found, key=lambda sibling: -(sibling.number or 0))
    return sorted(found, key=lambda sibling: (sibling.modified, sibling.path))


def by_identity(path: str) -> dict[tuple[int, int], str]:
    """Find every regular file in the log's folder by device and inode, whatever its name."""
    folder = os.path.dirname(os.path.realpath(path))
    found = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    found[status.st_dev, status.st_ino] = entry.path
    except OSError:
        return found
    return found


def _siblings(folder: str, names: re.Pattern[str]) -> Iterator[Sibling]:
    try:
        entries = [entry for entry in os.scandir(folder) if names.fullmatch(entry.name)]
    except OSError:
        return
    for entry in entries:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:  # rotated on at this moment
            continue
        if stat.S_ISREG(status.st_mode):
            number = re.search(r"\.(\d{1,6})(?:\.\w+)?\Z", entry.name)
            yield Sibling(
                entry.path,
                (status.st_dev, status.st_ino),
                status.st_size,
                status.st_mtime_ns,
                int(number[1]) if number else None,
            )
