"""What the screen makes of any counts: the claim is a test's, the bytes come from here."""

from __future__ import annotations

from tests.monitor.test_screen_frames import test_any_snapshot_at_any_size_is_a_frame_of_exactly_that_size as claim


def screen(data: bytes) -> None:
    """Any snapshot at any size is a frame of exactly that size, without a byte of the log's own making."""
    claim.hypothesis.fuzz_one_input(data)  # type: ignore[attr-defined]
