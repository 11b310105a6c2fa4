"""Logs with a line in front that names the columns: CSV (RFC 4180) and its kin. Knows nothing of blocks."""

from __future__ import annotations

import re
from functools import lru_cache

from monitor.formats.grammar import Format
from monitor.formats.lines import Header
from monitor.formats.names import address, enough, find_columns, microseconds, whole

CSV = Format("CSV", "csv", time="any", tick=1)

_SEPARATORS = (b",", b";", b"\t", b"|")
_MEANT = frozenset({"time", "request", "method", "target", "status"})  # columns that no line leaves empty
_LEAST, _MOST = 3, 256  # columns that a header must have, and may have


def take(form: Format, line: bytes, header: Header) -> dict[str, bytes] | Header | str:
    """The texts of a line by column; or the header, where the line is one; or why there is neither."""
    if not header:
        return find_header(line) or "expected a line that names the columns, with a time and a request or a status"
    separator, *names = header
    values = split(line, separator)
    if values is None:
        return "expected quotes in pairs around a field"
    if values == names:
        return header  # files put together
    columns = _columns(header)
    if separator == b"\t" and max(at for column, at, _ in columns if column in _MEANT) < len(values):
        values += [b""] * (len(names) - len(values))  # empty ones at the end were cut with the line's end
    if len(values) != len(names):
        return f"expected {len(names)} fields as in the first line, not {len(values)}"
    found = {column: values[at] for column, at, _ in columns}
    for column, at, name in columns:
        if column == "duration":
            found[column] = microseconds(name, values[at])
        elif column in ("status", "size"):
            found[column] = whole(values[at]) or b"-"
        elif column == "host":
            found[column] = address(name, values[at])
    return found


def find_header(line: bytes) -> Header | None:
    """The separator and the names, if the line names columns that a hit can be told from."""
    for separator in _SEPARATORS:
        names = split(line, separator)
        if names and _LEAST <= len(names) <= _MOST and len(set(names)) == len(names):
            header = (separator, *names)
            if enough(column for column, _, _ in _columns(header)):
                return header
    return None


def split(line: bytes, separator: bytes) -> list[bytes] | None:
    """The fields of a line; None where quotes do not pair. Between quotes separators and doubled quotes may stand.

    Blanks round a field are not of it, unless they are in its quotes.
    """
    if b'"' not in line:
        return [field.strip(b" ") for field in line.split(separator)]
    field = _field(separator)
    fields = []
    at = -1
    while at < len(line):
        match = field.match(line, at + 1)
        if not match:
            return None
        quoted, plain = match.groups()
        fields.append(plain.strip(b" ") if quoted is None else quoted.replace(b'""', b'"'))
        at = match.end()
    return fields


@lru_cache(maxsize=8)
def _field(separator: bytes) -> re.Pattern[bytes]:
    end = rb"(?=%b|\Z)" % re.escape(separator)
    return re.compile(rb' *"((?:[^"]|"")*+)" *%b|([^"%b]*+)%b' % (end, re.escape(separator), end))


@lru_cache(maxsize=256)
def _columns(header: Header) -> tuple[tuple[str, int, str], ...]:
    """Column, place, and name there."""
    names = [name.decode("latin-1") for name in header[1:]]
    return tuple((column, names.index(name), name) for column, name in find_columns(names, {}).items())
