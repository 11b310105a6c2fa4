"""Memory under an attack: millions of sections and clients, none of which comes twice."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterable

KEYS = 5_000_000
LIMIT = 100  # MB
BLOCK = 5_000


def feed() -> None:
    """Feed them all to an engine; print the peak memory in MB."""
    from monitor.engine.alert import basic
    from monitor.engine.engine import Engine
    from monitor.formats import Batch
    from monitor.units import Threshold

    engine = Engine(basic(Threshold.parse("10")))
    for first in range(0, KEYS, BLOCK):
        sections = [b"/section-%d" % number for number in range(first, first + BLOCK)]
        clients = [b"client-%d" % number for number in range(first, first + BLOCK)]
        gets, found, ones = [b"GET"] * BLOCK, [b"200"] * BLOCK, [1] * BLOCK
        times = [1_700_000_000 + first // 2000] * BLOCK
        engine.feed(Batch(BLOCK, 0, 0, (), (), times, clients, gets, sections, found, ones))
    engine.finish()
    assert engine.summary().traffic.hits == KEYS
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def rows() -> Iterable[tuple[str, float, str]]:
    """Yield (what, ratio, note)."""
    command = [sys.executable, "-c", "import bench.bounds; bench.bounds.feed()"]
    memory = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    yield f"5 million sections and clients / {LIMIT} MB", memory / LIMIT, f"{memory} MB peak, less is better"
