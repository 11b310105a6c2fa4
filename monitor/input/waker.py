"""Sleeping until there may be something to read. The only module that knows watchdog.

A wake-up is a hint: whoever is woken reads to the end, and is woken slowly in any case, because notifications get lost
(a queue that overflows) or never come (network file systems). Under many lines a second notifications would cost more
than they tell: then it wakes every ``BUSY`` seconds instead.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import time
from collections.abc import Collection
from dataclasses import dataclass

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

POLL = 1.0  # s between two looks if nothing is notified
FORCED_POLL = 0.25  # s, where polling is all there is
BUSY = 0.1  # s between two looks while notifications flood
FLOOD = 20  # notifications a second, a busy neighbour's included, above which they cost more than they tell
CALM = 5.0  # s after a flood until notifications are tried again
MAX_WATCHED = 64  # folders with notifications; the rest is polled
_KINDS: list[type[FileSystemEvent]] = [
    FileModifiedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    DirCreatedEvent,
    DirMovedEvent,
]


@dataclass(frozen=True, slots=True)
class Watched:
    """What the sources want to be woken by."""

    files: frozenset[str] = frozenset()  # real path names
    folders: frozenset[tuple[str, tuple[int, int]]] = frozenset()  # real path names, devices and inodes
    descriptors: frozenset[int] = frozenset()  # pipes


_NOTHING = Watched()


class Waker:
    """Wakes one waiting thread."""

    def __init__(self, *, poll: bool = False) -> None:
        """``poll``: use no notifications."""
        self._poll = poll
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._handler = _Handler(self)
        self._observer: BaseObserver | None = None
        self._watches: dict[tuple[str, tuple[int, int]], ObservedWatch] = {}
        self._wanted = Watched()
        self._second = 0.0  # since when notifications are counted
        self._notified = 0
        self._flooded = -CALM
        self.message: str | None = None  # why notifications are not used, to be told once

    def wake(self) -> None:
        """End the wait, or the next one. May be called by any thread, and by a signal handler."""
        with contextlib.suppress(BlockingIOError):  # as many wake-ups as fit are waiting already
            os.write(self._writer, b"\0")

    def wait(self, timeout: float, watched: Watched = _NOTHING) -> None:
        """Sleep until there may be something to read, ``wake`` is called or ``timeout`` (s) has passed."""
        ready = select.select([self._reader, *watched.descriptors], [], [], self._patience(timeout, watched))[0]
        if self._reader in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._reader, 4096)

    def close(self) -> None:
        """End all notifications."""
        if self._observer:
            self._observer.stop()
            self._observer.join()
        os.close(self._reader)
        os.close(self._writer)

    def notified(self, event: FileSystemEvent) -> None:
        """Wake for a new name or a log that was written to; a neighbour's lines are only counted."""
        self._notified += 1
        new = not isinstance(event, FileModifiedEvent)
        if new or event.src_path in self._wanted.files or self._notified == FLOOD:
            self.wake()

    def _patience(self, timeout: float, watched: Watched) -> float:
        """Choose how long to sleep; see to the notifications."""
        if self._poll:
            return min(timeout, FORCED_POLL)
        now = time.monotonic()
        if self._notified >= FLOOD:
            self._flooded = now
            self._notified = 0
            self._unschedule(self._watches.keys())
            self._wanted = Watched()
        if now - self._flooded < CALM:
            return min(timeout, BUSY)
        if watched != self._wanted:
            self._wanted = watched
            self._schedule()
            return 0.0  # what was written before the notifications began is found by looking once more
        return min(timeout, POLL)

    def _schedule(self) -> None:
        wanted = self._wanted.folders
        self._unschedule(self._watches.keys() - wanted)
        for folder in sorted(wanted - self._watches.keys())[: MAX_WATCHED - len(self._watches)]:
            try:
                if not self._observer:
                    self._observer = Observer()
                    self._observer.start()
                # Always the folder: watchdog would watch it, unfiltered, for a file as well.
                self._watches[folder] = self._observer.schedule(self._handler, folder[0], event_filter=_KINDS)
            except FileNotFoundError:
                self._wanted = Watched()  # gone on already; the next look says where
            except OSError as error:
                self._poll = True
                self.message = f"no notifications of changes ({error.strerror or error}); looking every {FORCED_POLL} s"
                return

    def _unschedule(self, keys: Collection[tuple[str, tuple[int, int]]]) -> None:
        for key in list(keys):
            watch = self._watches.pop(key)
            if self._observer:
                with contextlib.suppress(KeyError):  # watchdog itself let go of a deleted file
                    self._observer.unschedule(watch)


class _Handler(FileSystemEventHandler):
    def __init__(self, waker: Waker) -> None:
        self._waker = waker

    def on_any_event(self, event: FileSystemEvent) -> None:
        self._waker.notified(event)


logging.getLogger("watchdog").addHandler(logging.NullHandler())  # its warnings would be written over the screen
