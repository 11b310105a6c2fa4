"""``--output none``: nothing is shown; what a person should know goes to standard error, as a service's log."""

from __future__ import annotations

from typing import TextIO

from monitor.engine.snapshot import AlertRecord, Interval, Summary, Transition
from monitor.output.text import safe


class Quiet:
    """Presents notes only: others tell what was counted."""

    def __init__(self, err: TextIO) -> None:
        self._err = err

    def interval(self, interval: Interval) -> None:
        """Show nothing."""

    def transition(self, transition: Transition, record: AlertRecord) -> None:
        """Show nothing."""

    def note(self, text: str) -> None:
        """Tell whoever reads the service's log."""
        self._err.write(f"monitor: {safe(text)}\n")
        self._err.flush()

    def summary(self, summary: Summary, reading: str) -> None:
        """Show nothing."""
