"""Any sequence of writing, rotating, copying, packing, reading and restarting hands on every line exactly once."""

import gzip
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.input.follow import Followers
from monitor.input.state import Saved

KEPT = 9  # rotated files
STEPS = (
    *("write one", "write many", "read", "read little", "wait"),
    *("rename", "rename away", "copytruncate", "pack", "restart"),
)


class Scene:
    """A folder with a log in it, its writer, its rotator and its reader."""

    def __init__(self, folder: Path, *, exists: bool) -> None:
        self.log = folder / "access.log"
        if exists:
            self.log.write_text("old\n")
        self.written = 0
        self.now = 0.0
        self.found: Counter[str] = Counter()
        self.followers = Followers([str(self.log)])

    def do(self, step: str) -> None:
        match step:
            case "write one":
                self.write(1)
            case "write many":
                self.write(200)
            case "read":
                self.read(1 << 22)
            case "read little":
                self.read(1)
            case "wait":
                self.now += 70
                self.read(1 << 22)
            case "rename" | "rename away" if self.log.exists():
                self.make_room()
                self.log.rename(self.rotated(1))
                if step == "rename":
                    self.log.touch()
            case "copytruncate" if self.log.exists():
                self.read(1 << 22)  # what is written between the copy and the truncation is lost by the rotator itself
                self.make_room()
                shutil.copy(self.log, self.rotated(1))
                os.truncate(self.log, 0)
            case "pack" if self.rotated(1).exists():
                status = self.rotated(1).stat()
                self.rotated(1, ".gz").write_bytes(gzip.compress(self.rotated(1).read_bytes()))
                os.utime(self.rotated(1, ".gz"), ns=(status.st_atime_ns, status.st_mtime_ns))
                self.rotated(1).unlink()
            case "restart":
                positions = self.followers.positions()
                self.followers.close()
                self.followers = Followers([str(self.log)], Saved(positions, positions))

    def write(self, lines: int) -> None:
        with self.log.open("a") as stream:
            for _ in range(lines):
                stream.write(f"{self.written} {'y' * (self.written % 60)}\n")
                self.written += 1

    def read(self, limit: int) -> None:
        self.now += 0.1
        for block in self.followers.read(self.now, limit):
            self.found.update(line for line in block.data.decode().split("\n")[:-1] if line != "old")

    def rotated(self, number: int, end: str = "") -> Path:
        return self.log.with_name(f"access.log.{number}{end}")

    def make_room(self) -> None:
        for number in range(KEPT, 0, -1):
            for end in ("", ".gz"):
                if self.rotated(number, end).exists():
                    self.rotated(number, end).rename(self.rotated(number + 1, end))


@settings(max_examples=200)
@given(st.booleans(), st.lists(st.sampled_from(STEPS), max_size=25))
def test_every_line_is_handed_on_once_whatever_happens_in_between(exists: bool, steps: Sequence[str]) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        scene = Scene(folder, exists=exists)
        for step in steps:
            scene.do(step)
        for _ in range(8):
            scene.now += 1
            scene.read(1 << 22)
        scene.followers.close()
        assert sorted(int(line.split()[0]) for line in scene.found.elements()) == list(range(scene.written))
    finally:
        shutil.rmtree(folder)
