"""``python -m bench [NAME]...``: one table of ratios of this run, from every module here with ``rows``.

A whole run writes the table into docs/performance.md, with the machine and the date.
"""

import datetime
import importlib
import os
import pkgutil
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import bench

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- written by make bench -->", "<!-- end -->"
PEERS = {"grep": "--version", "goaccess": "--version", "tshark": "--version", "tcpdump": "--version", "nginx": "-v"}

Row = tuple[str, str, float, str]  # module, what, ratio, note


def measured(names: list[str]) -> list[Row]:
    """Run the modules named, or all; print each row when it is there."""
    found = []
    for module in pkgutil.iter_modules(bench.__path__):
        if module.name == "__main__" or (names and module.name not in names):
            continue
        rows = getattr(importlib.import_module(f"bench.{module.name}"), "rows", None)
        for what, ratio, note in rows() if rows else ():
            print(f"{what:44} {ratio:8.2f}  {note}", flush=True)
            found.append((module.name, what, ratio, note))
    return found


def machine() -> str:
    """Say on what this was measured."""
    cpu = next(
        (line.split(": ")[1] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "?"
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    peers = []
    for name, option in PEERS.items():
        if shutil.which(name):
            done = subprocess.run([name, option], capture_output=True, text=True)
            peers.append((done.stdout or done.stderr).splitlines()[0].strip(" ."))
    return (
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {os.cpu_count()} × {cpu}, {memory:.0f} GiB, Linux "
        f"{platform.release()}, Python {platform.python_version()}; {'; '.join(peers)}. "
        f"Load before: {_LOAD:.2f}."
    )


def table(rows: list[Row]) -> str:
    """Return the rows as Markdown."""
    lines = ["| bench | what | ratio | |", "|---|---|---:|---|"]
    lines += [f"| {module} | {what} | {ratio:.2f} | {note} |" for module, what, ratio, note in rows]
    return "\n".join(lines)


_LOAD = os.getloadavg()[0]

if __name__ == "__main__":
    rows = measured(sys.argv[1:])
    if not sys.argv[1:]:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n\n{machine()}\n\n{table(rows)}\n\n{END}{after}")
