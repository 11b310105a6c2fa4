"""Parts of a log parsed and counted in other processes, handed back in their order. A bounded number at a time."""

from __future__ import annotations

import gc
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from monitor.engine.gather import Gathering
from monitor.engine.rows import NO_LINES, Noted, noted
from monitor.engine.tally import Plan, Tally
from monitor.errors import TaplineError
from monitor.formats import Batch, Reader, State
from monitor.input.archive import Stretches

SETTLED = 1_000  # intervals of a part; more of them go as the next one, so that what waits is bounded
WAITING = 3  # parts of a worker that wait for their turn


Unit = bytes | tuple[int, int]  # what a worker takes at once: a block, or where one stretch of a plain file is


@dataclass(frozen=True, slots=True)
class Part:
    """What a worker made of a unit, or of a part of one: the blocks from ``start`` to ``end``, as ``before`` reads."""

    start: int  # in a block 0; in a stretch where in the file
    end: int
    before: State
    state: State  # behind it
    lines: Noted
    tally: Tally | None  # None: the blocks have to be read again, in their place
    tail: Batch | None  # the last row, where it waits for the next line


@dataclass(slots=True)
class _Taken:
    """A unit that a worker has taken."""

    unit: Unit
    parts: deque[Part] = field(default_factory=deque)  # that have come
    done: bool = False


class Workers:
    """Processes that end with this one, or when told to."""

    def __init__(
        self,
        new_reader: Callable[[], Reader],
        plan: Plan,
        jobs: int,
        waiting: Callable[[], AbstractContextManager[None]],
        stretches: Stretches | None,
        block: Callable[[Reader], int],
    ) -> None:
        """``stretches``: where units are read that are no blocks, as much at once as ``block`` says."""
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
                    worker = _Worker(its, new_reader(), plan, stretches, block)
                    process = context.Process(target=worker.run, args=(others,), daemon=True)
                    process.start()
                self._processes.append(process)
        except OSError as error:  # of descriptors, processes or memory
            self.close()
            raise TaplineError(f"--jobs {jobs}: {(error.strerror or str(error)).lower()}") from None

    def counted(self, units: Iterator[Unit], guess: State) -> Iterator[tuple[Unit, Part]]:
        """Have units read from a guessed state; yield their parts, in order.

        At most one unit more than there are workers is ahead. Raises TaplineError where there is no next unit to be
        had, after all parts before that place.
        """
        ahead: deque[_Taken] = deque()
        busy: dict[Connection, _Taken] = {}
        failed: TaplineError | None = None

        def give() -> None:
            nonlocal failed
            for end in self._ends:
                if failed or end in busy or len(ahead) > len(self._ends):
                    continue
                try:
                    unit = next(units, None)
                except TaplineError as error:
                    failed = error
                    continue
                if unit is not None:
                    self._send(end, unit, guess)
                    busy[end] = _Taken(unit)
                    ahead.append(busy[end])

        give()
        while ahead:
            first = ahead[0]
            # Whoever is done is given more before what it has counted is merged, which takes its time.
            # What waits for its turn is bounded: whoever has sent so much has to wait, too.
            open_ends = [end for end, taken in busy.items() if len(taken.parts) < WAITING]
            for end, part in self._received(open_ends, wait_for_one=not (first.parts or first.done)):
                if part:
                    busy[end].parts.append(part)
                else:
                    busy.pop(end).done = True
            give()
            if first.parts:
                yield first.unit, first.parts.popleft()
            elif first.done:
                ahead.popleft()
        if failed:
            raise failed

    def close(self) -> None:
        """End the processes."""
        for end in self._ends:
            end.close()
        for process in self._processes:
            process.terminate()
            process.join()

    def _received(self, ends: list[Connection], *, wait_for_one: bool) -> list[tuple[Connection, Part | None]]:
        """Return what is there of those who are busy, None from one who is through with its unit."""
        with self._waiting():
            ready = [end for end in wait(ends, None if wait_for_one else 0) if isinstance(end, Connection)]
            try:
                return [(end, end.recv()) for end in ready]
            except (EOFError, OSError):  # OSError: it had not yet read what was sent
                raise TaplineError("a parsing process was ended from outside") from None

    @staticmethod
    def _send(end: Connection, unit: Unit, guess: State) -> None:
        try:
            end.send((guess, None if isinstance(unit, bytes) else unit))
            if isinstance(unit, bytes):
                end.send_bytes(unit)  # as it is: pickled, it would be copied twice more
        except OSError:
            raise TaplineError("a parsing process was ended from outside") from None


class _Worker:
    """Reads and counts units until the other end is closed."""

    def __init__(
        self,
        end: Connection,
        reader: Reader,
        plan: Plan,
        stretches: Stretches | None,
        block: Callable[[Reader], int],
    ) -> None:
        self._block = partial(block, reader)
        self._end = end
        self._reader = reader
        self._plan = plan
        self._stretches = stretches

    def run(self, others: list[Connection]) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the first process decides
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        gc.set_threshold(500_000, 10, 10)
        for other in others:  # held open here, they would keep a worker waiting for a process that is gone
            other.close()
        while True:
            try:
                stretch: tuple[int, int] | None
                self._reader.state, stretch = self._end.recv()
                if stretch is None:
                    data = self._end.recv_bytes()
                    self._count(0, len(data), iter([(len(data), data)]))
                else:
                    assert self._stretches
                    start, end = stretch
                    self._count(start, end, self._stretches.blocks(start, end, self._block))
                self._end.send(None)
            except (EOFError, OSError):
                return

    def _count(self, start: int, end: int, blocks: Iterator[tuple[int, bytes]]) -> None:
        """Send the parts of a unit; what cannot be counted apart from what came before it is one of its own."""
        reader, gathering = self._reader, Gathering(self._plan)
        first, at = (start, reader.state), start  # where the next part begins, and how far it has come

        def send(behind: int, state: State, lines: Noted, tally: Tally | None, tail: Batch | None) -> None:
            nonlocal first, gathering
            self._end.send(Part(first[0], behind, first[1], state, lines, tally, tail))
            first, gathering = (behind, state), Gathering(self._plan)

        def send_gathered(state: State) -> None:
            if gathering.lines.lines:
                send(at, state, gathering.lines, gathering.tally, gathering.tail)

        try:
            for behind, data in blocks:
                before = reader.state
                batch = reader.read(data)
                # Whoever reads it in its place says what there is to say, with the right line.
                if reader.messages() or not gathering.add(batch):
                    send_gathered(before)
                    send(behind, reader.state, noted(batch), None, None)
                at = behind
                if len(gathering.tally.settled) > SETTLED:
                    send_gathered(reader.state)
            send_gathered(reader.state)
        except TaplineError:  # it cannot be read on: whoever reads it in its place says so
            send_gathered(reader.state)
            send(end, reader.state, NO_LINES, None, None)
