"""One file behind a log's name: what it is known by, and how far it was read. Knows nothing of its being rotated."""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import blake2b

from monitor.input.block import MAX_LINE
from monitor.input.lines import CHUNK, Lines

HEAD = 4096  # bytes at a file's beginning that it is known by; several lines, with their times
MARK = 4096  # bytes before the place of reading that must still stand there; lines often end alike


@dataclass(frozen=True, slots=True)
class Print:
    """A fingerprint of bytes that does not give them away."""

    length: int
    digest: str

    @classmethod
    def of(cls, data: bytes) -> Print:
        """Take the fingerprint of ``data``."""
        return cls(len(data), blake2b(data, digest_size=16).hexdigest())

    def begins(self, data: bytes) -> bool:
        """Tell whether ``data`` begins with the bytes that this was taken of. Nothing begins with no bytes."""
        return 0 < self.length <= len(data) and Print.of(data[: self.length]) == self


@dataclass(frozen=True, slots=True)
class Position:
    """How far one file was handed on: up to ``offset``, always the end of a line (in a compressed file: unpacked)."""

    device: int
    inode: int
    head: Print  # of the file's first bytes, at most HEAD and not beyond the offset
    offset: int
    mark: Print  # of the last bytes before the offset, at most MARK
    modified: int  # ns; when it was last written to

    @property
    def identity(self) -> tuple[int, int]:
        """What the file system knows the file by, until it gives the number to another."""
        return self.device, self.inode


@dataclass(frozen=True, slots=True)
class Positions:
    """How far one log was handed on."""

    following: tuple[Position, ...]  # its files that are still read, in the order of writing
    known: tuple[Position, ...]  # files of its name that were read to the end, or are older than the following
    floor: int  # ns; what was last written to before is older than anything that could be missed


def holds(descriptor: int, position: Position) -> bool:
    """Tell whether an open file has the same bytes as that of ``position`` at its beginning and before the offset."""
    mark = os.pread(descriptor, position.mark.length, max(0, position.offset - position.mark.length))
    head = os.pread(descriptor, position.head.length, 0)
    return Print.of(head) == position.head and Print.of(mark) == position.mark


class File:
    """An open regular file that is read from ``offset`` on. Raises OSError as the file system does.

    ``until``: lines before it are past, see ``Tail.past``.
    """

    done = False  # it may always grow

    def __init__(self, descriptor: int, offset: int = 0) -> None:
        status = os.fstat(descriptor)
        self.descriptor = descriptor
        self.identity = status.st_dev, status.st_ino
        self.passed = 0  # bytes taken in by ``read``, ever
        self.begin(offset)

    def begin(self, offset: int) -> None:
        """Go on at ``offset``, the end of a line."""
        self.lines = Lines()
        self.until = 0
        self.offset = offset  # of reading; the unfinished line lies before it
        self.head = os.pread(self.descriptor, min(HEAD, offset), 0) if offset else b""
        self._before = os.pread(self.descriptor, min(MARK, offset), max(0, offset - MARK)) if offset else b""
        self._mark = self._before  # the same for the end of the last line handed on

    @property
    def mark(self) -> Print:
        """What must stand before ``handed``."""
        return Print.of(self._mark)

    @property
    def handed(self) -> int:
        """The end of the last line handed on."""
        return self.offset - self.lines.length

    def position(self) -> Position:
        """Tell how far it was handed on."""
        head = self.head[: self.handed]
        return Position(*self.identity, Print.of(head), self.handed, self.mark, os.fstat(self.descriptor).st_mtime_ns)

    def read(self, size: int = CHUNK) -> bytes | None:
        """Return the whole lines among the next ``size`` bytes; None if the file is no longer what was read before.

        Where no line was completed the answer is empty: ``passed`` tells whether there was anything.
        """
        # One call reads the bytes before the place as well: between two, the file might be truncated and grow again.
        chunk = os.pread(self.descriptor, len(self._before) + size, self.offset - len(self._before))
        if not chunk.startswith(self._before):
            return None
        if len(chunk) == len(self._before):
            return b""
        data = chunk[len(self._before) :]
        if not self.offset and data[0] == 0:  # a hole, where a writer that does not append was truncated under
            return self._skip_hole()
        if len(self.head) < HEAD:
            self.head += data[: HEAD - len(self.head)]
        self.offset += len(data)
        self.passed += len(data)
        self._before = chunk[-MARK:]
        block = self.lines.push(data)
        if block:
            self._mark = block[-MARK:] if len(block) >= MARK else (self._mark + block)[-MARK:]
        return block

    def _skip_hole(self) -> bytes:
        try:
            position = os.lseek(self.descriptor, 0, os.SEEK_DATA)
        except OSError:  # nothing but a hole so far
            return b""
        while piece := os.pread(self.descriptor, CHUNK, position):
            position += len(piece) - len(piece.lstrip(b"\0"))
            if piece.lstrip(b"\0"):
                break
        self.begin(position)
        self.passed += 1
        return b""

    def beginning(self, size: int = HEAD) -> bytes:
        """Return the first bytes as they are now."""
        return os.pread(self.descriptor, size, 0)

    def is_of(self, position: Position) -> bool:
        """Tell whether it has the bytes of ``position``, at the beginning and before the offset."""
        return bool(position.head.length) and holds(self.descriptor, position)

    def end_of_lines(self) -> int:
        """Find the end of the last whole line; the end of the file if it is further back than the longest line."""
        size = end = os.fstat(self.descriptor).st_size
        while end > max(0, size - MAX_LINE):
            start = max(0, end - CHUNK)
            found = os.pread(self.descriptor, end - start, start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
        return 0 if not end else size

    @property
    def unread(self) -> int:
        """Bytes that are there and were not read yet."""
        return max(0, os.fstat(self.descriptor).st_size - self.offset)

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.descriptor)
