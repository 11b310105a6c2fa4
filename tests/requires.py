"""What a test needs of the machine: skipped with a reason where it is missing, failed where CI promised it."""

import os

import pytest


def need(condition: object, reason: str) -> None:
    """Go on if ``condition`` holds; else skip, or fail in CI, where nothing may be missing."""
    if condition:
        return
    if os.environ.get("CI"):
        pytest.fail(f"CI lacks what this test needs: {reason}")
    pytest.skip(reason)
