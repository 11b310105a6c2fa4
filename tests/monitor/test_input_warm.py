"""A live start reads back as far as it is asked to, through rotated and packed predecessors, and then goes on."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.formats.lines import LARGE
from monitor.input.follow import Followers
from monitor.input.siblings import by_identity, siblings
from monitor.input.tail import Tail
from monitor.input.warm import warmed


def numbered(start: int, end: int) -> bytes:
    return b"".join(b"%07d some more of the line\n" % n for n in range(start, end))


def first(data: bytes) -> int:
    return int(data.split()[0])


def past(tail: Tail) -> bytes:
    return b"".join(block.data for block in tail.past())


def read(tail: Tail) -> bytes:
    return b"".join(block.data for block in tail.read(1 << 30, 0.0))


def started(path: Path, wanted: int, budget: int = 1 << 28) -> tuple[Tail, list[bytes]]:
    tail = Tail(str(path))
    tail.start_at_end()
    asked: list[bytes] = []

    def enough(data: bytes) -> bool:
        asked.append(data)
        return first(data) <= wanted

    tail.warm(enough, budget)
    return tail, asked


def test_only_as_much_is_read_back_as_is_wanted(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(numbered(0, 200_000) + b"half a li")
    tail, asked = started(log, 195_000)
    assert b"".join(reversed(asked)) == numbered(first(asked[-1]), 200_000)
    assert 150_000 < first(asked[-1]) <= 195_000
    assert past(tail) == numbered(first(asked[-1]), 200_000)
    with log.open("ab") as stream:
        stream.write(b"ne\nnew\n")
    assert read(tail) == b"half a line\nnew\n"


def test_no_more_is_read_back_at_once_than_is_read_without_arrays(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(numbered(0, 100_000))
    _, asked = started(log, 0)
    assert b"".join(reversed(asked)) == numbered(0, 100_000)
    assert max(map(len, asked)) < LARGE


@pytest.mark.parametrize("packed", [False, True])
def test_the_predecessors_are_read_back_too(tmp_path: Path, packed: bool) -> None:
    log = tmp_path / "log"
    log.write_bytes(numbered(60_000, 60_100))
    (tmp_path / "log.1").write_bytes(numbered(50_000, 60_000))
    older = numbered(0, 50_000)
    (tmp_path / "log.2.gz" if packed else tmp_path / "log.2").write_bytes(gzip.compress(older) if packed else older)
    tail, asked = started(log, 45_000)
    assert 30_000 < first(asked[-1]) <= 45_000
    assert past(tail) == numbered(first(asked[-1]), 60_100)
    with (tmp_path / "log.1").open("ab") as stream:
        stream.write(b"straggler\n")
    with log.open("ab") as stream:
        stream.write(b"new\n")
    assert read(tail) == b"straggler\nnew\n"


def test_going_further_back_after_all_is_possible(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(numbered(0, 200_000))
    tail, asked = started(log, 195_000)
    assert past(tail) == numbered(first(asked[-1]), 200_000)
    tail.warm(lambda data: first(data) == 0, 1 << 28)
    assert past(tail) == numbered(0, 200_000)
    assert read(tail) == b""


def test_reading_back_ends_at_its_bound(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(numbered(0, 200_000))
    tail, asked = started(log, -1, budget=1_000_000)
    assert 900_000 < sum(map(len, asked)) <= 1_000_000
    assert past(tail) == b"".join(reversed(asked))


def test_lines_that_are_behind_the_bound_are_told_from_a_beginning(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(numbered(0, 200_000))
    tail, _ = started(log, 195_000)
    for wanted, budget, had in ((-1, 1_000_000, False), (195_000, 1_000_000, True), (-1, 1 << 28, True)):
        past(tail)
        assert tail.warm(lambda data, wanted=wanted: first(data) <= wanted, budget) is had


def test_a_packed_predecessor_that_is_too_large_is_no_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    log.write_bytes(numbered(5000, 5009))
    (tmp_path / "log.1.gz").write_bytes(gzip.compress(numbered(0, 5000)))
    for size, is_beginning in ((1 << 20, True), (100, False)):
        monkeypatch.setattr("monitor.input.warm.PACKED_SIZE", size)
        tail = Tail(str(log))
        tail.start_at_end()
        assert tail.warm(lambda data: False, 1 << 28) is is_beginning
        tail.close()


def test_reading_back_of_a_log_that_is_not_there_reads_its_predecessor(tmp_path: Path) -> None:
    log = tmp_path / "log"
    (tmp_path / "log.1").write_bytes(numbered(0, 100))
    tail, _ = started(log, -1)
    assert past(tail) == numbered(0, 100)
    log.write_bytes(b"new\n")
    assert read(tail) == b"new\n"


@given(st.binary(max_size=300), st.integers(0, 300))
def test_what_is_read_back_is_the_end_of_the_log(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, budget: int
) -> None:
    log = tmp_path_factory.mktemp("warm") / "log"
    log.write_bytes(b"text\n" + data)
    whole = (b"text\n" + data)[: (b"text\n" + data).rfind(b"\n") + 1]
    tail = Tail(str(log))
    tail.start_at_end()
    asked: list[bytes] = []
    tail.warm(lambda block: bool(asked.append(block)), budget)
    back = b"".join(reversed(asked))
    assert past(tail) == back
    assert whole.endswith(back)
    assert len(back) <= budget
    tail.close()


def test_the_head_and_the_time_of_writing_are_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"#Fields: a b\n" + numbered(0, 10_000))
    followers = Followers([str(log)])
    assert followers.head(0).startswith(b"#Fields: a b\n0000000 ")
    assert followers.modified(0) == log.stat().st_mtime
    followers.close()


def test_a_predecessor_that_cannot_be_unpacked_ends_the_reading_back(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(numbered(5, 9))
    (tmp_path / "log.1.gz").write_bytes(gzip.compress(numbered(0, 5))[:-20])
    assert siblings(str(log))
    tail, _ = started(log, 0)
    assert past(tail).endswith(numbered(5, 9))
    assert tail.warm(lambda data: False, 1 << 28) is False
    assert warmed([], [], lambda data: True, 0) == ([], True)


def test_of_a_large_packed_predecessor_the_end_is_read_back_and_of_a_very_large_one_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    log.write_bytes(numbered(60_000, 60_100))
    (tmp_path / "log.1.gz").write_bytes(gzip.compress(numbered(0, 60_000)))
    monkeypatch.setattr("monitor.input.warm.PACKED_KEPT", 100_000)
    tail, asked = started(log, -1)
    back = past(tail)
    assert b"".join(reversed(asked)) == back == numbered(first(back), 60_100)
    assert len(numbered(0, 100)) + 90_000 < len(back) < len(numbered(0, 100)) + 500_000
    monkeypatch.setattr("monitor.input.warm.PACKED_SIZE", 1000)
    tail, _ = started(log, -1)
    assert past(tail) == numbered(60_000, 60_100)


def test_a_predecessor_that_cannot_be_opened_ends_the_reading_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    log.write_bytes(numbered(5, 9))
    (tmp_path / "log.1").write_bytes(numbered(0, 5))
    (sibling,) = siblings(str(log))
    (tmp_path / "log.1").unlink()  # between the listing and the look
    assert warmed([], [sibling], lambda data: False, 1 << 20) == ([], False)


def test_a_predecessor_that_is_damaged_after_it_was_looked_at_is_told_and_read_as_far_as_it_goes(
    tmp_path: Path,
) -> None:
    log, packed = tmp_path / "log", tmp_path / "log.1.gz"
    log.write_bytes(numbered(60_000, 60_100))
    packed.write_bytes(gzip.compress(numbered(0, 60_000)))
    tail, _ = started(log, -1)
    with packed.open("r+b") as stream:
        stream.seek(packed.stat().st_size // 2)
        stream.write(bytes(1000))
    lines = past(tail)
    assert lines.startswith(numbered(0, 1000))
    assert lines.endswith(numbered(60_000, 60_100))
    assert len(lines) < len(numbered(0, 60_000))
    (told,) = tail.messages
    assert told.startswith(f"{packed}: ")


def test_files_are_found_by_their_numbers_where_there_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "other").touch()
    status = (tmp_path / "other").stat()
    assert by_identity(str(tmp_path / "log")) == {(status.st_dev, status.st_ino): str(tmp_path / "other")}
    assert by_identity(str(tmp_path / "none" / "log")) == {}
