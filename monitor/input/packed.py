"""What stands behind an offset in a compressed predecessor of a log; read once."""

from __future__ import annotations

from monitor.errors import TaplineError
from monitor.input.archive import chunks
from monitor.input.file import MARK, Position, Print
from monitor.input.lines import CHUNK, Lines
from monitor.input.siblings import Sibling


class Packed:
    """A source like ``File``. ``mark`` is what must stand before ``offset``; offsets are of the unpacked bytes."""

    def __init__(self, sibling: Sibling, head: bytes, offset: int = 0, mark: Print | None = None) -> None:
        self.path, self.identity, self.head = sibling.path, sibling.identity, head
        self.offset = offset
        self.lines = Lines()
        self.done = False
        self._mark = mark
        self._chunks = chunks(sibling.path, CHUNK)
        self.passed = 0  # bytes unpacked by ``read``, ever
        self._before = b""

    def read(self, size: int = CHUNK) -> bytes:
        """Return the next lines; empty while it passes over what was read before. Raises TaplineError."""
        chunk = next(self._chunks, b"")
        if not chunk:
            self.done = True
            return b""
        skip = min(len(chunk), max(0, self.offset - self.passed))
        self.passed += len(chunk)
        self._before = (self._before + chunk[:skip])[-MARK:]
        if skip == len(chunk):
            return b""
        if self._mark and Print.of(self._before[-self._mark.length :]) != self._mark:
            raise TaplineError(f"{self.path}: begins like what was read before but goes on otherwise; left out")
        self._mark = None
        self.offset = self.passed
        return self.lines.push(chunk[skip:])

    def position(self) -> Position:
        """Tell how far it was handed on."""
        handed = self.offset - self.lines.length
        return Position(*self.identity, Print.of(self.head[:handed]), handed, self._mark or Print.of(b""))

    def beginning(self) -> bytes:
        """Return the first bytes, unpacked."""
        return self.head

    def close(self) -> None:
        """Give the descriptor back."""
        self._chunks.close()
