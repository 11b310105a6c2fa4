"""Batches of neighbouring blocks as one."""

from __future__ import annotations

from itertools import chain

from monitor.formats.batch import Batch, Malformed
from monitor.formats.table import SAMPLES

EMPTY = Batch(0, 0, 0, (), (), (), (), (), (), (), ())


def merge(batches: list[Batch]) -> Batch:
    """One batch of the rows and counts of all, in order; an optional column that some lack is empty there."""
    if len(batches) == 1:
        return batches[0]
    malformed_at: list[int] = []
    samples: list[Malformed] = []
    rows = lines = 0
    for batch in batches:
        malformed_at += [rows + at for at in batch.malformed_at]
        samples += [Malformed(lines + sample.line, sample.text, sample.reason) for sample in batch.samples]
        rows += len(batch.times)
        lines += batch.lines
    return Batch(
        lines,
        sum(batch.blank for batch in batches),
        sum(batch.comments for batch in batches),
        malformed_at,
        tuple(samples[:SAMPLES]),
        *(list(chain.from_iterable(getattr(batch, name) for batch in batches)) for name in _COLUMNS),
        *(_optional(batches, name, -1 if name == "durations" else b"") for name in _OPTIONAL_COLUMNS),
    )


_COLUMNS = ("times", "hosts", "methods", "sections", "statuses", "sizes")
_OPTIONAL_COLUMNS = ("durations", "vhosts", "referers", "agents")


def _optional(batches: list[Batch], name: str, missing: int | bytes) -> list[int | bytes] | None:
    columns = [getattr(batch, name) for batch in batches]
    if all(column is None for column in columns):
        return None
    return list(
        chain.from_iterable(
            [missing] * len(batch.times) if column is None else column
            for batch, column in zip(batches, columns, strict=True)
        )
    )
