"""A live run: logs are followed, the clock goes on by itself, and somebody may be at the keyboard.

The only loop of a live run. All that takes time is done in small portions, so that a key is answered at once.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.engine.snapshot import Event, Interval
from monitor.input.block import Block
from monitor.input.follow import Followers
from monitor.input.state import State
from monitor.input.waker import Waker
from monitor.interrupt import Interrupt
from monitor.past import Past
from monitor.recent import Kept
from monitor.session import Session

if TYPE_CHECKING:
    from monitor.console import Console

TICK = 1.0  # s between two looks at the clock when nothing comes; seconds are what the engine closes
FRAME = 0.25  # s, with a screen
PORTION = 256 * 1024  # bytes read before keys and the clock are looked at again
LAST_WORDS = 2.0  # s that reading goes on after the wish to stop, where much is still unread


class Live:
    """Follows logs until it is told to stop."""

    def __init__(
        self,
        session: Session,
        followers: Followers,
        waker: Waker,
        interrupt: Interrupt,
        console: Console | None = None,
        state: State | None = None,
    ) -> None:
        self._session = session
        self._followers = followers
        self._waker = waker
        self._interrupt = interrupt
        self._console = console
        self._state = state
        self._newest: int | None = None  # the newest second counted
        session.names = followers.names

    def run(self) -> None:
        """Go on until a signal, the end of every pipe, or the person's wish."""
        self._newest = Past(self._session, self._followers, self._state.saved.told if self._state else None).read()
        if self._state:
            self._state.fed(self._followers.positions(), self._newest)
        while self._interrupt.signal is None:
            more = self._read()
            now = time.monotonic()
            self._tell(self._session.engine.tick(now))
            self._session.look_around(now, lambda: self._followers.unread)
            if self._console and not self._console.serve(now):
                break
            if not more and not (self._console and self._console.busy):
                if self._followers.ended and not self._console:
                    break
                self._wait()
        until = time.monotonic() + LAST_WORDS
        while self._read() and time.monotonic() < until:  # what was written before the wish came is counted
            pass
        self._tell(self._session.engine.finish(ended=self._followers.ended))
        self._session.summarize()
        if self._state:
            self._state.finished()

    def _wait(self) -> None:
        watched = self._followers.watched()
        if self._console:
            watched = replace(watched, descriptors=watched.descriptors | {self._console.keyboard})
        self._waker.wait(FRAME if self._console else TICK, watched)
        if self._waker.message:
            self._session.note(self._waker.message)
            self._waker.message = None

    def _read(self) -> bool:
        """Count what there is, about a portion; tell whether more was there than that.

        Not whether more has come meanwhile: under a steady stream it always has, and a wait collects it.
        """
        blocks = self._followers.read(time.monotonic(), PORTION)
        events = [event for block in blocks for event in self._count(block)]
        if self._state and blocks:
            self._state.fed(self._followers.positions(), self._newest)
        self._tell(events)
        for text in self._followers.messages():
            self._session.note(text)
        return self._followers.more

    def _count(self, block: Block) -> list[Event]:
        state = self._session.reader(block.log).state
        batch = self._session.read(block.log, block.data)
        now = time.monotonic()
        if batch.times:
            self._newest = max(self._newest or 0, *batch.times)
        events = self._session.engine.feed(batch, block.log, now)
        if self._console:
            self._console.take(Kept(block.log, block.data, state), batch, now)
        return events

    def _tell(self, events: Sequence[Event]) -> None:
        for event in events:
            self._session.tell([event])
            if self._state and isinstance(event, Interval):
                self._state.told(event.end)  # at once: until then a kill has it told again
