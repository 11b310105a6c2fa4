"""Logs of JSON objects, one a line: Caddy's, Traefik's, nginx's with whatever keys. Knows nothing of blocks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from monitor.formats.grammar import Format
from monitor.formats.lines import Header
from monitor.formats.names import address, enough, find_columns, microseconds, whole

JSON = Format("JSON", "json", time="any", tick=1)

_CACHED_LENGTH = 4_096  # characters of all keys; more are hostile, and would fill memory
_DEPTH = 4  # objects within objects that are looked into
_NGINX_ESCAPE = re.compile(r"\\x([0-9A-Fa-f]{2})")  # what nginx's escape=default writes, and JSON does not know
# nginx writes what a variable without quotes holds, which may be "-", nothing, 000 or a list: 0.1, 0.2 : 0.3.
_UNQUOTED = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+|)*+"?+|:([-\d., :]*+)', re.DOTALL)
_NESTED = {dict, list}

_decode = json.JSONDecoder().raw_decode


def take(form: Format, line: bytes, header: Header) -> dict[str, bytes] | str:
    """The texts of a line by column, or why it has none."""
    fields = load(line)
    if fields is None:
        return "expected a JSON object"
    if not _NESTED.isdisjoint(map(type, fields.values())):
        fields = dict(_flat(fields))
    keys = tuple(fields)
    columns = (_columns if sum(map(len, keys)) <= _CACHED_LENGTH else _columns.__wrapped__)(keys, form.keys)
    if not columns:
        return f"expected keys for a time and a request or a status; there are {ascii(', '.join(keys[:10]))[1:-1][:80]}"
    found = {}
    for column, name in columns:
        value = fields[name]
        text = found[column] = value.encode() if type(value) is str and value.isascii() else _text(value)
        if column == "duration":
            found[column] = microseconds(name, text)
        elif column == "status":
            found[column] = whole(text).zfill(3) if text[:1].isdigit() else text or b"-"  # 0: no response
        elif column == "size":
            found[column] = whole(text)
        elif column == "host":
            found[column] = address(name, text)
    return found


def load(line: bytes) -> dict[str, object] | None:
    """The object that a line is, or None. Raw bytes that are not UTF-8 come through."""
    if line[:1] != b"{":
        return None
    text = line.decode("utf-8", "surrogateescape")
    for mend in (str, _as_nginx_meant):
        attempt = mend(text)
        try:
            entry, end = _decode(attempt)
        except (ValueError, RecursionError):
            continue
        return entry if end == len(attempt) else None
    return None


def _as_nginx_meant(text: str) -> str:
    """A line that is no JSON only because nginx knows none: its escapes, and values without quotes."""
    return _UNQUOTED.sub(_in_quotes, _NGINX_ESCAPE.sub(r"\\u00\1", text))


def _in_quotes(match: re.Match[str]) -> str:
    value, behind = match[1], match.string[match.end() : match.end() + 1]
    if value is not None and behind == "}":
        return f':"{value.strip()}"'
    if value is not None and behind == '"' and value.rstrip().endswith(","):
        return f':"{value.rstrip()[:-1].strip()}",'
    return match[0]


def _flat(entry: Mapping[str, object], front: str = "", depth: int = _DEPTH) -> Iterator[tuple[str, object]]:
    """The fields, those of objects within under dotted names; of a list its first."""
    for key, value in entry.items():
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, dict):
            if depth > 1:
                yield from _flat(first, f"{front}{key}.", depth - 1)
        else:
            yield front + key, first


@lru_cache(maxsize=1024)
def _columns(fields: tuple[str, ...], chosen: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Which field fills which column; none if they are not enough for a hit."""
    found = find_columns(fields, dict(chosen))
    return tuple(found.items()) if enough(found) else ()


def _text(value: object) -> bytes:
    if isinstance(value, str):
        try:
            return value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogatepass")  # a lone half of a pair, written as an escape
    if isinstance(value, bool) or not isinstance(value, int | float):
        return b""
    return str(value).encode()  # however long: what Python reads, it writes
