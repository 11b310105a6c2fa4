"""A sliding sum over log seconds: what enters, what leaves, in time order. Knows nothing of thresholds or clocks."""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Iterator

MAX_OPEN = 10_000  # seconds waiting to be closed; stray lines from the future could else fill memory


class Window:
    """The sum over the past ``width`` closed seconds.

    Cost follows the seconds that hold something, not the time that passes: a silence of a year is a few steps.
    """

    __slots__ = ("_held", "_later", "_open", "closed", "total", "width")

    def __init__(self, width: int) -> None:
        self.width = width
        self.total = 0  # of the seconds (closed - width, closed]
        self.closed: int | None = None  # the last second evaluated
        self._open: dict[int, int] = {}  # seconds still to be closed
        self._held: deque[list[int]] = deque()  # [second, amount] within the window, in order
        self._later: list[tuple[int, int, int]] = []  # (first evaluation that sees it, second, amount): late lines

    def add(self, second: int, amount: int) -> None:
        """Count ``amount`` in an open second."""
        if second in self._open or len(self._open) < MAX_OPEN:
            self._open[second] = self._open.get(second, 0) + amount

    def add_late(self, effective: int, second: int, amount: int) -> None:
        """Count ``amount`` in a closed second, for the evaluations from ``effective`` on."""
        insort(self._later, (effective, second, amount))

    def clear(self) -> None:
        """Forget everything: the log was set back."""
        self.total = 0
        self._open.clear()
        self._held.clear()
        self._later.clear()

    def close(self, to: int) -> Iterator[tuple[int, int]]:
        """Close the seconds up to ``to`` and yield (second, sum) where the sum may have changed, in order."""
        width, held, later, open_ = self.width, self._held, self._later, self._open
        entering = sorted([second for second in open_ if second <= to], reverse=True)
        while True:
            at = to + 1
            if entering and entering[-1] < at:
                at = entering[-1]
            if held and held[0][0] + width < at:
                at = held[0][0] + width
            if later and later[0][0] < at:
                at = later[0][0]
            if at > to:
                break
            while held and held[0][0] <= at - width:
                self.total -= held.popleft()[1]
            while later and later[0][0] <= at:
                _, second, amount = later.pop(0)
                if second > at - width:
                    self.total += amount
                    self._insert(second, amount)
            if entering and entering[-1] == at:
                amount = open_.pop(entering.pop())
                self.total += amount
                held.append([at, amount])
            self.closed = at
            yield at, self.total
        self.closed = to

    def _insert(self, second: int, amount: int) -> None:
        """Put a late amount in its own second, which may hold something or nothing."""
        for position in range(len(self._held) - 1, -1, -1):
            if self._held[position][0] == second:
                self._held[position][1] += amount
                return
            if self._held[position][0] < second:
                self._held.insert(position + 1, [second, amount])
                return
        self._held.appendleft([second, amount])

    def recent(self, seconds: int) -> int:
        """Return the sum of the last ``seconds`` closed seconds, at most the width."""
        if self.closed is None:
            return 0
        total = 0
        for second, amount in reversed(self._held):
            if second <= self.closed - seconds:
                break
            total += amount
        return total
