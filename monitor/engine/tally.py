"""A block of rows counted by second and by interval, before it is known what came earlier: mergeable, picklable.

The order of lines matters for late ones only. A row behind the newest second before it in its own block is judged by
that second (its *arrival*); one that is not, but is behind the clock before the block, came at exactly that clock,
which whoever merges the tally knows. So neither the size of blocks nor who counted them leaves a trace.
"""

from __future__ import annotations

import marshal
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress, islice
from operator import lt
from typing import Protocol, TypeVar

from monitor.engine import tables
from monitor.engine.counts import Counts
from monitor.engine.series import Series
from monitor.engine.settling import settle
from monitor.engine.snapshot import Table, Traffic
from monitor.engine.tells import pack, unpack
from monitor.engine.window import Amount
from monitor.formats.batch import Batch, Encoded

DENSE = 100  # rows an interval from which on a column that counts itself takes less time than one of objects

Item = TypeVar("Item", int, bytes)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is counted, and by which lengths of time in seconds."""

    interval: int = 10
    window: int = 120
    lateness: int = 5
    series: tuple[Series, ...] = ()  # what is counted by second besides hits
    top: int = 10  # sections told of an interval; 0: all
    detail: bool = False  # tables of clients, agents ..., and the latest hit by section

    def start_of(self, second: int) -> int:
        """Return the start of the interval that holds a second."""
        return second - second % self.interval

    def last_of(self, start: int) -> int:
        """Return the last second of an interval."""
        return start + self.interval - 1

    def closed_at(self, clock: int) -> int:
        """Return the last second that is closed when the clock is so and so."""
        return clock - self.lateness - 1


class Tally:
    """What a block of rows adds up to, or several in a row."""

    __slots__ = (
        "first", "head", "intervals", "last", "late", "malformed", "malformed_before", "rows", "seconds", "settled",
        "settled_total",
    )  # fmt: skip

    def __init__(self) -> None:
        self.rows = 0
        self.first = 0  # the earliest second
        self.last = 0  # the newest
        self.head = 0  # the first row's second
        self.seconds: dict[int, tuple[Amount, ...]] = {}  # hits, then each series, by second; late ones left out
        self.late: dict[tuple[int, int], tuple[Amount, ...]] = {}  # the same by (second, arrival)
        self.intervals: dict[int, Counts] = {}  # by start
        self.malformed: dict[int, int] = {}  # by the clock at which they came
        self.malformed_before = 0  # those before the first row
        # Intervals that no row before or behind can add to, by start; what they hold is in no other counts.
        self.settled: dict[int, Traffic] = {}
        self.settled_total = Counts()

    def __getstate__(self) -> tuple[dict[str, object], bytes]:
        """What travels between processes: what is settled packed by marshal, in a tenth of pickle's time."""
        plain = {name: getattr(self, name) for name in self.__slots__ if name != "settled"}
        return plain, marshal.dumps([(start, pack(its)) for start, its in self.settled.items()], 2)

    def __setstate__(self, state: tuple[dict[str, object], bytes]) -> None:
        """Unpack."""
        plain, settled = state
        for name, value in plain.items():
            setattr(self, name, value)
        self.settled = {start: unpack(its) for start, its in marshal.loads(settled)}  # noqa: S302  # our own


