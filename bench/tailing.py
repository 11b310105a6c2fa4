"""Following logs: catching up against ``wc -l``, and the share of a core that it takes while lines come and not."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from monitor.input.archive import open_archive
from monitor.input.follow import Followers
from monitor.input.waker import Waker

LINES = 1_000_000
TRIES = 3  # the best counts: what else the machine does only ever adds
RATE = 20_000  # lines a second, each written by itself
SECONDS = 5
LINE = (
    b'10.1.2.3 - - [22/Nov/2026:10:00:00 +0000] "GET /section/page.html HTTP/1.1" 200 12345 "-" '
    b'"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"\n'
)
# Writes to a file at a rate, line by line, in a process of its own.
WRITER = """
import os, sys, time
path, rate, seconds, line = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4].encode() + b"\\n"
log, began, written = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), time.monotonic(), 0
while (passed := time.monotonic() - began) < seconds:
    while written < passed * rate:
        os.write(log, line)
        written += 1
    time.sleep(0.002)
"""


def _best(run: Callable[[], object]) -> float:
    def once() -> float:
        began = time.perf_counter()
        run()
        return time.perf_counter() - began

    return min(once() for _ in range(TRIES))


def _catch_up(log: Path) -> None:
    followers = Followers([str(log)])
    followers.warm(lambda log, data: False)  # as far back as it goes
    lines = sum(block.data.count(b"\n") for block in followers.past(0))
    followers.close()
    assert lines == LINES


def _archive(path: Path) -> None:
    assert sum(block.count(b"\n") for block in open_archive(str(path)).blocks()) == LINES


def _core(log: Path, written: Path, rate: int) -> float:
    """Follow ``log`` while ``written`` grows; return the share of a core that it took."""
    followers, waker = Followers([str(log)]), Waker()
    arguments = [str(written), str(rate), str(SECONDS), LINE.decode().rstrip()]
    writer = subprocess.Popen([sys.executable, "-c", WRITER, *arguments])
    began, used = time.monotonic(), time.process_time()
    while writer.poll() is None:
        followers.read(time.monotonic())
        waker.wait(1.0, followers.watched())
    share = (time.process_time() - used) / (time.monotonic() - began)
    followers.close()
    waker.close()
    return share


def rows() -> Iterable[tuple[str, float, str]]:
    """Ratios of times, ours to theirs, and shares of a core in percent."""
    with tempfile.TemporaryDirectory() as folder:
        log, packed = Path(folder, "log"), Path(folder, "packed")
        log.write_bytes(LINE * LINES)
        with gzip.open(packed, "wb", compresslevel=1) as stream:
            stream.write(LINE * LINES)
        count = _best(lambda: subprocess.run(["wc", "-l", log], check=True, capture_output=True))
        yield "reading back and on, to wc -l", _best(lambda: _catch_up(log)) / count, f"{LINES:,} lines, twice"
        yield "reading an archive, to wc -l", _best(lambda: _archive(log)) / count, "the same lines, once"
        unpack = _best(lambda: subprocess.run(f"zcat {packed} | wc -l", shell=True, check=True, capture_output=True))
        yield "reading a .gz, to zcat | wc -l", _best(lambda: _archive(packed)) / unpack, "level 1"
        os.truncate(log, 0)
        neighbour = Path(folder, "neighbour")
        yield "following, % of a core", 100 * _core(log, log, RATE), f"{RATE:,} lines/s, each written by itself"
        yield "following beside a busy neighbour, %", 100 * _core(log, neighbour, RATE), "idle itself"
        yield "following idly, %", 100 * _core(log, log, 0), ""
