"""nginx's log_format directives. https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from monitor.formats.directive import Field, Literal, Token, build
from monitor.formats.grammar import Format, FormatError
from monitor.formats.jsonlog import JSON
from monitor.formats.names import KNOWN, enough

_STATEMENT = re.compile(r"\s*log_format\s+\S+\s+(?:escape=(?:default|json|none)\s+)?")
_STRING = re.compile(r"""#[^\n]*|'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|((?:\\.|[^\s;'"\\])+)""", re.DOTALL)
_QUOTED = r"""(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")\s*"""
_STRINGS = re.compile(rf"\s*{_QUOTED}(?:{_QUOTED}|#[^\n]*\n\s*)*;?\s*", re.DOTALL)  # without the statement
_RUN_TOGETHER = re.compile(r"""\$\{?\w+\}?(["'])\s+\1\$""")  # as strings put together no line could be read by
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_ESCAPES = {"\\": "\\", "'": "'", '"': '"', "t": "\t", "r": "\r", "n": "\n"}  # ngx_conf_read_token's
_SECOND = 10**6  # microseconds

_KNOWN: dict[str, tuple[str, int]] = {  # variable: kind, rank
    "remote_addr": ("host", 0),
    "proxy_protocol_addr": ("host", 2),
    "realip_remote_addr": ("host", 5),
    "http_x_forwarded_for": ("host", 3),
    "proxy_add_x_forwarded_for": ("host", 4),
    "http_x_real_ip": ("host", 4),
    "http_cf_connecting_ip": ("host", 4),
    "remote_user": ("user", 0),
    "time_local": ("time", 0),
    "time_iso8601": ("time", 0),
    "msec": ("time", 0),
    "request": ("request", 0),
    "request_method": ("method", 0),
    "request_uri": ("target", 0),
    "uri": ("target", 1),
    "document_uri": ("target", 2),
    "is_args": ("query", 0),
    "status": ("status", 0),
    "body_bytes_sent": ("size", 0),
    "bytes_sent": ("size", 1),
    "request_time": ("duration", 0),
    "upstream_response_time": ("duration", 1),
    "host": ("vhost", 0),
    "http_host": ("vhost", 1),
    "server_name": ("vhost", 2),
    "http_referer": ("referer", 0),
    "http_user_agent": ("agent", 0),
    "upstream_addr": ("list", 0),
    "upstream_status": ("list", 0),
    "upstream_connect_time": ("list", 0),
    "upstream_header_time": ("list", 0),
    "upstream_bytes_received": ("list", 0),
    "upstream_response_length": ("list", 0),
    "upstream_cache_status": ("text", 0),
}
_ARGUMENTS = ("$args", "$query_string")
_READINGS = {"time_local": "clf", "time_iso8601": "iso", "msec": "s"}


def is_directive(text: str) -> bool:
    """Whether the text looks like one."""
    return bool(_VARIABLE.search(text) and "%" not in text) or bool(_STATEMENT.match(text))


def compile_directive(text: str) -> Format:
    """The format of a directive, or of a whole log_format statement. Raises FormatError."""
    characters = list(_characters(text))
    written = "".join(character for character, _ in characters)
    name = f"nginx's {' '.join(written.split())[:60]}"
    if written.lstrip().startswith("{"):
        form = _json(written, name)
        if form:
            return form
    tokens: list[Token] = []
    at = 0
    while at < len(characters):
        match = _VARIABLE.match(written, at)
        if match:
            tokens.append(_field(match[1] or match[2], characters[at][1]))
            at = match.end()
        elif written[at] == "$":
            raise FormatError.at(text, characters[at][1] + 1, "expected a variable's name after $")
        else:
            tokens.append(Literal(written[at].encode("utf-8", "surrogateescape")))
            at += 1
    return build(text, _paired(tokens), name)


def _characters(text: str) -> Iterator[tuple[str, int]]:
    """What the directive is made of, each with its place in the text: the strings of a statement put together."""
    match = _STATEMENT.match(text)
    if not match and (not _STRINGS.fullmatch(text) or _RUN_TOGETHER.search(text)):
        yield from _unescaped(text, 0, len(text))
        return
    at = match.end() if match else 0
    while at < len(text) and text[at] != ";":
        string = _STRING.match(text, at)
        if not string:
            if not text[at].isspace():
                raise FormatError.at(text, at, "expected a string in quotes")
            at += 1
            continue
        if string.lastindex:  # else a comment
            yield from _unescaped(text, *string.span(string.lastindex))
        at = string.end()


def _unescaped(text: str, start: int, end: int) -> Iterator[tuple[str, int]]:
    """The characters that nginx takes from its configuration there, each with its place."""
    places = iter(range(start, end))
    for place in places:
        escaped = _ESCAPES.get(text[place + 1 : min(place + 2, end)]) if text[place] == "\\" else None
        yield escaped or text[place], place
        if escaped:
            next(places)


def _field(name: str, position: int) -> Field:
    kind, rank = _KNOWN.get(name, ("text", 0))
    return Field(kind, f"${name}", position, rank, time=_READINGS.get(name, ""), tick=_SECOND)


def _paired(tokens: list[Token]) -> list[Token]:
    """A virtual host and its port, ``$host:$server_port``, and a query, ``$is_args$args``, each as one field."""
    joined: list[Token] = []
    for token in tokens:
        before = joined[-2] if len(joined) > 1 else None
        last = joined[-1] if joined else None
        if isinstance(token, Field) and token.name in _ARGUMENTS and isinstance(last, Field) and last.kind == "query":
            continue
        port = isinstance(token, Field) and token.name == "$server_port" and joined[-1:] == [Literal(b":")]
        if port and isinstance(before, Field) and before.kind == "vhost":
            joined[-2:] = [replace(before, name=f"{before.name}:$server_port")]
        else:
            joined.append(token)
    return joined


def _json(written: str, name: str) -> Format | None:
    """The format of a directive that writes JSON: which key holds which column. None if it is no JSON after all."""
    quoted = re.sub(r'"(?:\\.|[^"\\])*"|\$(?:\{\w+\}|\w+)', lambda m: m[0] if m[0][0] == '"' else f'"{m[0]}"', written)
    try:
        entry = json.loads(quoted)
    except (ValueError, RecursionError):
        return None
    best: dict[str, tuple[int, str]] = {}
    for key, value in _leaves(entry):
        match = _VARIABLE.fullmatch(value)
        kind, rank = _KNOWN.get(match[1] or match[2], ("", 0)) if match else ("", 0)
        if kind in KNOWN and (kind not in best or rank < best[kind][0]):
            best[kind] = (rank, key)
    keys = {kind: key for kind, (_, key) in best.items()}
    return replace(JSON, name=name, keys=tuple(keys.items())) if enough(keys) else None


def _leaves(entry: Mapping[str, object], front: str = "") -> Iterator[tuple[str, str]]:
    for key, value in entry.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{front}{key}.")
        elif isinstance(value, str):
            yield front + key, value
