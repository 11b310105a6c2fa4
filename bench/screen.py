"""What the full screen costs: of a core at 100 lines/s, and of the 100 ms that a key may take at 20,000 lines/s."""

import contextlib
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.pseudo_terminal import Session

SECONDS = 20.0
KEYS = 40
PATHS = [b"/api/users/%d" % n for n in range(40)] + [b"/images/%d.png" % n for n in range(40)] + [b"/", b"/login"]


def _lines(count: int) -> bytes:
    stamp = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000").encode()
    return b"".join(
        b'192.0.2.%d - - [%s] "GET %s HTTP/1.1" 200 5120 "https://www.example.com/" "curl/8.5.0"\n'
        % (n % 250, stamp, PATHS[n * 7 % len(PATHS)])
        for n in range(count)
    )


@contextlib.contextmanager
def _traffic(log: Path, rate: int) -> Iterator[None]:
    """Write ``rate`` lines a second, twenty times a second."""
    stop = threading.Event()

    def write() -> None:
        with log.open("ab", buffering=0) as end:
            due = time.monotonic()
            while not stop.is_set():
                end.write(_lines(rate // 20))
                due += 0.05
                stop.wait(max(0.0, due - time.monotonic()))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextlib.contextmanager
def _watching(rate: int) -> Iterator[Session]:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "access.log"
        log.write_bytes(_lines(10))
        monitor = [sys.executable, "-m", "monitor", str(log), "--output", "tui"]
        with _traffic(log, rate), Session(monitor, 120, 40) as session:
            session.until("/api")
            yield session


def _load(rate: int) -> float:
    with _watching(rate) as session:
        ticks = os.sysconf("SC_CLK_TCK")

        def used() -> float:
            fields = Path(f"/proc/{session.pid}/stat").read_text().rpartition(") ")[2].split()
            return (int(fields[11]) + int(fields[12])) / ticks

        before, start = used(), time.monotonic()
        while time.monotonic() < start + SECONDS:
            session.pump(0.2)
        return (used() - before) / (time.monotonic() - start)


def _slowest_key(rate: int) -> tuple[float, float]:
    """The slowest and the median time from a key to its picture, in seconds."""
    waits = []
    with _watching(rate) as session:
        session.pump(2)
        for at in range(KEYS):
            start = time.monotonic()
            session.press("?" if at % 2 == 0 else "q")
            session.until(lambda text, shown=at % 2 == 0: ("Ctrl-L" in text) is shown)
            waits.append(time.monotonic() - start)
            session.pump(0.13)
    return max(waits), sorted(waits)[len(waits) // 2]


def rows() -> Iterator[tuple[str, float, str]]:
    """What, ratio, note."""
    yield "screen at 100 lines/s: of a core", _load(100), "120x40, at most 0.03 wanted"
    slowest, median = _slowest_key(20_000)
    yield "slowest key at 20,000 lines/s: of 100 ms", slowest * 10, f"median {median * 1000:.0f} ms, {KEYS} keys"
