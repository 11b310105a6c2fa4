"""Counts as the frozen values that presenters show."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Any

from monitor.engine.counts import Counts
from monitor.engine.snapshot import Histogram, Quantiles, Row, Sort, Table, Traffic, View


def traffic(counts: Counts, top: int) -> Traffic:
    """Return the statistics of a stretch of time with its ``top`` sections by hits (0: all)."""
    first = counts.sections.largest(top)
    times = counts.times.quantiles([section for section, *_ in first]) if counts.times else {}
    rows = [
        Row(section, hits, size, errors, counts.last.get(section), times.get(section))
        for section, hits, size, errors in first
    ]
    return Traffic(
        hits=counts.hits,
        size=counts.size,
        clients=len(counts.clients),
        clients_exact=counts.clients.exact,
        statuses=by_class(counts.codes),
        codes=dict(counts.codes),
        methods={method: hits for method, hits in counts.methods.items() if method},
        sections=tuple(rows),
        sections_exact=counts.exact,
        malformed=counts.malformed,
        late=counts.late,
        times=counts.times.whole() if counts.times else None,
        histogram=counts.times.histogram() if counts.times else None,
    )


def by_class(codes: Mapping[bytes, int]) -> dict[str, int]:
    """Return the hits by class of status: ``2xx`` ..."""
    statuses: dict[str, int] = {}
    for code, hits in sorted(codes.items()):
        if code[:1] in _CLASSES:
            name = _CLASSES[code[:1]]
            statuses[name] = statuses.get(name, 0) + hits
    return statuses


_CLASSES = {b"%d" % digit: f"{digit}xx" for digit in range(1, 6)}


def pack(traffic: Traffic) -> tuple[object, ...]:
    """Return it as plain values, which travel between processes in little time."""
    rows = [(*_ROW(row), None if row.times is None else _QUANTILES(row.times)) for row in traffic.sections]
    times = None if traffic.times is None else _QUANTILES(traffic.times)
    histogram = None if traffic.histogram is None else (traffic.histogram.counts, traffic.histogram.total)
    return (*_TRAFFIC(traffic), rows, times, histogram)


def unpack(packed: tuple[Any, ...]) -> Traffic:
    """Return what was packed."""
    *plain, rows, times, histogram = packed
    return Traffic(
        **dict(zip(_PLAIN, plain, strict=True)),
        sections=tuple(
            [
                Row(key, hits, size, errors, last, None if its is None else Quantiles(*its))
                for key, hits, size, errors, last, its in rows
            ]
        ),
        times=None if times is None else Quantiles(*times),
        histogram=None if histogram is None else Histogram(*histogram),
    )


_PLAIN = (
    "hits", "size", "clients", "clients_exact", "statuses", "codes", "methods", "sections_exact", "malformed", "late",
)  # fmt: skip
_TRAFFIC = attrgetter(*_PLAIN)
_ROW = attrgetter("key", "hits", "size", "errors", "last")
_QUANTILES = attrgetter("median", "p95", "p99")


def table_rows(counts: Counts, view: View) -> list[Row]:
    """Return the rows of the table that a view asks for, in its order, at most its limit."""
    if view.table is Table.SECTIONS:
        rows = [Row(key, hits, size, errors, counts.last.get(key)) for key, hits, size, errors in counts.sections]
        if counts.times and view.sort is Sort.P95:
            times = counts.times.quantiles([row.key for row in rows])
            rows = [replace(row, times=times.get(row.key)) for row in rows]
    else:
        keyed = counts.tables.get(view.table)
        rows = [Row(key, hits, size, errors) for key, hits, size, errors in keyed or ()]
    rows = heapq.nsmallest(view.limit or len(rows), rows, key=_ORDERS[view.sort])
    if view.table is Table.SECTIONS and counts.times and view.sort is not Sort.P95:
        times = counts.times.quantiles([row.key for row in rows])
        rows = [replace(row, times=times.get(row.key)) for row in rows]
    return rows


_ORDERS: dict[Sort, Callable[[Row], tuple[int, bytes]]] = {
    Sort.HITS: lambda row: (-row.hits, row.key),
    Sort.SIZE: lambda row: (-row.size, row.key),
    Sort.ERRORS: lambda row: (-row.errors, row.key),
    Sort.P95: lambda row: (-row.times.p95 if row.times else 0, row.key),
}
