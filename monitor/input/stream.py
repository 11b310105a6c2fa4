"""Standard input or a named pipe as a source of lines: what was read is gone. Never waits."""

from __future__ import annotations

import os
import select
from collections import deque

from monitor.input.archive import STDIN, unreadable
from monitor.input.block import Block
from monitor.input.lines import CHUNK, Lines


class Stream:
    """The lines of a pipe; the log ends when its writers leave, but a named pipe waits for the next one."""

    def __init__(self, path: str, log: int = 0) -> None:
        """Open ``path``, ``-`` is standard input, as the log of that index. Raises TaplineError."""
        self.path = path
        self._log = log
        self.messages: deque[str] = deque(maxlen=100)
        self.ended = False
        self.more = False  # the last read ended at its limit
        self._lines = Lines()
        self._named = path != "-"
        self._keeper = -1  # a writer of our own: without any, a pipe reports its end for ever
        self.descriptor = STDIN
        if self._named:
            try:
                self.descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                self._keeper = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError as error:
                if self.descriptor == STDIN:
                    raise unreadable(path, error) from None

    @property
    def awaited(self) -> int | None:
        """The descriptor that becomes readable with the next bytes; None where that would not be told rightly."""
        return None if self.ended or (self._named and self._keeper < 0) else self.descriptor

    def read(self, limit: int, now: float) -> list[Block]:
        """Return what is there, about ``limit`` bytes of it at most."""
        blocks = []
        while limit > 0 and not self.ended and select.select([self.descriptor], [], [], 0)[0]:
            try:
                chunk = os.read(self.descriptor, min(CHUNK, limit))
            except BlockingIOError:
                break
            except OSError as error:
                self.messages.append(str(unreadable(self.path, error)))
                chunk = b""
            if not chunk:
                if not self._named:
                    self.ended = True
                    blocks.append(self._lines.rest())
                break
            limit -= len(chunk)
            blocks.append(self._lines.push(chunk))
        self.more = limit <= 0
        return [Block(self._log, data) for data in blocks if data]

    def close(self) -> None:
        """Give the descriptors back."""
        if self._named:
            os.close(self.descriptor)
        if self._keeper >= 0:
            os.close(self._keeper)
