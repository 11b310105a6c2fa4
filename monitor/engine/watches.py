"""All rules of one engine, each held against its window, with one history. Knows nothing of clocks or intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.engine.alert import History, Watch
from monitor.engine.series import Series
from monitor.engine.snapshot import AlertRecord, Event, RuleState, State, Transition
from monitor.engine.window import Amount
from monitor.formats.batch import Batch
from monitor.rules import Metric, Rule


class Watches:
    """The short form's rule, whose window is the one that intervals tell of, and the others."""

    __slots__ = ("_all", "_by_rows", "first", "history", "series")

    def __init__(self, rules: Sequence[Rule]) -> None:
        every = dict.fromkeys(Series.of(rule) for rule in rules)
        self.series = tuple(each for each in every if each.in_rows and not each.is_plain)  # counted besides hits
        columns = {each: column for column, each in enumerate(self.series, 1)}
        self.history = History()
        self._all = [Watch(rule, self.history, columns.get(Series.of(rule), 0)) for rule in rules]
        self._by_rows = [(each.window, each.column) for each in self._all if Series.of(each.rule).in_rows]
        self.first = self._all[0]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules as they are now."""
        return tuple(watch.rule for watch in self._all)

    @property
    def alert(self) -> AlertRecord | None:
        """The alert that is on: the short form's, else any other rule's."""
        return next((watch.record for watch in self._all if watch.record), None)

    def states(self) -> tuple[RuleState, ...]:
        """How each rule stands."""
        return tuple(
            RuleState(watch.rule.name, watch.rule.metric.value, watch.average, watch.rule.threshold, watch.record)
            for watch in self._all
        )

    # What counts

    def begin(self, first: int, closed: int) -> None:
        """Take ``first`` as the second of the first hit; ``closed``: the second behind which evaluation begins."""
        for watch in self._all:
            watch.window.closed = closed
            watch.know_from(first)
            watch.begin(first)

    def reanchor(self, first: int, closed: int) -> None:
        """Start over at an earlier time."""
        for watch in self._all:
            watch.reanchor(closed, first)

    def cut(self) -> None:
        """Take what is not closed for a part of what will be known."""
        for watch in self._all:
            watch.cut()

    def add(self, second: int, amounts: Sequence[Amount]) -> None:
        """Count a tally's amounts in an open second."""
        for window, column in self._by_rows:
            window.add(second, amounts[column])

    def add_late(self, effective: int, second: int, amounts: Sequence[Amount]) -> None:
        """Count a tally's amounts in a closed second, for the evaluations from ``effective`` on."""
        for window, column in self._by_rows:
            window.add_late(effective, second, amounts[column])

    def add_strays(self, rows: Batch) -> None:
        """Count rows far ahead of the clock, whose seconds nothing may ever close."""
        for watch in self._all:
            series = Series.of(watch.rule)
            if series.in_rows:
                for second, amount in series.by_second(rows.times, series.values(rows)).items():
                    watch.window.add_stray(second, amount)

    def add_malformed(self, second: int, malformed: int) -> None:
        """Count malformed lines that came when it was ``second``."""
        for watch in self._all:
            if watch.rule.metric is Metric.MALFORMED:
                watch.window.add(second, malformed)

    def close(self, to: int, marks: Sequence[int]) -> tuple[list[Transition], list[int], list[bool]]:
        """Evaluate every second up to ``to`` once, by every rule; see ``Watch.close`` for what is returned."""
        transitions, sums, alerts = self.first.close(to, marks)
        if len(self._all) > 1:
            for watch in self._all[1:]:
                transitions += watch.close(to)[0]
            transitions.sort(key=lambda transition: transition.at)
            self.history.sort(sum(each.state is State.RAISED or each.since_before for each in transitions))
        return transitions, sums, alerts

    # Other runs

    def recall(self, history: Sequence[AlertRecord], *, live: bool) -> None:
        """Keep the alerts of earlier runs, oldest first.

        Live, a rule's newest whose end nobody saw goes on if it is on; that it is over is told as far as it is known.
        """
        self.history.recall(history)
        newest = {record.raised.rule: record for record in history} if live else {}
        for watch in self._all:
            record = newest.get(watch.rule.name)
            if record and record.recovered is None and record.raised.metric == watch.rule.metric.value:
                watch.earlier = record

    def begin_warm(self, own: Watches, *, whole: bool) -> None:
        """Evaluate seconds from before the start of ``own``; ``whole``: nothing stands before them in the log."""
        for watch, its in zip(self._all, own._all, strict=True):
            watch.earlier = its.earlier
            watch.begin_warm(whole=whole)

    def ends_of_earlier(self, events: Iterable[Event]) -> list[Transition]:
        """Those of the events that tell how alerts of earlier runs ended."""
        recovered = (each for each in events if isinstance(each, Transition) and each.state is State.RECOVERED)
        return [each for each in recovered if self.history.end(each)]

    def adopt(self, history: History) -> list[Transition]:
        """Go on live, in another history; return the beginnings of the alerts that are on."""
        self.history = history
        for watch in self._all:
            watch.adopt(history)
        return [watch.record.raised for watch in self._all if watch.record]
