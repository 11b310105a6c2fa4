"""Replays: neither the number of processes nor the size of blocks leaves a trace."""

from __future__ import annotations

import errno
import gzip
import os
import random
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from monitor.engine.alert import basic
from monitor.engine.engine import Engine
from monitor.engine.snapshot import Event, Interval, Summary, Transition
from monitor.errors import TaplineError
from monitor.formats import Reader, lines
from monitor.input.archive import open_archive
from monitor.input.block import MAX_LINE
from monitor.replay import SIZES, Progress, Replay, Sizes, progress_text
from monitor.units import Threshold

START = 1_700_000_000
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def line(second: int, path: str = "/a/b", client: str = "10.0.0.1") -> str:
    days, left = divmod(second, 86400)
    assert days >= 19675  # 14/Nov/2023
    day = 14 + days - 19675
    stamp = f"{day:02}/Nov/2023:{left // 3600:02}:{left // 60 % 60:02}:{left % 60:02} +0000"
    return f'{client} - - [{stamp}] "GET {path} HTTP/1.1" 200 12\n'


def messy(seed: int, count: int = 3000, start: int = START) -> str:
    """Traffic with jitter, late lines, leaps, malformed lines, and once a log that is set back."""
    rng = random.Random(seed)
    now, made = start, []
    for number in range(count):
        now += rng.choice([0, 0, 0, 1, 1, 2])
        if rng.random() < 0.004:
            now += rng.choice([130, 500, 3000])
        if number == count // 2:
            now -= 4000
        second = now - rng.choice([0] * 20 + [1, 3, 8, 40, 119, 200])
        if rng.random() < 0.003:
            second += 5000
        made.append(line(max(START, second), f"/{rng.choice('abcdef')}/x", f"10.0.0.{rng.randrange(90)}"))
        if rng.random() < 0.02:
            made.append("not a line\n")
    return "".join(made)


def replayed(
    paths: Sequence[Path], *, jobs: int = 1, paced: bool = False, sizes: Sizes = SIZES, detail: bool = False
) -> tuple[list[Event], Summary]:
    engine = Engine(basic(Threshold.parse("1")), top=0, detail=detail)
    archives = [open_archive(str(path)) for path in paths]
    events: list[Event] = []
    readers = [reader() for _ in paths]
    with Replay(archives, readers, engine, jobs=jobs, new_reader=reader, paced=paced, sizes=sizes) as replay:
        for step in replay.steps():
            events += step.events
    return events + engine.finish(), engine.summary()


def reader() -> Reader:
    return Reader(None)


