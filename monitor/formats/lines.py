"""Blocks of lines as batches, by one pattern: the hot path.

One match is one line, always: a line that the block's pattern does not fit matches whole, without columns, and is then
read alone by the exact pattern. The block is split by its matches, which leaves the columns in one flat list, to be
sliced, and no tuple for each line. Knows nothing of which format a log has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from struct import calcsize
from typing import TYPE_CHECKING

from monitor.formats.batch import Batch, Columns, Malformed
from monitor.formats.grammar import Format, Part, explain, pattern_of
from monitor.formats.table import LARGEST_SIZE, SAMPLE_LENGTH, SAMPLES, Row, Table, wanted
from monitor.input.block import MAX_LINE

if TYPE_CHECKING:
    from monitor.formats.plain import PlainLines

LARGE = 384 * 1024  # bytes of a block from which on its plain lines are read many at a time
TRIED, LARGER = 2, 6  # times as much is read at once to see whether that is worth it, and if it is
SKIPPED = 64  # blocks read by the pattern after one for which it was not
BEFORE = 16  # blocks read so first: to load numpy for less is not worth it

WIDE = calcsize("P") == 8  # where an address has 32 bits, numpy's ``bincount`` takes no numbers of 64

LINE_END = b"\r\t "  # what is cut at a line's end

_PLAIN = {"host", "time", "method", "section", "status", "size"}  # columns that plain lines are cut into
_FILLS = {"request": ("method", "section"), "target": ("section",)}  # what a part of two or of another column gives
IMPOSSIBLE = {"time": "a time that exists", "size": f"at most {LARGEST_SIZE} bytes", "status": "three digits or -"}

Header = tuple[bytes, ...]  # the column names in force, where the log names them itself
Misread = tuple[int, bytes, Header]


@dataclass(frozen=True, slots=True)
class Read:
    """A batch, and the malformed lines of its block: index, text, and the header that was in force."""

    batch: Batch
    misfits: list[Misread] = field(default_factory=list)


@dataclass(slots=True)
class _Odd:
    """What was found of a block's lines that are no rows."""

    blank: int = 0
    malformed_at: list[int] = field(default_factory=list)
    misfits: list[Misread] = field(default_factory=list)


