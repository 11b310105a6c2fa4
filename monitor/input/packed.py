"""What stands behind an offset in a compressed predecessor of a log; read once."""

from __future__ import annotations

import os
from collections.abc import Generator

from monitor.errors import TaplineError
from monitor.input.archive import chunks
from monitor.input.file import HEAD, MARK, Position, Print
from monitor.input.lines import CHUNK, Lines
from monitor.input.siblings import Sibling


class Packed:
    """A source like ``File``. ``mark`` is what must stand before ``offset``; offsets are of the unpacked bytes.

    ``until``: lines before it are past, see ``Tail.past``.
    """

    def __init__(self, sibling: Sibling, descriptor: int, head: bytes, offset: int, mark: Print | None = None) -> None:
        self.path, self.identity, self.head = sibling.path, sibling.identity, head
        self.descriptor = descriptor
        self._modified = sibling.modified
        self.passed = 0  # bytes unpacked by ``read``, ever
        self.begin(offset, mark)

    def begin(self, offset: int, mark: Print | None = None) -> None:
        """Go on at ``offset``, the end of a line."""
        self._chunks = self.unpacked()
        self._left = b""  # of a chunk, behind what was read
        self._at = 0  # of unpacking
        self._before = b""
        self._mark = mark
        self.offset = offset
        self.until = 0
        self.lines = Lines()
        self.done = False

    def unpacked(self, size: int = CHUNK) -> Generator[bytes, None, None]:
        """Unpack it from its beginning, whatever else is unpacking it."""
        return chunks(self.path, self.descriptor, size)

    def read(self, size: int = CHUNK) -> bytes:
        """Return the next lines; empty while it passes over what was read before. Raises TaplineError."""
        chunk = self._left or next(self._chunks, b"")
        if not chunk:
            self.done = True
            return b""
        behind = self.offset - self._at
        size = behind if behind > 0 else size
        chunk, self._left = chunk[:size], chunk[size:]
        self.passed += len(chunk)
        self._at += len(chunk)
        if behind > 0:
            self._before = (self._before + chunk)[-MARK:]
            if len(chunk) == behind and self._mark and Print.of(self._before[-self._mark.length :]) != self._mark:
                raise TaplineError(f"{self.path}: begins like what was read before but goes on otherwise; left out")
            return b""
        self._mark = None
        self.offset = self._at
        return self.lines.push(chunk)

    def position(self) -> Position:
        """Tell how far it was handed on."""
        handed = self.offset - self.lines.length
        head = Print.of(self.head[:handed])
        return Position(*self.identity, head, handed, self._mark or Print.of(b""), self._modified)

    def beginning(self, size: int = HEAD) -> bytes:
        """Return the first bytes, unpacked."""
        return self.head[:size] if size <= HEAD else next(self.unpacked(size), b"")

    def is_of(self, position: Position) -> bool:
        """Tell whether its unpacked bytes are those of ``position``, as far as their beginning says."""
        return position.head.begins(self.head)

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.descriptor)
