"""The newest blocks of lines, bounded, to be read again: for a filter, and for the raw lines behind a row.

Knows nothing of files: what was rotated or truncated away meanwhile can still be read again here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from monitor.engine.rows import pick
from monitor.engine.snapshot import OTHER, Table
from monitor.formats.batch import Batch
from monitor.formats.reader import Reader, State

KEPT = 32 * 1024 * 1024  # bytes; about ten minutes at 300 lines a second
JOINED = 512  # at least so many blocks fill what is kept; smaller ones are joined, for reading many again takes seconds
RAW_LINES = 200  # lines shown of one row
RAW_READ = 4 * 1024 * 1024  # bytes searched for them, newest first, so that a key is answered at once


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows that have one key in one table."""

    table: Table
    key: bytes
    family: Callable[[bytes], bytes]  # of an agent, as the agents' table has it

    def apply(self, batch: Batch) -> Batch:
        """Return a batch of the rows selected; what is no hit is left out."""
        column = self._column(batch)
        if column is None or self.key == OTHER:
            mask = [False] * len(batch.times)
        else:
            mask = [key == self.key for key in column]
        rows = pick(batch, [row for row, wanted in enumerate(mask) if wanted])
        return replace(rows, lines=len(rows.times), malformed_at=())

    def _column(self, batch: Batch) -> Sequence[bytes] | None:
        if self.table is Table.AGENTS:
            return None if batch.agents is None else [self.family(agent) for agent in batch.agents]
        return {
            Table.SECTIONS: batch.sections,
            Table.CLIENTS: batch.hosts,
            Table.STATUSES: batch.statuses,
            Table.METHODS: batch.methods,
            Table.HOSTS: batch.vhosts,
            Table.REFERERS: batch.referers,
        }[self.table]


@dataclass(frozen=True, slots=True)
class Kept:
    """A block, and the state that its log's reader was in before it."""

    log: int
    data: bytes
    state: State


class Recent:
    """The newest blocks of all logs, oldest first, at most ``limit`` bytes."""

    def __init__(self, limit: int = KEPT) -> None:
        self._limit = limit
        self._size = 0
        self._blocks: deque[Kept] = deque()

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._blocks)

    def add(self, block: Kept) -> None:
        """Keep a block; the oldest go where it gets too much."""
        if self._blocks and self._joins(self._blocks[-1], block):
            last = self._blocks.pop()
            self._blocks.append(replace(last, data=last.data + block.data))
        else:
            self._blocks.append(block)
        self._size += len(block.data)
        while self._size > self._limit and len(self._blocks) > 1:
            self._size -= len(self._blocks.popleft().data)

    def _joins(self, last: Kept, block: Kept) -> bool:
        small = len(last.data) + len(block.data) <= self._limit // JOINED
        return small and last.log == block.log and last.data.endswith(b"\n")

    def lines(self, selection: Selection, reader_of: Callable[[int], Reader]) -> list[bytes]:
        """Return the newest lines selected, newest last, at most RAW_LINES of the newest RAW_READ bytes.

        ``reader_of`` gives a reader of a log to work with; its state is lost.
        """
        found: list[bytes] = []
        left = RAW_READ
        for block in reversed(self._blocks):
            if left <= 0 or len(found) >= RAW_LINES:
                break
            left -= len(block.data)
            _search(block.data, block.state, selection, reader_of(block.log), found)
        return found[RAW_LINES - 1 :: -1] if len(found) > RAW_LINES else found[::-1]


def _search(data: bytes, state: State, selection: Selection, reader: Reader, found: list[bytes]) -> None:
    """Append the selected lines, newest first: halve the block, and go on only where there is one."""
    if len(found) >= RAW_LINES:
        return
    reader.state = state
    if not selection.apply(reader.read(data)).times:
        return
    middle = data.rfind(b"\n", 0, len(data) // 2) + 1 or data.find(b"\n") + 1
    if middle in (0, len(data)):
        found.append(data)
        return
    reader.state = state
    reader.read(data[:middle])
    _search(data[middle:], reader.state, selection, reader, found)
    _search(data[:middle], state, selection, reader, found)
