"""A live run: logs are followed, the clock goes on by itself, and somebody may be at the keyboard.

The only loop of a live run. All that takes time is done in small portions, so that a key is answered at once.
"""

from __future__ import annotations

import time

from monitor.input.follow import Followers
from monitor.input.waker import Waker
from monitor.interrupt import Interrupt
from monitor.session import Session

TICK = 1.0  # s between two looks at the clock when nothing comes; seconds are what the engine closes
PORTION = 1024 * 1024  # bytes read before keys and the clock are looked at again


class Live:
    """Follows logs until it is told to stop."""

    def __init__(self, session: Session, followers: Followers, waker: Waker, interrupt: Interrupt) -> None:
        self._session = session
        self._followers = followers
        self._waker = waker
        self._interrupt = interrupt

    def run(self) -> None:
        """Go on until a signal, the end of every pipe, or the user's wish."""
        while self._interrupt.signal is None:
            more = self._read()
            self._session.tell(self._session.engine.tick(time.monotonic()))
            if not more:
                if self._followers.ended:
                    break
                self._waker.wait(TICK, self._followers.watched())
        while self._read():  # what was written before the wish came is counted
            pass
        self._session.tell(self._session.engine.finish())
        self._session.summarize()

    def _read(self) -> bool:
        """Count what there is, about a portion; tell whether more was there than that.

        Not whether more has come meanwhile: under a steady stream it always has, and a wait collects it.
        """
        blocks = self._followers.read(time.monotonic(), PORTION)
        several = len(self._followers.names) > 1
        for block in blocks:
            batch = self._session.read(block.log, block.data, self._followers.names[block.log] if several else "")
            self._session.tell(self._session.engine.feed(batch, block.log, time.monotonic()))
        for text in self._followers.messages():
            self._session.note(text)
        return self._followers.more
