"""Intervals that lie whole in one large block, in order: counted together, and told without counts of their own."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from monitor.engine.counts import MAX_NAMES, MAX_SECTIONS
from monitor.engine.keyed import ERRORS, MAX_KEY
from monitor.engine.snapshot import Row, Traffic
from monitor.engine.tells import by_class
from monitor.formats.batch import Batch, Encoded

if TYPE_CHECKING:
    from monitor.engine.tally import Plan


def settle(batch: Batch, plan: Plan, first: int) -> tuple[dict[int, Traffic], int, int]:
    """Return the intervals from ``first`` on that nothing behind the batch can add to, by start, and their rows.

    The rows are in order. None are settled where that is not worth it, or where a bound might be met.
    """
    times = batch.times
    start = max(first, plan.start_of(times[0]) + plan.interval)
    stop = plan.start_of(plan.closed_at(times[-1]) + 1)
    row, end = bisect_left(times, start), bisect_left(times, stop)
    nothing: tuple[dict[int, Traffic], int, int] = ({}, len(times), len(times))
    if row >= end or not _bounded(batch):
        return nothing
    bounds = [row]
    starts: list[int] = []
    while bounds[-1] < end:
        starts.append(plan.start_of(times[bounds[-1]]))
        bounds.append(bisect_left(times, starts[-1] + plan.interval, bounds[-1]))
    from monitor.formats.encoded import divide  # here: numpy, which is there, since the batch is made by it

    found = divide(batch, bounds, plan.top, ERRORS)
    if found is None:
        return nothing
    settled = {
        start: Traffic(
            hits=bounds[at + 1] - bounds[at],
            size=found.sizes[at],
            clients=found.hosts[at],
            clients_exact=True,
            statuses=by_class(found.statuses[at]),
            codes=found.statuses[at],
            methods={method: hits for method, hits in found.methods[at].items() if method},
            sections=tuple([Row(*amounts) for amounts in found.sections[at]]),
            sections_exact=True,
            malformed=0,
            late=0,
        )
        for at, start in enumerate(starts)
    }
    return settled, row, end


def _bounded(batch: Batch) -> bool:
    """Whether no bound of counts can be met: then nothing is put into (other)."""
    if batch.durations is not None:
        return False
    for column, most in ((batch.sections, MAX_SECTIONS), (batch.methods, MAX_NAMES), (batch.statuses, MAX_NAMES)):
        if not isinstance(column, Encoded):
            return False
        lengths = [*map(len, column.distinct())]
        if len(lengths) > most or max(lengths) > MAX_KEY:
            return False
    return True
