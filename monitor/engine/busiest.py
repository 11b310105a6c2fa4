"""The second with the most hits."""

from __future__ import annotations

from collections.abc import Iterable


class Busiest:
    """Remembers hits by second as long as lines may still come in it, and the best of the rest."""

    __slots__ = ("_best", "_open", "_window")

    def __init__(self, window: int) -> None:
        self._window = window
        self._open: dict[int, int] = {}
        self._best: tuple[int, int] | None = None

    def add(self, second: int, hits: int) -> None:
        """Count hits in a second that is not behind the clock by more than the window."""
        self._open[second] = self._open.get(second, 0) + hits

    def settle(self, closed: int, *, everything: bool = False) -> None:
        """Forget seconds in which nothing can come any more, once they are many."""
        if everything or len(self._open) > 4 * self._window + 100:
            horizon = closed - self._window
            self._best = self._most(
                (second, hits) for second, hits in self._open.items() if everything or second <= horizon
            )
            self._open = {second: hits for second, hits in self._open.items() if second > horizon and not everything}

    def hits(self, first: int, last: int) -> int:
        """Return the hits of the seconds from ``first`` to ``last``, none of them behind the clock by a window."""
        return sum([self._open.get(second, 0) for second in range(first, last + 1)])

    def find(self) -> tuple[int, int] | None:
        """Return (second, hits), the earliest of several."""
        return self._most(self._open.items())

    def _most(self, pairs: Iterable[tuple[int, int]]) -> tuple[int, int] | None:
        found = max(pairs, key=lambda pair: (pair[1], -pair[0]), default=None)
        if found is None or (self._best and (self._best[1], -self._best[0]) >= (found[1], -found[0])):
            return self._best
        return found
