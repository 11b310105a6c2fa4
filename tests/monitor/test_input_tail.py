"""A path name as one source of lines: each scenario of rotation a test, each a script without sleeping."""

import errno
import gzip
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.input.file import File, Position, Print
from monitor.input.lineage import MAX_KNOWN, SETTLE, SETTLED_KNOWN, Lineage
from monitor.input.lines import CHUNK
from monitor.input.tail import LINGER, MAX_OLD, Tail


class Log:
    """A log and its tail, and a clock that only tests move."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 0.0
        self.tail = Tail(str(path))

    def begin(self) -> "Log":
        self.tail.start_at_end()
        return self

    def write(self, *lines: str, path: Path | None = None) -> "Log":
        with (path or self.path).open("a") as stream:
            stream.write("".join(f"{line}\n" for line in lines))
        return self

    def read(self) -> list[str]:
        text = b"".join(block.data for block in self.tail.read(1 << 20, self.now)).decode()
        assert not text or text.endswith("\n")
        return text.split("\n")[:-1]

    def rename(self, name: str) -> Path:
        return self.path.rename(self.path.with_name(name))

    def rename_all(self) -> None:
        """Make room for a new ``access.log.1`` as logrotate does."""
        for n in range(9, 0, -1):
            old = self.path.with_name(f"{self.path.name}.{n}")
            if old.exists():
                old.rename(self.path.with_name(f"{self.path.name}.{n + 1}"))

    def copytruncate(self, name: str) -> None:
        shutil.copy(self.path, self.path.with_name(name))
        os.truncate(self.path, 0)

    @property
    def messages(self) -> list[str]:
        return list(self.tail.messages)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "access.log")
    yield log
    log.tail.close()


def test_only_what_is_written_after_the_start_is_read(log: Log) -> None:
    log.write("old").begin().write("new", "newer")
    assert log.read() == ["new", "newer"]
    assert log.read() == []


def test_a_half_written_last_line_waits_for_its_end(log: Log) -> None:
    log.write("one").begin()
    with log.path.open("a") as stream:
        stream.write("tw")
        stream.flush()
        assert log.read() == []
        stream.write("o\nthr")
        stream.flush()
        assert log.read() == ["two"]
        stream.write("ee\n")
    assert log.read() == ["three"]


def test_a_half_written_line_at_the_start_is_read_when_it_is_whole(log: Log) -> None:
    log.path.write_text("old\nha")
    log.begin().write("lf")
    assert log.read() == ["half"]


def test_rotation_keeps_the_last_lines_of_the_old_file(log: Log) -> None:
    log.write("0").begin().write("1")
    assert log.read() == ["1"]
    log.write("2")
    log.rename("access.log.1")
    log.write("3")
    assert log.read() == ["2", "3"]


def test_stragglers_in_the_renamed_file_are_read(log: Log) -> None:
    log.write("0").begin()
    old = log.rename("access.log.1")
    log.write("1")
    assert log.read() == ["1"]
    log.write("2", path=old)
    log.write("3")
    assert log.read() == ["2", "3"]


def test_a_renamed_file_is_read_on_before_the_new_one_exists(log: Log) -> None:
    log.write("0").begin()
    old = log.rename("access.log.1")
    log.write("1", path=old)
    assert log.read() == ["1"]
    log.write("2", path=old).write("3")
    assert log.read() == ["2", "3"]


def test_a_renamed_file_is_closed_when_it_has_been_quiet_for_long(log: Log) -> None:
    log.write("0").begin()
    old = log.rename("access.log.1")
    log.write("1")
    log.read()
    log.now = LINGER - 1
    log.write("2", path=old)
    assert log.read() == ["2"]
    log.now += LINGER + 1
    log.read()
    assert open_files(log) == 1


def open_files(log: Log) -> int:
    links = [Path("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
    return sum(1 for link in links if link.is_symlink() and str(log.path) in os.readlink(link))


def test_many_rotations_do_not_hold_many_files(log: Log) -> None:
    log.write("0").begin()
    for n in range(3 * MAX_OLD):
        log.rename(f"access.log.{1000 + n}")
        log.write(str(n))
        assert log.read() == [str(n)]
    assert open_files(log) <= MAX_OLD + 1


def test_a_half_line_at_the_end_of_a_closed_file_is_a_line(log: Log) -> None:
    log.begin()
    log.path.write_text("whole\nhal")
    assert log.read() == ["whole"]
    log.rename("access.log.1")
    log.write("new")
    assert log.read() == ["new"]
    log.now = LINGER + 1
    assert log.read() == ["hal"]


def test_a_file_that_is_deleted_and_made_again_is_read_from_its_beginning(log: Log) -> None:
    log.write("0").begin().write("1")
    log.path.unlink()
    log.write("2")
    assert log.read() == ["1", "2"]


def test_a_file_that_does_not_exist_yet_is_read_from_its_beginning(log: Log) -> None:
    assert log.begin().read() == []
    assert log.write("1").read() == ["1"]


def test_a_file_that_is_away_for_long_comes_back(log: Log) -> None:
    log.write("0").begin()
    log.path.unlink()
    for _ in range(3):
        log.now += LINGER
        assert log.read() == []
    assert open_files(log) == 0
    assert log.write("1").read() == ["1"]


def test_a_file_that_is_renamed_back_goes_on_where_it_was(log: Log) -> None:
    log.write("0").begin().write("1")
    assert log.read() == ["1"]
    old = log.rename("other")
    assert log.read() == []
    log.write("2", path=old)
    old.rename(log.path)
    assert log.read() == ["2"]
    old = log.rename("other")
    log.now += 2 * LINGER
    log.read()
    log.now += 2 * LINGER
    log.read()
    log.write("3", path=old)
    old.rename(log.path)
    assert log.read() == ["3"]


def test_a_folder_that_is_replaced_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    log = Log(folder / "access.log").write("0").begin().write("1")
    folder.rename(tmp_path / "logs.old")
    assert log.read() == ["1"]
    folder.mkdir()
    log.write("2", path=tmp_path / "logs.old" / "access.log").write("3")
    assert log.read() == ["2", "3"]
    log.tail.close()


def test_a_symbolic_link_that_is_pointed_elsewhere_is_followed(tmp_path: Path) -> None:
    first, second = tmp_path / "app-2026-11-22.log", tmp_path / "app-2026-11-23.log"
    link = tmp_path / "app.log"
    link.symlink_to(first)
    log = Log(link).write("0").begin().write("1")
    log.write("2", path=second)
    link.unlink()
    link.symlink_to(second)
    assert log.read() == ["1", "2"]
    log.write("late", path=first).write("3")
    assert log.read() == ["late", "3"]
    log.tail.close()


def test_copytruncate_of_what_was_read_begins_again(log: Log) -> None:
    log.write("0").begin().write("1")
    assert log.read() == ["1"]
    log.copytruncate("access.log.1")
    log.write("2")
    assert log.read() == ["2"]


def test_copytruncate_loses_nothing_that_is_in_the_copy(log: Log) -> None:
    log.write("0").begin().write("1")
    assert log.read() == ["1"]
    log.write("2")
    log.copytruncate("access.log.1")
    log.write("3")
    assert log.read() == ["2", "3"]


def test_a_file_truncated_and_grown_beyond_its_old_size_is_not_taken_for_the_old_one(log: Log) -> None:
    log.write("0").begin().write("1")
    assert log.read() == ["1"]
    log.write("2")
    log.copytruncate("access.log.1")
    log.write("a longer line than those before", "3")
    assert log.read() == ["2", "a longer line than those before", "3"]


def test_a_copy_that_was_packed_at_once_is_read_from_where_the_log_was_left(log: Log) -> None:
    log.write("0").begin().write("1")
    assert log.read() == ["1"]
    log.write("2")
    log.path.with_name("access.log.1.gz").write_bytes(gzip.compress(log.path.read_bytes()))
    os.truncate(log.path, 0)
    log.write("3")
    assert log.read() == ["2", "3"]


def test_several_copytruncates_between_two_looks_lose_nothing(log: Log) -> None:
    log.write("0").begin().write("1")
    assert log.read() == ["1"]
    log.write("2")
    log.copytruncate("access.log.1")
    log.write("3")
    log.rename_all()
    log.copytruncate("access.log.1")
    log.write("4")
    log.rename_all()
    log.copytruncate("access.log.1")
    log.write("5")
    assert log.read() == ["2", "3", "4", "5"]


def test_copytruncates_of_a_file_that_was_just_begun_lose_nothing(log: Log) -> None:
    log.write("0").begin()
    log.copytruncate("access.log.1")
    assert log.read() == []
    log.write("1")
    log.rename_all()
    log.copytruncate("access.log.1")
    assert log.read() == ["1"]
    log.write("2")
    assert log.read() == ["2"]


def test_a_copy_that_is_being_made_is_not_read(log: Log) -> None:
    log.write("0").begin()
    log.copytruncate("access.log.1")
    assert log.read() == []
    log.write("1", "2")
    log.rename_all()
    log.path.with_name("access.log.1").write_text("1\n")
    assert log.read() == ["1", "2"]
    shutil.copy(log.path, log.path.with_name("access.log.1"))
    os.truncate(log.path, 0)
    assert log.write("3").read() == ["3"]


def test_a_copy_made_when_names_have_nearly_settled_is_found(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write("0").begin().write("1")
    assert log.read() == ["1"]
    log.copytruncate("access.log.1")
    assert log.read() == []
    missed = Lineage.missed

    def truncated_behind(*arguments: Any) -> Any:
        """Search while the copy is not yet known to be whole; it is before the log is read."""
        found = missed(*arguments)
        os.truncate(log.path, 0)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Lineage, "missed", truncated_behind)
        for log.now, line, found in ((1.0, "2", []), (0.9 + SETTLE, "3", ["2"])):
            log.write(line).rename_all()
            shutil.copy(log.path, log.path.with_name("access.log.1"))
            assert log.read() == found
    log.now = 1.1 + SETTLE
    assert log.read() == ["3"]


def test_a_file_truncated_under_a_writer_that_does_not_append_goes_on_behind_the_hole(log: Log) -> None:
    log.begin()
    with log.path.open("w") as stream:
        stream.write("one\n" * 5000)
        stream.flush()
        assert len(log.read()) == 5000
        os.truncate(log.path, 0)
        stream.write("two\n")
        stream.flush()
        assert log.read() == ["two"]
        stream.write("three\n")
    assert log.read() == ["three"]


def test_nothing_but_a_hole_is_waited_behind_and_zeros_that_were_written_are_passed_over(log: Log) -> None:
    log.path.touch()
    os.truncate(log.path, 100_000)
    log.begin()
    assert log.read() == log.read() == []
    with log.path.open("r+b") as stream:
        stream.write(bytes(3 * CHUNK))  # more than is read at once
    assert log.read() == []
    log.write("one")
    assert log.read() == ["one"]
    assert log.messages == []


def test_files_rotated_twice_between_two_looks_are_read_in_their_order(log: Log) -> None:
    log.write("0").begin().write("1")
    log.rename("access.log.1")
    log.write("2")
    log.rename_all()
    log.rename("access.log.1")
    log.write("3")
    log.rename_all()
    log.rename("access.log.1")
    log.write("4")
    assert log.read() == ["1", "2", "3", "4"]


def test_a_missed_file_that_was_packed_is_read(log: Log) -> None:
    log.write("0").begin().write("1")
    log.rename("access.log.3")
    log.write("2")
    log.path.with_name("access.log.2.gz").write_bytes(gzip.compress(log.path.read_bytes()))
    log.path.unlink()
    log.write("3")
    assert log.read() == ["1", "2", "3"]


def test_a_read_file_that_is_packed_later_is_not_read_again(log: Log) -> None:
    log.write("0").begin().write("1")
    assert log.read() == ["1"]
    log.rename("access.log.1")
    log.write("2")
    assert log.read() == ["2"]
    old = log.path.with_name("access.log.1")
    log.path.with_name("access.log.2.gz").write_bytes(gzip.compress(old.read_bytes()))
    old.unlink()
    log.rename("access.log.1")
    log.write("3")
    assert log.read() == ["3"]


def test_files_rotated_before_the_start_are_never_read(log: Log) -> None:
    log.write("a", path=log.path.with_name("access.log.1"))
    log.write("0").begin().write("1")
    log.write("straggler of another time", path=log.path.with_name("access.log.1"))
    log.rename_all()
    log.rename("access.log.1")
    log.write("2")
    assert log.read() == ["1", "2"]


def test_other_logs_in_the_folder_are_none_of_its_predecessors(log: Log) -> None:
    log.write("0").begin()
    log.write("no", path=log.path.with_name("access2.log"))
    log.write("no", path=log.path.with_name("access.log.ssl"))
    log.write("no", path=log.path.with_name("access-1.log"))
    log.rename("access.log.1")
    assert log.write("1").read() == ["1"]


def test_one_read_hands_on_no_more_than_its_limit(log: Log) -> None:
    log.begin()
    log.write(*["x" * 99] * 1000)
    sizes = []
    while blocks := log.tail.read(10_000, 0.0):
        sizes.append(sum(len(block.data) for block in blocks))
    assert sum(sizes) == 100_000
    assert max(sizes) <= 20_000


def test_what_cannot_be_read_is_told_once_and_read_when_it_can(log: Log) -> None:
    log.path.mkdir()
    log.begin()
    for _ in range(3):
        assert log.read() == []
    assert log.messages == [f"{log.path}: is a directory"]
    log.path.rmdir()
    assert log.write("1").read() == ["1"]


def test_a_folder_on_the_way_that_is_none_is_told_once(tmp_path: Path) -> None:
    log = Log(tmp_path / "file" / "access.log")
    (tmp_path / "file").write_text("no folder")
    log.begin()
    assert log.read() == log.read() == []
    assert log.messages == [f"{log.path}: not a directory"]


def test_a_disk_that_fails_is_told_and_the_rest_goes_on(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write("old").begin()
    old = log.rename("access.log.1")
    log.write("lost", path=old).write("new")
    broken = old.stat().st_ino
    pread = os.pread

    def failing(descriptor: int, size: int, offset: int) -> bytes:
        if os.fstat(descriptor).st_ino == broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return pread(descriptor, size, offset)

    monkeypatch.setattr(File, "beginning", lambda file, size=0: b"")
    monkeypatch.setattr(os, "pread", failing)
    assert log.read() == ["new"]
    assert log.messages == [f"{log.path}: input/output error"]


def test_a_binary_or_packed_file_is_told_and_left_alone(log: Log) -> None:
    log.path.write_bytes(os.urandom(5000))
    log.begin()
    assert log.read() == []
    assert log.messages == [f"{log.path}: binary, not a log"]
    log.path.write_bytes(gzip.compress(b"1\n"))
    assert log.read() == []
    assert log.messages[1:] == [f"{log.path}: is packed (gz) and cannot grow; --replay reads it"]


def test_what_waits_in_the_log_is_known_in_bytes(log: Log) -> None:
    log.write("old").begin().write("new")
    log.read()
    log.write("four", "more")
    assert log.tail.unread == 10
    log.read()
    assert log.tail.unread == 0


def test_how_many_files_are_known_is_bounded_and_fewer_when_nothing_is_rotated(log: Log) -> None:
    lineage = Lineage(str(log.path))
    positions = [Position(1, n, Print.of(b"x"), 1, Print.of(b""), modified=n) for n in range(MAX_KNOWN + 9)]
    for position in positions:
        lineage.remember(position)
    assert list(lineage.known) == positions[-MAX_KNOWN:]
    for turn in (1, 2):  # what was written before the last time is too old to be missed
        lineage.settle(10**9 * turn, turn * 3 * SETTLE)
    assert list(lineage.known) == positions[-SETTLED_KNOWN:]


def test_a_damaged_predecessor_and_a_folder_of_such_a_name_are_left_alone(log: Log) -> None:
    log.write("0")
    log.path.with_name("access.log.1.gz").write_bytes(gzip.compress(b"1\n")[:-5] + b"broken")
    log.path.with_name("access.log.2").mkdir()
    log.begin()
    log.write("1")
    assert log.read() == ["1"]
    log.rename("access.log.3")
    log.write("2")
    assert log.read() == ["2"]
    assert log.messages == []


def test_a_copy_that_begins_like_what_was_read_but_goes_on_otherwise_is_told_and_left_out(log: Log) -> None:
    alike = [f"{n:063}" for n in range(64)]  # as much as a file is known by
    log.begin().write(*alike, "mine", "mine too").read()
    with gzip.open(log.path.with_name("access.log.1.gz"), "wt") as copy:
        copy.write("".join(f"{line}\n" for line in [*alike, "others", "others'", "more"]))
    os.truncate(log.path, 0)
    assert log.write("new").read() == ["new"]
    begun = f"{log.path}.1.gz: begins like what was read before but goes on otherwise; left out"
    assert log.messages == [begun]


def test_what_is_put_in_the_logs_place_and_is_no_file_is_told_once(log: Log) -> None:
    log.write("0").begin()
    log.path.unlink()
    os.mkfifo(log.path)
    assert log.read() == log.read() == []
    assert log.messages == [f"{log.path}: is not a regular file"]
