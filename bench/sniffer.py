"""The sniffer's figures: frames a second against tshark's, memory, and whether every exchange came out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bench.captures import Made, make

FRAMES = 1_000_000
TSHARK_FRAMES = 200_000  # tshark keeps what it has seen in memory
_LINE = re.compile(r'"GET (\S+) HTTP/1.1" (\d+) (\d+|-)$')


def _run(command: list[str], out: Path) -> tuple[float, int]:
    """Run a command; return the seconds it took and its peak memory in MB."""
    with out.open("wb") as sink:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=sink, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return time.perf_counter() - began, usage.ru_maxrss // 1024


def _difference(made: Made, log: Path) -> int:
    """How many exchanges are missing or too many in the log."""
    found: Counter[tuple[str, int, int]] = Counter()
    for line in log.read_text().splitlines():
        match = _LINE.search(line)
        found[(match[1], int(match[2]), int(match[3].replace("-", "0"))) if match else ("", 0, 0)] += 1
    wanted = Counter(made.exchanges)
    return (wanted - found).total() + (found - wanted).total()


def rows() -> Iterable[tuple[str, float, str]]:
    """Yield (what, ratio, note)."""
    with tempfile.TemporaryDirectory() as folder:
        made, log = make(Path(folder, "all.pcap"), FRAMES), Path(folder, "log")
        command = [sys.executable, "-m", "sniffer", "-r", str(made.path), "-w", "-", "--origin-form"]
        seconds, memory = min(_run(command, log) for _ in range(2))
        wrong = _difference(made, log)
        speed = made.frames / seconds
        if shutil.which("tcpdump"):
            floor, _ = min(_run(["tcpdump", "-r", str(made.path), "-w", "/dev/null"], log) for _ in range(2))
            yield "sniffer -r / tcpdump -w, time", seconds / floor, "tcpdump copies the frames and decodes nothing"
        made.path.unlink()
        note = f"{speed / 1000:.0f}k frames/s, {memory} MB peak, {wrong} of {len(made.exchanges)} exchanges differ"
        if not shutil.which("tshark"):
            yield "sniffer -r (tshark is not installed)", 1.0, note
            return
        part = make(Path(folder, "part.pcap"), TSHARK_FRAMES)
        fields = ["-e", "http.request.uri", "-e", "http.response.code"]
        tshark, _ = _run(["tshark", "-r", str(part.path), "-Y", "http", "-T", "fields", *fields], log)
        yield "sniffer -r / tshark, frames a second", speed / (part.frames / tshark), note
