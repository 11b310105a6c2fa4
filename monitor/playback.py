"""A replay: logs from their beginning to their end, as fast as it goes or at a person's pace.

The only loop of a replay. What was counted is summed up whatever ends it.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from monitor.errors import TaplineError
from monitor.formats import Batch, State
from monitor.input.archive import open_archive
from monitor.interrupt import Interrupt, Interrupted
from monitor.recent import Kept
from monitor.replay import Replay, progress_text
from monitor.session import Session

if TYPE_CHECKING:
    from monitor.console import Console

FRAME = 0.05  # s between two looks at the keyboard while the next second of a paced replay is waited for
PROGRESS = 0.5  # s between two lines of progress
CLEAR = "\r\x1b[K"


class Playback:
    """Plays logs to their end, or until it is told to stop."""

    def __init__(self, session: Session, interrupt: Interrupt, console: Console | None = None) -> None:
        self._session = session
        self._interrupt = interrupt
        self._console = console
        self._speed = session.settings.speed
        self._began = self._shown = time.monotonic()
        self._first: int | None = None  # the log's first second, from which the pace is reckoned
        # A line that is written over and over is for a terminal, where nothing else is being written to it.
        self._shows_progress = console is None and sys.stderr.isatty() and not sys.stdout.isatty()

    def run(self) -> None:
        """Play; tell the whole at the end. Raises TaplineError where a log cannot be read on."""
        session = self._session
        settings = session.settings
        archives = [open_archive(path) for path in settings.logs]
        replay = Replay(
            archives,
            [session.reader(log) for log in range(len(archives))],
            session.engine,
            jobs=settings.jobs,
            new_reader=lambda: session.new_reader(0),
            paced=self._speed is not None,
            waiting=self._interrupt.waiting,
            seen=self._see,
        )
        failed: TaplineError | None = None
        with replay:
            try:
                self._play(replay)
            except Interrupted:
                pass
            except TaplineError as error:  # what could be read is told first
                failed = error
        if self._shows_progress:
            sys.stderr.write(CLEAR)
        self._tell_messages(replay)
        session.tell(session.engine.finish())
        session.summarize()
        if failed:
            raise failed

    def _play(self, replay: Replay) -> None:
        for step in replay.steps():
            self._tell_messages(replay)
            self._session.tell(step.events)
            now = time.monotonic()
            if step.second is not None and not self._wait_for(step.second):
                return
            if self._console and not self._console.serve(now):
                return
            self._session.look_around(now, lambda: replay.progress.left)
            if self._shows_progress and now - self._shown >= PROGRESS:
                self._shown = now
                sys.stderr.write(CLEAR + progress_text(replay.progress, now - self._began))
                sys.stderr.flush()

    def _wait_for(self, second: int) -> bool:
        """Wait until a second of the log is due; False: the person wants to leave."""
        assert self._speed is not None
        if self._first is None:
            self._first, self._began = second, time.monotonic()
        due = self._began + float((second - self._first) / self._speed)
        while (now := time.monotonic()) < due:
            if self._console and not self._console.serve(now):
                return False
            with self._interrupt.waiting():
                time.sleep(min(due - now, FRAME if self._console else due - now))
        return True

    def _tell_messages(self, replay: Replay) -> None:
        for text in replay.messages():
            self._session.note(text)

    def _see(self, log: int, data: bytes, state: State, batch: Batch) -> None:
        self._session.keep_malformed(log, batch)
        if self._console:
            self._console.take(Kept(log, data, state), batch, time.monotonic())
