"""The intervals that a screen can go back to: a chart's points, and the tables of each. Bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from monitor.engine.counts import Counts
from monitor.engine.distinct import Distinct
from monitor.engine.snapshot import Interval, Point, Table

KEPT = 360  # intervals, an hour of them by default
FULL = 2_000  # keys a table of an interval in the window may have; above it the first FULL_KEEP stay
FULL_KEEP = 1_000
OLD = 200  # keys a table of an older interval may have
TREND = 30  # intervals a row's trend goes back


@dataclass(slots=True)
class Kept:
    """One interval that was told."""

    told: Interval
    counts: Counts
    point: Point


class Past:
    """The intervals told last, oldest first."""

    __slots__ = ("_kept", "_window")

    def __init__(self, window: int, interval: int) -> None:
        self._window = window // interval + 1  # intervals that touch the window
        self._kept: deque[Kept] = deque(maxlen=KEPT)

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._kept)

    def add(self, told: Interval, counts: Counts, *, alert: bool) -> None:
        """Keep an interval; ``counts`` are the caller's no more."""
        traffic = told.traffic
        point = Point(told.start, traffic.hits, traffic.size, told.window_average, alert)
        counts.trim(FULL, FULL_KEEP)
        self._kept.append(Kept(told, counts, point))
        if len(self._kept) > self._window:
            older = self._kept[-self._window - 1].counts
            older.trim(OLD, OLD)
            older.clients = Distinct()  # only how many is told, and that was counted

    def at(self, back: int) -> Kept | None:
        """Return the interval that is so many before the newest, or the oldest that is kept."""
        if not self._kept:
            return None
        return self._kept[max(0, len(self._kept) - 1 - back)]

    def since(self, second: int) -> list[Kept]:
        """Return the intervals that end after a second."""
        return [kept for kept in self._kept if kept.told.end > second]

    def trend(self, table: Table, key: bytes) -> tuple[int, ...]:
        """Return a key's hits in the past intervals, oldest first."""
        first = max(0, len(self._kept) - TREND)
        return tuple(self._kept[at].counts.hits_of(table, key) for at in range(first, len(self._kept)))
