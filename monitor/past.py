"""The lines before a live start: the last window is read back.

So the first evaluation is right, and an alert that is on already is shown with its real beginning. The lines count in
no interval, but for those that a former run read and did not tell.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from monitor.engine.rows import join, pick
from monitor.formats import Batch, Reader
from monitor.input.follow import Followers
from monitor.session import Session

FURTHER = 4  # times further back when an alert may have been on before the oldest line read back
FURTHEST = 30 * 86_400  # s; the input's bound in bytes comes first on any busy log


class Past:
    """Reads back once, before the first read."""

    def __init__(self, session: Session, followers: Followers, told: int | None) -> None:
        """``told``: lines of this second and later were not told by the run before; None: all were."""
        self._session = session
        self._followers = followers
        self._told = told
        self._newest: dict[int, int] = {}  # by log: its newest second
        self._rereaders: dict[int, Reader] = {}
        self._untold: list[tuple[int, Batch]] = []

    def read(self) -> int | None:
        """Prime the engine with the last window; count what a former run had read but not told.

        Return the newest second of what was counted.
        """
        settings, reach = self._session.settings, 0
        while True:
            reach = max(reach * FURTHER, 2 * settings.window + settings.lateness)
            free, further = self._go_back(reach)
            whole = free and not further
            self._session.restart()
            engine, now = self._session.engine, time.monotonic()
            events = engine.warm(self._batches(reach), whole=whole, age=self._age(), now=now)
            if engine.warm_enough or not (free and further) or reach > FURTHEST:
                break
        self._session.tell(events)
        for log, batch in self._untold:
            self._session.tell(engine.feed(batch, log, now))
        return max((second for _, batch in self._untold for second in batch.times), default=None)

    def _go_back(self, reach: int) -> tuple[bool, bool]:
        """Have the logs set back by ``reach`` seconds.

        Tell whether nothing stood in the way, and whether there are lines that are older.
        """
        far_enough: set[int] = set()

        def enough(log: int, data: bytes) -> bool:
            times = self._reread(log, data).times
            if times:
                newest = self._newest.setdefault(log, max(times))
                if min(times) < newest - reach:
                    far_enough.add(log)
            return log in far_enough

        free = self._followers.warm(enough)
        return free, bool(far_enough)

    def _reread(self, log: int, data: bytes) -> Batch:
        if log not in self._rereaders:
            reader = self._rereaders[log] = self._session.new_reader(log)
            reader.read(self._followers.head(log))
        return self._rereaders[log].read(data)

    def _batches(self, reach: int) -> Iterable[Batch]:
        """Return the rows before the start, oldest first; of several logs as if they were one."""
        self._untold = []
        logs = range(len(self._followers.names))
        if len(logs) == 1:
            return self._rows(0)
        oldest = max(self._newest.values(), default=0) - reach
        rows: Batch | None = None
        for log in logs:
            for batch in self._rows(log):
                part = pick(batch, [row for row, second in enumerate(batch.times) if second >= oldest])
                rows = part if rows is None else join(rows, part)
        if rows is None:
            return ()
        return (pick(rows, sorted(range(len(rows.times)), key=rows.times.__getitem__)),)

    def _rows(self, log: int) -> Iterator[Batch]:
        """Read a log's lines before the start; keep those aside that were not told."""
        reader = self._session.reader(log)
        reader.read(self._followers.head(log))
        for block in self._followers.past(log):
            batch = reader.read(block.data)
            if self._told is None:
                yield batch
                continue
            untold = {row for row, second in enumerate(batch.times) if second >= self._told}
            if untold:
                self._untold.append((log, pick(batch, sorted(untold))))
            yield pick(batch, [row for row in range(len(batch.times)) if row not in untold])
        reader.messages()  # of lines that the run before, or nobody, has counted

    def _age(self) -> float:
        """Seconds since the last line of all came: the one time that wall time is read."""
        modified = [self._followers.modified(log) for log in range(len(self._followers.names))]
        known = [moment for moment in modified if moment is not None]
        return max(0.0, time.time() - max(known)) if known else 0.0
