"""A sliding sum or bag over log seconds: what enters, what leaves, in time order. Knows no thresholds and no clocks."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Any

MAX_OPEN = 10_000  # seconds waiting to be closed; beyond it lone lines from the future, which might stay, are left out
MAX_BAG = 500_000  # (key, second) pairs of a bag; beyond it a second's keys are not counted

Amount = Any  # int, or Counter in a bag: whatever can be added to its like


class Window:
    """The sum over the past ``width`` closed seconds.

    Cost follows the seconds that hold something, not the time that passes: a silence of a year is a few steps.
    """

    __slots__ = ("_held", "_later", "_open", "closed", "total", "width")

    def __init__(self, width: int) -> None:
        self.width = width
        self.total = 0  # of the seconds (closed - width, closed]
        self.closed: int | None = None  # the last second evaluated
        self._open: dict[int, Amount] = {}  # seconds still to be closed
        self._held: deque[list[Any]] = deque()  # [second, amount] within the window, in order
        self._later: list[tuple[int, int, Amount]] = []  # (first evaluation that sees it, second, amount): late lines

    def add(self, second: int, amount: Amount) -> None:
        """Count ``amount`` in an open second."""
        if second in self._open:
            self._open[second] += amount
        else:
            self._open[second] = amount

    def add_stray(self, second: int, amount: Amount) -> None:
        """Count ``amount`` in a second far ahead, which nothing may ever close, unless too many wait already."""
        if second in self._open or len(self._open) < MAX_OPEN:
            self.add(second, amount)

    def add_late(self, effective: int, second: int, amount: Amount) -> None:
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
        width, held, open_ = self.width, self._held, self._open
        changes: dict[int, int] = {}
        for second in sorted([second for second in open_ if second <= to]):
            changes[second] = amount = open_.pop(second)
            held.append([second, amount])
        while self._later and self._later[0][0] <= to:
            at, second, amount = self._later.pop(0)
            changes[at] = changes.get(at, 0)
            if second > at - width:
                changes[at] += amount
                self._insert(second, amount)
        while held and held[0][0] <= to - width:
            second, amount = held.popleft()
            changes[second + width] = changes.get(second + width, 0) - amount
        for at in sorted(changes):
            self.closed = at
            self.total += changes[at]
            yield at, self.total
        self.closed = to

    def _insert(self, second: int, amount: Amount) -> None:
        """Put a late amount in its own second, which may hold something or nothing."""
        held = self._held
        position = bisect_left(held, [second])
        if position < len(held) and held[position][0] == second:
            self._join(held[position], amount)
        else:
            held.insert(position, [second, amount])

    def _join(self, held: list[Any], amount: Amount) -> None:
        """Put a late amount to what its second holds."""
        held[1] += amount


class BagWindow(Window):
    """The bag of keys (Counters) of the past ``width`` closed seconds; ``total`` is what ``measure`` makes of it.

    It may depend on what the bag held before: each change is made in its turn.
    """

    __slots__ = ("_bag", "_measure_bag", "_pairs")

    def __init__(self, width: int, measure: Callable[[Counter[Any]], int]) -> None:
        super().__init__(width)
        self._bag: Counter[Any] = Counter()
        self._measure_bag = measure
        self._pairs = 0

    def add(self, second: int, amount: Amount) -> None:
        """Count ``amount`` in an open second."""
        super().add(second, amount.copy())  # two windows may be of the same series

    def add_late(self, effective: int, second: int, amount: Amount) -> None:
        """Count ``amount`` in a closed second, for the evaluations from ``effective`` on."""
        super().add_late(effective, second, amount.copy())

    def clear(self) -> None:
        """Forget everything: the log was set back."""
        super().clear()
        self._bag.clear()
        self._pairs = 0

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
                self._leave(held.popleft()[1])
            while later and later[0][0] <= at:
                _, second, amount = later.pop(0)
                if second > at - width:
                    self._enter(amount)
                    self._insert(second, amount)
            if entering and entering[-1] == at:
                amount = open_.pop(entering.pop())
                self._enter(amount)
                held.append([at, amount])
            self.closed = at
            self._measure()
            yield at, self.total
        self.closed = to

    def _enter(self, amount: Counter[Any]) -> None:
        if self._pairs + len(amount) > MAX_BAG:
            amount.clear()  # it is the one that leaves later, too
        self._pairs += len(amount)
        self._put(amount)

    def _join(self, held: list[Any], amount: Counter[Any]) -> None:
        before = len(held[1]) + len(amount)
        super()._join(held, amount)
        self._pairs -= before - len(held[1])  # a key that was in both is one pair now

    def _leave(self, amount: Counter[Any]) -> None:
        self._pairs -= len(amount)
        self._take(amount)

    def _put(self, amount: Counter[Any]) -> None:
        self._bag.update(amount)

    def _take(self, amount: Counter[Any]) -> None:
        bag = self._bag
        for key, times in amount.items():
            if bag[key] > times:
                bag[key] -= times
            else:
                del bag[key]

    def _measure(self) -> None:
        self.total = self._measure_bag(self._bag)
