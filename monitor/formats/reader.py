"""A log's blocks as batches, in the format that was given or is found out. Knows nothing of files."""

from __future__ import annotations

import re
from dataclasses import dataclass

from monitor.formats.batch import Batch, Columns, Malformed
from monitor.formats.detect import at_once, find, nearest
from monitor.formats.grammar import Format
from monitor.formats.lines import LINE_END
from monitor.formats.merge import EMPTY, merge
from monitor.formats.parsers import Layout, Parsers
from monitor.formats.table import SAMPLE_LENGTH, SAMPLES

TURNED = 100  # lines in a row that fit only another format: the file has turned into something else
RUN_TOLD = 10  # malformed lines in a row after which the reader says why; before any has fitted, at once
TOLD = 20  # such messages of a reader; a hostile log shall not fill a screen
PIECE = 65_536  # bytes read at once in a block in which the format changes, so that turning to and fro stays cheap
MANY = 65_536  # lines of a block from which on it is read so, too: hardly a log's, and each costs memory
BOM = b"\xef\xbb\xbf"

_BOMS = re.compile(rb"(?m)^\xef\xbb\xbf")


@dataclass(frozen=True, slots=True)
class State:
    """All that reading the next block depends on, besides the block.

    The same block read from an equal state gives the same batch and the same next state, however the lines are cut
    into blocks. A part of a file may so be read ahead of time from a guess (nearly always right: the state at the end
    of the file's first block), and the guess held against the state in which the part before really ended.
    """

    layout: Layout | None = None  # what lines are read as; None: not yet known
    rival: Layout | None = None  # what lines that do not fit it were, and ...
    turned: int = 0  # ... how many of them in a row
    run: int = 0  # malformed lines in a row, at most RUN_TOLD
    fitted: bool = False  # some line was read as it


class Reader:
    """Reads the blocks of one log in their order."""

    def __init__(self, format: Format | None, columns: Columns = Columns.NONE) -> None:  # noqa: A002  # the user's word
        self.state = State(None if format is None else Layout(format))
        self._auto = format is None
        self._parsers = Parsers(columns)
        self._lines = 0
        self._told = 0
        self._messages: list[tuple[int, str]] = []
        self._misfit = ""  # why the first line fits nothing

    @property
    def gain(self) -> int:
        """How many times a usual block it had better read at once, as things are."""
        layout = self.state.layout
        return self._parsers.of(layout.form).gain if layout else 1

    @property
    def description(self) -> str:
        """One line: which format, and why."""
        if self.state.layout:
            return f"{self.state.layout.form.name} ({'found by its lines' if self._auto else 'as given'})"
        return self._misfit or "not yet known: no line was read"

    def messages(self, before: int = 0) -> list[str]:
        """What a person should know, since the last call. ``before``: lines of the log before the reader's first."""
        told = [f"line {before + line}: {text}" for line, text in self._messages]
        self._messages.clear()
        return told

    def read(self, data: bytes) -> Batch:
        """Read a block of whole lines; only the last of a log may lack its end."""
        if not data:
            return EMPTY
        if not data.endswith(b"\n"):
            data += b"\n"
        if BOM[:1] in data:  # one byte is looked for many times faster than three
            data = _BOMS.sub(b"", data)
        batches: list[Batch] = []
        in_pieces = len(data) > MANY and len(data) - len(data.replace(b"\n", b"")) > MANY
        start = 0
        while start < len(data):
            if self.state.layout is None:
                batch, start = self._undecided(data, start)
            else:
                in_pieces = in_pieces or start > 0
                end = data.find(b"\n", start + PIECE) + 1 if in_pieces else 0
                block = data[start : end or len(data)] if in_pieces else data
                batch, read = self._decided(block, self.state.layout)
                start += read
            self._lines += batch.lines
            batches.append(batch)
        return merge(batches)

    def _undecided(self, data: bytes, start: int) -> tuple[Batch, int]:
        """Read lines up to the first that fits a known format, which is left to be read in it."""
        lines = blank = malformed = 0
        samples: list[Malformed] = []
        while start < len(data):
            end = data.index(b"\n", start)
            line = data[start:end].rstrip(LINE_END)
            layout = find(line, self._parsers) if line else None
            if layout:
                self.state = State(layout)
                self._tell(lines, f"read as {layout.form.name}: the first line that fits a known format")
                break
            start = end + 1
            lines += 1
            if not line:
                blank += 1
                continue
            malformed += 1
            if not self._misfit:
                self._misfit = nearest(line)
                self._tell(lines - 1, self._misfit)
            if len(samples) < SAMPLES:
                samples.append(Malformed(lines, line[:SAMPLE_LENGTH], nearest(line)))
        none = ()
        return Batch(lines, blank, 0, [0] * malformed, tuple(samples), none, none, none, none, none, none), start

    def _decided(self, block: bytes, layout: Layout) -> tuple[Batch, int]:
        """Read a block as ``layout``; no further than to where it turns into something else."""
        parser = self._parsers.of(layout.form)
        read, header = parser.read(block, layout.header)
        rival, turned, run = self.state.rival, self.state.turned, self.state.run
        fitted = self.state.fitted
        before = 0
        for (index, line, said), at in zip(read.misfits, read.batch.malformed_at, strict=True):
            if at > before:  # rows stand between this malformed line and the one before
                rival, turned, run, before, fitted = None, 0, 0, at, True
            if run < RUN_TOLD:
                run += 1
                if run == (RUN_TOLD if fitted else 1):
                    lines = f"{RUN_TOLD} lines in a row do not fit" if fitted else "does not fit"
                    self._tell(index, f"{lines} {layout.form.name}: {parser.reason(line, said)}")
            if not self._auto:
                continue
            if rival and self._parsers.of(rival.form).fits(line, rival.header):
                turned += 1
            elif found := find(line, self._parsers):
                rival, turned = found, 1
                if at_once(found):
                    self._tell(index, f"read as {found.form.name}: this line is one of no other format")
                    self.state = State(found)
                    end = _end_of_line(block, index - 1)
                    return parser.read(block[:end], layout.header)[0].batch, end
            if rival and turned == TURNED:
                self._tell(index + 1, f"read as {rival.form.name}: the last {TURNED} lines fit only this")
                self.state = State(rival)
                end = _end_of_line(block, index)
                return parser.read(block[:end], layout.header)[0].batch, end
        if len(read.batch.times) > before:
            rival, turned, run, fitted = None, 0, 0, True
        self.state = State(Layout(layout.form, header), rival, turned, run, fitted)
        return read.batch, len(block)

    def _tell(self, index: int, text: str) -> None:
        if self._told < TOLD:
            self._told += 1
            self._messages.append((self._lines + index + 1, text))


def _end_of_line(block: bytes, index: int) -> int:
    """Where the line of an index ends, its LF included."""
    end = 0
    for _ in range(index + 1):
        end = block.index(b"\n", end) + 1
    return end