class LineParser:
    """Reads blocks of one format whose lines are all alike."""

    def __init__(self, form: Format, columns: Columns) -> None:
        names = wanted(columns)
        parts: list[Part] = [part for part in (*form.parts, *sum(form.options, ())) if part.column in names]
        order = [name for part in parts for name in _FILLS.get(part.column, (part.column,))]
        block = rb"(?:" + pattern_of(form, names, fast=True) + rb"[ \t\r]*+\n|[^\n]*+\n)"
        self._form = form
        # A line that does not fit has no column; one that does may lack those of what may follow.
        always = sum(len(_FILLS.get(part.column, " ")) for part in form.parts if part.column in names)
        self._telling = (0, *range(always, len(order)))  # the columns that tell which texts are missing
        self._block = re.compile(block)
        self._careful = re.compile(block.replace(rb'[^"]', rb'[^"\n]'))
        self._exact = re.compile(pattern_of(form, names, fast=False)).fullmatch
        self._table = Table(order, columns, form.time, form.tick)
        self._has_plain = form.plain and set(order) == _PLAIN and WIDE
        self._plain: PlainLines | None = None  # made when there is a large block
        self._skipped = SKIPPED - BEFORE  # blocks since the last that was not worth it

    def read(self, data: bytes, header: Header = ()) -> tuple[Read, Header]:
        """Read whole lines, the last with its end. The header is handed back."""
        if self.gain > 1 and LARGE <= len(data) <= MAX_LINE:
            plain = self._read_plain(data, header)
            if plain:
                return plain, header
        self._skipped += 1
        texts = self._columns(self._block, data)
        lines = len(data) - len(data.replace(b"\n", b""))  # a third of the time that bytes.count takes
        if len(texts[0]) != lines:  # a field whose quote is missing ran on into the next line
            texts = self._columns(self._careful, data)
        failures = self._table.times.failures
        times = self._table.times_of(texts)
        if self._table.times.failures == failures and len(data) <= MAX_LINE:
            return Read(self._table.batch(texts, times, lines)), header
        return self._with_odd_lines(data, list(zip(*texts, strict=True)), times, header), header

    @property
    def gain(self) -> int:
        """How many times a usual block had better be read at once: little more where that is to be found out."""
        if not self._has_plain or self._skipped < SKIPPED:
            return 1
        return LARGER if self._plain else TRIED

    def fits(self, line: bytes, header: Header = ()) -> bool:
        """Whether a line, its end cut, is one of this format."""
        return self._row(line) is not None

    def reason(self, line: bytes, header: Header = ()) -> str:
        """Say why a line, its end cut, is none of this format."""
        if len(line) > MAX_LINE:
            return f"longer than {MAX_LINE} bytes"
        match = self._exact(line)
        if not match:
            return explain(self._form, line).reason
        column = str(self._table.row(match.groupdict(b"")))
        return f"column {match.start(column) + 1}: expected {IMPOSSIBLE[column]}"

    def _with_odd_lines(self, data: bytes, rows: list[Row], times: list[int | None], header: Header) -> Read:
        texts = data.split(b"\n")
        odd = {index for index, time in enumerate(times) if time is None}
        if len(data) > MAX_LINE:
            odd.update(index for index, text in enumerate(texts) if len(text) > MAX_LINE)
        kept: list[Row] = []
        found = _Odd()
        start = 0
        for index in sorted(odd):
            kept += rows[start:index]
            start = index + 1
            row = self._judge(index, texts[index], len(kept), found, header)
            if row:
                kept.append(row)
        kept += rows[start:]
        read = self._table.texts_of(kept)
        odd_ones = (found.blank, 0, found.malformed_at, self._samples(found))
        return Read(self._table.batch(read, self._table.times_of(read), len(rows), *odd_ones), found.misfits)

    def _read_plain(self, data: bytes, header: Header) -> Read | None:
        """Read a block of which nearly all lines are plain; None if they are not."""
        from monitor.formats.plain import PlainLines  # here: numpy takes longer to load than all the rest

        reader = self._plain or PlainLines()
        plain = reader.read(data, self._table.times)
        worth = plain is not None and plain.worth
        self._plain, self._skipped = (reader, self._skipped) if worth else (None, 0)
        if plain is None:
            return None
        found = _Odd()
        rows: list[Row] = []
        places: list[int] = []
        for index, before, text in plain.odd:
            row = self._judge(index, text, before + len(rows), found, header)
            if row:
                rows.append(row)
                places.append(before)
        texts = self._table.texts_of(rows)
        odd_ones = (found.blank, 0, found.malformed_at, self._samples(found))
        others = self._table.batch(texts, self._table.times_of(texts), plain.count, *odd_ones)
        batch = reader.batch(plain, places, others)
        return None if batch is None else Read(batch, found.misfits)

    def _samples(self, found: _Odd) -> tuple[Malformed, ...]:
        return tuple(
            Malformed(index + 1, text[:SAMPLE_LENGTH], self.reason(text)) for index, text, _ in found.misfits[:SAMPLES]
        )

    def _judge(self, index: int, text: bytes, before: int, found: _Odd, header: Header) -> Row | None:
        """Read a line by itself; it is noted if it is no row. ``before``: rows before it."""
        row = self._row(text.rstrip(LINE_END)) if len(text) <= MAX_LINE else None
        if row is None:
            if not (text := text.rstrip(LINE_END)):
                found.blank += 1
            else:
                found.misfits.append((index, text, header))
                found.malformed_at.append(before)
        return row

    def _row(self, line: bytes) -> Row | None:
        match = self._exact(line) if len(line) <= MAX_LINE else None
        row = self._table.row(match.groupdict(b"")) if match else None
        return row if isinstance(row, tuple) else None

    def _columns(self, block: re.Pattern[bytes], data: bytes) -> list[list[bytes]]:
        """The texts by group of the pattern, which matches every line; b"" where a group has no part in the match."""
        flat = block.split(data)
        columns = [flat[group :: block.groups + 1] for group in range(1, block.groups + 1)]
        if any(not all(columns[column]) and None in columns[column] for column in self._telling):  # all() is the faster
            return [[text or b"" for text in column] for column in columns]
        return columns
