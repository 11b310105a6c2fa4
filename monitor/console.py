"""A person at the screen: carries out what keys ask for, and paints when it is time.

Between the screen, which only knows snapshots, and the session, which only knows batches. A filter is a second engine
that is fed the rows that pass: first those of the lines still kept, a portion at a time, then those that come.
"""

from __future__ import annotations

import time
from collections import deque

from monitor.engine.agents import family
from monitor.engine.engine import Engine
from monitor.formats import Batch, Reader
from monitor.output.tui import (
    ClearFilter,
    Command,
    MalformedLines,
    Quit,
    RawLines,
    SetFilter,
    SetThreshold,
    Source,
    Tui,
)
from monitor.recent import Kept, Recent, Selection
from monitor.session import Session

PORTION = 0.04  # s of work on a new filter before keys are looked at again


class Console:
    """Keeps the recent lines, the filter and the screen of one run."""

    def __init__(self, session: Session, tui: Tui) -> None:
        self._session = session
        self._tui = tui
        self._recent = Recent()
        self._selection: Selection | None = None
        self._filtered: Engine | None = None
        self._waiting: deque[Kept] = deque()  # kept blocks that the filtered engine has not seen yet
        self._cost = 0.0  # s that adding up the last picture took
        self._rereaders: dict[int, Reader] = {}

    @property
    def keyboard(self) -> int:
        """The descriptor that is readable when a key was pressed."""
        return self._tui.keyboard

    @property
    def busy(self) -> bool:
        """Whether there is work to go on with at once."""
        return bool(self._waiting)

    def take(self, block: Kept, batch: Batch, now: float) -> None:
        """Take what was just counted for the whole."""
        self._recent.add(block)
        if self._waiting:
            self._waiting.append(block)  # in its turn
        elif self._filtered and self._selection:
            self._filtered.feed(self._selection.apply(batch), block.log, now if self._session.live else None)

    def serve(self, now: float) -> bool:
        """Do what was asked for, go on with the filter, paint if it is time. False: the person wants to leave."""
        for command in self._tui.poll():
            if isinstance(command, Quit):
                return False
            self._carry_out(command)
        self._go_on()
        if self._filtered and self._session.live and not self._waiting:
            self._filtered.tick(now)
        if self._tui.due(now, self._cost):
            logs = self._session.names
            named = logs[0] if len(logs) == 1 else f"{len(logs)} logs"
            self._tui.source = Source(named, self._session.reading, replay=not self._session.live)
            view, began = self._tui.view, time.monotonic()
            filtered = self._filtered.snapshot(view) if self._filtered else None
            whole = self._session.engine.snapshot(view)
            self._cost = time.monotonic() - began
            self._tui.show(whole, filtered, now, bool(self._waiting))
        return True

    def _carry_out(self, command: Command) -> None:
        match command:
            case SetThreshold(threshold):
                self._session.set_threshold(threshold)
                if self._filtered:
                    self._filtered.set_threshold(threshold)
            case SetFilter(table, key):
                self._selection = Selection(table, key, family)
                self._filtered = self._session.new_engine()
                self._waiting = deque(self._recent)
            case ClearFilter():
                self._selection = self._filtered = None
                self._waiting.clear()
            case RawLines(table, key):
                self._tui.show_raw(self._recent.lines(Selection(table, key, family), self._reader))
            case MalformedLines():
                self._tui.show_malformed(tuple(self._session.malformed))

    def _go_on(self) -> None:
        """Feed the filtered engine from the kept blocks, for a portion of time."""
        until = time.monotonic() + PORTION
        while self._waiting and self._selection and self._filtered and time.monotonic() < until:
            block = self._waiting.popleft()
            reader = self._reader(block.log)
            reader.state = block.state
            batch = self._selection.apply(reader.read(block.data))
            reader.messages()  # told already when the block was first read
            self._filtered.feed(batch, block.log, time.monotonic() if self._session.live else None)

    def _reader(self, log: int) -> Reader:
        """Return a reader of a log to read kept blocks again with."""
        if log not in self._rereaders:
            self._rereaders[log] = self._session.new_reader(log)
        return self._rereaders[log]
