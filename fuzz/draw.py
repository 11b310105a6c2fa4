"""Bytes as choices. Whatever the bytes are, every choice has an answer; the fewer are left, the plainer it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """Choices, made from the front of ``data``."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, count: int) -> bytes:
        """Return the next bytes, fewer at the end."""
        taken = self._data[self._at : self._at + count]
        self._at += len(taken)
        return taken

    def number(self, limit: int) -> int:
        """Return a number from 0, below ``limit``."""
        size = (max(limit - 1, 1).bit_length() + 7) // 8
        return int.from_bytes(self.take(size), "little") % limit

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return choices[self.number(len(choices))]

    def some(self, limit: int = 256) -> bytes:
        """Return a string of bytes below ``limit`` in length."""
        return self.take(self.number(limit))

    def mutated(self, text: bytes, pieces: Sequence[bytes]) -> bytes:
        """Return ``text``, more often than not with something put in, taken out or written over."""
        for _ in range(self.number(3)):
            start = self.number(len(text) + 1)
            end = min(len(text), start + self.number(5))
            text = text[:start] + (self.pick(pieces) if self.number(3) else self.some(8)) + text[end:]
        return text
