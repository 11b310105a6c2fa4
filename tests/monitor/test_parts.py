"""The processes that read parts of a log, one by one: what they hand back, and what happens when they can't."""

import multiprocessing
import os
import resource
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from multiprocessing import Pipe
from pathlib import Path

import pytest

from monitor import parts
from monitor.engine.alert import basic
from monitor.engine.engine import Engine
from monitor.errors import TaplineError
from monitor.formats import Batch, Reader, State
from monitor.input.archive import Stretches, open_archive
from monitor.parts import SETTLED, Part, Workers, _Worker
from monitor.units import Threshold

PLAN = Engine(basic(Threshold.parse("1"))).plan
BLOCK = 1000


def line(second: int) -> bytes:
    return b'h - - [14/Nov/2023:%02d:%02d:%02d +0000] "GET /a/b HTTP/1.1" 200 5\n' % (
        second // 3600,
        second // 60 % 60,
        second % 60,
    )


def reader() -> Reader:
    return Reader(None)


def known() -> State:
    first = reader()
    first.read(line(0))
    return first.state


def workers(
    jobs: int,
    waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    new_reader: Callable[[], Reader] = reader,
) -> Workers:
    return Workers(new_reader, PLAN, jobs, waiting, None, lambda reader: BLOCK)


def test_parts_come_back_in_the_order_of_their_blocks() -> None:
    blocks = [b"".join(line(second) for second in range(at, at + 50)) for at in range(0, 500, 50)]
    some = workers(3)
    try:
        counted = list(some.counted(iter(blocks), known()))
    finally:
        some.close()
    assert [unit for unit, _ in counted] == blocks
    assert [part.lines.lines for _, part in counted] == [50] * 10
    assert multiprocessing.active_children() == []


def end(some: Workers) -> None:
    some._processes[0].kill()
    some._processes[0].join()


def test_a_worker_that_is_killed_before_a_block_is_sent_is_a_named_error() -> None:
    one = workers(1)
    try:
        end(one)
        with pytest.raises(TaplineError, match="ended from outside"):
            list(one.counted(iter([line(1)]), known()))
    finally:
        one.close()


def test_a_worker_that_is_killed_before_it_reads_a_block_is_a_named_error() -> None:
    @contextmanager
    def waiting() -> Iterator[None]:
        end(one)
        yield

    one = workers(1, waiting)
    pid = one._processes[0].pid
    assert pid
    try:
        os.kill(pid, signal.SIGSTOP)
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)  # it is: nothing more is read by it
        with pytest.raises(TaplineError, match="ended from outside"):
            list(one.counted(iter([line(1)]), known()))
    finally:
        one.close()


def test_a_worker_that_is_killed_over_a_block_is_a_named_error() -> None:
    started, starts = os.pipe()

    class Hanging(Reader):
        def read(self, data: bytes) -> Batch:
            os.write(starts, b".")
            signal.pause()
            return super().read(data)

    @contextmanager
    def waiting() -> Iterator[None]:
        os.read(started, 1)
        end(one)
        yield

    one = workers(1, waiting, lambda: Hanging(None))
    try:
        with pytest.raises(TaplineError, match="ended from outside"):
            list(one.counted(iter([line(1)]), known()))
    finally:
        one.close()
        os.close(started)
        os.close(starts)


def test_processes_that_can_not_be_started_are_one_line_and_none_is_left() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 8, hard))
    try:
        with pytest.raises(TaplineError, match=r"^--jobs 60: too many open files$"):
            workers(60)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert multiprocessing.active_children() == []


