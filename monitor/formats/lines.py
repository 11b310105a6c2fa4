"""Blocks of lines as batches, by one pattern: the hot path.

One match is one line, always: a line that the block's pattern does not fit matches whole, with empty columns, and is
then read alone by the exact pattern. Knows nothing of which format a log has.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.formats.batch import Batch, Columns, Malformed
from monitor.formats.grammar import Format, explain, pattern_of
from monitor.formats.request import Sections, section_of, split_request
from monitor.formats.times import Times
from monitor.input.block import MAX_LINE

SAMPLES = 5  # malformed lines kept a block
SAMPLE_LENGTH = 200  # bytes kept of each
LARGEST_SIZE = 2**63 - 1  # bytes; a response of more is a broken line
CACHED_DURATIONS = 65_536  # different texts
LINE_END = b"\r\t "  # what is cut at a line's end

_OPTIONAL = {"duration": Columns.DURATION, "vhost": Columns.VHOST, "referer": Columns.REFERER, "agent": Columns.AGENT}
_ALWAYS = frozenset({"host", "time", "time2", "request", "method", "target", "status", "size", "vhost"})
_FILLS = {"request": ("method", "section"), "target": ("section",)}  # what a part of two or of another column gives


@dataclass(frozen=True, slots=True)
class Read:
    """A batch, and the malformed lines of its block: index and text."""

    batch: Batch
    misfits: list[tuple[int, bytes]] = field(default_factory=list)


def sizes_of(texts: Sequence[bytes]) -> list[int]:
    """Texts of sizes as numbers; ``-`` and nothing are 0."""
    try:
        return list(map(int, texts))
    except ValueError:
        return [int(text) if text.isdigit() else 0 for text in texts]


class Durations(dict[bytes, int]):
    """Texts of durations to microseconds, remembered; -1 where there is none. ``tick`` as in ``Format``."""

    def __init__(self, tick: int) -> None:
        super().__init__()
        self.tick = tick

    def __missing__(self, text: bytes) -> int:
        duration = self.read(text)
        if len(self) < CACHED_DURATIONS:
            self[text] = duration
        return duration

    def read(self, text: bytes) -> int:
        """Microseconds of ``12`` ticks, or of ``0.012`` seconds where the tick is 0."""
        whole, _, fraction = text.partition(b".")
        if not whole.isdigit() or (fraction and not fraction.isdigit()):
            return -1
        return int(whole) * (self.tick or 1_000_000) + (0 if self.tick else int(fraction[:6].ljust(6, b"0")))


class LineParser:
    """Reads blocks of one format whose lines are all alike."""

    def __init__(self, form: Format, columns: Columns) -> None:
        self.form = form
        wanted = _ALWAYS | {name for name, flag in _OPTIONAL.items() if flag in columns}
        parts = [part for part in (*form.parts, *sum(form.options, ())) if part.column in wanted]
        self._order = [name for part in parts for name in _FILLS.get(part.column, (part.column,))]
        self._columns = columns
        block = rb"(?:" + pattern_of(form, wanted, fast=True) + rb"[ \t\r]*+\n|[^\n]*+\n)"
        if len(self._order) == 1:
            block += b"()"  # findall gives tuples only from two groups on
        self._block = re.compile(block).findall
        self._careful = re.compile(block.replace(rb'[^"]', rb'[^"\n]')).findall
        self._exact = re.compile(pattern_of(form, wanted, fast=False)).fullmatch
        self._times = Times(form.time)
        self._durations = Durations(form.tick)
        self._sections = Sections()

    def read(self, data: bytes, header: tuple[bytes, ...] = ()) -> tuple[Read, tuple[bytes, ...]]:
        """Read whole lines, the last with its end. ``header`` is handed back."""
        rows = self._block(data)
        lines = data.count(b"\n")
        if len(rows) != lines:  # a field whose quote is missing ran on into the next line
            rows = self._careful(data)
        failures = self._times.failures
        times = self._times_of(rows)
        if self._times.failures == failures and len(data) <= MAX_LINE:
            return Read(self._batch(rows, times, lines)), header
        return self._with_odd_lines(data, rows, times, lines), header

    def fits(self, line: bytes, header: tuple[bytes, ...] = ()) -> bool:
        """Whether a line, its end cut, is one of this format."""
        return len(line) <= MAX_LINE and self._row(line) is not None

    def reason(self, line: bytes, header: tuple[bytes, ...] = ()) -> str:
        """Say why a line, its end cut, is none of this format."""
        if len(line) > MAX_LINE:
            return f"longer than {MAX_LINE} bytes"
        match = self._exact(line)
        if not match:
            return explain(self.form, line).reason
        size = match.groupdict().get("size") or b""
        if size.isdigit() and int(size) > LARGEST_SIZE:
            return f"column {match.start('size') + 1}: expected at most {LARGEST_SIZE} bytes"
        return f"column {match.start('time') + 1}: expected a time that exists"

    def _times_of(self, rows: list[tuple[bytes, ...]]) -> list[int | None]:
        at = self._order.index("time")
        if "time2" not in self._order:
            return list(map(self._times.__getitem__, [row[at] for row in rows]))
        then = self._order.index("time2")
        return [self._times[row[at] + b" " + row[then]] for row in rows]

    def _with_odd_lines(self, data: bytes, rows: list[tuple[bytes, ...]], times: list[int | None], lines: int) -> Read:
        texts = data.split(b"\n")
        odd = {index for index, time in enumerate(times) if time is None}
        if len(data) > MAX_LINE:
            odd.update(index for index, text in enumerate(texts) if len(text) > MAX_LINE)
        kept: list[tuple[bytes, ...]] = []
        misfits: list[tuple[int, bytes]] = []
        malformed_at: list[int] = []
        blank = start = 0
        for index in sorted(odd):
            kept += rows[start:index]
            start = index + 1
            text = texts[index].rstrip(LINE_END)
            if not text:
                blank += 1
                continue
            row = self._row(text) if len(texts[index]) <= MAX_LINE else None
            if row:
                kept.append(row)
            else:
                misfits.append((index, text))
                malformed_at.append(len(kept))
        kept += rows[start:]
        samples = tuple(
            Malformed(index + 1, text[:SAMPLE_LENGTH], self.reason(text)) for index, text in misfits[:SAMPLES]
        )
        batch = self._batch(kept, self._times_of(kept), lines, blank, malformed_at, samples)
        return Read(batch, misfits)

    def _row(self, line: bytes) -> tuple[bytes, ...] | None:
        """The columns of a line, its end cut, in the order of the block's; None if it does not fit."""
        match = self._exact(line)
        if not match:
            return None
        found = match.groupdict(b"")
        time = found["time"] + b" " + found["time2"] if "time2" in found else found["time"]
        size = found.get("size", b"")
        if self._times[time] is None or (size.isdigit() and int(size) > LARGEST_SIZE):
            return None
        if "request" in found:
            found["method"], found["section"] = split_request(found["request"])
        elif "target" in found:
            found["section"] = section_of(found["target"])
        return tuple([found[name] for name in self._order])

    def _batch(
        self,
        rows: list[tuple[bytes, ...]],
        times: list[int | None],
        lines: int,
        blank: int = 0,
        malformed_at: list[int] | None = None,
        samples: tuple[Malformed, ...] = (),
    ) -> Batch:
        # One pass a column: zip(*rows) makes an iterator of each row, which takes longer.
        columns = {name: [row[at] for row in rows] for at, name in enumerate(self._order)}
        count = len(rows)
        missing = [b""] * count
        sections = columns.get("section", missing)
        vhosts = columns.get("vhost")
        if vhosts:
            sections = [self._sections[key] for key in zip(vhosts, sections, strict=True)]
        durations = columns.get("duration")
        return Batch(
            lines,
            blank,
            0,
            malformed_at or [],
            samples,
            times,  # type: ignore[arg-type]  # none is None here
            columns.get("host") or [b"-"] * count,
            columns.get("method", missing),
            sections,
            columns.get("status") or [b"-"] * count,
            sizes_of(columns.get("size", missing)),
            None if durations is None else list(map(self._durations.__getitem__, durations)),
            vhosts if Columns.VHOST in self._columns else None,
            columns.get("referer"),
            columns.get("agent"),
        )
