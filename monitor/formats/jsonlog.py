"""Logs of JSON objects, one a line: Caddy's, Traefik's, nginx's with whatever keys. Knows nothing of blocks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from monitor.formats.grammar import Format
from monitor.formats.lines import Header
from monitor.formats.names import enough, find_columns, microseconds, whole

JSON = Format("JSON", "json", time="any", tick=1)

_DEPTH = 3  # objects within objects that are looked into
_CACHED_LENGTH = 4_096  # characters of all keys; more are hostile, and would fill memory
_NGINX_ESCAPE = re.compile(r"\\x([0-9A-Fa-f]{2})")  # what nginx's escape=default writes, and JSON does not know


def take(form: Format, line: bytes, header: Header) -> Mapping[str, bytes] | str:
    """The texts of a line by column, or why it has none."""
    entry = load(line)
    if entry is None:
        return "expected a JSON object"
    fields = dict(_flat(entry))
    keys = tuple(fields)
    cached = sum(map(len, keys)) <= _CACHED_LENGTH
    columns = (_columns if cached else _columns.__wrapped__)(keys, form.keys)
    if not enough(column for column, _ in columns):
        return f"expected keys for a time and a request or a status; there are {', '.join(list(fields)[:10])[:80]}"
    found = {column: _text(fields[name]) for column, name in columns}
    for column in ("status", "size"):
        if column in found:
            found[column] = whole(found[column]) or b"-"
    if found.get("status", b"").isdigit():
        found["status"] = found["status"].zfill(3)  # 0: no response
    return {
        column: microseconds(name, found[column]) if column == "duration" else found[column] for column, name in columns
    }


def load(line: bytes) -> Mapping[str, object] | None:
    """The object that a line is, or None. Raw bytes that are not UTF-8 come through."""
    if line[:1] != b"{":
        return None
    text = line.decode("utf-8", "surrogateescape")
    for attempt in (text, _NGINX_ESCAPE.sub(r"\\u00\1", text)):
        try:
            entry = json.loads(attempt)
        except (ValueError, RecursionError):
            continue
        return entry if isinstance(entry, dict) else None
    return None


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
    return tuple(find_columns(fields, dict(chosen)).items())


def _text(value: object) -> bytes:
    if isinstance(value, str):
        try:
            return value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogatepass")  # a lone half of a pair, written as an escape
    if isinstance(value, bool) or not isinstance(value, int | float):
        return b""
    try:
        return str(value).encode()
    except ValueError:  # more digits than Python will write
        return b"?"
