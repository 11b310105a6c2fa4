"""The intervals that are open, the total of those that were told. Knows nothing of alerts or logs."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from monitor.engine.counts import Counts
from monitor.engine.snapshot import Interval, Table, Traffic
from monitor.engine.tally import Plan
from monitor.engine.tells import traffic

SILENT = 360  # silent intervals told of one silence; what they would say is clear


class Ledger:
    """Counts by interval: put in while open, then told once and added to the total."""

    __slots__ = ("_open", "_plan", "_settled", "_told", "total")

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._open: dict[int, Counts] = {}  # by start
        self._settled: dict[int, Traffic] = {}  # by start; not yet told, but in the total
        self._told: int | None = None  # the end of the last one told
        self.total = Counts()

    def at(self, start: int) -> Counts:
        """Return the counts of an open interval."""
        counts = self._open.get(start)
        if counts is None:
            counts = self._open[start] = Counts()
        return counts

    def put(self, start: int, counts: Counts) -> None:
        """Add counts to an interval; they must not be used afterwards."""
        held = self._open.get(start)
        if held is None:
            self._open[start] = counts
        else:
            held.merge(counts)

    def settle(self, settled: Mapping[int, Traffic], total: Counts) -> None:
        """Take in intervals to which nothing will be added, and what they hold together."""
        self._settled.update(settled)
        self.total.merge(total)

    def due(self, closed: int, *, silent: bool) -> list[int]:
        """Return the starts of the intervals to be told when ``closed`` is the last closed second, in order."""
        last = closed - self._plan.interval + 1
        due = [start for start in (*self._open, *self._settled) if start <= last]
        told = min(due, default=None) if self._told is None else self._told
        if silent and told is not None:
            end = self._plan.start_of(last)
            first = max(told, end - (SILENT - 1) * self._plan.interval)
            due += [start for start in range(first, end + 1, self._plan.interval) if start not in self._open]
        return sorted(due)

    def open_starts(self) -> list[int]:
        """Return the starts of all open intervals, in order."""
        return sorted(self._open)

    def tell(self, start: int, held: int) -> tuple[Interval, Counts]:
        """Close an interval, at whose end the window held so much."""
        counts = self._open.pop(start, None) or Counts()
        its = self._settled.pop(start, None) or traffic(counts, self._plan.top)
        end = self._told = start + self._plan.interval
        self.total.merge(counts)
        return Interval(start, end, its, held, Fraction(held, self._plan.window)), counts

    def restart(self) -> None:
        """Go on at another time: there is no silence in between."""
        self._told = None

    def whole(self, only: Table | None = None) -> Counts:
        """Return all that was counted, what is open included; of the tables ``only`` this one, if named."""
        if not self._open:
            return self.total
        whole = Counts()
        whole.merge(self.total, only)
        for counts in self._open.values():
            whole.merge(counts, only)
        return whole

    def open_counts(self, only: Table | None = None) -> Counts:
        """Return what the open intervals hold together; of the tables ``only`` this one, if named."""
        counts = Counts()
        for its in self._open.values():
            counts.merge(its, only)
        return counts

    def traffic(self) -> Traffic:
        """Return the statistics of all that was counted."""
        return traffic(self.whole(), self._plan.top)
