"""``--on-alert``: a command at each transition, the notice on its standard input and in its environment. No shell."""

from __future__ import annotations

import os
import selectors
import shlex
import shutil
import signal
import subprocess
import time

from monitor.errors import UsageError
from monitor.output.delivery import DeliveryFailedError, Patience
from monitor.output.notice import Notice
from monitor.output.text import decode, safe

LIMIT = 30.0  # s that a run may take; then its process group is killed
_GLANCE = 0.1  # s between two looks at a command that says nothing
_BREATH = 0.005  # s between two reads, so that one who floods waits for us, not the monitor for him
_KEPT = 2000  # bytes of the end of its standard error, for the message when it fails


class Command:
    """Runs the command for one notice and waits for its end."""

    def __init__(self, text: str, limit: float = LIMIT) -> None:
        """Split ``text`` as a shell would, without one. Raises UsageError when there is no such command."""
        try:
            self._words = shlex.split(text)
        except ValueError as error:
            raise UsageError(f"--on-alert {text!r}: {str(error).lower()}") from None
        if not self._words:
            raise UsageError("--on-alert: a command is missing")
        if shutil.which(self._words[0]) is None:
            raise UsageError(f"--on-alert {text!r}: no command {self._words[0]!r} that can be run")
        self._limit = limit

    def __call__(self, notice: Notice, patience: Patience) -> None:
        """Run it. Raises DeliveryFailedError with the exit status and the last line of its standard error."""
        limit = time.monotonic() + self._limit
        try:
            process = subprocess.Popen(  # noqa: S603  # the user's own command, split without a shell
                self._words,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,  # the monitor's own output is for the monitor's reader
                stderr=subprocess.PIPE,
                env={**os.environ, **notice.variables},
                start_new_session=True,  # a group to kill, and no share in the terminal's interrupts
            )
        except (OSError, ValueError) as error:
            raise DeliveryFailedError(getattr(error, "strerror", None) or str(error)) from error
        with process:
            last = self._attend(process, notice.body, patience, limit)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise DeliveryFailedError("killed at the end of the time it may take")
        if process.returncode:
            status = f"exit status {process.returncode}" if process.returncode > 0 else f"signal {-process.returncode}"
            raise DeliveryFailedError(f"{status}{': ' if last else ''}{last}")

    def _attend(self, process: subprocess.Popen[bytes], body: bytes, patience: Patience, limit: float) -> str:
        """Feed the command and drain its errors until it ends or its time does. Returns its last words."""
        assert process.stdin
        assert process.stderr
        said = b""
        with selectors.DefaultSelector() as ready:
            for pipe, event in ((process.stdin, selectors.EVENT_WRITE), (process.stderr, selectors.EVENT_READ)):
                os.set_blocking(pipe.fileno(), False)
                ready.register(pipe, event)
            while process.poll() is None and (left := patience.left(limit)) > 0:
                if not ready.get_map():
                    time.sleep(min(_GLANCE, left))
                for key, _ in ready.select(min(_GLANCE, left)):
                    if key.fileobj is process.stderr:
                        chunk = process.stderr.read(65536)
                        said = (said + chunk)[-_KEPT:] if chunk else said
                        done = chunk == b""
                        time.sleep(_BREATH)
                    else:
                        body = _write(process.stdin.fileno(), body)
                        done = not body
                    if done:
                        ready.unregister(key.fileobj)
                    if done and key.fileobj is process.stdin:
                        process.stdin.close()
        said = (said + (process.stderr.read(65536) or b""))[-_KEPT:] if process.returncode is not None else said
        lines = decode(said).split("\n")
        return safe(next((line.strip() for line in reversed(lines) if line.strip()), ""))[:200]


def _write(descriptor: int, body: bytes) -> bytes:
    """Write what goes; return the rest. A command that does not want it is no failure."""
    try:
        return body[os.write(descriptor, body) :]
    except BlockingIOError:
        return body
    except OSError:
        return b""
