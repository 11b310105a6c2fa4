"""Batches in, events out: intervals told, alerts raised and recovered, notes. No text of lines, no I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

from monitor.engine.alert import History, Rule, Watch
from monitor.engine.clock import Course, follow
from monitor.engine.counts import Counts
from monitor.engine.rows import cut, join, pick
from monitor.engine.snapshot import AlertRecord, Event, Interval, Note, Summary, Traffic
from monitor.engine.tally import Plan, Tally, count
from monitor.engine.tells import traffic
from monitor.formats.batch import Batch, Malformed

SAMPLES = 10  # malformed lines kept


class Log:
    """What is remembered of one log."""

    __slots__ = ("came", "held", "lines", "newest")

    def __init__(self) -> None:
        self.lines = 0
        self.newest: int | None = None  # s
        self.came = 0.0  # monotonic s at which the newest line came
        self.held: Batch | None = None  # rows that wait for the next line


class Engine:
    """Counts what batches tell, in log time.

    ``live``: the clock goes on between lines, by the monotonic seconds handed to ``feed`` and ``tick``.
    """

    def __init__(self, rule: Rule, *, interval: int = 10, lateness: int = 5, top: int = 10, live: bool = False) -> None:
        self._history = History()
        self._watch = Watch(rule, self._history)
        self._live = live
        self._top = top
        self._plan = Plan(interval, rule.window, lateness, sizes=rule.metric == "bytes")
        self._logs: dict[int, Log] = {}
        self._clock: int | None = None
        self._closed: int | None = None  # the last second closed
        self._newest: int | None = None  # the newest hit's second that moved the clock
        self._open: dict[int, Counts] = {}
        self._total = Counts()
        self._first: int | None = None
        self._last: int | None = None
        self._lines = self._blank = self._comments = self._malformed = self._parsed = self._late = 0
        self._malformed_before = 0  # before the first hit of all
        self._samples: list[Malformed] = []
        self._busy: dict[int, int] = {}  # hits by second, of those that may still change
        self._busiest: tuple[int, int] | None = None

    @property
    def clock(self) -> int | None:
        """Log time, in epoch seconds; None before the first hit."""
        return self._clock

    @property
    def alerts(self) -> tuple[AlertRecord, ...]:
        """The alerts so far, oldest first, as many as are kept."""
        return self._history.records()

    def feed(self, batch: Batch, log: int = 0, now: float | None = None) -> list[Event]:
        """Count a batch of a log; ``now``: monotonic seconds, live only."""
        source = self._logs.setdefault(log, Log())
        self._note_lines(batch, source)
        events: list[Event] = []
        if now is not None:
            events += self.tick(now)
        if source.held is not None:
            batch, source.held = join(source.held, batch), None
        events += self._take(batch, source, now, final=False)
        return events

    def tick(self, now: float) -> list[Event]:
        """Let the clock go on to ``now`` (monotonic seconds)."""
        clock = self._clock_live(now)
        if clock is None or self._clock is None or clock <= self._clock:
            return []
        self._clock = clock
        return self._close(clock - self._plan.lateness - 1)

    def end(self, log: int) -> list[Event]:
        """Say that a log has ended: nothing waits for its next line."""
        source = self._logs.pop(log, None)
        if source is None or source.held is None:
            return []
        held, source.held = source.held, None
        return self._take(held, source, None, final=True)

    def finish(self) -> list[Event]:
        """Close and tell what is open, as far as the newest hit: no silence is invented."""
        events: list[Event] = []
        for log in list(self._logs):
            events += self.end(log)
        if self._newest is not None:
            events += self._close(self._newest)
            events += self._tell(sorted(self._open))
        return events

    def summary(self) -> Summary:
        """Return the whole so far."""
        return Summary(
            lines=self._lines,
            parsed=self._parsed,
            malformed=self._malformed,
            blank=self._blank,
            comments=self._comments,
            late=self._late,
            first=self._first,
            last=self._last,
            busiest=self._find_busiest(),
            traffic=self._whole(),
            alerts=self._history.records(),
            transitions=self._history.transitions,
            samples=tuple(self._samples),
        )

    # Lines to rows

    def _note_lines(self, batch: Batch, source: Log) -> None:
        self._lines += batch.lines
        self._blank += batch.blank
        self._comments += batch.comments
        self._malformed += batch.malformed
        self._parsed += len(batch.times)
        for sample in batch.samples[: SAMPLES - len(self._samples)]:
            self._samples.append(replace(sample, line=sample.line + source.lines))
        source.lines += batch.lines

    def _take(self, batch: Batch, source: Log, now: float | None, *, final: bool) -> list[Event]:
        """Settle all rows that can be settled; the others wait in ``source.held``."""
        times = batch.times
        window = self._plan.window
        if not final and times:
            before = times[-2] if len(times) > 1 else self._clock
            if before is not None and times[-1] > before + window:  # it needs the next line's consent
                source.held = cut(batch, len(times) - 1, len(times))
                batch = cut(batch, 0, len(times) - 1)
                times = batch.times
        tally = self._count(batch)
        if tally is not None:
            return self._merge(tally, source, now)
        steps, settled = follow(times, self._clock, window, final=final)
        if settled < len(times):
            rest = cut(batch, settled, len(times))
            source.held = rest if source.held is None else join(rest, source.held)
        events: list[Event] = []
        self._put_malformed(sum(not at for at in batch.malformed_at))
        for course, rows in steps:
            part = pick(batch, sorted(rows, key=times.__getitem__) if course in (Course.OLD, Course.ANCHOR) else rows)
            if course is Course.AHEAD:
                self._take_ahead(part)
                continue
            if course is Course.ANCHOR:
                events += self._reanchor(min(part.times), max(part.times))
            tally = count(part, self._plan, self._clock_at)
            assert tally is not None
            events += self._merge(tally, source, now)
        return events

    def _count(self, batch: Batch) -> Tally | None:
        """Count a batch, unless it goes back by more than the window."""
        clock, times = self._clock, batch.times
        if clock is None or not times or times[0] >= clock:
            return count(batch, self._plan)
        if min(times) < clock - self._plan.window:
            return None
        return count(batch, self._plan, self._clock_at)

    def _clock_at(self, newest: int) -> int:
        return newest if self._clock is None else max(newest, self._clock)

    # Rows to counts

    def _merge(self, tally: Tally, source: Log, now: float | None) -> list[Event]:
        """Count a tally whose rows are all within the window of the clock, or ahead of it."""
        if not tally.rows:
            self._put_malformed(tally.malformed_before)
            return []
        plan = self._plan
        if self._clock is None:
            self._clock = tally.head
            self._closed = tally.head - plan.lateness - 1
            self._watch.window.closed = self._closed
            tally.malformed_before += self._malformed_before
            self._malformed_before = 0
        assert self._closed is not None
        arrival = self._clock - self._clock % plan.interval
        self._put_malformed(tally.malformed_before)
        for start, counts in tally.intervals.items():
            told = start + plan.interval - 1 <= self._closed
            key = arrival if told else start
            held = self._open.get(key)
            if held is None:
                self._open[key] = counts
            else:
                held.merge(counts)
            self._late += counts.late
        for start, malformed in tally.malformed.items():
            key = max(start, arrival)
            self._open.setdefault(key, Counts()).malformed += malformed
        amount_of = 1 if plan.sizes else 0
        window = self._watch.window
        for second, amounts in tally.seconds.items():
            if second <= self._closed:
                window.add_late(self._closed + 1, second, amounts[amount_of])
                own = second - second % plan.interval
                key = arrival if own + plan.interval - 1 <= self._closed else own
                self._open[key].late += amounts[0]
                self._late += amounts[0]
            else:
                window.add(second, amounts[amount_of])
            if second >= self._clock - plan.window:  # what is older may have been settled
                self._busy[second] = self._busy.get(second, 0) + amounts[0]
        for (second, clock), amounts in tally.late.items():
            window.add_late(max(self._closed + 1, clock - plan.lateness), second, amounts[amount_of])
            self._busy[second] = self._busy.get(second, 0) + amounts[0]
        self._first = tally.first if self._first is None else min(self._first, tally.first)
        self._last = tally.last if self._last is None else max(self._last, tally.last)
        self._newest = max(self._newest, tally.last) if self._newest is not None else tally.last
        if source.newest is None or tally.last > source.newest:
            source.newest = tally.last
            source.came = now or 0.0
        self._clock = max(self._clock, tally.last)
        return self._close(self._clock - plan.lateness - 1)

    def _take_ahead(self, rows: Batch) -> None:
        """Count rows far ahead of the clock that the next line did not confirm: late, in the interval of the clock."""
        assert self._clock is not None
        counts = Counts()
        counts.add(rows.hosts, rows.methods, rows.sections, rows.statuses, rows.sizes)
        counts.late = len(rows.times)
        self._late += counts.late
        self._open.setdefault(self._clock - self._clock % self._plan.interval, Counts()).merge(counts)
        for second, size in zip(rows.times, rows.sizes, strict=True):
            self._watch.window.add(second, size if self._plan.sizes else 1)
        self._put_malformed(rows.malformed)
        assert self._last is not None
        self._last = max(self._last, *rows.times)

    def _reanchor(self, first: int, newest: int) -> list[Event]:
        """Start over at an earlier time, all that is open closed and told."""
        assert self._clock is not None
        events = self._close(self._clock)
        events += self._tell(sorted(self._open))
        self._settle_busy()
        self._watch.reanchor(first - 1)
        self._closed = first - 1
        self._clock = self._newest = newest
        for source in self._logs.values():
            source.newest = newest
        events.append(Note(newest, "the log goes back in time: started over there"))
        return events

    def _put_malformed(self, malformed: int) -> None:
        """Count malformed lines in the interval of the clock."""
        if not malformed:
            return
        if self._clock is None:
            self._malformed_before += malformed
        else:
            self._open.setdefault(self._clock - self._clock % self._plan.interval, Counts()).malformed += malformed

    # Time

    def _clock_live(self, now: float) -> int | None:
        clocks = [source.newest + int(now - source.came) for source in self._logs.values() if source.newest is not None]
        return max(clocks) if clocks else None

    def _close(self, to: int) -> list[Event]:
        """Close the seconds up to ``to``, in order, and tell the intervals whose last second that closes."""
        assert self._closed is not None
        if to <= self._closed:
            return []
        interval = self._plan.interval
        self._closed = to
        starts = sorted(start for start in self._open if start + interval - 1 <= to)
        transitions, sums, _ = self._watch.close(to, [start + interval - 1 for start in starts])
        events: list[Event] = []
        for start, held in zip(starts, sums, strict=True):
            while transitions and transitions[0].at < start + interval:
                events.append(transitions.pop(0))
            events.append(self._interval(start, held))
        events += transitions
        if len(self._busy) > 2 * self._plan.window:
            self._settle_busy()
        return events

    def _tell(self, starts: Iterable[int]) -> list[Event]:
        return [self._interval(start, self._watch.window.total) for start in starts]

    def _interval(self, start: int, held: int) -> Interval:
        counts = self._open.pop(start)
        told = traffic(counts, self._top)
        self._total.merge(counts)
        return Interval(start, start + self._plan.interval, told, held, Fraction(held, self._watch.rule.window))

    # The whole

    def _whole(self) -> Traffic:
        if not self._open:
            return traffic(self._total, self._top)
        whole = Counts()
        whole.merge(self._total)
        for counts in self._open.values():
            whole.merge(counts)
        return traffic(whole, self._top)

    def _find_busiest(self) -> tuple[int, int] | None:
        found = [(second, hits) for second, hits in self._busy.items()]
        if self._busiest:
            found.append(self._busiest)
        return max(found, key=lambda pair: (pair[1], -pair[0]), default=None)

    def _settle_busy(self) -> None:
        self._busiest = self._find_busiest()
        horizon = (self._closed or 0) - self._plan.window
        self._busy = {second: hits for second, hits in self._busy.items() if second > horizon}