def answers(
    asked: list[tuple[State, bytes | tuple[int, int]]], stretches: Stretches | None = None
) -> list[Part | None]:
    """What a worker answers, run in this process."""
    (mine, its), (others, _) = Pipe(), Pipe()
    for state, unit in asked:
        mine.send((state, None if isinstance(unit, bytes) else unit))
        if isinstance(unit, bytes):
            mine.send_bytes(unit)
    with socket.socket(fileno=os.dup(mine.fileno())) as end:
        end.shutdown(socket.SHUT_WR)
    found: list[Part | None] = []

    def listen() -> None:
        with suppress(EOFError):
            while True:
                found.append(mine.recv())

    listener = threading.Thread(target=listen)
    listener.start()
    handled: dict[int, object] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("signal.signal", handled.__setitem__)
        patch.setattr("gc.set_threshold", lambda *_: None)
        _Worker(its, reader(), PLAN, stretches, lambda reader: BLOCK).run([others])
    assert others.closed
    assert handled == {signal.SIGINT: signal.SIG_IGN, signal.SIGTERM: signal.SIG_DFL}
    its.close()
    listener.join()
    return found


def test_a_worker_answers_unit_by_unit_and_ends_with_the_process_that_asks() -> None:
    found = answers([(known(), line(1) + line(2)), (known(), line(3))])
    assert [part and part.lines.lines for part in found] == [2, None, 1, None]


def test_a_block_over_which_something_was_to_be_said_is_read_again_in_its_place() -> None:
    [part, end] = answers([(reader().state, line(1))])
    assert part
    assert (part.tally, part.tail, part.lines.lines, end) == (None, None, 1, None)


def test_a_parts_last_line_waits_for_the_next_where_it_leaps_ahead() -> None:
    [leap, _] = answers([(known(), line(1) + line(2) + line(2 + PLAN.window + 1))])
    assert leap
    assert leap.tally
    assert leap.tail
    assert (leap.lines.lines, len(leap.tail.times)) == (3, 1)
    [step, _] = answers([(known(), line(1) + line(2) + line(2 + PLAN.window))])
    assert step
    assert step.tally
    assert step.tail is None


def test_of_a_stretch_only_the_blocks_that_depend_on_what_came_before_are_read_again(tmp_path: Path) -> None:
    """The log is set back in its third block; each part says where it stands, and how what follows is to be read."""
    lines = [line(second) for second in range(1000, 1040)] + [line(second) for second in range(40)]
    path = tmp_path / "log"
    path.write_bytes(b"".join(lines))
    with open_archive(str(path)).stretches() as stretches:
        found = answers([(known(), (0, path.stat().st_size))], stretches)
    parts = [part for part in found if part]
    assert [part.tally is None for part in parts] == [False, True, False]
    assert [part.start for part in parts] == [0, *(part.end for part in parts[:-1])]
    assert parts[-1].end == path.stat().st_size
    assert sum(part.lines.lines for part in parts) == 80
    assert all(part.before == known() == part.state for part in parts)


def test_a_part_is_handed_over_when_it_holds_many_finished_intervals(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"".join(line(second) for second in range(0, 86_400, 20)))
    with open_archive(str(path)).stretches() as stretches:
        found = answers([(known(), (0, path.stat().st_size))], stretches)
    settled = [len(part.tally.settled) for part in found if part and part.tally]
    assert sum(settled) > 86_400 // 20 - 20
    assert SETTLED < max(settled) < SETTLED + 50


def test_of_a_worker_whose_turn_has_not_come_few_parts_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"".join(line(second) for second in range(0, 40_000, 10)))
    lengths: list[int] = []

    class Waiting(deque[Part]):
        def append(self, part: Part) -> None:
            super().append(part)
            lengths.append(len(self))

    monkeypatch.setattr(parts, "_Taken", lambda unit, taken=parts._Taken: taken(unit, Waiting()))
    monkeypatch.setattr(parts, "SETTLED", 1)
    with open_archive(str(path)).stretches() as stretches:
        assert stretches
        some = Workers(reader, PLAN, 3, nullcontext, stretches, lambda reader: BLOCK)
        try:
            counted = [part for _, part in some.counted(stretches.cuts(lambda left: 40_000), known())]
        finally:
            some.close()
    assert sum(part.lines.lines for part in counted) == 4000
    assert max(lengths) <= parts.WAITING
    assert len(counted) > 50
