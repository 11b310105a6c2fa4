"""Both programs as they are started by people: start-up, memory, idling, catching up, from a line to the screen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.captures import make as make_capture
from bench.process import cost
from tests.pseudo_terminal import Session

LINES = 1_000_000
IDLE = 10.0  # s
LOOKS = 20
PYTHON = [sys.executable, "-c", "pass"]


def _line(path: str, at: float) -> str:
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(at))
    return f'192.0.2.7 - - [{stamp}] "GET {path} HTTP/1.1" 200 5120 "https://www.example.com/" "curl/8.5.0"\n'


def _used(pid: int) -> float:
    """Seconds of processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _told(out: Path) -> int:
    rows = [json.loads(line) for line in out.read_bytes().split(b"\n")[:-1]]
    return sum(row["hits"] for row in rows if row["type"] == "interval")


def _starting(folder: Path) -> Iterator[tuple[str, float, str]]:
    log, capture = folder / "short.log", folder / "short.pcap"
    log.write_text(_line("/a", 1_700_000_000))
    make_capture(capture, 10)
    bare, _, least = cost(PYTHON, runs=5)
    for name, arguments in (
        ("monitor", ["--replay", str(log), "--output", "json"]),
        ("sniffer", ["-r", str(capture), "-w", "-"]),
    ):
        seconds, _, memory = cost([sys.executable, "-m", name, *arguments], runs=5)
        note = f"{seconds * 1000:.0f} ms for all of a short run, {memory} MB peak (Python alone {least} MB)"
        yield f"{name}: start to end / python -c pass, time", seconds / bare, note


def _following(folder: Path) -> Iterator[tuple[str, float, str]]:
    log, out, data = folder / "live.log", folder / "told", folder / "data"
    log.write_text(_line("/a", time.time()))
    with out.open("wb") as told:
        command = [sys.executable, "-m", "monitor", str(log), "--output", "json", "--interval", "1", "--lateness", "0"]
        monitor = subprocess.Popen(command, stdout=told, stderr=subprocess.DEVNULL)
    try:
        time.sleep(3)
        before, began = _used(monitor.pid), time.monotonic()
        time.sleep(IDLE)
        share = (_used(monitor.pid) - before) / (time.monotonic() - began)
        yield "monitor idling: % of a core", 100 * share, "one log, no line comes"
        long_ago = time.time() - 86_400
        data.write_text("".join(_line(f"/s{n % 300}/{n % 5000}", long_ago) for n in range(LINES)))
        stamp = _line("/", long_ago)[:45].encode()
        count = cost(["wc", "-l", str(data)], runs=3).seconds
        lines = data.read_bytes().replace(stamp, _line("/", time.time())[:45].encode())
        base, began = _told(out), time.monotonic()
        with log.open("ab") as end:
            end.write(lines)
        while _told(out) < base + LINES and time.monotonic() < began + 120:
            time.sleep(0.02)
            with log.open("a") as end:  # the clock goes on, so that the seconds close
                end.write(_line("/tick", time.time()))
        seconds = time.monotonic() - began
        yield "a million lines at once, until told / wc -l", seconds / count, f"{seconds:.1f} s while it follows"
    finally:
        monitor.kill()
        monitor.wait()


def _showing(folder: Path) -> Iterator[tuple[str, float, str]]:
    log = folder / "shown.log"
    log.write_text("".join(_line("/old", time.time()) for _ in range(3)))
    waits = []
    with Session([sys.executable, "-m", "monitor", str(log), "--output", "tui"], 120, 40) as session:
        session.until("0 lines")
        for n in range(1, LOOKS + 1):
            session.pump(0.31)
            began = time.monotonic()
            with log.open("a") as end:
                end.write(_line("/new", time.time()))
            session.until(f" {n} line")
            waits.append(time.monotonic() - began)
    note = f"median {sorted(waits)[LOOKS // 2] * 1000:.0f} ms of {LOOKS}; the screen is painted four times a second"
    yield "slowest way of a line to the screen: of 1 s", max(waits), note


def rows() -> Iterator[tuple[str, float, str]]:
    """Yield (what, ratio, note)."""
    with tempfile.TemporaryDirectory() as name:
        yield from _starting(Path(name))
        yield from _following(Path(name))
        yield from _showing(Path(name))
