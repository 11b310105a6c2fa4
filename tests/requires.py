"""What a test needs of the machine: skipped with a reason where it is missing, failed where CI promised it."""

import os
from ctypes.util import find_library

import pytest


def need(condition: object, reason: str) -> None:
    """Go on if ``condition`` holds; else skip, or fail in CI, where nothing may be missing."""
    if condition:
        return
    if os.environ.get("CI"):
        pytest.fail(f"CI lacks what this test needs: {reason}")
    pytest.skip(reason)


def plain_environment() -> dict[str, str]:
    """The environment without what measures coverage in every process: it imports much, and writes as whoever it is."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


def need_libpcap() -> None:
    """Go on if a filter of one's own can be compiled."""
    need(find_library("pcap"), "a filter of one's own needs libpcap, which is not installed")
