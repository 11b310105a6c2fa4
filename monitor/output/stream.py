"""Standard output as a stream of lines: flushed at once, and in one word wrong where it can't be written."""

from __future__ import annotations

import os
from typing import TextIO

from monitor.errors import TaplineError


def send(out: TextIO, text: str) -> None:
    """Write and flush. Raises BrokenPipeError where the reader has left, TaplineError where writing fails."""
    try:
        out.write(text)
        out.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # What the stream still holds would fail once more when Python flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
        raise TaplineError(f"standard output: {(error.strerror or str(error)).lower()}") from error
