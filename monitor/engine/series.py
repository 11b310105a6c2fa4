"""What is counted by second for alert rules besides hits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from monitor.engine.durations import TimesWindow
from monitor.engine.window import Amount, BagWindow, Window
from monitor.formats.batch import Batch
from monitor.rules import Metric, Rule

_STATUSES = {
    Metric.ERRORS: (b"4", b"5"),
    Metric.CLIENT_ERRORS: (b"4",),
    Metric.SERVER_ERRORS: (b"5",),
}


@dataclass(frozen=True, slots=True)
class Series:
    """Amounts of all hits or of those in a section or of a virtual host: sums, or bags of clients or response times."""

    metric: Metric
    section: bytes | None = None
    host: bytes | None = None

    @classmethod
    def of(cls, rule: Rule) -> Series:
        """Return what a rule needs; of p95 and p99 it is the same."""
        metric = Metric.P95 if rule.metric.is_time else rule.metric
        return cls(metric, rule.section, rule.host)

    @property
    def is_plain(self) -> bool:
        """All hits: they are counted anyway."""
        return self == Series(Metric.HITS)

    @property
    def in_rows(self) -> bool:
        """False: it is of lines that are no rows."""
        return self.metric is not Metric.MALFORMED

    def by_second(self, times: Sequence[int], values: Sequence[Any]) -> dict[int, Amount]:
        """Return the amounts of rows by second: of their times, and what ``values`` says of them."""
        found: dict[int, Any]
        if self.metric in (Metric.CLIENTS, Metric.P95):
            found = {second: Counter() for second in times}
            for second, value in zip(times, values, strict=True):
                if value is not None:
                    found[second][value] += 1
            return found
        found = dict.fromkeys(times, 0)
        for second, value in zip(times, values, strict=True):
            found[second] += value
        return found

    def values(self, batch: Batch) -> Sequence[Any]:
        """Return each row's amount or key; 0 or None where it is not meant."""
        values: Sequence[Any]
        none: int | None = 0
        if self.metric is Metric.BYTES:
            values = batch.sizes
        elif self.metric is Metric.HITS:
            values = [1] * len(batch.times)
        elif self.metric is Metric.CLIENTS:
            values, none = batch.hosts, None
        elif self.metric is Metric.P95:
            durations = [-1] * len(batch.times) if batch.durations is None else batch.durations
            values, none = [each if each >= 0 else None for each in durations], None
        else:
            first = _STATUSES[self.metric]
            values = [status[:1] in first for status in batch.statuses]
        if self.section is not None:
            section = self.section
            values = [value if each == section else none for value, each in zip(values, batch.sections, strict=True)]
        if self.host is not None:
            host = self.host
            hosts = batch.vhosts or [b""] * len(batch.times)
            values = [value if each == host else none for value, each in zip(values, hosts, strict=True)]
        return values


def window_of(rule: Rule) -> Window:
    """Return the window that a rule is held against."""
    if rule.metric is Metric.CLIENTS:
        return BagWindow(rule.window, len)
    if rule.metric is Metric.P95:
        return TimesWindow(rule.window, 95)
    if rule.metric is Metric.P99:
        return TimesWindow(rule.window, 99)
    return Window(rule.window)
