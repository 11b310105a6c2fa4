"""Batches in, events out: intervals told, alerts raised and recovered, notes. No text of lines, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate
from operator import sub

from monitor.engine.busiest import Busiest
from monitor.engine.clock import Course, follow
from monitor.engine.counts import Counts
from monitor.engine.kept import Past
from monitor.engine.lateness import RECENT, Lateness
from monitor.engine.ledger import Ledger
from monitor.engine.logs import Log, Logs
from monitor.engine.rows import NO_LINES, Noted, both, cut, hold_back, join, noted, pick, together
from monitor.engine.snapshot import (
    AlertRecord,
    Event,
    Note,
    Present,
    Scope,
    Snapshot,
    Summary,
    Traffic,
    Transition,
    View,
)
from monitor.engine.tally import Plan, Tally, count, count_in_one
from monitor.engine.tells import table_rows, traffic
from monitor.engine.watches import Watches
from monitor.formats.batch import Batch
from monitor.rules import Rule
from monitor.units import Threshold

RATE = 10  # s over which the rate of the moment is taken


class Engine:
    """Counts what batches tell, in log time.

    ``live``: the clock goes on between lines, by the monotonic seconds handed to ``feed`` and ``tick``. ``detail``:
    keep what a screen or a report shows besides what is told: past intervals, tables of clients and the like.
    """

    def __init__(
        self,
        rule: Rule,
        rules: Sequence[Rule] = (),
        *,
        interval: int = 10,
        lateness: int = 5,
        top: int = 10,
        live: bool = False,
        detail: bool = False,
    ) -> None:
        self._live = live
        self._past = Past(rule.window, interval) if detail else None
        self._watches = Watches((rule, *rules))
        self._plan = Plan(interval, rule.window, lateness, self._watches.series, top, detail)
        self._ledger = Ledger(self._plan)
        self._busiest = Busiest(rule.window)
        self._logs = Logs(rule.window)
        self._lateness = Lateness(lateness, rule.window)
        self._clock: int | None = None
        self._closed = 0  # the last second closed, once there is a clock
        self._newest = 0  # the newest second that moved the clock
        self._first: int | None = None
        self._last: int | None = None
        self._late = 0
        self._malformed_before = 0  # before the first hit of all
        self._lines: dict[int, Noted] = {}  # of each log

    @property
    def clock(self) -> int | None:
        """Log time, in epoch seconds; None before the first hit."""
        return self._clock

    @property
    def plan(self) -> Plan:
        """What a tally made elsewhere must hold."""
        return self._plan

    def feed(self, batch: Batch, log: int = 0, now: float | None = None) -> list[Event]:
        """Count a batch of a log; ``now``: monotonic seconds, live only."""
        self.note(noted(batch), log)
        return self.take(batch, log, now)

    def note(self, lines: Noted, log: int = 0) -> None:
        """Count a log's lines, whose rows are taken apart from that."""
        self._lines[log] = both(self._lines.get(log, NO_LINES), lines)

    def take(self, batch: Batch, log: int = 0, now: float | None = None) -> list[Event]:
        """Count the rows of a batch whose lines are noted."""
        source = self._logs[log]
        events = [] if now is None else self.tick(now)
        if self._live:
            return events + self._take_live(batch, source, now)
        return events + self._take_held(batch, source, now)

    def _take_held(self, batch: Batch, source: Log, now: float | None) -> list[Event]:
        """Count rows behind those that wait for them."""
        if source.held is not None:
            batch, source.held = join(source.held, batch), None
        return self._take(batch, source, now, final=False)

    def merge(self, tally: Tally, tail: Batch | None) -> list[Event] | None:
        """Count a tally made elsewhere by this engine's plan, and the row behind it that waits for the next line.

        Return None, nothing done, if it depends on what came before in a way that only its rows can tell.
        """
        source = self._logs[0]
        window = self._plan.window
        clock = self._clock
        if not tally.rows or clock is None:
            return None
        if source.held is not None:
            ahead = source.held.times
            if len(ahead) > 1 or not clock + window < ahead[0] <= tally.head + window:
                return None
            clock = ahead[0]
        lonely = tally.rows == 1 and tally.head > clock + window
        if lonely or tally.first < clock - window or any(came < clock for _, came in tally.late):
            return None
        if min(tally.settled, default=clock + 1) <= clock:
            return None
        events: list[Event] = []
        if source.held is not None:
            held, source.held = source.held, None
            events += self._take(held, source, None, final=True)
        events += self._merge(tally, source, None)
        source.held = tail
        return events

    def tick(self, now: float) -> list[Event]:
        """Let the clock go on to ``now`` (monotonic seconds)."""
        clock = self._logs.clock(now, self._plan.lateness)
        if clock is None or self._clock is None or clock <= self._clock:
            return []
        self._clock = clock
        events = self._close(self._plan.closed_at(clock))
        return events + self._set_lateness(self._lateness.calm(clock))

    def end(self, log: int) -> list[Event]:
        """Say that a log has ended: nothing waits for its next line."""
        source = self._logs.remove(log)
        if source is None or source.held is None:
            return []
        held, source.held = source.held, None
        return self._take(held, source, None, final=True)

    def finish(self, *, ended: bool = True) -> list[Event]:
        """Close and tell what is open, as far as the newest hit: no silence is invented.

        ``ended``: nothing will be added to the logs; else nothing is judged that more lines could change.
        """
        events: list[Event] = []
        if not ended:
            self._watches.cut()
        for log in self._logs.numbers():
            events += self.end(log)
        if self._clock is not None:
            events += self._close(self._newest)
            events += self._tell_open()
        return events

    def summary(self) -> Summary:
        """Return the whole so far."""
        history, lines = self._watches.history, self._all_lines()
        return Summary(
            lines=lines.lines,
            parsed=lines.parsed,
            malformed=lines.malformed,
            blank=lines.blank,
            comments=lines.comments,
            late=self._late,
            first=self._first,
            last=self._last,
            busiest=self._busiest.find(),
            traffic=self._ledger.traffic(),
            alerts=history.records(),
            transitions=history.transitions,
            samples=lines.samples,
        )

    def present(self) -> Present:
        """Return how things stand."""
        lines = self._all_lines()
        return Present(self._clock, self._plan.lateness, lines.lines, lines.malformed, self._watches.states())

    def _all_lines(self) -> Noted:
        """The lines of all logs; samples with their places in their own."""
        return together([self._lines[log] for log in sorted(self._lines)])

    def snapshot(self, view: View) -> Snapshot:
        """Return what a view shows, as it is now; an engine without ``detail`` knows sections only, and the total."""
        counts, start, end, told = self._viewed(view)
        rows = table_rows(counts, view)
        if self._past:
            rows = [replace(row, trend=self._past.trend(view.table, row.key)) for row in rows]
        watch, history = self._watches.first, self._watches.history
        return Snapshot(
            clock=self._clock,
            interval=self._plan.interval,
            window=watch.rule.window,
            threshold=watch.rule.threshold,
            metric=watch.rule.metric.value,
            lateness=self._plan.lateness,
            window_hits=watch.window.total,
            window_average=watch.average,
            rate=Fraction(self._busiest.hits(self._closed - RATE + 1, self._closed), RATE),
            alert=self._watches.alert,
            alerts=self._earlier() + history.records(),
            alerts_dropped=history.dropped,
            points=tuple(kept.point for kept in self._past or ()),
            view=view,
            start=start,
            end=end,
            traffic=told or traffic(counts, view.limit),
            rows=tuple(rows),
            lines=self._all_lines().lines,
        )

    def _viewed(self, view: View) -> tuple[Counts, int | None, int | None, Traffic | None]:
        """The counts that a view shows, from when to when, and what was told of them."""
        if view.scope is Scope.TOTAL or self._past is None:
            return self._ledger.whole(view.table), self._first, None if self._last is None else self._last + 1, None
        if view.scope is Scope.INTERVAL:
            kept = self._past.at(view.back)
            return (
                (kept.counts, kept.told.start, kept.told.end, kept.told.traffic)
                if kept
                else (Counts(), None, None, None)
            )
        counts = self._ledger.open_counts(view.table)
        start, end = self._closed - self._plan.window, self._closed + 1
        for kept in self._past.since(start):
            counts.merge(kept.counts, view.table)
            start = min(start, kept.told.start)
        return counts, start, end, None

    def set_threshold(self, threshold: Threshold) -> int | None:
        """Hold the traffic against another threshold from the next closed second on; return that second, once known."""
        self._watches.first.set_threshold(threshold)
        return None if self._clock is None else self._closed + 1

    def recall(self, history: Sequence[AlertRecord]) -> None:
        """Show the alerts of earlier runs, oldest first, before its own.

        Live, a rule's newest whose end nobody saw goes on if it is on; that it is over is told as far as it is known.
        """
        self._watches.recall(history, live=self._live)

    def _earlier(self) -> tuple[AlertRecord, ...]:
        """The alerts of earlier runs; in a replay not those that it has not come to: it may be about to tell them."""
        records = self._watches.history.earlier()
        if self._live or self._clock is None:
            return records
        return tuple(record for record in records if record.raised.at <= self._closed)

    # Before the start

    def warm(self, batches: Iterable[Batch], *, whole: bool, age: float, now: float) -> list[Event]:
        """Take in what was read back before a live start; it counts in no interval.

        ``whole``: the log's first line is among it. ``age``: seconds since the last line came. Return the beginnings of
        alerts that are on, and the ends of those of earlier runs.
        """
        own = self._watches
        rule, *rules = own.rules
        past = Engine(rule, rules, interval=self._plan.interval, lateness=self._plan.lateness)
        past._watches.begin_warm(own, whole=whole)
        told: list[Transition] = []
        for batch in batches:
            told += own.ends_of_earlier(past.feed(batch))
        told += own.ends_of_earlier(past.end(0))
        if past._clock is None:
            return []
        self._watches = past._watches
        told += self._watches.adopt(own.history)
        own.history.sort(len(told))
        self._clock, self._closed, self._newest = past._clock, past._closed, past._newest
        self._logs[0].newest, self._logs[0].came = past._newest, now - age
        return [*sorted(told, key=lambda transition: transition.at), *self.tick(now)]

    @property
    def warm_enough(self) -> bool:
        """False: an alert may have been on before the oldest line that was read back."""
        watch = self._watches.first
        return watch.known and not (watch.record and watch.record.raised.since_before)

    # Lines to rows

    def _take_live(self, batch: Batch, source: Log, now: float | None) -> list[Event]:
        """Count rows of which some may raise the lateness: those alone, so that it rises at the right one."""
        times = batch.times
        clock = self._clock
        course = accumulate(times, max, initial=times[0] if times and clock is None else clock or 0)
        if max(map(sub, course, times), default=0) <= self._lateness.base:
            events = self._take_held(batch, source, now)
            return events + self._set_lateness(self._lateness.note([0] * min(len(times), RECENT), None))
        events = []
        start = 0
        while start < len(times):
            delays, burst = [0], None
            if self._clock is not None:
                clock_at = self._clock_at(source, (times[start],), now)
                delays, burst = self._lateness.delays(times[start:], self._clock, self._closed, clock_at or int)
            stop = start + len(delays)
            events += self._take_held(cut(batch, start, stop), source, now)
            events += self._set_lateness(self._lateness.note(delays, burst))
            start = stop
        return events

    def _take(self, batch: Batch, source: Log, now: float | None, *, final: bool) -> list[Event]:
        """Settle all rows that can be settled; the others wait in ``source.held``."""
        window = self._plan.window
        position = source.position(now)
        start = self._clock if position is None or self._clock is None else max(self._clock, position)
        if not final:
            batch, source.held = hold_back(batch, start, window)
        times = batch.times
        tally = None
        if start is None or not times or min(times) >= start - window:
            clock_at = self._clock_at(source, times, now)
            settle_from = times[0] if times and clock_at is None and not self._live and not self._plan.detail else None
            tally = count(batch, self._plan, clock_at, self._open_at, settle_from)
        if tally is not None:
            return self._merge(tally, source, now)
        steps, settled = follow(times, start, window, final=final)
        if settled < len(times):
            rest = pick(batch, range(settled, len(times)))
            source.held = rest if source.held is None else join(rest, source.held)
        events: list[Event] = []
        self._put_malformed(sum(not at for at in batch.malformed_at))
        for course, rows in steps:
            if course is Course.AHEAD:
                self._take_ahead(pick(batch, rows))
                continue
            if course is not Course.RUN:
                rows = sorted(rows, key=times.__getitem__)
            part = pick(batch, rows)
            if course is Course.ANCHOR and self._logs.alone(source, now, self._plan.lateness):
                events += self._reanchor(part.times[0], part.times[-1], source)
            tally = count(part, self._plan, self._clock_at(source, part.times, now), self._open_at)
            assert tally is not None
            events += self._merge(tally, source, now)
        return events

    def _clock_at(self, source: Log, times: Sequence[int], now: float | None) -> Callable[[int], int] | None:
        """The clock by the newest second of a log; None where that second is the clock."""
        clock = self._clock
        others = self._logs.others(source, now, self._plan.lateness)
        if others is None:
            if clock is None or not times or times[0] >= clock:
                return None
            return lambda newest: max(newest, clock)
        slowest, fastest = others
        window = self._plan.window

        def at(newest: int) -> int:
            known = min(newest, slowest) if clock is None else max(clock, min(newest, slowest))
            return max(known, max(newest, fastest) - window)

        return at

    # Rows to counts

    def _open_at(self, start: int) -> Counts | None:
        """The counts that the rows of an interval go to, unless it was told: then they go where the clock is."""
        if self._clock is None or self._plan.last_of(start) <= self._closed:
            return None
        return self._ledger.at(start)

    def _merge(self, tally: Tally, source: Log, now: float | None) -> list[Event]:
        """Count a tally whose rows are all within the window of the clock, or ahead of it."""
        if not tally.rows:
            self._put_malformed(tally.malformed_before)
            return []
        plan, ledger, watches = self._plan, self._ledger, self._watches
        if self._clock is None:
            self._clock = self._newest = tally.head
            self._closed = plan.closed_at(tally.head)
            watches.begin(tally.head, self._closed)
            self._put_malformed(self._malformed_before)
        clock, closed = self._clock, self._closed
        arrival = plan.start_of(clock)
        clock_at = self._clock_at(source, (tally.last,), now)
        late = 0
        self._put_malformed(tally.malformed_before)
        for start, counts in tally.intervals.items():
            ledger.put(arrival if plan.last_of(start) <= closed else start, counts)
        if tally.settled:
            ledger.settle(tally.settled, tally.settled_total)
        for second, malformed in tally.malformed.items():
            start = max(plan.start_of(second), arrival)
            if start not in tally.settled:
                ledger.at(start).malformed += malformed
            watches.add_malformed(max(second, clock), malformed)
        for second, amounts in tally.seconds.items():
            if second <= closed:
                watches.add_late(closed + 1, second, amounts)
                start = plan.start_of(second)
                ledger.at(arrival if plan.last_of(start) <= closed else start).late += amounts[0]
                late += amounts[0]
            else:
                watches.add(second, amounts)
            if second >= clock - plan.window:
                self._busiest.add(second, amounts[0])
        for (second, came), amounts in tally.late.items():
            late += amounts[0]
            watches.add_late(max(closed + 1, came - plan.lateness), second, amounts)
            self._busiest.add(second, amounts[0])
        self._late += late
        self._first = tally.first if self._first is None else min(self._first, tally.first)
        self._last = tally.last if self._last is None else max(self._last, tally.last)
        self._newest = max(self._newest, tally.last)
        position = source.position(now)
        if position is None or tally.last >= position:
            source.newest, source.came = tally.last, now
        self._clock = max(clock, tally.last) if clock_at is None else clock_at(tally.last)
        return self._close(plan.closed_at(self._clock))

    def _set_lateness(self, note: str | None) -> list[Event]:
        if note is None:
            return []
        assert self._clock is not None
        self._plan = replace(self._plan, lateness=self._lateness.seconds)
        return [Note(self._clock, note)]

    def _take_ahead(self, rows: Batch) -> None:
        """Count rows far ahead of the clock that the next line did not confirm: late, in the interval of the clock."""
        assert self._clock is not None
        assert self._last is not None
        counts = count_in_one(rows, self._plan)
        counts.late = len(rows.times)
        self._late += counts.late
        self._ledger.put(self._plan.start_of(self._clock), counts)
        self._watches.add_strays(rows)
        self._put_malformed(rows.malformed)
        self._last = max(self._last, *rows.times)

    def _put_malformed(self, malformed: int) -> None:
        """Count malformed lines in the interval of the clock."""
        if not malformed:
            return
        if self._clock is None:
            self._malformed_before += malformed
        else:
            self._ledger.at(self._plan.start_of(self._clock)).malformed += malformed
            self._watches.add_malformed(self._clock, malformed)

    # Time

    def _reanchor(self, first: int, newest: int, source: Log) -> list[Event]:
        """Start over at an earlier time, all that is open closed and told."""
        assert self._clock is not None
        events = self._close(self._clock)
        events += self._tell_open()
        self._ledger.restart()
        self._busiest.settle(self._closed, everything=True)
        # The seconds within the lateness are open here as anywhere, those before the three lines included: were they
        # closed, a line could be late without being behind the clock by the lateness, and its interval would be that
        # of a clock that only a reading line by line knows.
        self._closed = min(first, newest - self._plan.lateness) - 1
        self._watches.reanchor(first, self._closed)
        self._clock = self._newest = newest
        self._logs.reset(source, newest)
        events.append(Note(newest, "the log goes back in time: started over there"))
        return events

    def _close(self, to: int) -> list[Event]:
        """Close the seconds up to ``to``, in order, and tell the intervals whose last second that closes."""
        if to <= self._closed:
            return []
        plan, ledger = self._plan, self._ledger
        self._closed = to
        starts = ledger.due(to, silent=self._live or self._past is not None)
        transitions, sums, alerts = self._watches.close(to, [plan.last_of(start) for start in starts])
        events: list[Event] = []
        told = 0
        for start, held, alert in zip(starts, sums, alerts, strict=True):
            while told < len(transitions) and transitions[told].at <= plan.last_of(start):
                events.append(transitions[told])
                told += 1
            events += self._tell(start, held, alert)
        events += transitions[told:]
        self._busiest.settle(to)
        return events

    def _tell(self, start: int, held: int, alert: bool) -> list[Event]:
        told, counts = self._ledger.tell(start, held)
        if self._past is not None:
            self._past.add(told, counts, alert=alert)
        return [told] if self._live or told.traffic.hits or told.traffic.malformed else []

    def _tell_open(self) -> list[Event]:
        watch = self._watches.first
        held, alert = watch.window.total, watch.record is not None
        return [event for start in self._ledger.open_starts() for event in self._tell(start, held, alert)]
