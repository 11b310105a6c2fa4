"""A program in a pseudo-terminal, and what an emulator makes of what it writes."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence

import pyte

from tests.waiting import eventually


class Session:
    """A program on a terminal of its own. Use as a context: at its end the program is gone."""

    def __init__(
        self, argv: Sequence[str], columns: int = 80, lines: int = 24, environ: Mapping[str, str] | None = None
    ) -> None:
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self._waiting = b""
        self.raw = b""  # everything that was written
        self.status: int | None = None
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
                base = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLORTERM")}
                os.execvpe(argv[0], list(argv), base | {"TERM": "xterm-256color"} | dict(environ or {}))
            finally:
                os._exit(127)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *error: object) -> None:
        if self._fd >= 0:
            self.hang_up()
        if self.status is None and not eventually(self._is_gone):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    def _is_gone(self) -> bool:
        return os.waitpid(self.pid, os.WNOHANG)[0] == self.pid

    def hang_up(self) -> None:
        """Take the terminal away."""
        os.close(self._fd)
        self._fd = -1

    def pump(self, seconds: float) -> bool:
        """Take what is written within the time; False once the program is gone."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not self._receive(left):
                return False
        return True

    def _receive(self, seconds: float) -> bool:
        """Take what is written next, if it comes within the time; False once the program is gone."""
        if not select.select([self._fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            data = b""
        if not data:
            _, status = os.waitpid(self.pid, 0)
            self.status = os.waitstatus_to_exitcode(status)
            return False
        self.raw += data
        # The emulator keeps no faint letters: struck out ones, which the program has not, stand for them. What may be
        # the beginning of that sequence waits for the rest.
        data = (self._waiting + data).replace(b"\x1b[2m", b"\x1b[9m")
        begun = next((n for n in (3, 2, 1) if data.endswith(b"\x1b[2"[:n])), 0)
        self._waiting = data[len(data) - begun :]
        self._stream.feed(data[: len(data) - begun])
        return True

    def until(self, found: Callable[[str], bool] | str, seconds: float = 20) -> str:
        """Wait until the screen shows what is wanted; the screen. Fails with the screen when it does not come."""
        end = time.monotonic() + seconds
        wanted = found if callable(found) else lambda text, what=found: what in text
        while not wanted(self.text()):
            if not self._receive(0.05) or time.monotonic() > end:
                break
        assert wanted(self.text()), self.text()
        return self.text()

    def ended(self, seconds: float = 20) -> int:
        """Wait for the end; the exit status."""
        end = time.monotonic() + seconds
        while self.status is None and time.monotonic() < end:
            self.pump(0.05)
        assert self.status is not None, self.text()
        return self.status

    def press(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def resize(self, columns: int, lines: int) -> None:
        self.screen.resize(lines, columns)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def settings(self) -> list[object]:
        """The terminal's line settings, as ``stty`` would tell them."""
        return termios.tcgetattr(self._fd)
