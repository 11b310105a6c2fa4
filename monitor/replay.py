"""Logs read once from the beginning to the end, in their own time, by one process or by several.

Whoever parses, the engine is told the same in the same order. Of several logs the one furthest behind is read next.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING

from monitor.engine.engine import Engine
from monitor.engine.merging import Course
from monitor.engine.rows import noted
from monitor.engine.snapshot import Event
from monitor.formats import Batch, Reader, State
from monitor.input.archive import Archive, Size

if TYPE_CHECKING:
    from monitor.input.archive import Stretches
    from monitor.parts import Part, Unit, Workers

SHARE = 2  # a worker takes so much less than its part of what is left: all shall be done at about the same time
FIRST = 64 * 1024  # bytes at most of a plain file that this process reads itself before there is work for others
GARBAGE = 500_000  # new objects between two looks for cycles; a block makes many and no cycle


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is read at once, in bytes; it leaves no trace."""

    block: int = 256 * 1024  # what is parsed at once: as much as fits the processor's cache parses fastest
    # What a worker takes at once of what passes through a pipe, and at least and at most of a plain file, which it
    # reads itself. The more, the fewer intervals lie in two parts.
    piece: int = 1024 * 1024
    stretch: int = 8 * 1024 * 1024

    def block_for(self, reader: Reader) -> int:
        """Return how much is parsed at once by a reader that may gain by more."""
        return self.block * reader.gain


SIZES = Sizes()

Waiting = Callable[[], AbstractContextManager[None]]
Seen = Callable[[int, bytes, State, Batch], None]  # log, block, the reader's state before it, what it holds


@dataclass(frozen=True, slots=True)
class Step:
    """What a portion brought; ``second``: the log second that comes next, told only where the pace is the reader's."""

    events: list[Event]
    second: int | None = None


@dataclass(slots=True)
class Progress:
    """How far it has come: bytes unpacked and lines read, bytes in all where that is known."""

    read: int = 0
    size: int | None = None
    lines: int = 0

    @property
    def left(self) -> int:
        """Bytes still to be read, 0 where that is not known."""
        return max(0, (self.size or 0) - self.read)


