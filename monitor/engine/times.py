"""Response times by section, in buckets: quantiles that can be merged.

Microseconds below 32 have a bucket of their own; above, 16 buckets an octave. A quantile is the middle of the bucket
that holds the nearest rank, so it is off by at most 1/32, 3.2 %.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from monitor.engine.snapshot import OTHER, TIME_BOUNDS, Histogram, Quantiles

MAX_CELLS = 200_000  # (section, bucket) held; above it the busiest sections keep half of them, the rest is (other)'s
_BOUNDS = [bound * 1000 for bound in TIME_BOUNDS]


class Times:
    """Response times."""

    __slots__ = ("by_bound", "cells", "total")

    def __init__(self) -> None:
        self.cells: Counter[tuple[bytes, int]] = Counter()
        self.by_bound: Counter[int] = Counter()
        self.total = 0  # microseconds

    def add(self, durations: Sequence[int], sections: Sequence[bytes]) -> None:
        """Count times in microseconds; -1 is none."""
        if min(durations, default=0) < 0:
            pairs = [(d, section) for d, section in zip(durations, sections, strict=True) if d >= 0]
            durations = [d for d, _ in pairs]
            sections = [section for _, section in pairs]
        self.total += sum(durations)
        self.by_bound.update([bisect_left(_BOUNDS, duration) for duration in durations])
        self.cells.update(zip(sections, [bucket_of(duration) for duration in durations], strict=True))
        self._bound()

    def merge(self, other: Times) -> None:
        """Count what another has counted."""
        self.total += other.total
        self.by_bound.update(other.by_bound)
        self.cells.update(other.cells)
        self._bound()

    def quantiles(self, sections: Iterable[bytes]) -> dict[bytes, Quantiles]:
        """Return the quantiles of those sections that have times."""
        wanted = set(sections)
        found: dict[bytes, dict[int, int]] = {}
        for (section, bucket), hits in self.cells.items():
            if section in wanted:
                found.setdefault(section, {})[bucket] = hits
        return {section: quantiles_of(buckets) for section, buckets in found.items()}

    def whole(self) -> Quantiles | None:
        """Return the quantiles of all times."""
        buckets: Counter[int] = Counter()
        for (_, bucket), hits in self.cells.items():
            buckets[bucket] += hits
        return quantiles_of(buckets) if buckets else None

    def histogram(self) -> Histogram | None:
        """Return the times by the fixed bounds."""
        if not self.by_bound:
            return None
        return Histogram(tuple(self.by_bound[at] for at in range(len(_BOUNDS) + 1)), self.total)

    def _bound(self) -> None:
        if len(self.cells) <= MAX_CELLS:
            return
        by_section: Counter[bytes] = Counter()
        widths: Counter[bytes] = Counter()
        for (section, _), hits in self.cells.items():
            by_section[section] += hits
            widths[section] += 1
        order = sorted(by_section, key=lambda section: (-by_section[section], section))
        reached = accumulate([widths[section] for section in order])
        stay = {section for section, width in zip(order, reached, strict=True) if width <= MAX_CELLS // 2}
        cells: Counter[tuple[bytes, int]] = Counter()
        for (section, bucket), hits in self.cells.items():
            cells[section if section in stay else OTHER, bucket] += hits
        self.cells = cells


def bucket_of(duration: int) -> int:
    """Return the bucket of a time in microseconds."""
    shift = max(0, duration.bit_length() - 5)
    return shift * 16 + (duration >> shift)


def middle_of(bucket: int) -> int:
    """Return the time that a bucket stands for, which is itself of the bucket."""
    if bucket < 32:
        return bucket
    shift = bucket // 16 - 1
    return ((bucket - shift * 16) << shift) + (1 << shift >> 1)


def quantiles_of(buckets: Mapping[int, int]) -> Quantiles:
    """Return the quantiles of times counted by bucket; there must be one."""
    total = sum(buckets.values())
    ranks = [-(-total * per_cent // 100) for per_cent in (50, 95, 99)]
    found: list[int] = []
    seen = 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        while len(found) < len(ranks) and ranks[len(found)] <= seen:
            found.append(middle_of(bucket))
    return Quantiles(*found)
