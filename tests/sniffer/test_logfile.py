"""The log: nothing torn, nothing lost without a count, whatever becomes of its name, its folder and its disk."""

import errno
import fcntl
import gzip
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sniffer.errors import SnifferError
from sniffer.logfile import LogFile
from sniffer.rotation import Rotation
from tests.requires import need

NEVER = Rotation(size=0, every=0)
NOW = 1_700_000_000.0


class Log(LogFile):
    """A log in a folder, with what it said."""

    def __init__(self, path: object, rotation: Rotation = NEVER, **options: int) -> None:
        self.said: list[str] = []
        super().__init__(str(path), rotation, self.said.append, **options)

    @classmethod
    def opened(cls, path: object, rotation: Rotation = NEVER, **options: int) -> "Log":
        log = cls(path, rotation, **options)
        log.open()
        return log


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "access.log"


@pytest.fixture
def room() -> Iterator[object]:
    """Bound the size of every file this process writes, as a disk that fills up does; None: no more.

    A test lets go of it itself: pytest, too, may be writing to a file.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def bound(size: int | None) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, before if size is None else (size, before[1]))

    yield bound
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def read(path: Path) -> bytes:
    """The log with its rotated files, the oldest first."""
    numbers = sorted((int(part.name.split(".")[2]), part) for part in path.parent.glob("access.log.*"))
    parts = [part for _, part in reversed(numbers)] + [path]
    return b"".join(gzip.decompress(p.read_bytes()) if p.suffix == ".gz" else p.read_bytes() for p in parts)


def test_lines_are_appended_to_what_is_there(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"old\n")
    Log.opened(path).write(b"new\nnewer\n", NOW)
    assert path.read_bytes() == b"old\nnew\nnewer\n"


def test_a_batch_of_lines_is_one_write(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log.opened(path)
    writes = []
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: (writes.append(bytes(data)), write(file, data))[1])
    log.write(b"a\nb\n", NOW)
    assert writes == [b"a\nb\n"]


def test_what_a_tailer_saw_never_changes_and_a_line_is_whole_when_its_write_returns(path: Path) -> None:
    log = Log.opened(path)
    seen, done = [], threading.Event()

    def tail() -> None:
        with path.open("rb", buffering=0) as file:
            while True:
                ended = done.is_set()
                if part := file.read(1 << 20):
                    seen.append(part)
                elif ended:
                    return

    tailer = threading.Thread(target=tail)
    tailer.start()
    for turn in range(100):
        log.write(b"".join(b"%d %d %s\n" % (turn, n, b"x" * (n % 90)) for n in range(1500)), NOW)
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            assert file.read() == b"\n"
    done.set()
    tailer.join()
    assert b"".join(seen) == path.read_bytes()


def test_half_a_line_left_by_a_crash_is_completed_before_the_first_new_one(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"whole\nhal")
    log = Log.opened(path)
    assert path.read_bytes() == b"whole\nhal"
    log.write(b"new\n", NOW)
    assert path.read_bytes() == b"whole\nhal\nnew\n"
    assert (log.written, log.lost) == (1, 0)


def test_a_second_sniffer_on_the_same_log_is_refused(path: Path) -> None:
    first = Log.opened(path, Rotation(size=4, every=0))
    with pytest.raises(SnifferError, match="another sniffer is writing it"):
        Log.opened(path)
    first.write(b"one\ntwo\n", NOW)
    with pytest.raises(SnifferError, match="another sniffer is writing it"):
        Log.opened(path)


def test_the_log_and_its_folder_are_for_the_owner_and_the_group_alone(path: Path) -> None:
    mask = os.umask(0o077)
    try:
        Log.opened(path)
    finally:
        os.umask(mask)
    assert path.stat().st_mode & 0o7777 == 0o640
    assert path.parent.stat().st_mode & 0o7777 == 0o2750


def test_a_mode_for_all_opens_the_folder_for_all(path: Path) -> None:
    Log.opened(path, mode=0o644)
    assert path.stat().st_mode & 0o777 == 0o644
    assert path.parent.stat().st_mode & 0o777 == 0o755


def test_no_file_grows_over_the_size_and_no_line_is_cut(path: Path) -> None:
    log = Log.opened(path, Rotation(size=100, every=0, keep=99))
    lines = b"".join(b"%d %s\n" % (n, b"x" * (n % 40)) for n in range(200))
    for start in range(0, 200, 7):
        log.write(b"".join(lines.splitlines(True)[start : start + 7]), NOW)
    assert read(path) == lines
    assert all(part.stat().st_size <= 100 for part in path.parent.iterdir())
    assert log.written == 200


def test_a_line_longer_than_the_size_is_written_whole_in_a_file_of_its_own(path: Path) -> None:
    log = Log.opened(path, Rotation(size=10, every=0))
    log.write(b"a\n" + b"b" * 50 + b"\nc\n", NOW)
    assert [p.read_bytes() for p in sorted(path.parent.iterdir())] == [b"c\n", b"b" * 50 + b"\n", b"a\n"]


def test_only_the_newest_are_kept(path: Path) -> None:
    log = Log.opened(path, Rotation(size=2, every=0, keep=3))
    for n in range(9):
        log.write(b"%d\n" % n, NOW)
    assert sorted(p.name for p in path.parent.iterdir()) == [
        "access.log",
        "access.log.1",
        "access.log.2",
        "access.log.3",
    ]
    assert read(path) == b"5\n6\n7\n8\n"


def test_a_number_that_is_free_ends_the_renaming(path: Path) -> None:
    path.parent.mkdir()
    for number in (1, 3):
        path.with_name(f"access.log.{number}").write_bytes(b"%d\n" % number)
    log = Log.opened(path, Rotation(size=2, every=0, keep=9))
    for n in range(2):
        log.write(b"%d\n" % n, NOW)
    found = {old.name[-1]: old.read_bytes() for old in path.parent.glob("access.log.*")}
    assert found == {"1": b"0\n", "2": b"1\n", "3": b"3\n"}


def test_a_new_period_begins_a_new_file(path: Path) -> None:
    log = Log.opened(path, Rotation(size=0, every=60))
    start = NOW // 60 * 60
    for second in (start, start + 59, start + 60, start + 200):
        log.write(b"%d\n" % (second - start), second)
    assert path.read_bytes() == b"200\n"
    assert (path.parent / "access.log.1").read_bytes() == b"60\n"
    assert (path.parent / "access.log.2").read_bytes() == b"0\n59\n"


def test_a_log_last_written_in_an_earlier_period_is_rotated_by_the_first_line(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"yesterday\n")
    os.utime(path, (NOW - 86_400, NOW - 86_400))
    Log.opened(path, Rotation(size=0, every=86_400)).write(b"today\n", NOW)
    assert path.read_bytes() == b"today\n"
    assert (path.parent / "access.log.1").read_bytes() == b"yesterday\n"


def test_an_empty_log_is_never_rotated(path: Path) -> None:
    log = Log.opened(path, Rotation(size=0, every=60))
    log.write(b"", NOW)
    log.write(b"", NOW + 600)
    assert os.listdir(path.parent) == ["access.log"]


def test_all_rotated_files_but_the_newest_are_compressed(path: Path) -> None:
    rotation = Rotation(size=20, every=0, keep=9, compress=True)
    log = Log.opened(path, rotation)
    lines = b"".join(b"line %d\n" % n for n in range(12))
    log.write(lines, NOW)
    log._archive.compress(log._folder, wait=True)
    names = sorted(p.name for p in path.parent.iterdir())
    assert names[:3] == ["access.log", "access.log.1", "access.log.2.gz"]
    assert all(name.endswith(".gz") for name in names[2:])
    assert read(path) == lines
    assert (path.parent / "access.log.2.gz").stat().st_mode & 0o777 == 0o640


def test_rotations_during_compression_lose_nothing(path: Path) -> None:
    log = Log.opened(path, Rotation(size=400, every=0, keep=999, compress=True))
    lines = b"".join(b"line %d\n" % n for n in range(800))
    for line in lines.splitlines(True):
        log.write(line, NOW)
    log._archive.compress(log._folder, wait=True)
    assert read(path) == lines


def test_what_a_crash_left_of_a_compression_is_done_again(path: Path) -> None:
    path.parent.mkdir()
    for name, data in (("access.log.1", b"2\n"), ("access.log.2", b"1\n"), (".access.log.gz.part", b"trash")):
        (path.parent / name).write_bytes(data)
    log = Log.opened(path, Rotation(compress=True))
    log._archive.compress(log._folder, wait=True)
    assert read(path) == b"1\n2\n"
    assert sorted(p.name for p in path.parent.iterdir()) == ["access.log", "access.log.1", "access.log.2.gz"]


def test_a_log_moved_away_is_opened_anew_with_or_without_a_signal(path: Path) -> None:
    log = Log.opened(path)
    for told in (False, True):
        log.write(b"1\n", NOW)
        path.rename(path.with_suffix(".old"))
        if told:
            log.release()
        log.write(b"2\n", NOW)
        assert path.read_bytes() == b"2\n"
        assert path.with_suffix(".old").read_bytes().endswith(b"1\n")
    assert (log.written, log.lost, log.said) == (4, 0, [])


def test_a_log_truncated_by_another_program_goes_on_at_its_start(path: Path) -> None:
    log = Log.opened(path, Rotation(size=10, every=0))
    log.write(b"12345678\n", NOW)
    os.truncate(path, 0)
    log.write(b"new\n", NOW)
    assert path.read_bytes() == b"new\n"
    assert os.listdir(path.parent) == ["access.log"]


def test_a_deleted_log_is_made_again(path: Path) -> None:
    log = Log.opened(path)
    log.write(b"1\n", NOW)
    path.unlink()
    log.write(b"2\n", NOW)
    assert path.read_bytes() == b"2\n"


def test_a_vanished_folder_costs_lines_that_are_counted_and_said_once(path: Path) -> None:
    log = Log.opened(path)
    log.write(b"1\n", NOW)
    path.unlink()
    path.parent.rmdir()
    log.write(b"2\n3\n", NOW)
    log.write(b"4\n", NOW)
    assert (log.written, log.lost) == (1, 3)
    assert log.said == [f"cannot write {path}: No such file or directory; lines are being lost"]
    path.parent.mkdir()
    log.write(b"5\n", NOW)
    assert path.read_bytes() == b"5\n"
    assert log.said[1:] == [f"{path} is written again; 3 lines were lost"]


def test_a_folder_put_in_the_place_of_the_log_is_survived(path: Path) -> None:
    log = Log.opened(path)
    path.unlink()
    path.mkdir()
    log.write(b"1\n", NOW)
    assert log.lost == 1
    path.rmdir()
    log.write(b"2\n", NOW)
    assert path.read_bytes() == b"2\n"


def test_a_full_disk_tears_no_line_and_every_lost_one_is_counted(path: Path, room) -> None:
    log = Log.opened(path)
    room(25)
    log.write(b"1234567\n", NOW)
    log.write(b"abcdefg\nhijklmn\nopqrstu\nvwxyz\n", NOW)  # the disk is full after one byte of the third line
    assert path.read_bytes() == b"1234567\nabcdefg\nhijklmn\no"
    log.write(b"lost\n", NOW)
    room(None)
    log.write(b"new\n", NOW)
    assert path.read_bytes() == b"1234567\nabcdefg\nhijklmn\nopqrstu\nnew\n"
    assert (log.written, log.lost) == (5, 2)
    assert [text.split(":")[0] for text in log.said] == [
        f"cannot write {path}",
        f"{path} is written again; 2 lines were lost",
    ]


def test_half_a_line_in_a_file_that_was_deleted_is_a_lost_line(path: Path, room) -> None:
    log = Log.opened(path)
    room(3)
    log.write(b"12345\n", NOW)
    path.unlink()
    room(None)
    log.write(b"new\n", NOW)
    assert path.read_bytes() == b"new\n"
    assert (log.written, log.lost) == (1, 1)


def test_a_crash_of_the_disk_and_of_the_process_still_counts_right(path: Path, room) -> None:
    path.parent.mkdir()
    path.write_bytes(b"hal")
    log = Log.opened(path)
    room(3)
    log.write(b"1\n", NOW)
    assert (log.written, log.lost) == (0, 1)
    room(None)
    log.write(b"2\n", NOW)
    assert path.read_bytes() == b"hal\n2\n"
    assert (log.written, log.lost) == (1, 1)


def test_a_rotation_that_fails_lets_the_log_grow_on_and_is_tried_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log.opened(path, Rotation(size=4, every=0))
    log.write(b"one\n", NOW)
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", lambda *_, **__: (_ for _ in ()).throw(OSError(13, "Permission denied")))
        log.write(b"two\n", NOW)
    log.write(b"three\n", NOW + 1)
    assert path.read_bytes() == b"one\ntwo\nthree\n"
    assert log.said == [f"cannot rotate {path}: Permission denied; it grows on"]
    log.write(b"four\n", NOW + 20)
    assert path.read_bytes() == b"four\n"
    assert log.lost == 0


def test_a_device_is_written_but_neither_locked_nor_rotated() -> None:
    log = Log.opened("/dev/null", Rotation(size=1))
    log.write(b"1\n2\n", NOW)
    assert log.written == 2
    full = Log.opened("/dev/full")
    full.write(b"1\n2\n", NOW)
    assert full.lost == 2


def test_a_log_that_cannot_be_opened_is_an_error_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SnifferError, match="Not a directory"):
        Log.opened(tmp_path / "file" / "access.log")
    with pytest.raises(SnifferError, match="Is a directory"):
        Log.opened(tmp_path)


def test_standard_output_whose_reader_has_gone_ends_quietly() -> None:
    code = (
        "from sniffer.logfile import LogFile; from sniffer.rotation import Rotation\n"
        "log = LogFile('-', Rotation(), print); log.open(); import time\n"
        "while not log.unread: log.write(b'line\\n' * 1000, 0.0)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
        assert command.stdout
        assert command.stderr
        try:
            assert command.stdout.readline() == b"line\n"
            command.stdout.close()
            assert command.wait(30) == 0
        finally:
            command.kill()
        assert command.stderr.read() == b""


def test_a_full_file_system_is_survived_and_every_lost_line_counted(tmp_path: Path) -> None:
    need(os.geteuid() == 0, "mounting a small file system needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2M", "tmpfs", str(disk)], check=True)
    try:
        log = Log.opened(disk / "access.log", Rotation(size=1_000_000, every=0, keep=2))
        (disk / "ballast").write_bytes(b"x" * 700_000)
        line = b"x" * 99 + b"\n"
        for _ in range(300):
            log.write(line * 100, NOW)
        kept = read(disk / "access.log")
        assert log.lost > 0
        half = not kept.endswith(b"\n")  # it will be completed, or counted when the file is let go
        assert log.written + log.lost + half == 30_000
        assert {len(part) for part in kept.split(b"\n")[:-1]} <= {99}
        (disk / "ballast").unlink()
        log.write(line, NOW)
        assert (disk / "access.log").read_bytes().endswith(line + line)
        assert "is written again" in log.said[-1]
        log.close()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_rotation_after_which_no_file_can_be_made_is_undone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log.opened(path, Rotation(size=4, every=0))
    log.write(b"one\n", NOW)
    opened = log._open

    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(log, "_open", full)
    log.write(b"two\n", NOW)
    monkeypatch.setattr(log, "_open", opened)
    assert os.listdir(path.parent) == ["access.log"]
    assert (path.read_bytes(), log.lost) == (b"one\ntwo\n", 0)
    assert log.said == [f"cannot rotate {path}: No space left on device; it grows on"]
    log.write(b"three\n", NOW + 20)
    assert (path.read_bytes(), read(path)) == (b"three\n", b"one\ntwo\nthree\n")


def test_a_file_that_cannot_be_compressed_stays_as_it_is_and_that_is_said(path: Path) -> None:
    log = Log(path, Rotation(size=4, every=0, compress=True))
    path.parent.mkdir()
    log.open()
    (path.parent / log._archive.part).mkdir()
    for text in (b"one\n", b"two\n", b"six\n"):
        log.write(text, NOW)
    log._archive.compress(log._folder, wait=True)
    assert read(path) == b"one\ntwo\nsix\n"
    assert {text.split(":")[0] for text in log.said} == {"cannot compress access.log's rotated files"}
    assert not list(path.parent.glob("*.gz"))


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks_holds_a_log_too(number: int, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refused)
    log = Log.opened(path)
    log.write(b"one\n", NOW)
    assert path.read_bytes() == b"one\n"


def test_a_lock_that_fails_otherwise_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", refused)
    with pytest.raises(SnifferError, match=r"access\.log: Input/output error$"):
        Log.opened(path)


def test_standard_output_that_takes_no_more_for_now_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    begin, end = os.pipe()
    os.set_blocking(end, False)
    monkeypatch.setattr("sniffer.logfile._STDOUT", end)
    log = Log("-")
    log.prepare()
    log.open()
    got: list[bytes] = []

    def reads() -> None:
        while data := os.read(begin, 1 << 16):
            got.append(data)

    reader = threading.Thread(target=reads)
    reader.start()
    lines = b"a line of some length\n" * 50_000
    log.write(lines, NOW)
    log.release()  # which is nothing to standard output
    log.write(b"end\n", NOW)
    log.close()
    os.close(end)
    reader.join()
    os.close(begin)
    assert b"".join(got) == lines + b"end\n"
    assert (log.written, log.lost) == (50_001, 0)


def test_root_gives_a_folder_away_with_the_logs_own_files_and_nothing_that_is_linked_to(path: Path) -> None:
    need(os.geteuid() == 0, "giving files away needs root")
    secret = path.parent.parent / "secret"
    path.parent.mkdir()
    secret.touch()
    for name in ("access.log", "access.log.2.gz"):
        (path.parent / name).touch()
    (path.parent / "access.log.1").hardlink_to(secret)
    Log(path).prepare(4242)
    owners = {name: (path.parent / name).stat().st_uid for name in os.listdir(path.parent)}
    assert owners == {"access.log": 4242, "access.log.2.gz": 4242, "access.log.1": 0}
    assert (path.parent.stat().st_uid, secret.stat().st_uid) == (4242, 0)


@pytest.mark.parametrize("other", ["link", "stranger", "everybody"])
def test_root_gives_no_folder_away_that_is_not_the_logs_own(other: str, path: Path) -> None:
    need(os.geteuid() == 0, "giving files away needs root")
    path.parent.mkdir()
    path.touch()
    if other == "link":
        (path.parent / "access.log.1").symlink_to("/etc/passwd")
        with pytest.raises(SnifferError, match="cannot use the folder"):
            Log(path).prepare(4242)
    elif other == "stranger":
        (path.parent / "somebody's").touch()
        Log(path).prepare(4242)
        assert path.stat().st_uid == 0
    else:
        path.parent.chmod(0o777)
        Log(path).prepare(4242)
        assert path.stat().st_uid == 0
    assert path.parent.stat().st_uid == 0
    assert Path("/etc/passwd").stat().st_uid == 0


def test_a_disk_that_turns_read_only_costs_lines_that_are_counted_and_is_written_again_when_it_can(
    tmp_path: Path,
) -> None:
    need(os.geteuid() == 0, "mounting needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", str(disk)], check=True)
    try:
        path = disk / "logs" / "access.log"
        log = Log.opened(path)
        log.write(b"1\n", NOW)
        log.release()  # a file open for writing keeps a disk from being made read-only, but not from failing
        log.close()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        log.write(b"2\n3\n", NOW)
        log.write(b"4\n", NOW)
        assert (log.written, log.lost) == (1, 3)
        assert log.said == [f"cannot write {path}: Read-only file system; lines are being lost"]
        with pytest.raises(SnifferError, match="Read-only file system"):
            Log.opened(path)
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        log.write(b"5\n", NOW)
        assert path.read_bytes() == b"1\n5\n"
        assert log.said[1:] == [f"{path} is written again; 3 lines were lost"]
        log.close()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
