"""W3C extended logs: IIS, CloudFront. Their ``#Fields`` line names the columns, and may come again and say otherwise.

https://www.w3.org/TR/WD-logfile. Times are UTC. Fields stand between blanks (IIS) or tabs (CloudFront).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from monitor.formats.grammar import Format
from monitor.formats.lines import Header
from monitor.formats.names import find_columns, microseconds

W3C = Format("W3C extended", "w3c", time="utc", tick=1)

_DIRECTIVE = re.compile(rb"#(?:Version|Fields|Software|Start-Date|End-Date|Date|Remark): ")
_DATE = re.compile(rb"#Date: (\d{4}-\d\d-\d\d) ")
_DATE_MARK = b"#"  # in front of the date in a header: the log's lines have a time alone
_SEPARATOR = re.compile(rb"[ \t]+")


def is_directive(line: bytes) -> bool:
    """Whether the line is one that only these logs have."""
    return bool(_DIRECTIVE.match(line))


def take(form: Format, line: bytes, header: Header) -> Mapping[str, bytes] | Header | str:
    """The texts of a line by column; or the header from here on; or why there is neither."""
    if line.startswith(b"#"):
        return _header(line, header)
    names = header[1:]
    if not names:
        return "expected a #Fields line before"
    values = line.split(b"\t" if b"\t" in line else b" ")
    if len(values) != len(names):
        return f"expected {len(names)} fields as in the #Fields line, not {len(values)}"
    found = {column: values[at] for column, at in _columns(names)}
    date = found.pop("date", header[0])
    found["time"] = date + b" " + found["time"] if "time" in found else date
    if "duration" in found:
        found["duration"] = microseconds("time-taken", found["duration"])
    if "agent" in found:
        found["agent"] = found["agent"].replace(b"+", b" ")
    return found


def _header(line: bytes, header: Header) -> Header:
    """The date, for logs whose lines have none, and the names."""
    date = header[0] if header else b""
    names = header[1:]
    if match := _DATE.match(line + b" "):
        date = match[1]
    elif line.startswith(b"#Fields:"):
        names = tuple(_SEPARATOR.split(line[len(b"#Fields:") :].strip()))
    return (date, *names)


@lru_cache(maxsize=256)
def _columns(names: tuple[bytes, ...]) -> tuple[tuple[str, int], ...]:
    """Column to place, the date apart from the time."""
    texts = [name.decode("latin-1") for name in names]
    places = {name: at for at, name in reversed(list(enumerate(texts)))}
    found = find_columns([name for name in texts if name not in ("date", "time")], {})
    columns = {column: places[name] for column, name in found.items() if column != "time"}
    columns |= {name: places[name] for name in ("date", "time") if name in places}
    return tuple(columns.items())
