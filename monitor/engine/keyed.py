"""Hits, errors and bytes by key: what a table is made of. Bounded, mergeable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from operator import add

from monitor.engine.snapshot import OTHER
from monitor.formats.batch import Encoded

MAX_KEY = 1000  # bytes; longer ones count in (other)
ERRORS = (b"4", b"5")  # as a status begins

# The three amounts of a key are one number, so that counting a row and merging a key are one addition each: bytes in
# the low 96 bits (the sum of 2^33 responses of the largest size that a line may have), errors in 48, hits above.
_ERROR = 96
_HIT = 144
_SIZES = (1 << _ERROR) - 1
_ERRORS = (1 << _HIT - _ERROR) - 1


class Keyed:
    """Hits, errors (statuses 4xx and 5xx) and bytes by key."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: dict[bytes, int] = {}  # the three amounts in one number, to be handed on and not to be read

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[tuple[bytes, int, int, int]]:
        """Yield (key, hits, bytes, errors)."""
        return ((key, *_amounts(row)) for key, row in self.rows.items())

    def hits(self, key: bytes) -> int:
        """Return a key's hits."""
        return self.rows.get(key, 0) >> _HIT

    def largest(self, limit: int) -> list[tuple[bytes, int, int, int]]:
        """Return (key, hits, bytes, errors) of the ``limit`` keys with most hits, ties by key; 0: of all."""
        rows = self.rows
        hits = [row >> _HIT for row in rows.values()]
        # Ties need a second look: all keys with as many hits as the last one that gets in.
        least = sorted(hits)[-limit] if 0 < limit < len(hits) else 0
        first = sorted([(-its, key) for key, its in zip(rows, hits, strict=True) if its >= least])
        return [(key, *_amounts(rows[key])) for _, key in first[: limit or None]]

    def add(self, keys: Sequence[bytes], statuses: Sequence[bytes], sizes: Sequence[int]) -> bool:
        """Count rows; return True if a key is too long and has to be trimmed."""
        rows = self.rows
        each: Iterable[tuple[bytes, int]]
        if isinstance(keys, Encoded) and isinstance(statuses, Encoded):
            of_keys = keys.amounts(statuses, sizes, ERRORS)
            each = [(key, (hits << _HIT) + (errors << _ERROR) + size) for key, hits, size, errors in of_keys]
        else:
            each = zip(keys, map(add, sizes, map(_ONE_HIT.__getitem__, statuses)), strict=True)
        for key, amounts in each:
            if key in rows:
                rows[key] += amounts
            else:
                rows[key] = amounts
        return bool(rows) and max(map(len, rows)) > MAX_KEY

    def merge(self, other: Keyed) -> None:
        """Count what another has counted."""
        add_up(self.rows, other.rows)

    def leave_out(self, key: bytes) -> None:
        """Forget a key."""
        self.rows.pop(key, None)

    def trim(self, most: int, keep: int) -> list[bytes]:
        """Put keys that are too long into (other), and all but the ``keep`` with most hits where they exceed ``most``.

        Return those that are gone.
        """
        rows = self.rows
        gone = [key for key in rows if len(key) > MAX_KEY]
        if len(rows) > most:
            stay = {key for key, *_ in self.largest(keep)}
            gone = [key for key in rows if len(key) > MAX_KEY or (key not in stay and key != OTHER)]
        moved = sum([rows.pop(key) for key in gone])
        if moved:
            rows[OTHER] = rows.get(OTHER, 0) + moved
        return gone


class _OneHit(dict[bytes, int]):
    """What a row of a status is worth, but for its bytes; of statuses there are a thousand and one."""

    def __missing__(self, status: bytes) -> int:
        self[status] = (1 << _HIT) + (status[:1] in ERRORS) * (1 << _ERROR)
        return self[status]


_ONE_HIT = _OneHit()


def _amounts(row: int) -> tuple[int, int, int]:
    """Hits, bytes, errors."""
    return row >> _HIT, row & _SIZES, row >> _ERROR & _ERRORS


def add_up(mine: dict[bytes, int], its: Mapping[bytes, int]) -> None:
    """Add counts: all in C, past Counter's own ``update``, which is a loop: it comes for every interval told."""
    dict.update(mine, zip(its, map(add, its.values(), map(mine.get, its, repeat(0))), strict=True))
