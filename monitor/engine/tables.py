"""Hits, bytes and errors by key: the tables of a screen or a report besides the sections. Bounded."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from monitor.engine.agents import family
from monitor.engine.snapshot import OTHER, Table
from monitor.formats.batch import Batch

MAX_KEY = 1000  # bytes; longer ones count in (other)
MAX_KEYS = 130_000  # keys held; above it ...
KEEP_KEYS = 100_000  # ... the ones with most hits stay, the others go into (other)


class Keyed:
    """Hits, bytes and errors by key."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: dict[bytes, list[int]] = {}

    def add(self, keys: Sequence[bytes], statuses: Sequence[bytes], sizes: Sequence[int]) -> None:
        """Count rows; those without a key are left out."""
        rows = self.rows
        for key, status, size in zip(keys, statuses, sizes, strict=True):
            row = rows.get(key)
            if row is None:
                row = rows[key] = [0, 0, 0]
            row[0] += 1
            row[1] += size
            if status[:1] in (b"4", b"5"):
                row[2] += 1
        rows.pop(b"", None)
        self.trim(MAX_KEYS, KEEP_KEYS)

    def merge(self, other: Keyed) -> None:
        """Count what another has counted."""
        rows = self.rows
        for key, its in other.rows.items():
            row = rows.get(key)
            if row is None:
                rows[key] = list(its)
            else:
                row[0] += its[0]
                row[1] += its[1]
                row[2] += its[2]
        self.trim(MAX_KEYS, KEEP_KEYS)

    def trim(self, most: int, keep: int) -> None:
        """Where there are more keys than ``most``, put all but the ``keep`` with most hits into (other)."""
        rows = self.rows
        gone = [key for key in rows if len(key) > MAX_KEY]
        if len(rows) > most:
            stay = set(heapq.nlargest(keep, rows, key=lambda key: (rows[key][0], key)))
            gone = [key for key in rows if len(key) > MAX_KEY or (key not in stay and key != OTHER)]
        for key in gone:
            its = rows.pop(key)
            other = rows.setdefault(OTHER, [0, 0, 0])
            for column, amount in enumerate(its):
                other[column] += amount


def columns(batch: Batch) -> Mapping[Table, Sequence[bytes]]:
    """Return the keys of a batch's rows, for each table besides the sections that its format can fill."""
    found: dict[Table, Sequence[bytes]] = {
        Table.CLIENTS: batch.hosts,
        Table.STATUSES: batch.statuses,
        Table.METHODS: batch.methods,
    }
    if batch.vhosts is not None:
        found[Table.HOSTS] = batch.vhosts
    if batch.referers is not None:
        found[Table.REFERERS] = batch.referers
    if batch.agents is not None:
        found[Table.AGENTS] = [family(agent) for agent in batch.agents]
    return found
