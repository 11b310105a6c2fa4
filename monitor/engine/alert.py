"""When an alert is raised and when it recovers. Integers and fractions only; knows nothing of lines or clocks."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from monitor.engine.series import window_of
from monitor.engine.snapshot import AlertRecord, State, Transition
from monitor.rules import Metric, Rule
from monitor.units import Threshold

MAX_ALERTS = 10_000  # records kept; the oldest go, and how many is told
_NEVER = 1 << 62


def basic(threshold: Threshold, window: int = 120, metric: str = "hits") -> Rule:
    """Return the rule that the short form asks for: its name is empty."""
    return Rule("", Metric(metric), True, threshold, window, threshold.rate)


class History:
    """The alerts so far, oldest first, bounded; those of earlier runs, as far as this one does not tell of them."""

    __slots__ = ("_earlier", "_records", "dropped", "transitions")

    def __init__(self) -> None:
        self._earlier: dict[tuple[str, int], AlertRecord] = {}  # by rule and second, oldest first
        self._records: deque[AlertRecord] = deque()
        self.dropped = 0
        self.transitions = 0

    def recall(self, records: Sequence[AlertRecord]) -> None:
        """Keep the alerts of earlier runs, oldest first, each until it is told of again."""
        self._earlier = {_key(record): replace(record, earlier=True) for record in records}

    def earlier(self) -> tuple[AlertRecord, ...]:
        """Those of earlier runs that this one has not told of, oldest first."""
        return tuple(self._earlier.values())

    def open(self, record: AlertRecord) -> None:
        """Keep a new alert."""
        self.transitions += 1
        self._keep(record)

    def change(self, old: AlertRecord, new: AlertRecord) -> None:
        """Put ``new`` in the place of ``old``, which is among the newest."""
        self._earlier.pop(_key(new), None)
        for position in range(len(self._records) - 1, -1, -1):
            if self._records[position] is old:
                self._records[position] = new
                return

    def end(self, recovered: Transition) -> bool:
        """Take the end of an alert of an earlier run; False: it is of none whose end is not known."""
        record = self._earlier.get(_key(recovered.record))
        if record is None or record.recovered is not None:
            return False
        self.transitions += 1
        self._keep(replace(recovered.record, earlier=True))
        return True

    def _keep(self, record: AlertRecord) -> None:
        self._earlier.pop(_key(record), None)
        self._records.append(record)
        if len(self._records) > MAX_ALERTS:
            self._records.popleft()
            self.dropped += 1

    def sort(self, newest: int) -> None:
        """Put so many of the newest in the order of time: several rules were judged one after the other."""
        tail = [self._records.pop() for _ in range(min(newest, len(self._records)))]
        tail.reverse()
        tail.sort(key=lambda record: record.raised.at)
        self._records.extend(tail)

    def records(self) -> tuple[AlertRecord, ...]:
        """All kept records, oldest first."""
        return tuple(self._records)


def _key(record: AlertRecord) -> tuple[str, int]:
    return (record.raised.rule, record.raised.at)


class Watch:
    """One rule held against its window.

    Raised at the first closed second t with n(t) > T * W, recovered at the first later one with n(t) < T * W; equality
    changes nothing. The divisor is always W, in the first two minutes too. A rule with another recovery, a time to hold
    or the comparison turned round differs by just that; one turned round waits for the first whole window.
    """

    __slots__ = (
        "_beyond_since", "_denominator", "_end", "_end_denominator", "_history", "_known_from", "_limit", "_mute_until",
        "_whole_from", "column", "earlier", "known", "record", "rule", "window",
    )  # fmt: skip

    def __init__(self, rule: Rule, history: History, column: int = 0) -> None:
        """``column``: where a tally's seconds have what the rule is of."""
        self.rule = rule
        self.column = column
        self.window = window_of(rule)
        self._beyond_since: int | None = None  # the second at which the value went beyond, where it has to hold
        self._whole_from: int | None = None  # the first second with a whole window behind it
        self.record: AlertRecord | None = None  # the alert that is on
        self.earlier: AlertRecord | None = None  # of an earlier run, which did not see its end
        self._set_limits()
        self._history = history
        self._mute_until: int | None = None  # no recovery is told before this second
        self._known_from: int | None = None  # warm start: from here on every window was read whole
        self.known = True  # False: it may have been on before the oldest second that was read back

    @property
    def average(self) -> Fraction:
        """Per second, over the window that ends with the last closed second."""
        return Fraction(self.window.total, self._divisor)

    @property
    def _divisor(self) -> int:
        return self.rule.window if self.rule.metric.is_rate else 1

    def close(self, to: int, marks: Sequence[int] = ()) -> tuple[list[Transition], list[int], list[bool]]:
        """Evaluate every second up to ``to`` once, in order.

        Return the transitions, and for each of the seconds in ``marks`` (ascending, at most ``to``) what the window
        held and whether the alert was on.
        """
        transitions: list[Transition] = []
        sums: list[int] = []
        states: list[bool] = []
        total = self.window.total
        steps: Iterable[tuple[int, int]] = self._steps(to)
        if self._mute_until is None and self._known_from is None and self._whole_from is None:
            steps = list(steps)
            if self._uneventful(steps):
                seconds = [second for second, _ in steps]
                sums = [steps[at - 1][1] if at else total for at in (bisect_right(seconds, mark) for mark in marks)]
                return [], sums, [self.record is not None] * len(sums)
        waiting = iter(marks)
        mark = next(waiting, None)
        for second, changed in steps:
            held = self._judge_held(second - 1, total)
            if held:
                transitions.append(held)
            while mark is not None and mark < second:
                sums.append(total)
                states.append(self.record is not None)
                mark = next(waiting, None)
            total = changed
            transition = self._judge(second, total)
            if transition:
                transitions.append(transition)
        held = self._judge_held(to, total)
        if held:
            transitions.append(held)
        while mark is not None:
            sums.append(total)
            states.append(self.record is not None)
            mark = next(waiting, None)
        return transitions, sums, states

    def set_threshold(self, threshold: Threshold) -> None:
        """Hold the window against another threshold from the next second on."""
        self.rule = replace(self.rule, threshold=threshold, recovery=threshold.rate)
        self._set_limits()

    def _set_limits(self) -> None:
        sign = 1 if self.rule.above else -1  # "<" is ">" with everything negative
        limit = sign * self.rule.threshold.rate * self._divisor
        self._limit = limit.numerator  # n * denominator against this: no division
        self._denominator = sign * limit.denominator
        end = sign * self.rule.recovery * self._divisor
        self._end = end.numerator
        self._end_denominator = sign * end.denominator

    def reanchor(self, closed: int, first: int) -> None:
        """Start over at an earlier time: the state stays, no recovery is told until a window has passed.

        ``closed``: the second behind which evaluation begins; ``first``: that of the first hit.
        """
        self.window.clear()
        self.window.closed = closed
        self._mute_until = first + self.rule.window - 1
        self._beyond_since = None
        self.begin(first)

    def begin(self, first: int) -> None:
        """Take ``first`` as the first second of all that counts."""
        self._whole_from = None if self.rule.above else first + self.rule.window - 1

    def cut(self) -> None:
        """Take the seconds that are open for a part of what they will hold: only what more cannot undo is told."""
        self._mute_until = _NEVER
        if not self.rule.above or self.rule.metric.is_time:
            self._whole_from = _NEVER

    def begin_warm(self, *, whole: bool) -> None:
        """Evaluate seconds from before the start; ``whole``: nothing stands before them in the log."""
        self.known = whole
        self._known_from = None

    def know_from(self, first: int) -> None:
        """Take ``first`` as the oldest second read back: from a window later on, every window was read whole."""
        if not self.known:
            self._known_from = first + self.rule.window

    def adopt(self, history: History) -> None:
        """Go on live, in another history, that begins with the alert that is on."""
        self._known_from = None
        if self.record is not None:
            self._go_on_with_earlier(self.window.closed or self.record.peak_at)
            history.open(self.record)
        self._history = history

    def _steps(self, to: int) -> Iterator[tuple[int, int]]:
        """The seconds that may change the state: where the sum changes, and where silence on telling ends."""
        for due in sorted({self._mute_until, self._known_from, self._whole_from} - {None}, key=lambda due: due or 0):
            if due is None or due > to:
                break
            yield from self.window.close(due)
            if due == self._mute_until:
                self._mute_until = None
            if due == self._whole_from:
                self._whole_from = None
            yield due, self.window.total
        yield from self.window.close(to)

    def _uneventful(self, steps: Sequence[tuple[int, int]]) -> bool:
        """Take in steps of which none can raise or end an alert, by their extremes; False, nothing done, if one may."""
        if not steps:
            return self._beyond_since is None
        totals = [total for _, total in steps]
        extremes = max(totals), min(totals)
        if self.record is None:
            amounts = [total * self._denominator for total in extremes]
            if self.earlier or self._beyond_since is not None or max(amounts) > self._limit:
                return False
            self.known |= min(amounts) < self._limit
            return True
        if min([total * self._end_denominator for total in extremes]) < self._end:
            return False
        peak = extremes[0] if self.rule.above else extremes[1]
        self._reach(steps[totals.index(peak)][0], peak)
        return True

    def _judge_held(self, to: int, total: int) -> Transition | None:
        """Raise an alert whose time to hold is over before anything else changes."""
        if self._beyond_since is None or self.record is not None or self._beyond_since + self.rule.hold > to:
            return None
        return self._judge(self._beyond_since + self.rule.hold, total)

    def _judge(self, second: int, total: int) -> Transition | None:
        amount = total * self._denominator
        whole = self._known_from is None or second >= self._known_from
        if self.record is None:
            beyond = amount > self._limit and self._whole_from is None and (total > 0 or not self.rule.metric.is_time)
            if beyond and self.rule.hold:
                if self._beyond_since is None:
                    self._beyond_since = second
                beyond = second >= self._beyond_since + self.rule.hold
            elif not beyond:
                self._beyond_since = None
            if beyond:
                self._beyond_since = None
                if self.earlier and self.known and second > self.earlier.raised.at:
                    self.earlier = None  # this one's beginning was seen: it is another
                raised = self._transition(State.RAISED, second, total)
                self.record = AlertRecord(replace(raised, since_before=not self.known), None, total, second)
                self._history.open(self.record)
                return self.record.raised
            if amount < self._limit and whole:
                self.known = True
            return self._end_earlier(second, total) if self.earlier and whole else None
        self._reach(second, total)
        if total * self._end_denominator < self._end and whole and self._mute_until is None:
            self._go_on_with_earlier(second)
            recovered = replace(self._transition(State.RECOVERED, second, total), ended=self.record)
            self._replace(replace(self.record, recovered=recovered))
            self._history.transitions += 1
            self.record = None
            self.known = True
            return recovered
        return None

    def _end_earlier(self, second: int, total: int) -> Transition | None:
        """Say that the alert of an earlier run is over, once the window is known to be on the good side behind it."""
        assert self.earlier is not None
        over = total * self._end_denominator < self._end and self._mute_until is None
        if not over or second <= self.earlier.raised.at:
            return None
        recovered = self._transition(State.RECOVERED, second, total)
        recovered = replace(recovered, since_before=True, ended=self.earlier)
        self._history.end(recovered)
        self.earlier = None
        return recovered

    def _go_on_with_earlier(self, second: int) -> None:
        """Take the alert that is on at ``second`` for the one of an earlier run, if nothing was seen between them."""
        if self.earlier is None or self.earlier.raised.at > second:
            return
        assert self.record is not None
        most = max if self.rule.above else min
        peak, peak_at = most(
            ((each.peak, each.peak_at) for each in (self.earlier, self.record)), key=lambda known: known[0]
        )
        self._replace(AlertRecord(self.earlier.raised, None, peak, peak_at))
        self.earlier = None

    def _reach(self, second: int, total: int) -> None:
        """Note what the window held of the alert that is on, if that is further beyond than ever."""
        assert self.record is not None
        if total > self.record.peak if self.rule.above else total < self.record.peak:
            self._replace(replace(self.record, peak=total, peak_at=second))

    def _replace(self, record: AlertRecord) -> None:
        assert self.record is not None
        self._history.change(self.record, record)
        self.record = record

    def _transition(self, state: State, second: int, total: int) -> Transition:
        rule = self.rule
        return Transition(
            state,
            second,
            total,
            Fraction(total, self._divisor),
            rule.threshold,
            rule.window,
            rule.metric.value,
            rule=rule.name,
        )
