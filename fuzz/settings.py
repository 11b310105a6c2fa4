"""What users write: directives, servers' configurations, options in TOML, alert rules. Wrong is a UsageError."""

from __future__ import annotations

import contextlib

import sniffer.errors
from fuzz.draw import Draw
from fuzz.wire import CLEAN
from monitor.config import OPTIONS, combine, from_toml
from monitor.errors import UsageError
from monitor.formats import Columns, Reader, parse
from monitor.rules import parse as parse_rule
from sniffer.clf import LineFormat
from sniffer.config import arguments_from
from sniffer.transaction import Transaction

TOKENS = (
    *(
        "%h",
        "%l",
        "%u",
        "%t",
        '"%r"',
        "%>s",
        "%s",
        "%b",
        "%B",
        "%D",
        "%T",
        "%a",
        "%A",
        "%v",
        "%p",
        "%m",
        "%U",
        "%q",
        "%H",
    ),
    *(
        "%{Referer}i",
        "%{User-Agent}i",
        "%{x",
        "}o",
        "%{%s}t",
        "%{%d/%b/%Y %T}t",
        "%{msec}t",
        "%{us}T",
        "%%",
        "%I",
        "%O",
    ),
    *("%!200,304r", "%400,501{User-agent}i", "%<s", "%{c}a", "%{begin:%H:%M}t", "%{usec_frac}t", "%{%Y-%m-%dT%T%z}t"),
    *("$remote_addr", "$remote_user", "[$time_local]", '"$request"', "$status", "$body_bytes_sent", "$time_iso8601"),
    *("$msec", "$request_time", "$request_uri", "$request_method", "${status}", "$host", "$http_x", "$args", "$uri"),
    *(
        " ",
        " ",
        " ",
        " - ",
        "[",
        "]",
        '"',
        "'",
        "\\",
        "\\\\",
        '\\"',
        ",",
        ";",
        "{",
        "}",
        ":",
        "|",
        "\t",
        "\n",
        "\udcff",
        "é",
        "#",
    ),
    *("LogFormat ", "CustomLog ", "log_format main ", "access_log /a main;", "escape=json ", '{"s":"$status"}', "nick"),
)
LOGGED = b'1.2.3.4 - u [07/Feb/2019:21:12:36 +0000] "GET /a HTTP/1.1" 200 5 "-" "agent" 1549573956 0.003 [x]:"y" %, 7\n'
WORDS = (
    *(option.name for option in OPTIONS),
    *(
        "logs",
        " = ",
        "\n",
        '"',
        "'",
        "[",
        "]",
        "1",
        "0",
        "-1",
        "true",
        "1.5",
        "10s",
        "2m",
        "1e999",
        "nan",
        "10/s",
        "5MB/s",
    ),
    *(
        "1/0",
        "99999999999999999999",
        "hits",
        "bytes",
        "5xx",
        " > ",
        " < ",
        " over ",
        " in ",
        " for ",
        " recover ",
        "/api",
    ),
    *(
        "p95",
        "clients",
        "ratio",
        "%",
        "ms",
        "malformed",
        "silence",
        "# ",
        "\\u0000",
        "\u0000",
        "é",
        "\udcff",
        "{",
        "}",
        ".",
    ),
)
EXCHANGE = Transaction(
    client=b"\xc0\x00\x02\x01\x9c\x40",
    server=b"\xc6\x33\x64\x01\x00\x50",
    begin=1_549_573_956 * 10**9 + 123_456_789,
    first=1_549_573_957 * 10**9,
    last=1_549_573_958 * 10**9,
    line=b'GET /a"b\x1b\\?q HTTP/1.1',
    method=b"GET",
    target=b'/a"b\x1b\\?q',
    protocol=b"HTTP/1.1",
    request=b'GET /a"b\x1b\\?q HTTP/1.1\r\nHost: h\r\nX: y\n z\r\n\r\n',
    response=b"HTTP/1.1 200 OK\r\n\r\n",
    status=200,
    size=5,
    received=60,
    sent=24,
    whole=True,
)


def _text(draw: Draw, words: tuple[str, ...]) -> str:
    made = ""
    while draw and len(made) < 400:
        made += draw.pick(words) if draw.number(8) else draw.some(6).decode("utf-8", "surrogateescape")
    return made


def directives(data: bytes) -> None:
    """A format is read or refused, by either program; what is accepted reads any line, and writes one."""
    draw = Draw(data)
    where, log = draw.number(4), bytes(draw.mutated(LOGGED, (b" ", b'"', b"[", b"]", b"%")))
    text = _text(draw, TOKENS).replace("\0", "")  # there is none in an argument
    with contextlib.suppress(sniffer.errors.UsageError):
        line = LineFormat(text, origin_form=bool(where & 1)).line(EXCHANGE)
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        assert "\x1b" in text or b"\x1b" not in line
        if text.isascii() and text.isprintable():
            assert CLEAN.fullmatch(line.replace(b"\t", b""))  # a tab may be asked for, as \\t
    try:
        if where == 2:
            form = parse("auto", nginx_conf=text, log="/a")
        elif where == 3:
            form = parse("auto", apache_conf=text, log="/a")
        else:
            form = parse(text)
    except UsageError:
        return
    lines = log + b"junk\n\n" + log[:40] * 20 + b"\n"
    batch = Reader(form, Columns.ALL).read(lines)
    assert batch.lines == len(batch.times) + batch.malformed + batch.blank + batch.comments == lines.count(b"\n")


def options(data: bytes) -> None:
    """A configuration is settings or a UsageError."""
    text = _text(Draw(data), WORDS)
    with contextlib.suppress(UsageError):
        combine(from_toml(text, "file"))
    with contextlib.suppress(ValueError):
        assert all(word[0] in "- " for word in arguments_from(text))


def rules(data: bytes) -> None:
    """An alert rule is one or a ValueError, and what it is read as can be told and read again."""
    text = _text(Draw(data), WORDS)
    try:
        rule = parse_rule(text)
    except ValueError:
        return
    assert rule.window > 0
    assert rule == parse_rule(text)
