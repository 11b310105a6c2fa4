"""What the app tells a presenter, as it happens."""

from __future__ import annotations

from typing import Protocol

from monitor.engine.snapshot import AlertRecord, Interval, Summary, Transition


class Presenter(Protocol):
    """Shows events in the order of log time. Writing may raise BrokenPipeError: whoever read has left."""

    def interval(self, interval: Interval) -> None:
        """Show a told interval."""

    def transition(self, transition: Transition, record: AlertRecord) -> None:
        """Show at once that an alert was raised or recovered."""

    def note(self, text: str) -> None:
        """Show something that a person should know."""

    def summary(self, summary: Summary, reading: str) -> None:
        """Show the whole, once, at the end. ``reading`` says in one line how the log was read."""
