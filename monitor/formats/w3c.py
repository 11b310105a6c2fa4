"""W3C extended logs: IIS, CloudFront. Their ``#Fields`` line names the columns, and may come again and say otherwise.

https://www.w3.org/TR/WD-logfile. Times are UTC. Fields stand between blanks (IIS) or tabs (CloudFront).
"""

from __future__ import annotations

import re

from monitor.formats.batch import Batch, Columns
from monitor.formats.clf import SIZE, STATUS
from monitor.formats.grammar import Format, Part
from monitor.formats.lines import Header, LineParser, Misread, Read
from monitor.formats.merge import EMPTY, merge
from monitor.formats.names import KNOWN, find_columns
from monitor.formats.request import FAST_TARGET

W3C = Format("W3C extended", "w3c")

_DIRECTIVE = re.compile(rb"#(?:Version|Fields|Software|Start-Date|End-Date|Date|Remark): ")
_DIRECTIVES = re.compile(rb"(?m)(?:^#[^\n]*\n)++")
_DATE = re.compile(rb"#Date:[ \t]++(\d{4}-\d\d-\d\d)(?=[ \t\r]|\Z)")
_SEPARATOR = re.compile(rb"[ \t\r]+")
_SHOWN = 40  # characters of a field's name in messages: it is the log's own, and may be anything
_MOST_FIELDS = 256
_PARSERS = 64  # kept; a log has one or two #Fields lines, again and again

_FIELD = rb"[^ \t\r\n]++"
_FAST = {"host": rb"[^ ,\t\r\n]++", "method": rb"[A-Za-z][\w-]*+", "target": FAST_TARGET}
_NO_FIELDS = Format(W3C.name, "line", (Part(rb"(?!)", "a #Fields line before", "time"),))


def is_directive(line: bytes) -> bool:
    """Whether the line is one that only these logs have."""
    return bool(_DIRECTIVE.match(line))


class W3cParser:
    """Reads blocks: those between two #Fields lines as lines of one shape. The header: the date, then the fields."""

    gain = 1

    def __init__(self, form: Format, columns: Columns) -> None:
        self._columns = columns
        self._made: dict[Header, LineParser] = {}

    def read(self, data: bytes, header: Header) -> tuple[Read, Header]:
        """Read whole lines, the last with its end; the header then in force comes back with them."""
        batches: list[Batch] = [EMPTY]
        misfits: list[Misread] = []
        lines = start = 0
        while start < len(data):
            directives = _DIRECTIVES.search(data, start) if b"#" in data else None
            end = directives.start() if directives else len(data)
            if end > start:
                read, _ = self._parser(header).read(data[start:end], header)
                batches.append(read.batch)
                misfits += [(lines + index, line, said) for index, line, said in read.misfits]
                lines += read.batch.lines
            if directives:
                said = directives[0].split(b"\n")[:-1]
                for line in said:
                    header = _header(line, header)
                batches.append(merge([EMPTY, Batch(len(said), 0, len(said), (), (), (), (), (), (), (), ())]))
                lines += len(said)
                end = directives.end()
            start = end
        return Read(merge(batches) if len(batches) != 2 else batches[1], misfits), header

    def fits(self, line: bytes, header: Header) -> bool:
        """Whether a line, its end cut, is one of this format."""
        return self._parser(header).fits(line)

    def reason(self, line: bytes, header: Header) -> str:
        """Say why a line, its end cut, is none of this format."""
        return self._parser(header).reason(line)

    def _parser(self, header: Header) -> LineParser:
        if header not in self._made:
            if len(self._made) >= _PARSERS:
                self._made.clear()
            self._made[header] = LineParser(_form(header), self._columns)
        return self._made[header]


def _header(line: bytes, header: Header) -> Header:
    """The header after a directive line. The date is for logs whose lines have none."""
    date, names = (header[0], header[1:]) if header else (b"", ())
    if match := _DATE.match(line):
        date = match[1]
    elif line.startswith(b"#Fields:"):
        names = tuple(name for name in _SEPARATOR.split(line[len(b"#Fields:") :]) if name)
    return (date, *names)


def _form(header: Header) -> Format:
    names = [name.decode("latin-1") for name in header[1:]]
    if not names or len(names) > _MOST_FIELDS:
        return _NO_FIELDS
    found = find_columns([name for name in names if name not in ("date", "time")], {})
    # Names as the specification has them; date and time are those that are called so.
    columns = {name: column for column, name in found.items() if column != "time" and name in KNOWN.get(column, ())}
    if "date" in names:
        columns |= {"date": "time", "time": "time2"}
        time = "utc"
    else:
        columns["time"] = "time"
        time = f"utc:{header[0].decode()}"
    parts: list[Part] = []
    for name in names:
        column = columns.pop(name, "")  # a name that comes again fills nothing
        shown = ascii(name)[1:-1][:_SHOWN]
        if parts:
            parts.append(Part(rb"[ \t]", f"a blank or tab, then {shown}"))
        match column:
            case "status":
                parts.append(STATUS)
            case "size":
                parts.append(SIZE)
            case _:
                parts.append(Part(_FIELD, shown, column, _FAST.get(column, b"")))
    if not any(part.column == "time" for part in parts):
        return _NO_FIELDS
    return Format(W3C.name, "line", tuple(parts), time=time, tick=1000)
