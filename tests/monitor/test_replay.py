"""Replays: neither the number of processes nor the size of blocks leaves a trace."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

import monitor.replay
from monitor.engine.alert import basic
from monitor.engine.engine import Engine
from monitor.engine.snapshot import Event, Interval, Summary, Transition
from monitor.formats import Reader
from monitor.input.archive import open_archive
from monitor.replay import Progress, Replay, progress_text
from monitor.units import Threshold

START = 1_700_000_000
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def line(second: int, path: str = "/a/b", client: str = "10.0.0.1") -> str:
    days, left = divmod(second, 86400)
    assert days >= 19675  # 14/Nov/2023
    day = 14 + days - 19675
    stamp = f"{day:02}/Nov/2023:{left // 3600:02}:{left // 60 % 60:02}:{left % 60:02} +0000"
    return f'{client} - - [{stamp}] "GET {path} HTTP/1.1" 200 12\n'


def messy(seed: int, lines: int = 3000, start: int = START) -> str:
    """Traffic with jitter, late lines, leaps, malformed lines, and once a log that is set back."""
    rng = random.Random(seed)
    now, made = start, []
    for number in range(lines):
        now += rng.choice([0, 0, 0, 1, 1, 2])
        if rng.random() < 0.004:
            now += rng.choice([130, 500, 3000])
        if number == lines // 2:
            now -= 4000
        second = now - rng.choice([0] * 20 + [1, 3, 8, 40, 119, 200])
        if rng.random() < 0.003:
            second += 5000
        made.append(line(max(START, second), f"/{rng.choice('abcdef')}/x", f"10.0.0.{rng.randrange(90)}"))
        if rng.random() < 0.02:
            made.append("not a line\n")
    return "".join(made)


def replayed(paths: Sequence[Path], *, jobs: int = 1, paced: bool = False) -> tuple[list[Event], Summary]:
    engine = Engine(basic(Threshold.parse("1")), top=0)
    archives = [open_archive(str(path)) for path in paths]
    events: list[Event] = []
    with Replay(archives, [reader() for _ in paths], engine, jobs=jobs, new_reader=reader, paced=paced) as replay:
        for step in replay.steps():
            events += step.events
    return events + engine.finish(), engine.summary()


def reader() -> Reader:
    return Reader(None)


def log(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("seed", range(4))
def test_processes_and_blocks_leave_no_trace(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = log(tmp_path, "log", messy(seed))
    expected = replayed([path])
    assert len(expected[0]) > 50
    for block, jobs in ((2000, 1), (2000, 2), (7000, 3), (100, 1)):
        monkeypatch.setattr(monitor.replay, "BLOCK", block)
        assert replayed([path], jobs=jobs) == expected


def test_a_sparse_log_is_the_same_by_several_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = log(tmp_path, "log", "".join(line(START + second) for second in range(0, 100_000, 300)))
    expected = replayed([path])
    monkeypatch.setattr(monitor.replay, "BLOCK", 1000)
    assert replayed([path], jobs=2) == expected
    assert len(expected[0]) == 334


def test_parts_are_read_again_where_the_log_turns_into_another_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = [line(START + second) for second in range(600)]
    vhost = ["my.site.com:80 " + line(START + 600 + second) for second in range(600)]
    path = log(tmp_path, "log", "".join(common + vhost))
    expected = replayed([path])
    monkeypatch.setattr(monitor.replay, "BLOCK", 3000)
    assert replayed([path], jobs=2) == expected
    assert expected[1].parsed > 1000


@pytest.mark.parametrize("seed", range(3))
def test_several_logs_are_read_in_the_order_of_their_time(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    seconds = [START + second for second in range(900) for _ in range(rng.randrange(4))]
    parts: list[list[str]] = [[], [], []]
    for second in seconds:
        rng.choice(parts).append(line(second, f"/{rng.choice('abc')}/"))
    whole = log(tmp_path, "whole", "".join(sorted((text for part in parts for text in part), key=when)))
    paths = [log(tmp_path, f"part{number}", "".join(part)) for number, part in enumerate(parts)]
    expected = replayed([whole])
    assert replayed(paths) == expected
    monkeypatch.setattr(monitor.replay, "BLOCK", 700)
    assert replayed(paths) == expected
    assert [event for event in expected[0] if isinstance(event, Transition)]


def when(text: str) -> str:
    return text.split("[")[1][:20]


def test_blocks_leave_no_trace_in_several_messy_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [log(tmp_path, f"log{seed}", messy(seed, 800, START + 50 * seed)) for seed in range(3)]
    expected = replayed(paths)
    for block in (300, 5000):
        monkeypatch.setattr(monitor.replay, "BLOCK", block)
        assert replayed(paths) == expected
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
