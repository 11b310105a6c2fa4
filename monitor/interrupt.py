"""SIGINT and SIGTERM as a wish to stop: what is being counted is counted to its end, no wait is."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(Exception):  # noqa: N818  # no error: somebody wants to stop
    """A signal came while something was waited for."""


class Interrupt:
    """Remembers that a signal came. ``wake`` is called from the handler, so it must take no lock."""

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        self.signal: int | None = None
        self._wake = wake
        self._waiting = False
        self._last = False

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Take both signals; put back who had them before."""
        before = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Wrap what may block: a signal that comes in here, or came before, raises Interrupted."""
        self._waiting = True
        try:
            if self.signal is not None:
                raise Interrupted
            yield
        finally:
            self._waiting = False

    @contextmanager
    def last_wait(self) -> Iterator[None]:
        """Wrap the wait after all is told: Ctrl-C ends it by KeyboardInterrupt, whatever came before."""
        self._last = True
        try:
            yield
        finally:
            self._last = False

    @property
    def status(self) -> int:
        """The exit status: 130 for SIGINT, else 0."""
        return 130 if self.signal == signal.SIGINT else 0

    def _handle(self, number: int, frame: FrameType | None) -> None:
        again = number == signal.SIGINT and (self._last or self.signal == number)
        self.signal = number
        self._wake()
        if self._waiting:
            raise Interrupted
        if again:  # a second Ctrl-C: whoever pressed it does not want to wait for the end of anything
            raise KeyboardInterrupt
