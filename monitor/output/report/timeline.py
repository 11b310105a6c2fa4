"""Intervals kept for the page in a bounded number of slots: when they do not suffice, slots are put together.

Knows nothing of how they are drawn.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, count, pairwise

from monitor.engine.snapshot import OTHER, Interval
from monitor.units import Threshold

SLOTS = 720  # of the chart: more would be narrower than a pixel on most screens
HEAT_SLOTS = 60  # of the heat map
CHANGES = 1000  # of the threshold; the oldest are forgotten
SECTIONS = 400  # of a heat map's slot; more are cut to half, the largest stay
# Intervals in a slot, each a multiple of the one before: of 10 s they are 30 s, 1 m, 5 m ... 12 h, a day, a week.
_STEPS = (1, 3, 6, 30, 60, 180, 360, 1080, 2160, 4320, 8640, 60480)


class Slot:
    """What a stretch of time held."""

    __slots__ = ("average", "errors", "hits", "sections", "size")

    def __init__(self) -> None:
        self.hits = 0
        self.size = 0  # bytes
        self.errors = 0
        self.average = Fraction(0)  # the window's highest at the end of an interval
        self.sections: dict[bytes, int] = {}  # hits; only where asked for

    def add(self, hits: int, size: int, errors: int, average: Fraction) -> None:
        """Count an interval, or another slot."""
        self.hits += hits
        self.size += size
        self.errors += errors
        self.average = max(self.average, average)

    def add_sections(self, sections: Iterator[tuple[bytes, int]]) -> None:
        """Count hits by section, bounded."""
        for section, hits in sections:
            self.sections[section] = self.sections.get(section, 0) + hits
        if len(self.sections) > SECTIONS:
            stay = heapq.nlargest(SECTIONS // 2, self.sections.items(), key=lambda row: (row[1], row[0]))
            self.sections = dict(stay)


class Limits:
    """The threshold over time: a person may change it at the screen."""

    def __init__(self, first: Threshold) -> None:
        """``first`` is the one of the start."""
        self.first = first
        self.changes: list[tuple[int, Threshold]] = []  # in the order of time: from this second on this one

    def change(self, at: int | None, threshold: Threshold) -> None:
        """Take another from second ``at`` on; None: nothing was held against the one before."""
        if at is None:
            self.first = threshold
            return
        self.changes = [each for each in self.changes if each[0] < at]
        if threshold.rate != self.last.rate:
            self.changes.append((at, threshold))
        if len(self.changes) > CHANGES:
            self.first = self.changes.pop(0)[1]

    @property
    def last(self) -> Threshold:
        """The one of the end."""
        return self.changes[-1][1] if self.changes else self.first

    def steps(self, start: int, end: int) -> Iterator[tuple[int, int, Threshold]]:
        """Each with from when to when it held, within ``start`` and ``end``."""
        moments = [start, *(min(max(at, start), end) for at, _ in self.changes), end]
        for (begin, after), threshold in zip(
            pairwise(moments), (self.first, *(each for _, each in self.changes)), strict=True
        ):
            if begin < after:
                yield begin, after, threshold


class Timeline:
    """Slots of equal width, by start; those in which nothing happened are missing."""

    def __init__(self, interval: int, limit: int, sections: bool) -> None:
        """``interval`` in seconds; ``limit`` slots from the first to the last, missing ones included."""
        self.width = interval  # s
        self.slots: dict[int, Slot] = {}
        self._limit = limit
        self._sections = sections
        self._widths = (interval * step for step in chain(_STEPS, (_STEPS[-1] * 4**power for power in count(1))))
        next(self._widths)
        self._first = self._last = 0

    def add(self, interval: Interval) -> None:
        """Count an interval, widening the slots until all fit."""
        start = interval.start
        self._first = min(self._first, start) if self.slots else start
        self._last = max(self._last, start) if self.slots else start
        while self._last // self.width - self._first // self.width >= self._limit:
            self._widen()
        traffic = interval.traffic
        slot = self._slot(start)
        slot.add(traffic.hits, traffic.size, traffic.errors, interval.window_average)
        if self._sections:
            slot.add_sections((row.key, row.hits) for row in traffic.sections if row.key != OTHER)

    @property
    def start(self) -> int:
        """Where the first slot begins."""
        return min(self.slots, default=0)

    @property
    def end(self) -> int:
        """Where the last slot ends."""
        return max(self.slots, default=0) + self.width

    def _slot(self, start: int) -> Slot:
        return self.slots.setdefault(start - start % self.width, Slot())

    def _widen(self) -> None:
        self.width = next(self._widths)
        narrow, self.slots = self.slots, {}
        for start, held in narrow.items():
            slot = self._slot(start)
            slot.add(held.hits, held.size, held.errors, held.average)
            slot.add_sections(iter(held.sections.items()))
