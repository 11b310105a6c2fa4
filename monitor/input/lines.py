"""Chunks of bytes as blocks of whole lines. Knows nothing of files."""

from __future__ import annotations

from monitor.input.block import MAX_LINE

# Bytes read at once; at most MAX_LINE, so that a line within one chunk is never overlong. The columns of as much stay
# in the processor's cache: with four times as much, reading takes a third longer.
CHUNK = 256 * 1024


class Lines:
    """Cuts the chunks of one log, each at most ``MAX_LINE`` bytes, after the last LF and holds back what follows it.

    What is held never takes more than ``MAX_LINE + 1`` bytes: of a longer line only the beginning is kept.
    """

    __slots__ = ("_kept", "_pieces", "length")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._kept = 0
        self.length = 0  # bytes since the last LF, those not kept included

    def push(self, chunk: bytes) -> bytes:
        """Return the lines that ``chunk`` completes, whole and ending with LF; ``b""`` if none."""
        cut = chunk.rfind(b"\n") + 1
        if not cut:
            self._hold(chunk)
            return b""
        if not self.length:
            block = chunk[:cut]
        elif self.length + chunk.find(b"\n") > MAX_LINE:
            end = chunk.find(b"\n")
            self._hold(chunk[:end])
            block = b"".join((*self._pieces, chunk[end:cut]))
        else:
            block = b"".join((*self._pieces, memoryview(chunk)[:cut]))
        self._clear()
        if cut < len(chunk):
            self._hold(chunk[cut:])
        return block

    def rest(self) -> bytes:
        """Return what stands after the last LF, cut like an overlong line, and forget it."""
        rest = b"".join(self._pieces)
        self._clear()
        return rest

    def _hold(self, piece: bytes) -> None:
        self.length += len(piece)
        room = MAX_LINE + 1 - self._kept
        if room > 0:
            self._pieces.append(piece[:room])
            self._kept += min(room, len(piece))

    def _clear(self) -> None:
        self._pieces = []
        self._kept = 0
        self.length = 0
