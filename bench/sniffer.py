"""The sniffer's figures: frames a second against tshark's, memory, and whether every exchange came out."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bench.captures import Made, make
from bench.process import cost

FRAMES = 1_000_000
TSHARK_FRAMES = 200_000  # tshark keeps what it has seen in memory
_LINE = re.compile(r'"GET (\S+) HTTP/1.1" (\d+) (\d+|-)$')


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
        seconds, _, memory = cost(command, log, runs=2)
        wrong = _difference(made, log)
        speed = made.frames / seconds
        if shutil.which("tcpdump"):
            floor = cost(["tcpdump", "-r", str(made.path), "-w", "/dev/null"], runs=2).seconds
            yield "sniffer -r / tcpdump -w, time", seconds / floor, "tcpdump copies the frames and decodes nothing"
        made.path.unlink()
        note = f"{speed / 1000:.0f}k frames/s, {memory} MB peak, {wrong} of {len(made.exchanges)} exchanges differ"
        if not shutil.which("tshark"):
            yield "sniffer -r (tshark is not installed)", 1.0, note
            return
        part = make(Path(folder, "part.pcap"), TSHARK_FRAMES)
        fields = ["-e", "http.request.uri", "-e", "http.response.code"]
        tshark = cost(["tshark", "-r", str(part.path), "-Y", "http", "-T", "fields", *fields]).seconds
        yield "sniffer -r / tshark, frames a second", speed / (part.frames / tshark), note
