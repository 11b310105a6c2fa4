"""Parts of a log parsed and counted in other processes, handed back in their order. A bounded number at a time."""

from __future__ import annotations

import gc
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from monitor.engine.rows import Noted, cut, noted, pick
from monitor.engine.tally import Plan, Tally, count
from monitor.errors import TaplineError
from monitor.formats import Batch, Reader, State


@dataclass(frozen=True, slots=True)
class Part:
    """What a worker made of a block, read from a guessed state."""

    tally: Tally | None  # None: the block has to be read again, in its place
    tail: Batch | None  # the last row, where it waits for the next line
    lines: Noted
    state: State


class Workers:
    """Processes that end with this one, or when told to."""

    def __init__(
        self,
        new_reader: Callable[[], Reader],
        plan: Plan,
        jobs: int,
        waiting: Callable[[], AbstractContextManager[None]],
    ) -> None:
        # Forked: what a worker needs is there without being sent, and it starts in milliseconds.
        context = get_context("fork")
        self._waiting = waiting
        self._processes: list[BaseProcess] = []
        self._ends: list[Connection] = []
        try:
            for _ in range(jobs):
                mine, its = context.Pipe()
                others = [*self._ends, mine]
                self._ends.append(mine)
                with its:
                    process = context.Process(target=_work, args=(its, others, new_reader, plan), daemon=True)
                    process.start()
                self._processes.append(process)
        except OSError as error:  # of descriptors, processes or memory
            self.close()
            raise TaplineError(f"--jobs {jobs}: {(error.strerror or str(error)).lower()}") from None

    def counted(self, blocks: Iterator[bytes], guess: State) -> Iterator[tuple[bytes, Part]]:
        """Have blocks read from a guessed state; yield each with its part, in order, at most one ahead a worker."""
        ahead: deque[tuple[bytes, Connection]] = deque()
        for end in self._ends:
            self._send(end, blocks, guess, ahead)
        while ahead:
            data, end = ahead.popleft()
            with self._waiting():
                try:
                    part: Part = end.recv()
                except EOFError:
                    raise TaplineError("a parsing process was ended from outside") from None
            self._send(end, blocks, guess, ahead)
            yield data, part

    def close(self) -> None:
        """End the processes."""
        for end in self._ends:
            end.close()
        for process in self._processes:
            process.terminate()
            process.join()

    @staticmethod
    def _send(end: Connection, blocks: Iterator[bytes], guess: State, ahead: deque[tuple[bytes, Connection]]) -> None:
        block = next(blocks, None)
        if block is None:
            return
        try:
            end.send(guess)
            end.send_bytes(block)  # as it is: pickled, it would be copied twice more
        except OSError:
            raise TaplineError("a parsing process was ended from outside") from None
        ahead.append((block, end))


def _work(end: Connection, others: list[Connection], new_reader: Callable[[], Reader], plan: Plan) -> None:
    """Read and count blocks until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the first process decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    gc.set_threshold(500_000, 10, 10)
    for other in others:  # held open here, they would keep a worker waiting for a process that is gone
        other.close()
    reader = new_reader()
    while True:
        try:
            state, data = end.recv(), end.recv_bytes()
        except (EOFError, OSError):
            return
        reader.state = state
        end.send(_part(reader, data, plan))


def _part(reader: Reader, data: bytes, plan: Plan) -> Part:
    batch = reader.read(data)
    lines = noted(batch)
    if reader.messages():  # whoever reads it in its place says so, with the right line
        return Part(None, None, lines, reader.state)
    tail = None
    times = batch.times
    if len(times) > 1 and times[-1] - times[-2] > plan.window:
        tail = pick(batch, [len(times) - 1])
        batch = cut(batch, 0, len(times) - 1)
    return Part(count(batch, plan), tail, lines, reader.state)
