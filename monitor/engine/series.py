"""What is counted by second for an alert rule besides hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.formats.batch import Batch
from monitor.rules import Metric, Rule

_STATUSES = {
    Metric.ERRORS: (b"4", b"5"),
    Metric.CLIENT_ERRORS: (b"4",),
    Metric.SERVER_ERRORS: (b"5",),
}


@dataclass(frozen=True, slots=True)
class Series:
    """Amounts that add up: hits, bytes or errors, of all hits or of those in a section or of a virtual host."""

    metric: Metric
    section: bytes | None = None
    host: bytes | None = None

    @classmethod
    def of(cls, rule: Rule) -> Series:
        """Return what a rule needs."""
        return cls(rule.metric, rule.section, rule.host)

    def amounts(self, batch: Batch) -> Sequence[int]:
        """Return each row's amount."""
        amounts: Sequence[int]
        if self.metric is Metric.BYTES:
            amounts = batch.sizes
        elif self.metric is Metric.HITS:
            amounts = [1] * len(batch.times)
        else:
            first = _STATUSES[self.metric]
            amounts = [status[:1] in first for status in batch.statuses]
        if self.section is not None:
            amounts = [
                amount if section == self.section else 0
                for amount, section in zip(amounts, batch.sections, strict=True)
            ]
        if self.host is not None:
            hosts = batch.vhosts or [b""] * len(batch.times)
            amounts = [amount if host == self.host else 0 for amount, host in zip(amounts, hosts, strict=True)]
        return amounts
