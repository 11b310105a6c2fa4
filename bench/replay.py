"""The monitor's figures: a replay's time against grep's, its lines a second against GoAccess', its memory."""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from bench.process import cost

LINES = 1_000_000
RUNS = 3  # the best of them counts: noise only adds
START = 1_700_000_000
RATE = 50  # hits a second


def make(path: Path, lines: int) -> None:
    """Write a combined log: 5,000 paths in 300 sections, 8,000 clients, 60 agents, 50 hits a second."""
    rng = random.Random(1)
    sections = [f"/{name}{number}" for name in ("api", "img", "static", "user", "shop", "blog") for number in range(50)]
    paths = [f"{rng.choice(sections)}/{number}" for number in range(5000)]
    clients = [".".join(str(rng.randrange(1, 255)) for _ in range(4)) for _ in range(8000)]
    agents = [f"Mozilla/5.0 (X11; Linux x86_64; rv:{n}.0) Gecko/20100101 Firefox/{n}.0" for n in range(60, 120)]
    statuses = ["200"] * 16 + ["304", "404", "301", "500"]
    stamp = ""
    with path.open("w") as out:
        for number in range(lines):
            second = START + number // RATE
            if not number % RATE:
                stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(second))
            out.write(
                f'{rng.choice(clients)} - - [{stamp}] "{"POST" if rng.random() < 0.05 else "GET"} {rng.choice(paths)} '
                f'HTTP/1.1" {rng.choice(statuses)} {rng.randrange(200, 50_000)} "http://www.example.com'
                f'{rng.choice(paths)}" "{rng.choice(agents)}"\n'
            )


def rows() -> Iterable[tuple[str, float, str]]:
    """Yield (what, ratio, note)."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "access.log")
        make(log, LINES)
        grep = cost(["grep", "-c", '" 200 ', str(log)], runs=RUNS).seconds
        speed = 0.0
        for jobs in (1, 2):
            command = [sys.executable, "-m", "monitor", "--replay", str(log), "--output", "json", "--jobs", str(jobs)]
            seconds, _, memory = cost(command, runs=RUNS)
            speed = speed or LINES / seconds
            note = f"{LINES / seconds / 1000:,.0f}k lines/s, {memory} MB peak, less is better"
            yield f"monitor --replay --jobs {jobs} / grep -c, time", seconds / grep, note
        if not shutil.which("goaccess"):
            return
        out = str(Path(folder, "report.json"))
        command = ["goaccess", str(log), "--log-format=COMBINED", "--no-global-config", "--no-progress", "-o", out]
        goaccess = cost(command).seconds
        note = f"GoAccess {LINES / goaccess / 1000:,.0f}k lines/s of the same log; one process each, more is better"
        yield "monitor --replay / goaccess, lines a second", speed / (LINES / goaccess), note
