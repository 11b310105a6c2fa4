"""What was found out about bytes that recur: a dictionary that forgets.

Heads recur: a client sends the same fields with each request, a server the same head until its clock's next second.
Knows nothing of what is remembered.
"""

from __future__ import annotations

from typing import Generic, TypeVar

COUNT = 1024  # of each half
BYTES = 512 * 1024  # likewise, of the keys
LONGEST = 8 * 1024  # bytes of a key; longer ones are not remembered

Value = TypeVar("Value")


class Memo(Generic[Value]):
    """Values by bytes. What was not asked for since its half was full is forgotten; ``None`` is no value.

    Whoever asks for each message looks in ``young`` first, which saves a call.
    """

    __slots__ = ("_old", "_room", "young")

    def __init__(self) -> None:
        self.young: dict[bytes, Value] = {}
        self._old: dict[bytes, Value] = {}
        self._room = BYTES

    def get(self, key: bytes) -> Value | None:
        """Return what is known, if it is."""
        found = self.young.get(key)
        if found is None and (found := self._old.get(key)) is not None:
            self.put(key, found)
        return found

    def put(self, key: bytes, value: Value) -> Value:
        """Remember a value; return it."""
        size = len(key)
        if size <= LONGEST:
            self._room -= size
            if self._room < 0 or len(self.young) >= COUNT:
                self._old, self.young = self.young, {}
                self._room = BYTES - size
            self.young[key] = value
        return value

    def __len__(self) -> int:
        return len(self.young) + len(self._old)
