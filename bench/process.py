"""Runs a command for a measurement: its seconds, its processor's, its peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

# A process's peak memory counts that of whoever started it, up to its exec. So a small one starts it, and tells.
_LAUNCH = """
import os, sys, time
began = time.perf_counter()
child = os.fork()
if not child:
    os.execvp(sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(child, 0)
taken = time.perf_counter() - began
with open(sys.argv[1], "w") as told:
    print(taken, usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024, file=told)
sys.exit(os.waitstatus_to_exitcode(status) & 255)
"""


class Cost(NamedTuple):
    """What a command took."""

    seconds: float
    processor: float  # s
    memory: int  # MB, at its peak


def cost(command: list[str], out: Path | None = None, runs: int = 1) -> Cost:
    """Run a command, its output into a file or thrown away; return what it took in its fastest run.

    Thrown away through a pipe, as to /dev/null grep would stop at its first match. Raises RuntimeError if it fails.
    """
    # As installed: what is imported was compiled before. The fastest run is one that found it so.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    read, write = os.pipe()
    best: Cost | None = None
    try:
        launch = [sys.executable, "-S", "-E", "-c", _LAUNCH, f"/dev/fd/{write}", *command]
        for _ in range(runs):
            with out.open("wb") if out else nullcontext(subprocess.PIPE) as sink:
                process = subprocess.Popen(
                    launch, stdout=sink, stderr=subprocess.DEVNULL, pass_fds=[write], env={**environ, "LC_ALL": "C"}
                )
                while process.stdout and process.stdout.read(1 << 20):
                    pass
            if process.wait():
                raise RuntimeError(f"{command[0]} ended with {process.returncode}")
            seconds, processor, memory = os.read(read, 1000).split()
            taken = Cost(float(seconds), float(processor), int(memory))
            best = taken if best is None else min(best, taken)
    finally:
        os.close(read)
        os.close(write)
    assert best
    return best
