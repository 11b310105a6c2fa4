"""Everybody beyond the screen who is told, as one presenter: alert log, command, webhook, metrics, report."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from monitor.config import Settings
from monitor.engine.snapshot import AlertRecord, Interval, Present, Row, Summary, Table, Transition
from monitor.errors import TaplineError
from monitor.output.alertlog import AlertLog
from monitor.output.delivery import GRACE, Courier
from monitor.output.notice import make_notice
from monitor.output.text import Times
from monitor.units import Threshold

ROWS = 1000  # sections an interval, for the metrics' labels and the report's tables, whatever a person wants to see


def _same(log: str, path: Path) -> bool:
    try:
        return os.path.samefile(log, path)
    except (OSError, ValueError):
        return False


class Outlets:
    """Starts those whom the settings ask for. Never blocks, except for a bounded time in ``close``."""

    def __init__(self, settings: Settings, times: Times) -> None:
        """Raises UsageError for a setting that means nothing, TaplineError for what cannot be had."""
        self._times = times
        self._host = os.uname().nodename
        self._messages: list[str] = []
        self._couriers: list[Courier] = []
        # Each is imported where it is asked for: what it takes to start is nobody's gain otherwise.
        command = webhook = None
        if settings.on_alert is not None:
            from monitor.output.hooks import Command

            command = Command(settings.on_alert)
        if settings.webhook is not None:
            from monitor.output.webhook import Webhook

            webhook = Webhook(settings.webhook)
        self._report = None
        if settings.html:
            from monitor.output.report import Report, Subject

            rules = tuple(dict.fromkeys(rule.name for rule in settings.alert))
            subject = Subject(settings.logs, settings.threshold, settings.metric, settings.window, rules)
            self._report = Report(settings.html, subject, settings.interval, times)
        self._log = None
        if settings.alert_log:
            if any(_same(log, settings.alert_log) for log in settings.logs):
                raise TaplineError(f"--alert-log {settings.alert_log}: is a log that is read")
            self._log = AlertLog(settings.alert_log, times)
        self._metrics = None
        self._server = None
        if settings.metrics is not None:
            from monitor.output.prometheus import Counters, MetricsServer

            self._metrics = Counters(time.time)
            self._server = MetricsServer(settings.metrics, self._metrics)
            self._messages.append(f"metrics: {self._server.url}")
        if command:
            self._couriers.append(Courier("on-alert", command))
        if webhook:
            self._couriers.append(Courier("webhook", webhook))

    @property
    def rows(self) -> int:
        """How many sections an interval must have for these listeners; 0 when they need none."""
        return ROWS if self._metrics or self._report else 0

    @property
    def wants_state(self) -> bool:
        """Whether ``state`` is of use."""
        return self._metrics is not None

    @property
    def wants_tables(self) -> bool:
        """Whether ``summary`` shows tables."""
        return self._report is not None

    @property
    def history(self) -> tuple[AlertRecord, ...]:
        """Alerts that the alert log held at the start, oldest first."""
        return self._log.history if self._log else ()

    def interval(self, interval: Interval) -> None:
        """Count it for the metrics, keep it for the report."""
        if self._metrics:
            self._metrics.interval(interval)
        if self._report:
            self._report.interval(interval)

    def threshold(self, at: int | None, threshold: Threshold) -> None:
        """Keep for the report that another holds from second ``at`` on; None: from the beginning."""
        if self._report:
            self._report.threshold(at, threshold)

    def transition(self, transition: Transition, record: AlertRecord) -> None:
        """Log it, count it, and have it delivered."""
        if self._log:
            self._log.transition(transition, record)
        if self._metrics:
            self._metrics.transition(transition, record)
        if self._couriers:
            notice = make_notice(transition, record, self._host, self._times)
            for courier in self._couriers:
                courier.offer(notice)

    def note(self, text: str) -> None:
        """Notes are for people at the screen."""

    def state(self, present: Present, unread: int) -> None:
        """Tell the metrics of the present; once a second is enough. ``unread``: bytes in the logs not read yet."""
        if self._metrics:
            self._metrics.state(present, unread, {courier.name: courier.counts for courier in self._couriers})

    def messages(self) -> list[str]:
        """What a person should know since the last call."""
        told, self._messages = self._messages, []
        if self._log:
            told += self._log.messages()
        for courier in self._couriers:
            told += courier.messages()
        return told

    def summary(
        self, summary: Summary, reading: str, tables: Mapping[Table, tuple[Row, ...]] = MappingProxyType({})
    ) -> None:
        """Write the report. Raises TaplineError."""
        if self._report:
            self._report.summary(summary, reading, tables)

    def hurry(self, grace: float = GRACE) -> None:
        """Give what is pending ``grace`` seconds from now."""
        for courier in self._couriers:
            courier.hurry(grace)

    def wait(self, seconds: float) -> list[str]:
        """Wait for what is pending, at most so long; return those who are still at it. Goes with ``hurry``."""
        until = time.monotonic() + seconds
        return [courier.name for courier in self._couriers if not courier.wait(max(0.0, until - time.monotonic()))]

    def close(self) -> None:
        """Wait until the time of ``hurry`` is over; then ``messages`` has the last words."""
        for courier in self._couriers:
            courier.close()
        if self._server:
            self._server.close()
