"""Logs whose lines are records of named fields (JSON, CSV, W3C), line by line. Knows nothing of any of them."""

from __future__ import annotations

import re
from collections.abc import Callable

from monitor.formats.batch import Columns, Malformed
from monitor.formats.grammar import Format
from monitor.formats.lines import IMPOSSIBLE, LINE_END, Header, Misread, Read
from monitor.formats.table import OPTIONAL, SAMPLE_LENGTH, SAMPLES, Row, Table
from monitor.input.block import MAX_LINE

# From a line, its end cut, and the header in force: the texts by column; or the header from here on, which makes the
# line a comment; or why it is malformed.
Take = Callable[[Format, bytes, Header], dict[str, bytes] | Header | str]

_STATUS = re.compile(rb"\d\d\d|-")
_SIZE = re.compile(rb"\d{1,19}|-|")
_CLOCK = re.compile(rb"\d\d:\d\d:\d\d[^/]*")  # a time of day, whose date stands in another field
_ORDER = ("time", "host", "method", "section", "status", "size", "vhost")


class RecordParser:
    """Reads blocks of one format of records."""

    gain = 1

    def __init__(self, take: Take, form: Format, columns: Columns) -> None:
        self._take = take
        self._form = form
        optional = [name for name, flag in OPTIONAL.items() if flag in columns and name not in _ORDER]
        self._table = Table((*_ORDER, *optional), columns, form.time, form.tick)

    def read(self, data: bytes, header: Header) -> tuple[Read, Header]:
        """Read whole lines, the last with its end; the header then in force comes back with them."""
        rows: list[Row] = []
        misfits: list[Misread] = []
        malformed_at: list[int] = []
        samples: list[Malformed] = []
        blank = comments = 0
        lines = data.split(b"\n")[:-1]
        for index, text in enumerate(lines):
            line = text.rstrip(LINE_END)
            if len(text) > MAX_LINE:
                row = None
                header_or_reason: Header | str = f"longer than {MAX_LINE} bytes"
            elif not line:
                blank += 1
                continue
            else:
                row, header_or_reason = self._row(line, header)
            if row:
                rows.append(row)
            elif isinstance(header_or_reason, tuple):
                header = header_or_reason
                comments += 1
            else:
                misfits.append((index, line, header))
                malformed_at.append(len(rows))
                if len(samples) < SAMPLES:
                    samples.append(Malformed(index + 1, line[:SAMPLE_LENGTH], header_or_reason))
        texts = self._table.texts_of(rows)
        times = self._table.times_of(texts)
        batch = self._table.batch(texts, times, len(lines), blank, comments, malformed_at, tuple(samples))
        return Read(batch, misfits), header

    def fits(self, line: bytes, header: Header) -> bool:
        """Whether a line, its end cut, is one of this format."""
        return len(line) <= MAX_LINE and self._row(line, header)[0] is not None

    def reason(self, line: bytes, header: Header) -> str:
        """Say why a line, its end cut, is none of this format."""
        return f"longer than {MAX_LINE} bytes" if len(line) > MAX_LINE else str(self._row(line, header)[1])

    def _row(self, line: bytes, header: Header) -> tuple[Row | None, Header | str]:
        """A row; or None, and the new header or why there is no row."""
        taken = self._take(self._form, line, header)
        if isinstance(taken, tuple | str):
            return None, taken
        if "date" in taken and _CLOCK.fullmatch(taken["time"]):
            taken["time"] = taken["date"] + b" " + taken["time"]
        row = _impossible(taken) or self._table.row(taken)
        return (row, "") if isinstance(row, tuple) else (None, f"{row}: expected {IMPOSSIBLE[row]}")


def _impossible(found: dict[str, bytes]) -> str:
    """The column whose text is none of its kind, or ""; a status that is not there is ``-``."""
    if not _STATUS.fullmatch(found.setdefault("status", b"-")):
        return "status"
    return "" if _SIZE.fullmatch(found.get("size", b"")) else "size"
