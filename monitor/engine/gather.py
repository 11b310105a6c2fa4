"""Batches that follow each other gathered into one tally, away from the engine that it is for.

What is known of them for certain is settled here: an interval that begins behind all that came before the batches, and
is over by their own clock, is ready to be told. So an engine that merges tallies made elsewhere looks at few keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import add
from typing import TypeVar

from monitor.engine.counts import Counts
from monitor.engine.rows import NO_LINES, both, hold_back, join, noted
from monitor.engine.tally import Plan, Tally, count
from monitor.engine.tells import traffic
from monitor.engine.window import Amount
from monitor.formats.batch import Batch

Key = TypeVar("Key", int, tuple[int, int])


class Gathering:
    """Counts batches as an engine would that sees only them."""

    __slots__ = ("_plan", "lines", "tail", "tally")

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.lines = NO_LINES
        self.tally = Tally()
        self.tail: Batch | None = None  # the last row, where it waits for the next line

    def add(self, batch: Batch) -> bool:
        """Count a batch; return False, nothing done, if it goes back so far that its rows must be read one by one."""
        tally, window = self.tally, self._plan.window
        lines = both(self.lines, noted(batch))
        if self.tail is not None:
            batch = join(self.tail, batch)
        clock = tally.last if tally.rows else None
        batch, tail = hold_back(batch, clock, window)
        times = batch.times
        if clock is not None and times and min(times) < clock - window:
            return False
        in_order = clock is None or not times or times[0] >= clock
        clock_at = None if in_order else lambda newest: max(newest, clock)
        counted = count(batch, self._plan, clock_at, self._open_at, self._settle_from(times) if in_order else None)
        if counted is None:
            return False
        self.lines, self.tail = lines, tail
        if clock is None:
            counted.malformed_before += tally.malformed_before
            self.tally = counted
        else:
            self._merge(counted, clock)
        if not self._plan.detail:
            self._settle()
        return True

    def _open_at(self, start: int) -> Counts | None:
        """The counts of an interval that rows may go to at once."""
        tally = self.tally
        if not tally.rows or self._plan.last_of(start) <= self._plan.closed_at(tally.last):
            return None
        counts = tally.intervals.get(start)
        if counts is None:
            counts = tally.intervals[start] = Counts()
        return counts

    def _settle_from(self, times: Sequence[int]) -> int | None:
        """Where intervals begin that nothing before the batches can add to, if they may be settled."""
        plan, tally = self._plan, self.tally
        head = tally.head if tally.rows else times[0] if times else None
        return None if plan.detail or head is None else plan.start_of(head) + 2 * plan.interval

    def _merge(self, its: Tally, clock: int) -> None:
        """Count what a batch adds up to; what came late counts by the clock before it."""
        plan, mine, closed = self._plan, self.tally, self._plan.closed_at(clock)
        arrival = mine.intervals[plan.start_of(clock)]  # the clock's own row is in it
        for counts in its.intervals.values():  # they were over before: what is open had its rows at once
            arrival.merge(counts)
        for second, amounts in its.seconds.items():
            if second <= closed:
                _add(mine.late, {(second, clock): amounts})
                start = plan.start_of(second)
                (arrival if plan.last_of(start) <= closed else mine.intervals[start]).late += amounts[0]
            else:
                _add(mine.seconds, {second: amounts})
        _add(mine.late, its.late)
        if its.malformed_before:
            mine.malformed[clock] = mine.malformed.get(clock, 0) + its.malformed_before
        for second, malformed in its.malformed.items():
            mine.malformed[second] = mine.malformed.get(second, 0) + malformed
        mine.settled.update(its.settled)
        mine.settled_total.merge(its.settled_total)
        if its.rows:
            mine.rows += its.rows
            mine.first = min(mine.first, its.first)
            mine.last = max(mine.last, its.last)

    def _settle(self) -> None:
        """Make the intervals ready that are over; the first two may hold rows of before, whatever their order."""
        plan, tally = self._plan, self.tally
        first, closed = self._settle_from(()), plan.closed_at(tally.last)
        if first is None:
            return
        for start in sorted(start for start in tally.intervals if first <= start and plan.last_of(start) <= closed):
            counts = tally.intervals.pop(start)
            counts.malformed += sum(n for second, n in tally.malformed.items() if plan.start_of(second) == start)
            tally.settled[start] = traffic(counts, plan.top)
            tally.settled_total.merge(counts)


def _add(mine: dict[Key, tuple[Amount, ...]], its: Mapping[Key, tuple[Amount, ...]]) -> None:
    for key, amounts in its.items():
        held = mine.get(key)
        mine[key] = amounts if held is None else tuple(map(add, held, amounts))
