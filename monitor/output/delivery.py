"""One at a time, in order, beside the monitor: notices go through a bounded queue to whoever is to be told.

Knows nothing of commands or HTTP: they are a callable that delivers one notice.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from monitor.output.notice import Notice

QUEUE = 100  # notices waiting; a rule that flaps every second fills it in two minutes
MESSAGES = 100  # waiting to be shown
GRACE = 8.0  # s that what is pending gets at the end
PAUSE = 1.0  # s that a pause between two tries lasts at most, at the end


class DeliveryFailedError(Exception):
    """The notice did not arrive; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What became of the notices so far."""

    delivered: int
    failed: int
    dropped: int  # the queue was full, or the time at the end was over


class Patience:
    """How long a delivery may go on: its own limit, cut short when the monitor ends."""

    def __init__(self) -> None:
        self._ends = float("inf")
        self._hurry = threading.Event()

    def end(self, grace: float) -> None:
        """Let everything end ``grace`` seconds from now."""
        self._ends = time.monotonic() + grace
        self._hurry.set()

    def left(self, limit: float) -> float:
        """Seconds until a delivery that may go on to monotonic time ``limit`` must end; negative when it is over."""
        return min(limit, self._ends) - time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the time at the end has passed."""
        return time.monotonic() >= self._ends

    def pause(self, seconds: float) -> bool:
        """Sleep before the next try; at the end not for as long. False: there is no time for another."""
        if self._hurry.is_set():
            time.sleep(max(0.0, min(seconds, PAUSE, self.left(float("inf")))))
        else:
            self._hurry.wait(seconds)
        return not self.over


class Courier:
    """Delivers notices in a thread of its own. ``offer`` never waits."""

    def __init__(self, name: str, deliver: Callable[[Notice, Patience], None]) -> None:
        """``deliver`` raises DeliveryFailedError. ``name`` goes in front of each message."""
        self.name = name
        self._deliver = deliver
        self._patience = Patience()
        self._changed = threading.Condition()
        self._waiting: deque[Notice] = deque()
        self._running: Notice | None = None
        self._messages: deque[str] = deque(maxlen=MESSAGES)
        self._delivered = self._failed = self._dropped = 0
        self._closed = False
        self._done = threading.Event()
        # Daemon: a name server that does not answer cannot be interrupted, and must not keep the monitor from ending.
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def offer(self, notice: Notice) -> None:
        """Queue a notice; when the queue is full it is dropped, counted and told."""
        with self._changed:
            if len(self._waiting) < QUEUE:
                self._waiting.append(notice)
                self._changed.notify()
            else:
                self._drop(notice, f"{QUEUE} are waiting")

    def messages(self) -> list[str]:
        """What a person should know since the last call."""
        with self._changed:
            told = list(self._messages)
            self._messages.clear()
        return told

    @property
    def counts(self) -> Deliveries:
        """What became of the notices so far."""
        with self._changed:
            return Deliveries(self._delivered, self._failed, self._dropped)

    def hurry(self, grace: float = GRACE) -> None:
        """Give what is pending ``grace`` seconds from now."""
        self._patience.end(grace)
        with self._changed:
            self._closed = True
            self._changed.notify()

    def wait(self, seconds: float) -> bool:
        """Wait until everything is delivered, at most so long; tell whether it is. Goes with ``hurry``."""
        return self._done.wait(seconds)

    def close(self) -> None:
        """Wait until everything is delivered or the time is over, then drop the rest. Goes with ``hurry``."""
        self.wait(max(0.0, self._patience.left(float("inf"))) + 1)
        with self._changed:
            if self._running is not None:  # within one try when the end came, or with a name server
                self._drop(self._running, "the monitor ended")
                self._running = None
            while self._waiting:
                self._drop(self._waiting.popleft(), "the monitor ended")

    def _drop(self, notice: Notice, reason: str) -> None:
        self._dropped += 1
        self._messages.append(f"{self.name}: not delivered: {notice.title}: {reason} (dropped so far: {self._dropped})")

    def _work(self) -> None:
        try:
            self._deliver_all()
        finally:
            self._done.set()

    def _deliver_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting or self._patience.over:
                    return
                notice = self._running = self._waiting.popleft()
            try:
                self._deliver(notice, self._patience)
            except DeliveryFailedError as error:
                with self._changed:
                    self._running = None
                    self._failed += 1
                    self._messages.append(f"{self.name}: {notice.title}: {error} (failed so far: {self._failed})")
            else:
                with self._changed:
                    self._running = None
                    self._delivered += 1
