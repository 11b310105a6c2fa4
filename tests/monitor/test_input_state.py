"""A monitor that is stopped, or killed, and started again goes on where it was, wherever the log has got to."""

import gzip
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from monitor.errors import TaplineError
from monitor.input.file import Positions
from monitor.input.follow import Followers
from monitor.input.siblings import Sibling, siblings
from monitor.input.state import Saved, State
from tests.monitor import rotating, telling
from tests.requires import need

KILLS = 6
PATIENCE = 60  # s, after which the test is stuck; no claim


class Restarts:
    """A log, and a follower of it that comes and goes."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.saved: Saved | None = None
        self.now = 0.0

    def write(self, *lines: str, path: Path | None = None) -> None:
        with (path or self.log).open("a") as stream:
            stream.write("".join(f"{line}\n" for line in lines))

    def run(self) -> list[str]:
        """Start, read everything, and stop."""
        self.now += 1
        followers = Followers([str(self.log)], self.saved)
        assert list(followers.past(0)) == []
        found = b"".join(block.data for block in followers.read(self.now)).decode().split()
        self.saved = Saved(followers.positions(), followers.positions())
        self.messages = followers.messages()
        followers.close()
        return found


@pytest.fixture
def restarts(tmp_path: Path) -> Restarts:
    restarts = Restarts(tmp_path)
    restarts.write("0")
    assert restarts.run() == []
    return restarts


def test_a_restart_goes_on_where_it_was(restarts: Restarts) -> None:
    restarts.write("1")
    assert restarts.run() == ["1"]
    assert restarts.run() == []
    restarts.write("2")
    assert restarts.run() == ["2"]


def test_a_half_line_is_read_whole_after_the_restart(restarts: Restarts) -> None:
    restarts.log.write_text("0\n1\nha")
    assert restarts.run() == ["1"]
    restarts.log.write_text("0\n1\nhalf\n")
    assert restarts.run() == ["half"]


def test_a_log_renamed_meanwhile_is_read_to_its_end(restarts: Restarts) -> None:
    restarts.write("1")
    restarts.log.rename(restarts.log.with_name("any name"))
    restarts.write("2")
    assert restarts.run() == ["1", "2"]


def test_a_log_rotated_several_times_meanwhile_is_read_in_order(restarts: Restarts) -> None:
    restarts.write("1")
    for n in (3, 2, 1):
        restarts.log.rename(f"{restarts.log}.{n}")
        restarts.write(f"from {n}".replace(" ", "-"))
    assert restarts.run() == ["1", "from-3", "from-2", "from-1"]


def test_files_that_were_packed_meanwhile_are_not_read_again_however_many_they_are(restarts: Restarts) -> None:
    long = "x" * 5000
    for n in range(1, 41):
        restarts.log.rename(restarts.log.with_name(f"log-20261123-{n:02}"))
        restarts.write(f"{n}-{long}")
        assert restarts.run() == [f"{n}-{long}"]
    restarts.write("40-behind")
    restarts.log.rename(restarts.log.with_name("log-20261123-41"))
    for old in restarts.log.parent.glob("log-*"):
        old.with_name(f"{old.name}.gz").write_bytes(gzip.compress(old.read_bytes()))
        old.unlink()
    assert restarts.run() == ["40-behind"]


def rotated_and_read(folder: Path) -> tuple[Path, Saved]:
    """A log that was rotated three times and read to its end, and nothing of it told."""
    log = folder / "log"
    log.write_text("0\n")
    followers = Followers([str(log)])
    settled = followers.positions()
    for n in (4, 3, 2):
        log.rename(f"{log}.{n}")
        log.write_text(f"from-{n}\n")
    assert b"".join(block.data for block in followers.read(0.0)) == b"from-4\nfrom-3\nfrom-2\n"
    saved = Saved(settled, followers.positions())
    followers.close()
    return log, saved


def assert_nothing_is_new(log: Path, saved: Saved) -> None:
    followers = Followers([str(log)], saved)
    assert b"".join(block.data for block in followers.past(0)) == b"from-4\nfrom-3\nfrom-2\n"
    assert followers.read(1.0) == []
    followers.close()


def test_what_was_read_is_known_although_a_rotation_comes_between_listing_and_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, saved = rotated_and_read(tmp_path)
    opened, rotations = Sibling.open, iter(range(2))

    def late(sibling: Sibling) -> tuple[int, bytes, bool]:
        if next(rotations, None) is not None:
            for old in sorted(tmp_path.glob("log.*"), reverse=True):
                old.rename(f"{log}.{int(old.suffix[1:]) + 1}")
        return opened(sibling)

    monkeypatch.setattr(Sibling, "open", late)
    assert_nothing_is_new(log, saved)


def test_what_was_read_is_known_although_a_listing_leaves_it_out_while_names_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, saved = rotated_and_read(tmp_path)
    listings = iter(range(1))

    def holed(path: str) -> list[Sibling]:
        return [each for each in siblings(path) if not each.path.endswith(".3") or next(listings, None) is None]

    monkeypatch.setattr("monitor.input.lineage.siblings", holed)
    assert_nothing_is_new(log, saved)


def test_a_log_packed_meanwhile_is_read_from_where_it_was(restarts: Restarts) -> None:
    restarts.write("1")
    assert restarts.run() == ["1"]
    restarts.write("2")
    Path(f"{restarts.log}.1.gz").write_bytes(gzip.compress(restarts.log.read_bytes()))
    restarts.log.unlink()
    restarts.write("3")
    assert restarts.run() == ["2", "3"]
    assert restarts.run() == []


def test_a_look_at_the_first_lines_of_a_packed_log_takes_nothing_from_its_reading(restarts: Restarts) -> None:
    first = "".join(f"{n}\n" for n in range(1, 5_000))
    Path(f"{restarts.log}.1.gz").write_bytes(gzip.compress(b"0\n" + first.encode()))
    restarts.log.unlink()
    restarts.write("last")
    followers = Followers([str(restarts.log)], restarts.saved)
    assert followers.head(0).startswith(b"0\n1\n2\n")
    assert b"".join(block.data for block in followers.read(1.0)).decode() == first + "last\n"


def test_a_log_copied_and_truncated_meanwhile_is_read_from_its_copy(restarts: Restarts) -> None:
    restarts.write("1")
    shutil.copy(restarts.log, f"{restarts.log}.1")
    os.truncate(restarts.log, 0)
    restarts.write("2", "longer than before")
    assert restarts.run() == ["1", "2", "longer", "than", "before"]
    assert restarts.run() == []


def test_a_reused_inode_is_not_taken_for_the_old_file(restarts: Restarts) -> None:
    assert restarts.saved
    inode = restarts.log.stat().st_ino
    restarts.log.unlink()
    restarts.write("9", "1")
    if restarts.log.stat().st_ino != inode:  # the file system gave another: make it look as if it had not
        positions = next(iter(restarts.saved.settled.values()))
        assert positions.following[0].inode == inode
    assert restarts.run() == ["9", "1"]
    assert len(restarts.messages) == 1


def test_a_file_of_which_nothing_was_read_is_not_known_by_its_inode_alone(restarts: Restarts) -> None:
    os.truncate(restarts.log, 0)
    assert restarts.run() == []
    restarts.log.rename(f"{restarts.log}.1.gz")
    Path(f"{restarts.log}.1.gz").write_bytes(gzip.compress(b"1\n"))
    restarts.write("2")
    assert restarts.run() == ["1", "2"]


def test_a_file_rotated_while_a_restart_searches_is_new_not_past(restarts: Restarts) -> None:
    followers = Followers([str(restarts.log)], restarts.saved)
    restarts.write("1", path=Path(f"{restarts.log}.1"))  # the search found it under none of its names
    followers.warm(lambda log, data: False)
    assert b"".join(block.data for block in followers.past(0)) == b"0\n"
    assert b"".join(block.data for block in followers.read(10.0)) == b"1\n"


def test_what_was_deleted_meanwhile_is_told(restarts: Restarts) -> None:
    restarts.write("lost")
    restarts.log.unlink()
    restarts.write("1")
    assert restarts.run() == ["1"]
    assert restarts.messages == [
        f"{restarts.log}: a file that was read is no longer there; what was written to it since is missing"
    ]


def test_a_log_older_than_the_state_is_left_in_peace(restarts: Restarts) -> None:
    restarts.write("old", path=Path(f"{restarts.log}.7"))
    os.utime(f"{restarts.log}.7", (1, 1))
    restarts.write("1")
    assert restarts.run() == ["1"]


def test_lines_between_told_and_read_come_again_as_past(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    state = State(tmp_path / "state")
    followers = Followers([str(log)], state.saved)
    for second in (1, 2, 3):
        with log.open("a") as stream:
            stream.write(f"{second}\n")
        followers.read(0.0)
        state.fed(followers.positions(), second)
    state.told(3)
    with log.open("a") as stream:
        stream.write("4\n")
    again = State(tmp_path / "state")
    assert again.saved.told == 3
    followers = Followers([str(log)], again.saved)
    assert b"".join(block.data for block in followers.past(0)) == b"3\n"
    assert b"".join(block.data for block in followers.read(0.0)) == b"4\n"
    again.fed(followers.positions(), 4)
    again.finished()
    last = State(tmp_path / "state")
    followers = Followers([str(log)], last.saved)
    assert list(followers.past(0)) == []
    assert followers.read(0.0) == []


def test_the_state_gives_no_line_away_and_is_the_owners_alone(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("10.1.2.3 secret\n" * 100)
    state = State(tmp_path / "state")
    state.fed(Followers([str(log)]).positions(), 1)
    state.told(2)
    assert b"secret" not in state.path.read_bytes()
    assert state.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"version":9}', b'{"version":1,"told":{}}'])
def test_a_file_that_is_no_state_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state"
    path.write_bytes(content)
    with pytest.raises(TaplineError, match=f"^{path}: no state of tapline's; remove it to begin anew$"):
        State(path)


def test_a_state_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TaplineError, match="no such file or directory"):
        State(tmp_path / "none" / "state")


def test_matches_that_came_while_nobody_looked_are_read_from_their_beginning(tmp_path: Path) -> None:
    (tmp_path / "app-22.log").write_text("0\n")
    pattern = str(tmp_path / "*.log")
    followers = Followers([pattern])
    saved = Saved(followers.positions(), followers.positions())
    (tmp_path / "app-23.log").write_text("1\n")
    (tmp_path / "app-22.log.gz").write_bytes(gzip.compress(b"0\n0.5\n"))
    (tmp_path / "app-22.log").unlink()
    again = Followers([pattern], saved)
    assert sorted(block.data for block in again.read(0.0)) == [b"0.5\n", b"1\n"]
    assert Positions((), (), 0) not in again.positions().values()


@pytest.mark.parametrize("kind", ["renamed", "copied", "logrotate_delaycompress"])
def test_every_line_is_found_exactly_once_although_the_monitor_is_killed(tmp_path: Path, kind: str) -> None:
    need(shutil.which("logrotate"), "logrotate")
    logs = tmp_path / "logs"
    logs.mkdir(mode=0o755)
    logs.chmod(0o755)
    output = tmp_path / "output"
    command = [sys.executable, telling.__file__, str(logs / "log"), str(tmp_path / "state"), str(output)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    state = State(tmp_path / "state")
    state.fed(Followers([str(logs / "log")]).positions(), None)  # else the first run might come after the first line
    command_line = [sys.executable, rotating.__file__, kind, str(logs / "log"), "80", "0.025"]
    dice = random.Random(kind)
    with subprocess.Popen(command_line, stdin=subprocess.PIPE) as writer:
        try:
            for _ in range(KILLS):
                monitor = subprocess.Popen(command, env=environment)
                time.sleep(dice.uniform(0.15, 0.5))
                monitor.kill()
                monitor.wait()
            with subprocess.Popen(command, env=environment) as monitor:
                try:
                    writer.communicate(b"\n", PATIENCE)
                    assert writer.returncode == 0
                    assert monitor.wait(PATIENCE) == 0
                finally:
                    monitor.kill()
        finally:
            writer.kill()
    # An interval that was written, but killed before its telling was kept, is told again, and is the same.
    told: dict[int, list[int]] = {}
    for line in output.read_text().splitlines():
        if line.endswith("]"):
            start, numbers = json.loads(line)
            assert told.setdefault(start, numbers) == numbers
    found = Counter(number for numbers in told.values() for number in numbers)
    assert found == Counter(range(max(found) + 1))
