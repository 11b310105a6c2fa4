"""Several logs, one clock: how far each has come, and what the clock is by that. Time is an argument.

A log's own position is its newest line's second, and live goes on from there by monotonic time.
"""

from __future__ import annotations

from monitor.formats.batch import Batch


class Log:
    """What is remembered of one log."""

    __slots__ = ("came", "held", "newest")

    def __init__(self) -> None:
        self.newest: int | None = None  # s
        self.came: float | None = None  # monotonic s at which the newest line came; None: time stands still
        self.held: Batch | None = None  # rows that wait for the next line

    def position(self, now: float | None) -> int | None:
        """How far it has come."""
        if self.newest is None or now is None or self.came is None:
            return self.newest
        return self.newest + max(0, int(now - self.came))

    def idle(self, now: float | None, lateness: int) -> bool:
        """Whether it has been without a line for the lateness: others need not wait for it."""
        return now is not None and self.came is not None and now - self.came > lateness


class Logs:
    """All logs that are being read, by number."""

    __slots__ = ("_logs", "_window")

    def __init__(self, window: int) -> None:
        self._logs: dict[int, Log] = {}
        self._window = window

    def __getitem__(self, number: int) -> Log:
        return self._logs.setdefault(number, Log())

    def remove(self, number: int) -> Log | None:
        """Forget a log; return it."""
        return self._logs.pop(number, None)

    def numbers(self) -> list[int]:
        """Return the logs' numbers."""
        return list(self._logs)

    def alone(self, log: Log, now: float | None, lateness: int) -> bool:
        """Whether every other log is idle or new."""
        return all(other is log or other.newest is None or other.idle(now, lateness) for other in self._logs.values())

    def reset(self, log: Log, newest: int) -> None:
        """Start over with one log at an earlier time; the others wait for their next line."""
        for other in self._logs.values():
            other.newest = other.came = None
        log.newest = newest

    def clock(self, now: float, lateness: int) -> int | None:
        """The slowest log that is not idle, but never more than the window behind the fastest."""
        positions: list[int] = []
        active: list[int] = []
        for log in self._logs.values():
            position = log.position(now)
            if position is not None:
                positions.append(position)
                if not log.idle(now, lateness):
                    active.append(position)
        if not positions:
            return None
        fastest = max(positions)
        return max(min(active), fastest - self._window) if active else fastest

    def others(self, log: Log, now: float | None, lateness: int) -> tuple[int, int] | None:
        """The slowest of the other logs that are not idle, and the fastest; None if there is none."""
        active = [
            position
            for other in self._logs.values()
            if other is not log and not other.idle(now, lateness) and (position := other.position(now)) is not None
        ]
        return (min(active), max(active)) if active else None
