"""Parts of a batch: rows cut out, picked, put together, with the malformed lines that follow them.

Knows nothing of what rows say. Lines that are no rows are counted when a batch comes, so parts do not count them again:
only where malformed lines stood is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import TypeVar

from monitor.formats.batch import Batch, Malformed
from monitor.formats.table import SAMPLES

Item = TypeVar("Item", int, bytes)


@dataclass(frozen=True, slots=True)
class Noted:
    """How many lines a batch had of each kind."""

    lines: int
    parsed: int
    malformed: int
    blank: int
    comments: int
    samples: tuple[Malformed, ...]


def noted(batch: Batch) -> Noted:
    """Return a batch's lines."""
    return Noted(batch.lines, len(batch.times), batch.malformed, batch.blank, batch.comments, batch.samples)


NO_LINES = Noted(0, 0, 0, 0, 0, ())


def both(first: Noted, second: Noted) -> Noted:
    """Return the lines of ``first``, then those of ``second``."""
    room = SAMPLES - len(first.samples)
    samples = tuple(replace(sample, line=sample.line + first.lines) for sample in second.samples[:room])
    return Noted(
        first.lines + second.lines,
        first.parsed + second.parsed,
        first.malformed + second.malformed,
        first.blank + second.blank,
        first.comments + second.comments,
        first.samples + samples,
    )


def together(logs: Sequence[Noted]) -> Noted:
    """Return the lines of several logs; samples keep their places."""
    samples = tuple(sample for each in logs for sample in each.samples)[:SAMPLES]
    return replace(reduce(both, logs, NO_LINES), samples=samples)


def cut(batch: Batch, start: int, stop: int) -> Batch:
    """Return rows ``start`` to ``stop``; a malformed line belongs to the row before it."""
    durations, vhosts, referers, agents = batch.durations, batch.vhosts, batch.referers, batch.agents
    return _batch(
        [at - start for at in batch.malformed_at if start < at <= stop or at == start == 0],
        batch.times[start:stop],
        batch.hosts[start:stop],
        batch.methods[start:stop],
        batch.sections[start:stop],
        batch.statuses[start:stop],
        batch.sizes[start:stop],
        None if durations is None else durations[start:stop],
        None if vhosts is None else vhosts[start:stop],
        None if referers is None else referers[start:stop],
        None if agents is None else agents[start:stop],
    )


def pick(batch: Batch, rows: Sequence[int]) -> Batch:
    """Return the named rows in the order named, each with the malformed lines behind it."""

    def picked(column: Sequence[Item]) -> Sequence[Item]:
        return [column[row] for row in rows]

    durations, vhosts, referers, agents = batch.durations, batch.vhosts, batch.referers, batch.agents
    place = {row: position for position, row in enumerate(rows, 1)}
    return _batch(
        sorted(place[at - 1] for at in batch.malformed_at if at - 1 in place),
        picked(batch.times),
        picked(batch.hosts),
        picked(batch.methods),
        picked(batch.sections),
        picked(batch.statuses),
        picked(batch.sizes),
        None if durations is None else picked(durations),
        None if vhosts is None else picked(vhosts),
        None if referers is None else picked(referers),
        None if agents is None else picked(agents),
    )


def hold_back(batch: Batch, clock: int | None, window: int) -> tuple[Batch, Batch | None]:
    """Part a batch from its last row, if that is so far ahead that it needs the next line's consent; else None."""
    times = batch.times
    before = times[-2] if len(times) > 1 else clock
    if not times or before is None or times[-1] <= before + window:
        return batch, None
    last = len(times) - 1
    return cut(batch, 0, last), pick(batch, [last])


def join(first: Batch, second: Batch) -> Batch:
    """Return the rows of ``first``, then those of ``second``."""
    ahead = len(first.times)
    return _batch(
        [*first.malformed_at, *(at + ahead for at in second.malformed_at)],
        [*first.times, *second.times],
        [*first.hosts, *second.hosts],
        [*first.methods, *second.methods],
        [*first.sections, *second.sections],
        [*first.statuses, *second.statuses],
        [*first.sizes, *second.sizes],
        _both(first.durations, second.durations, -1, ahead, len(second.times)),
        _both(first.vhosts, second.vhosts, b"", ahead, len(second.times)),
        _both(first.referers, second.referers, b"", ahead, len(second.times)),
        _both(first.agents, second.agents, b"", ahead, len(second.times)),
    )


def _both(
    first: Sequence[Item] | None, second: Sequence[Item] | None, none: Item, ahead: int, behind: int
) -> Sequence[Item] | None:
    """Put two columns together, of which one may be missing."""
    if first is None and second is None:
        return None
    joined: list[Item] = [none] * ahead if first is None else list(first)
    joined += [none] * behind if second is None else second
    return joined


def _batch(
    malformed_at: Sequence[int],
    times: Sequence[int],
    hosts: Sequence[bytes],
    methods: Sequence[bytes],
    sections: Sequence[bytes],
    statuses: Sequence[bytes],
    sizes: Sequence[int],
    durations: Sequence[int] | None,
    vhosts: Sequence[bytes] | None,
    referers: Sequence[bytes] | None,
    agents: Sequence[bytes] | None,
) -> Batch:
    return Batch(
        lines=len(times) + len(malformed_at),
        blank=0,
        comments=0,
        malformed_at=malformed_at,
        samples=(),
        times=times,
        hosts=hosts,
        methods=methods,
        sections=sections,
        statuses=statuses,
        sizes=sizes,
        durations=durations,
        vhosts=vhosts,
        referers=referers,
        agents=agents,
    )
