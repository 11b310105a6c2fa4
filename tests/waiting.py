"""Waiting for what another process must do."""

import time
from collections.abc import Callable

PATIENCE = 30  # s; a bound for a hung test, not a claim about speed


def eventually(claim: Callable[[], bool]) -> bool:
    """Whether the claim comes true in time."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if claim():
            return True
        time.sleep(0.05)
    return False
