"""How long a second stays open, live: longer while a log comes in bursts. Knows nothing of what lines say."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import inf

RECENT = 100  # lines looked back at
CALM = 600  # s of log time without a burst, after which the lateness falls back


class Lateness:
    """The lateness as it is now.

    When more than half of the last 100 lines came late it rises to their largest delay, at most half the window.
    """

    __slots__ = ("_burst", "_delays", "_most", "base", "seconds")

    def __init__(self, base: int, window: int) -> None:
        self.base = self.seconds = base
        self._most = max(base, window // 2)
        self._delays: deque[int] = deque(maxlen=RECENT)  # 0: in time
        self._burst = 0  # the clock when a line came last that would be late by the base

    @property
    def bound(self) -> int | float:
        """The most that a line may come late by without raising it, so that it may be noted with others."""
        if self.seconds == self._most:
            return inf
        return -1 if min(max(self._delays, default=0), self._most) > self.seconds else self.seconds

    def note(self, delays: Sequence[int], burst: int | None) -> str | None:
        """Note lines in their order: their delays, 0 where they came in time; return what a person should know.

        ``burst``: the clock when the last of them came that is late by the base, if any is.
        """
        self._delays.extend(delays)
        if burst is not None:
            self._burst = burst
        if sum(map(bool, self._delays)) * 2 <= RECENT:
            return None
        wanted = min(max(self._delays), self._most)
        if wanted <= self.seconds:
            return None
        self.seconds = wanted
        self._delays.clear()
        return f"lateness {wanted} s: this log comes in bursts"

    def calm(self, clock: int) -> str | None:
        """Fall back after a while without bursts; return what a person should know."""
        if self.seconds == self.base or clock - self._burst < CALM:
            return None
        self.seconds = self.base
        return f"lateness {self.base} s again"
