"""Where one log's rows stop and another's begin, when several are read as one. Knows nothing of files or counts."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from monitor.engine.rows import cut, hold_back, join, pick
from monitor.formats.batch import Batch


class Course:
    """How far one log has come, row by row: its newest second, a lone line far ahead left out of account."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._newest: int | None = None
        self._held: Batch | None = None  # a row that waits for the next one
        self._batch: Batch | None = None
        self._course: list[int] = []
        self._next = 0
        self.ended = False

    @property
    def key(self) -> int | None:
        """The log's newest second once the next row is read; None: there is no row yet, or no more."""
        return self._course[self._next] if self._next < len(self._course) else None

    def load(self, batch: Batch | None) -> Batch | None:
        """Take the next batch, None at the end; return what stands before its first row and counts at once."""
        if batch is None:
            self.ended = True
            batch, self._held = self._held, None
            if batch is None:
                return None
            self._set(batch)
            return None
        before = None
        if self._held is not None:
            batch, self._held = join(self._held, batch), None
        elif any(not at for at in batch.malformed_at):
            before = cut(batch, 0, 0)
            batch = pick(batch, range(len(batch.times)))
        batch, self._held = hold_back(batch, self._newest, self._window)
        self._set(batch)
        return before

    def take(self, limit: tuple[int, int] | None, number: int) -> Batch:
        """Return the rows whose turn comes before ``limit``, another log's key and number."""
        assert self._batch is not None
        stop = len(self._course)
        if limit is not None:
            key, other = limit
            find = bisect_right if number < other else bisect_left
            stop = max(find(self._course, key, self._next), self._next + 1)
        part = cut(self._batch, self._next, stop)
        self._newest = self._course[stop - 1]
        self._next = stop
        return part

    def _set(self, batch: Batch) -> None:
        self._batch = batch
        self._course = _course(batch.times, self._newest, self._window)
        self._next = 0


def _course(times: Sequence[int], newest: int | None, window: int) -> list[int]:
    course: list[int] = []
    last = len(times) - 1
    for row, second in enumerate(times):
        alone = newest is not None and second > newest + window and row < last and times[row + 1] < second - window
        if newest is None or (second > newest and not alone):
            newest = second
        course.append(newest)
    return course
