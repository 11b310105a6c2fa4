"""Several logs and patterns: who joins, who does not, and from where."""

import gzip
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitor.errors import TaplineError
from monitor.input.follow import RESCAN, Followers
from monitor.input.stream import Stream


class Folder:
    """A folder of logs and who follows them, and a clock that only tests move."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 0.0

    def write(self, name: str, *lines: str) -> None:
        with (self.path / name).open("a") as stream:
            stream.write("".join(f"{line}\n" for line in lines))

    def follow(self, *names: str) -> None:
        self.followers = Followers([str(self.path / name) for name in names])

    def read(self) -> dict[str, list[str]]:
        self.now += 2 * RESCAN
        found: dict[str, list[str]] = {}
        for block in self.followers.read(self.now):
            name = Path(self.followers.names[block.log]).name
            found.setdefault(name, []).extend(block.data.decode().split())
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_several_logs_keep_their_indices(folder: Folder) -> None:
    folder.follow("a", "b")
    folder.write("b", "1")
    assert folder.read() == {"b": ["1"]}
    folder.write("a", "2")
    assert folder.read() == {"a": ["2"]}
    assert [Path(name).name for name in folder.followers.names] == ["a", "b"]


def test_new_matches_of_a_pattern_join_from_their_beginning(folder: Folder) -> None:
    folder.write("access-2026-11-22.log", "old")
    folder.follow("access-*.log")
    folder.write("access-2026-11-22.log", "1")
    assert folder.read() == {"access-2026-11-22.log": ["1"]}
    folder.write("access-2026-11-23.log", "2")
    folder.write("access-2026-11-22.log", "3")
    assert folder.read() == {"access-2026-11-22.log": ["3"], "access-2026-11-23.log": ["2"]}


def test_rotated_and_packed_matches_are_not_followed_by_their_own_names(folder: Folder) -> None:
    folder.write("access.log", "old")
    folder.write("access.log.1", "older")
    (folder.path / "access.log.2.gz").write_bytes(gzip.compress(b"oldest\n"))
    folder.follow("access.log*")
    folder.write("access.log", "1")
    assert folder.read() == {"access.log": ["1"]}
    os.rename(folder.path / "access.log.1", folder.path / "access.log.3")
    os.rename(folder.path / "access.log", folder.path / "access.log.1")
    folder.write("access.log.1", "2")
    folder.write("access.log", "3")
    assert folder.read() == {"access.log": ["2", "3"]}
    assert len(folder.followers.messages()) == 1


def test_logs_with_similar_names_are_all_followed(folder: Folder) -> None:
    names = ["app.log", "app1.log", "app-1.log", "app_2.log", "other.app.log"]
    for name in names:
        folder.write(name)
    folder.follow("*.log")
    for name in names:
        folder.write(name, "1")
    assert folder.read() == {name: ["1"] for name in names}


def test_a_link_to_a_log_that_is_followed_counts_once(folder: Folder) -> None:
    folder.write("app-2026-11-22.log", "old")
    (folder.path / "app.log").symlink_to("app-2026-11-22.log")
    folder.follow("*.log")
    folder.write("app-2026-11-22.log", "1")
    assert folder.read() == {"app-2026-11-22.log": ["1"]}
    folder.write("app-2026-11-23.log", "2")
    (folder.path / "app.log").unlink()
    (folder.path / "app.log").symlink_to("app-2026-11-23.log")
    assert folder.read() == {"app-2026-11-23.log": ["2"]}


def test_a_log_named_by_a_link_and_matched_by_a_pattern_counts_once(folder: Folder) -> None:
    folder.write("app-1.log", "old")
    (folder.path / "current").symlink_to("app-1.log")
    folder.follow("current", "*.log")
    folder.write("app-1.log", "1")
    assert folder.read() == {"current": ["1"]}


def test_a_log_named_twice_counts_once(folder: Folder) -> None:
    folder.followers = Followers([str(folder.path / "a"), f"{folder.path}/./a"])
    folder.write("a", "1")
    assert folder.read() == {"a": ["1"]}


def test_one_unreadable_log_does_not_keep_the_others_back(folder: Folder) -> None:
    (folder.path / "a").mkdir()
    (folder.path / "b").write_bytes(os.urandom(5000))
    folder.write("c")
    folder.follow("a", "b", "c")
    folder.write("c", "1")
    assert folder.read() == {"c": ["1"]}
    assert folder.followers.messages() == [
        f"{folder.path / 'a'}: is a directory",
        f"{folder.path / 'b'}: binary, not a log",
    ]
    assert folder.followers.messages() == []


def test_a_large_backlog_leaves_room_for_the_other_logs(folder: Folder) -> None:
    folder.follow("a", "b")
    folder.write("a", *["x" * 99] * 50_000)
    folder.write("b", "1")
    blocks = folder.followers.read(0.0, 200_000)
    assert {block.log for block in blocks} == {0, 1}
    assert sum(len(block.data) for block in blocks) <= 200_000


def test_a_file_name_with_a_bracket_is_no_pattern_if_it_exists(folder: Folder) -> None:
    folder.write("log[1]", "old")
    folder.follow("log[1]")
    folder.write("log[1]", "1")
    assert folder.read() == {"log[1]": ["1"]}


def test_a_pipe_is_read_without_waiting_and_ends_with_its_writers(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    monkeypatch.setattr("monitor.input.stream.STDIN", reader)
    followers = Followers(["-"])
    assert followers.read(0.0) == []
    os.write(writer, b"1\n2")
    assert [block.data for block in followers.read(0.0)] == [b"1\n"]
    assert followers.watched().descriptors == {reader}
    assert not followers.ended
    os.close(writer)
    assert [block.data for block in followers.read(0.0)] == [b"2"]
    assert followers.ended
    assert followers.watched().descriptors == frozenset()
    os.close(reader)


def test_a_named_pipe_waits_for_its_next_writer(folder: Folder) -> None:
    os.mkfifo(folder.path / "pipe")
    folder.follow("pipe")
    assert folder.read() == {}
    folder.write("pipe", "1")
    assert folder.read() == {"pipe": ["1"]}
    folder.write("pipe", "2")
    assert folder.read() == {"pipe": ["2"]}
    assert not folder.followers.ended
    folder.followers.close()


def test_a_pipe_that_cannot_be_opened_is_one_line(folder: Folder) -> None:
    with pytest.raises(TaplineError, match="no such file"):
        Stream(str(folder.path / "none"))


def test_more_logs_than_can_be_followed_are_left_out_and_that_is_said_once(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.input.follow.MAX_LOGS", 2)
    for name in "abcd":
        folder.write(name)
    folder.follow("?")
    for name in "abcd":
        folder.write(name, name)
    assert folder.read() == {"a": ["a"], "b": ["b"]}
    folder.read()
    left_out = [text for text in folder.followers.messages() if "left out" in text]
    assert left_out == [f"more than 2 logs: {folder.path / name} and what follows is left out" for name in "cd"]


def test_a_link_to_another_log_is_not_read_twice(folder: Folder) -> None:
    folder.write("real")
    (folder.path / "link").symlink_to("real")
    folder.follow("real", "link")
    folder.write("real", "1")
    assert folder.read() == {"real": ["1"]}


@contextmanager
def descriptors_left(count: int) -> Iterator[None]:
    """Let so many more files be opened."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = [os.dup(0) for _ in range(count + 1)]
    for descriptor in free:
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free[-1], hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_pipe_that_cannot_be_opened_is_told_and_the_others_are_followed(folder: Folder) -> None:
    os.mkfifo(folder.path / "pipe")
    folder.write("a")
    with descriptors_left(1):
        folder.follow("a", "pipe")
    folder.write("a", "1")
    assert folder.read() == {"a": ["1"]}
    assert folder.followers.messages() == [f"{folder.path / 'pipe'}: too many open files"]


def test_a_pipe_that_may_only_be_read_is_read_but_not_waited_for(folder: Folder) -> None:
    path = folder.path / "pipe"
    os.mkfifo(path)
    with descriptors_left(1):  # none for the writer that keeps it open
        stream = Stream(str(path))
    assert stream.awaited is None
    with path.open("wb", buffering=0) as writer:
        writer.write(b"1\n")
        assert [block.data for block in stream.read(1000, 0.0)] == [b"1\n"]
    assert stream.read(1000, 0.0) == []
    assert not stream.ended
    stream.close()


def test_standard_input_that_cannot_be_read_is_told_and_ends(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.input.stream.STDIN", descriptor := os.open(folder.path, os.O_RDONLY))
    stream = Stream("-")
    assert stream.read(1000, 0.0) == []
    assert (list(stream.messages), stream.ended) == (["-: is a directory"], True)
    os.close(descriptor)