def log(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("plain", [False, True], ids=["line by line", "plain lines together"])
@pytest.mark.parametrize("seed", range(4))
def test_processes_and_blocks_leave_no_trace(
    seed: int, plain: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = log(tmp_path, "log", messy(seed))
    expected = replayed([path])
    assert len(expected[0]) > 50
    monkeypatch.setattr(lines, "LARGE", 0 if plain else MAX_LINE)
    monkeypatch.setattr(lines, "BEFORE", 0)
    for sizes, jobs in (
        (Sizes(2000), 1),
        (Sizes(100), 1),
        (Sizes(2000, 2000, 2000), 2),
        (Sizes(7000, 9000, 30_000), 3),
        (Sizes(500, 1000, 50_000), 2),
    ):
        assert replayed([path], jobs=jobs, sizes=sizes) == expected


def test_a_sparse_log_is_the_same_by_several_processes(tmp_path: Path) -> None:
    path = log(tmp_path, "log", "".join(line(START + second) for second in range(0, 100_000, 300)))
    expected = replayed([path])
    assert replayed([path], jobs=2, sizes=Sizes(1000, 1000, 1000)) == expected
    assert len(expected[0]) == 334


def test_parts_are_read_again_where_the_log_turns_into_another_format(tmp_path: Path) -> None:
    common = [line(START + second) for second in range(600)]
    vhost = ["my.site.com:80 " + line(START + 600 + second) for second in range(600)]
    path = log(tmp_path, "log", "".join(common + vhost))
    expected = replayed([path])
    assert replayed([path], jobs=2, sizes=Sizes(3000, 3000, 3000)) == expected
    assert expected[1].parsed > 1000


def test_of_an_orderly_log_the_first_process_reads_only_the_beginning(tmp_path: Path) -> None:
    path = log(tmp_path, "log", "".join(line(START + second) for second in range(3000)))
    read: list[int] = []
    engine = Engine(basic(Threshold.parse("1")))
    sizes = Sizes(1000, 5000, 20_000)
    with Replay(
        [open_archive(str(path))],
        [reader()],
        engine,
        jobs=2,
        new_reader=reader,
        seen=lambda log, data, state, batch: read.append(len(data)),
        sizes=sizes,
    ) as replay:
        events = [event for step in replay.steps() for event in step.events] + engine.finish()
    assert sum(read) < 6000
    assert replay.progress.read == replay.progress.size == path.stat().st_size
    assert replay.progress.lines == 3000
    assert len(events) == 300


def test_a_pipe_and_a_packed_log_are_the_same_by_several_processes(tmp_path: Path) -> None:
    text = messy(7)
    expected = replayed([log(tmp_path, "log", text)])
    packed = tmp_path / "log.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    os.mkfifo(tmp_path / "pipe")
    for name in ("log.gz", "pipe"):
        # No thread: the processes that are forked would hold the pipe open.
        with subprocess.Popen(["sh", "-c", f"cat log > {name}"] if name == "pipe" else ["true"], cwd=tmp_path):
            assert replayed([tmp_path / name], jobs=2, sizes=Sizes(2000, 4000)) == expected


def test_what_cannot_be_read_on_is_an_error_after_what_came_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = log(tmp_path, "log", "".join(line(START + second) for second in range(3000)))
    real = os.pread

    def failing(descriptor: int, size: int, position: int) -> bytes:
        if position > 150_000:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(descriptor, size, position)

    monkeypatch.setattr(os, "pread", failing)
    engine = Engine(basic(Threshold.parse("1")))
    sizes = Sizes(1000, 5000, 20_000)
    with (
        Replay([open_archive(str(path))], [reader()], engine, jobs=2, new_reader=reader, sizes=sizes) as replay,
        pytest.raises(TaplineError, match=f"^{path}: input/output error$"),
    ):
        list(replay.steps())
    assert 2150 < engine.summary().lines < 2200


def test_a_packed_log_that_is_cut_off_is_an_error_after_what_came_before_whoever_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(messy(5).encode())[:-500])
    told = []
    for jobs in (1, 2):
        engine = Engine(basic(Threshold.parse("1")), top=0)
        sizes = Sizes(2000, 4000)
        replay = Replay([open_archive(str(path))], [reader()], engine, jobs=jobs, new_reader=reader, sizes=sizes)
        with replay, pytest.raises(TaplineError, match=f"^{path}: ") as failed:
            list(replay.steps())
        told.append((str(failed.value), engine.finish(), engine.summary()))
    assert told[0] == told[1]
    assert told[0][2].parsed > 2000


@pytest.mark.parametrize("detail", [False, True])
def test_a_screen_replays_by_several_processes_with_all_its_tables(tmp_path: Path, detail: bool) -> None:
    path = log(tmp_path, "log", messy(3))
    expected = replayed([path], detail=detail)
    assert replayed([path], jobs=2, sizes=Sizes(3000, 6000, 20_000), detail=detail) == expected


@pytest.mark.parametrize("seed", range(3))
def test_several_logs_are_read_in_the_order_of_their_time(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    seconds = [START + second for second in range(900) for _ in range(rng.randrange(4))]
    parts: list[list[str]] = [[], [], []]
    for second in seconds:
        rng.choice(parts).append(line(second, f"/{rng.choice('abc')}/"))
    whole = log(tmp_path, "whole", "".join(sorted((text for part in parts for text in part), key=when)))
    paths = [log(tmp_path, f"part{number}", "".join(part)) for number, part in enumerate(parts)]
    expected = replayed([whole])
    assert replayed(paths) == expected
    assert replayed(paths, sizes=Sizes(700)) == expected
    assert [event for event in expected[0] if isinstance(event, Transition)]


def when(text: str) -> str:
    return text.split("[")[1][:20]


def test_blocks_leave_no_trace_in_several_messy_logs(tmp_path: Path) -> None:
    paths = [log(tmp_path, f"log{seed}", messy(seed, 800, START + 50 * seed)) for seed in range(3)]
    expected = replayed(paths)
    for block in (300, 5000):
        assert replayed(paths, sizes=Sizes(block)) == expected
    hits = sum(event.traffic.hits for event in expected[0] if isinstance(event, Interval))
    assert hits == expected[1].parsed == 2400


def test_a_paced_replay_tells_the_same_and_each_second_before_it_comes(tmp_path: Path) -> None:
    path = log(tmp_path, "log", "".join(line(START + second // 3) for second in range(300)))
    expected = replayed([path])
    assert replayed([path], paced=True) == expected
    engine = Engine(basic(Threshold.parse("1")))
    with Replay([open_archive(str(path))], [reader()], engine, paced=True) as replay:
        seconds = [step.second for step in replay.steps()]
    assert seconds == [*range(START, START + 100), None]


def test_an_empty_log_is_no_step_and_no_error(tmp_path: Path) -> None:
    for jobs in (1, 2):
        events, summary = replayed([log(tmp_path, "log", "")], jobs=jobs)
        assert (events, summary.lines) == ([], 0)


def test_progress_is_told_in_one_line() -> None:
    assert progress_text(Progress(250_000_000, 1_000_000_000, 1_000_000), 2.0) == (
        "250 MB of 1,000 MB, 500,000 lines/s, 6 s left"
    )
    assert progress_text(Progress(5_000_000, None, 30), 1.0) == "5 MB, 30 lines/s"


def test_malformed_lines_before_the_first_hit_count_though_several_logs_are_read(tmp_path: Path) -> None:
    first = log(tmp_path, "first", "not a line\n" + line(START))
    second = log(tmp_path, "second", line(START + 1) + "nor this\n" + line(START + 20) + "nor that\n")
    events, summary = replayed([first, second])
    assert (summary.lines, summary.parsed, summary.malformed) == (6, 3, 3)
    assert [event.traffic.malformed for event in events if isinstance(event, Interval)] == [2, 1]