class Replay:
    """Reads archives into an engine."""

    def __init__(
        self,
        archives: Sequence[Archive],
        readers: Sequence[Reader],
        engine: Engine,
        *,
        jobs: int = 1,
        new_reader: Callable[[], Reader] | None = None,
        paced: bool = False,
        waiting: Waiting = nullcontext,
        seen: Seen | None = None,
        sizes: Sizes = SIZES,
    ) -> None:
        """Each archive has its reader; ``new_reader`` makes one more like the first, for each of several processes.

        ``waiting`` wraps every wait for bytes: what it raises goes through, with the engine in good order. ``seen`` is
        shown every block that this process reads.
        """
        self._engine = engine
        self._paced = paced
        self._seen = seen
        self._sizes = sizes
        self._logs = [
            _Log(number, archive, reader, waiting)
            for number, (archive, reader) in enumerate(zip(archives, readers, strict=True))
        ]
        self._jobs = jobs if new_reader and len(archives) == 1 and not paced else 1
        self._new_reader = new_reader
        self._waiting = waiting
        self._workers: Workers | None = None
        self._stretches: Stretches | None = None  # what they read, if it is a plain file
        known = [archive.size for archive in archives if archive.size is not None and not archive.packed]
        self.progress = Progress(size=sum(known) if len(known) == len(archives) else None)

    def __enter__(self) -> Replay:
        """Start what reads. Raises TaplineError where that cannot be done."""
        with ExitStack() as stack:
            stack.callback(gc.set_threshold, *gc.get_threshold())
            gc.set_threshold(GARBAGE, *gc.get_threshold()[1:])
            if self._jobs > 1:
                from monitor.parts import Workers  # here: one process needs nothing of multiprocessing

                assert self._new_reader
                self._stretches = stack.enter_context(self._logs[0].archive.stretches())
                workers = Workers(
                    self._new_reader,
                    self._engine.plan,
                    self._jobs,
                    self._waiting,
                    self._stretches,
                    self._sizes.block_for,
                )
                self._workers = stack.enter_context(closing(workers))
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def messages(self) -> list[str]:
        """What a person should know, since the last call."""
        several = len(self._logs) > 1
        told = []
        for log in self._logs:
            told += [f"{log.archive.path}: {text}" if several else text for text in log.messages]
            log.messages.clear()
        return told

    def steps(self) -> Iterator[Step]:
        """Read to the end; the engine's ``finish`` is the caller's."""
        if len(self._logs) > 1 or self._paced:
            return self._merged()
        return self._parallel(self._logs[0], self._workers) if self._workers else self._alone(self._logs[0])

    def _alone(self, log: _Log) -> Iterator[Step]:
        for batch in self._batches(log, partial(self._sizes.block_for, log.reader)):
            yield Step(self._engine.feed(batch))

    def _parallel(self, log: _Log, workers: Workers) -> Iterator[Step]:
        """Workers count parts from a guessed state; where the guess or the order was wrong, a part is read again."""
        with closing(self._units(log)) as units:
            first = next(units, None)
            if first is None:
                return
            yield from self._again(log, first)
            for unit, part in workers.counted(units, log.reader.state):
                events = self._merge(log, part)
                if events is None:
                    yield from self._again(log, unit, part)
                else:
                    yield Step(events)

    def _units(self, log: _Log) -> Generator[Unit, None, None]:
        """What a worker takes at once; the first is small, since how all others are read goes by it."""
        sizes = self._sizes
        if self._stretches is None:
            return log.blocks(sizes.piece)
        takers = self._jobs * SHARE
        return self._stretches.cuts(
            lambda left: min(max(sizes.piece, left // takers), sizes.stretch), first=min(sizes.piece, FIRST)
        )

    def _merge(self, log: _Log, part: Part) -> list[Event] | None:
        """Count what a worker has counted; None: it has to be read again."""
        if part.tally is None or part.before != log.reader.state:
            return None
        events = self._engine.merge(part.tally, part.tail)
        if events is not None:
            self._engine.note(part.lines)
            log.reader.state = part.state
            log.lines += part.lines.lines
            self.progress.read += part.end - part.start
            self.progress.lines += part.lines.lines
        return events

    def _again(self, log: _Log, unit: Unit, part: Part | None = None) -> Iterator[Step]:
        """Read a unit, or a part of one, in this process."""
        blocks: Iterable[bytes]
        if isinstance(unit, bytes):
            blocks = (unit,)
        else:
            assert self._stretches
            start, end = (part.start, part.end) if part else unit
            size = partial(self._sizes.block_for, log.reader)
            blocks = (data for _, data in self._stretches.blocks(start, end, size))
        for data in blocks:
            yield Step(self._engine.feed(self._read(log, data)))

    def _merged(self) -> Iterator[Step]:
        """The log furthest behind is read next; a row at a time matters, so batches are cut where another's turn is."""
        engine = self._engine
        courses = [Course(engine.plan.window) for _ in self._logs]
        # Batches are cut into few rows at a time, for which columns that count themselves do not pay.
        sources = [self._batches(log, self._sizes.block) for log in self._logs]

        def load(number: int) -> list[Event]:
            """Read on until there is a row; what stands before it counts where the clock is now."""
            events: list[Event] = []
            course = courses[number]
            while course.key is None and not course.ended:
                batch = next(sources[number], None)
                if batch is not None:
                    engine.note(noted(batch), number)
                before = course.load(batch)
                if before is not None:
                    events += engine.take(before)
            return events

        waiting: list[Event] = []
        for number in range(len(courses)):
            waiting += load(number)
        while True:
            keys = [(course.key, number) for number, course in enumerate(courses) if course.key is not None]
            if not keys:
                break
            (key, number), *others = sorted(keys)
            limit = others[0] if others else None
            if self._paced:
                yield Step(waiting, key)
                waiting = []
                limit = min(limit or (key, len(keys)), (key, len(keys)))
            waiting += engine.take(courses[number].take(limit, number))
            waiting += load(number)
            if not self._paced and waiting:
                yield Step(waiting)
                waiting = []
        yield Step(waiting)

    def _batches(self, log: _Log, size: Size) -> Iterator[Batch]:
        with closing(log.blocks(size)) as blocks:
            for data in blocks:
                yield self._read(log, data)

    def _read(self, log: _Log, data: bytes) -> Batch:
        state = log.reader.state
        batch = log.read(data)
        if self._seen:
            self._seen(log.number, data, state, batch)
        self.progress.read += len(data)
        self.progress.lines += batch.lines
        return batch


class _Log:
    """One archive and its reader."""

    def __init__(self, number: int, archive: Archive, reader: Reader, waiting: Waiting) -> None:
        self.number = number
        self.archive = archive
        self.reader = reader
        self.messages: list[str] = []
        self.lines = 0  # read so far, by whomever
        self._own = 0  # of them those that this reader has read
        self._waiting = waiting

    def blocks(self, size: Size) -> Generator[bytes, None, None]:
        blocks = self.archive.blocks(size)
        while True:
            with self._waiting():
                block = next(blocks, None)
            if block is None:
                return
            yield block

    def read(self, data: bytes) -> Batch:
        batch = self.reader.read(data)
        self.messages += self.reader.messages(self.lines - self._own)
        self._own += batch.lines
        self.lines += batch.lines
        return batch


def progress_text(progress: Progress, elapsed: float) -> str:
    """Return the progress in one line, ``elapsed`` seconds after the beginning."""
    rate = progress.lines / elapsed if elapsed > 0 else 0.0
    read = f"{progress.read / 1e6:,.0f} MB"
    if not progress.size:
        return f"{read}, {rate:,.0f} lines/s"
    left = progress.left * elapsed / progress.read if progress.read else 0.0
    return f"{read} of {progress.size / 1e6:,.0f} MB, {rate:,.0f} lines/s, {left:,.0f} s left"
