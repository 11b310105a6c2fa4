"""Two minutes of what ``make soak`` does for ten. In CI, or with SOAK=1; elsewhere it would only be in the way."""

import os
import shutil

import pytest

from tests.requires import need
from tests.soak import soak

SECONDS = 110


@pytest.mark.skipif(not (os.environ.get("CI") or os.environ.get("SOAK")), reason="SOAK=1 was not asked for")
def test_after_kills_stops_a_full_disk_and_a_flood_every_log_agrees_or_the_counters_say_why() -> None:
    need(os.geteuid() == 0, "root, to capture and to mount a small disk")
    need(shutil.which("nginx") is not None and shutil.which("wrk") is not None, "nginx and wrk")
    assert soak(SECONDS) == []