def count(
    batch: Batch,
    plan: Plan,
    clock_at: Callable[[int], int] | None = None,
    open_at: Callable[[int], Counts | None] = lambda start: None,
    settle_from: int | None = None,
) -> Tally | None:
    """Count a batch; return None if it goes back by more than the window, which has to be read line by line.

    ``settle_from``: intervals from there on may be settled, if no row before the batch is in them.
    ``clock_at`` gives the clock when the newest second of this log is so and so, where that is not the same.
    ``open_at`` gives the counts of an interval that rows may be added to at once, without being merged later.
    """
    times = batch.times
    tally = Tally()
    tally.rows = rows = len(times)
    if not rows:
        tally.malformed_before = batch.malformed
        return tally
    behind = _behind(times)
    course = times  # the newest second so far, row by row
    moved: dict[int, list[int]] = {}  # rows that belong to another interval than the course's, by its start
    away: dict[int, list[int]] = {}  # the same rows by the interval that they are taken from
    late: dict[tuple[int, int], list[int]] = {}
    if behind:
        course = list(times)
        for row, newest in behind:
            course[row] = newest
            second = times[row]
            if newest - second > plan.window:
                return None
            clock = clock_at(newest) if clock_at else newest
            own = plan.start_of(second)
            if clock - second > plan.lateness:
                late.setdefault((second, clock), []).append(row)
                if plan.last_of(own) <= plan.closed_at(clock):  # told: it counts in the interval of the clock
                    own = plan.start_of(clock)
            if own != plan.start_of(newest):
                moved.setdefault(own, []).append(row)
                away.setdefault(plan.start_of(newest), []).append(row)
        tally.first = min(times)
    else:
        tally.first = times[0]
    tally.last = course[-1]
    tally.head = times[0]

    hits = Counter(times) if behind else _in_order(times)
    columns: list[dict[int, Amount]] = [hits]
    for (second, clock), at in late.items():
        hits[second] -= len(at)
        tally.late[second, clock] = (len(at),)
    for series in plan.series:
        values = series.values(batch)
        by_second = series.by_second(times, values)
        for (second, clock), at in late.items():
            amount = series.by_second([second] * len(at), [values[row] for row in at])[second]
            by_second[second] = by_second[second] - amount
            tally.late[second, clock] += (amount,)
        columns.append(by_second)
    seconds = [second for second, n in hits.items() if n]
    tally.seconds = dict(
        zip(seconds, zip(*[[column[s] for s in seconds] for column in columns], strict=True), strict=True)
    )

    keys = tables.columns(batch) if plan.detail else {}
    start = 0
    settled_start = settled_end = rows
    if settle_from is not None and not behind and isinstance(batch.sections, Encoded):
        tally.settled, settled_start, settled_end = settle(batch, plan, settle_from)
    if not tally.settled and rows < DENSE * ((tally.last - tally.first) // plan.interval + 1):
        batch = _decoded(batch)
    while start < rows:
        if start == settled_start:
            _fill(tally.settled_total, batch, plan, {}, lambda column: column[settled_start:settled_end])
            start = settled_end
            continue
        interval = plan.start_of(course[start])
        stop = bisect_left(course, interval + plan.interval, start)
        _add(tally, interval, batch, plan, start, stop, away.get(interval, ()), moved.pop(interval, ()), keys, open_at)
        start = stop
    for interval, others in moved.items():
        _add(tally, interval, batch, plan, 0, 0, (), others, keys, open_at)
    for (second, clock), at in late.items():
        own = plan.start_of(second)
        if plan.last_of(own) <= plan.closed_at(clock):
            own = plan.start_of(clock)
        (open_at(own) or tally.intervals[own]).late += len(at)
    for row in batch.malformed_at:
        if row:
            newest = course[row - 1]
            clock = clock_at(newest) if clock_at else newest
            tally.malformed[clock] = tally.malformed.get(clock, 0) + 1
        else:
            tally.malformed_before += 1
    for second, malformed in tally.malformed.items() if tally.settled else ():
        own = plan.start_of(second)
        if own in tally.settled:
            its = tally.settled[own]
            tally.settled[own] = replace(its, malformed=its.malformed + malformed)
            tally.settled_total.malformed += malformed
    return tally


def _decoded(batch: Batch) -> Batch:
    """The batch with an object a row in all columns."""
    if not isinstance(batch.sections, Encoded):
        return batch
    return replace(
        batch,
        hosts=list(batch.hosts),
        methods=list(batch.methods),
        sections=list(batch.sections),
        statuses=list(batch.statuses),
        sizes=list(batch.sizes),
    )


def _in_order(times: Sequence[int]) -> dict[int, int]:
    """Hits by second, of seconds of which none is behind another: found by halving, where many rows share one."""
    rows = len(times)
    if (times[-1] - times[0]) * 4 > rows:
        return Counter(times)
    hits: dict[int, int] = {}
    row = 0
    while row < rows:
        second = times[row]
        stop = bisect_right(times, second, row)
        hits[second] = stop - row
        row = stop
    return hits


def _behind(times: Sequence[int]) -> list[tuple[int, int]]:
    """The rows that are behind the newest second before them, each with that second."""
    found: list[tuple[int, int]] = []
    if sorted(times) == times:  # nearly always, and soon seen
        return found
    reached = 0
    rows = len(times)
    for descent in compress(range(1, rows), map(lt, islice(times, 1, None), times)):
        if descent < reached:
            continue
        newest = times[descent - 1]
        row = descent
        while row < rows and times[row] < newest:
            found.append((row, newest))
            row += 1
        reached = row
    return found


def _add(
    tally: Tally,
    interval: int,
    batch: Batch,
    plan: Plan,
    start: int,
    stop: int,
    without: Sequence[int],
    others: Sequence[int],
    columns: Mapping[Table, Sequence[bytes]],
    open_at: Callable[[int], Counts | None],
) -> None:
    """Count rows ``start`` to ``stop`` but for those ``without``, and the ``others``, in one interval."""

    def pick(column: Sequence[Item]) -> Sequence[Item]:
        if not without and not others:
            return column[start:stop]
        picked = list(column[start:stop])
        for row in reversed(without):
            del picked[row - start]
        picked.extend([column[row] for row in others])
        return picked

    counts = open_at(interval)
    if counts is None:
        counts = tally.intervals[interval] = Counts()
    _fill(counts, batch, plan, columns, pick)


def count_in_one(batch: Batch, plan: Plan) -> Counts:
    """Count all rows of a batch together, whatever their times."""
    counts = Counts()
    _fill(counts, batch, plan, tables.columns(batch) if plan.detail else {}, lambda column: column)
    return counts


class _Pick(Protocol):
    def __call__(self, column: Sequence[Item], /) -> Sequence[Item]: ...


def _fill(counts: Counts, batch: Batch, plan: Plan, columns: Mapping[Table, Sequence[bytes]], pick: _Pick) -> None:
    """Count the rows that ``pick`` takes from each column."""
    sections = pick(batch.sections)
    counts.add(pick(batch.hosts), pick(batch.methods), sections, pick(batch.statuses), pick(batch.sizes))
    if batch.durations is not None:
        counts.add_times(pick(batch.durations), sections)
    if plan.detail:
        counts.note_last(pick(batch.times), sections)
        statuses, sizes = pick(batch.statuses), pick(batch.sizes)
        for table, keys in columns.items():
            counts.add_table(table, pick(keys), statuses, sizes)
