"""The response times of a rule's window: a quantile, exact as long as the window holds no more than its bound.

Beyond the bound times stand for all of their bucket (``times``), until there is ample room again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import accumulate

from monitor.engine.times import bucket_of, middle_of
from monitor.engine.window import MAX_BAG, BagWindow

AMPLE = MAX_BAG // 4  # pairs below which times are exact again


class TimesWindow(BagWindow):
    """The times (microseconds) of the past ``width`` closed seconds; ``total`` is their quantile by the nearest rank.

    It is 0 without a time.
    """

    __slots__ = ("_by_bucket", "_hits", "_per_cent", "_rough")

    def __init__(self, width: int, per_cent: int) -> None:
        super().__init__(width, len)
        self._per_cent = per_cent
        self._by_bucket: dict[int, Counter[int]] = {}  # bucket -> how often each time; a walk over all would be slow
        self._hits: Counter[int] = Counter()  # by bucket
        self._rough = False

    def clear(self) -> None:
        """Forget everything: the log was set back."""
        super().clear()
        self._by_bucket.clear()
        self._hits.clear()
        self._rough = False

    def _enter(self, amount: Counter[int]) -> None:
        if not self._rough and self._pairs + len(amount) > MAX_BAG:
            self._round_all()
        if self._rough:
            _round(amount)
        super()._enter(amount)

    def _leave(self, amount: Counter[int]) -> None:
        super()._leave(amount)
        if self._pairs < AMPLE:
            self._rough = False

    def _put(self, amount: Counter[int]) -> None:
        for time, hits in amount.items():
            bucket = bucket_of(time)
            self._hits[bucket] += hits
            self._by_bucket.setdefault(bucket, Counter())[time] += hits

    def _take(self, amount: Counter[int]) -> None:
        for time, hits in amount.items():
            bucket = bucket_of(time)
            self._hits[bucket] -= hits
            times = self._by_bucket[bucket]
            times[time] -= hits
            if not times[time]:
                del times[time]
            if not times:
                del self._by_bucket[bucket], self._hits[bucket]

    def _round_all(self) -> None:
        amounts = [amount for _, amount in self._held]
        for amount in amounts:
            self._leave(amount)
        self._rough = True
        for amount in amounts:
            self._enter(amount)

    def _measure(self) -> None:
        total = self._hits.total()
        if not total:
            self.total = 0
            return
        bucket, rank = _at_rank(self._hits, -(-total * self._per_cent // 100))
        self.total, _ = _at_rank(self._by_bucket[bucket], rank)


def _at_rank(hits: Counter[int], rank: int) -> tuple[int, int]:
    """Return the key at a rank, counted from 1 at the smallest key, and the rank among the hits of that key."""
    keys = sorted(hits)
    sums = list(accumulate(map(hits.__getitem__, keys)))
    place = bisect_left(sums, rank)
    return keys[place], rank - sums[place] + hits[keys[place]]


def _round(amount: Counter[int]) -> None:
    """Let each time stand for its bucket."""
    rounded: Counter[int] = Counter()
    for time, hits in amount.items():
        rounded[middle_of(bucket_of(time))] += hits
    amount.clear()
    amount.update(rounded)
