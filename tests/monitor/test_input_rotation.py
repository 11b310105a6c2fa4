"""Numbered lines at full speed through a hundred rotations of each kind: each line found exactly once."""

import contextlib
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from monitor.input.follow import Followers
from monitor.input.waker import Waker
from tests.monitor import rotating
from tests.requires import need

ROTATIONS = 100
WHOLE = re.compile(rb"\d+ x{80}")  # the copy of a log that is written to may end within a line
AFTER_END = 600  # looks after the last line, 10 ms each, while names settle; whoever has all lines needs none
PATIENCE = 60  # s, after which the test is stuck; no claim


def follow(kind: str, log: Path, rotations: int = ROTATIONS) -> tuple[Counter[int], int]:
    """Follow ``log`` while it is rotated; return how often each line was found, and how many were written."""
    found: Counter[int] = Counter()
    log.parent.mkdir(mode=0o755)
    log.parent.chmod(0o755)
    followers = Followers([str(log)])
    waker = Waker()
    program = subprocess.Popen(
        [sys.executable, rotating.__file__, kind, str(log), str(rotations)], stdin=subprocess.PIPE, bufsize=0
    )
    assert program.stdin
    total = None
    after_end = 0
    began = time.monotonic()
    try:
        while total is None or (len(found) < total and after_end < AFTER_END):
            after_end += total is not None
            assert time.monotonic() - began < PATIENCE, followers.messages()
            for block in followers.read(time.monotonic()):
                for line in block.data.splitlines():
                    if line.startswith(b"end"):
                        total = int(line.split()[1])
                    elif WHOLE.fullmatch(line):
                        found[int(line.split()[0])] += 1
            if kind in rotating.AWAITING and found:
                with contextlib.suppress(BrokenPipeError):
                    program.stdin.write(b"%d\n" % max(found))
            waker.wait(0.01, followers.watched())
    finally:
        program.kill()
        program.wait()
        program.stdin.close()
        followers.close()
        waker.close()
    return found, total


@pytest.mark.parametrize("kind", [kind for kind in rotating.KINDS if not kind.startswith("logrotate")])
def test_every_line_is_found_exactly_once_through_a_hundred_rotations(tmp_path: Path, kind: str) -> None:
    found, total = follow(kind, tmp_path / "logs" / "log")
    assert found == Counter(range(total))


@pytest.mark.parametrize("kind", [kind for kind in rotating.KINDS if re.match(r"logrotate(?!.*meanwhile)", kind)])
def test_every_line_is_found_exactly_once_through_logrotate(tmp_path: Path, kind: str) -> None:
    need(shutil.which("logrotate"), "logrotate")
    found, total = follow(kind, tmp_path / "logs" / "log")
    assert found == Counter(range(total))


def test_copytruncate_of_a_log_that_is_written_to_costs_no_line_that_it_keeps(tmp_path: Path) -> None:
    need(shutil.which("logrotate"), "logrotate")
    found, total = follow("logrotate_copytruncate_meanwhile", tmp_path / "logs" / "log")
    assert set(found.values()) == {1}
    kept = [line for file in (tmp_path / "logs").iterdir() for line in file.read_bytes().splitlines()]
    assert {int(line.split()[0]) for line in kept if WHOLE.fullmatch(line)} <= found.keys()
    assert found.keys() <= set(range(total))
