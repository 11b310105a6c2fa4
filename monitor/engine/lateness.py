"""How long a second stays open, live: longer while a log comes in bursts. Knows nothing of what lines say."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
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

    def delays(
        self, times: Sequence[int], clock: int, closed: int, clock_at: Callable[[int], int]
    ) -> tuple[list[int], int | None]:
        """How late each line came, as far as they can be counted together: one that may raise the lateness is alone.

        ``closed``: the last second closed by now, which may be ahead of a lateness that has risen since. ``clock_at``:
        the clock by the newest second. Return the delays, 0 for lines in time, and the clock when the last line came
        that is late by the base.
        """
        bound: int | float = self.seconds  # the most that a line may come late by without raising it ...
        if self.seconds == self._most:
            bound = inf
        elif min(max(self._delays, default=0), self._most) > self.seconds:
            bound = -1  # ... but any late one may, if those before it only were too few
        first = min(times)
        if max(times) <= clock and clock - first <= bound:  # a backlog, which moves no clock
            closed = max(closed, clock - self.seconds - 1)
            delays = [clock - second if second <= closed else 0 for second in times[-RECENT:]]
            return [0] * (len(times) - len(delays)) + delays, clock if clock - first > self.base else None
        begin, newest = clock, times[0]
        delays = []
        burst = None
        for second in times:
            delay = clock - second
            late = second <= max(closed, clock - self.seconds - 1)
            alone = late and delay > bound
            # What is late only because its second was closed before the lateness rose counts where the clock was first.
            moved = late and delay <= self.seconds and clock != begin
            if delays and (alone or moved):
                break
            delays.append(delay if late else 0)
            if delay > self.base:
                burst = clock
            if alone:
                break
            newest = max(newest, second)
            clock = max(clock, clock_at(newest))
        return delays, burst

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
