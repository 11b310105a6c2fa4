"""What stands in logs: lines of every format, and of none."""

from __future__ import annotations

from unittest.mock import patch

from fuzz.draw import Draw
from monitor.formats import Columns, Reader, parse
from monitor.formats.merge import EMPTY, merge
from monitor.formats.presets import PRESETS
from tests.monitor.formats.test_plain import FILLER, ODD, PLAIN
from tests.monitor.formats.twins import blocks, clf_line, read_slowly, rows_of

CRUMBS = (b'"', b"\\", b" ", b"\n", b"-", b"[", b"]", b"/", b"?", b",", b"\r", b"\x00", b'" ', b"://", b"\xef\xbb\xbf")
LINES = (
    b'h - - [07/Feb/2019:21:12:36 +0000] "GET /a/b HTTP/1.1" 200 5',
    b'h - u [07/Feb/2019:21:12:36 -0130] "POST http://x/a/b?q HTTP/1.0" 404 - "ref" "agent \\" x"',
    b'h - - [07/Feb/2019:21:12:36 +0000] "GET /a/b HTTP/1.1" 200 5 "r" "a" 1 "x" "y" 7ms',
    b'v:80 h - - [31/Dec/1999:23:59:60 +0000] "GET /a/b HTTP/1.1" 200 5 "-" "-"',
    b'{"time":1549573956,"status":200,"method":"GET","uri":"/a/b","request":{"x":[1,{}]}}',
    b'{"ts":1549573956.7,"request":{"remote_ip":"1.2.3.4","method":"GET","uri":"/x"},"status":200,"size":9,"duration":0.1}',
    b"#Fields: date time c-ip cs-method cs-uri-stem sc-status sc-bytes time-taken",
    b"#Version: 1.0",
    b"2019-02-07 21:12:36 h GET /a/b 200 17 3",
    b"date,remotehost,request,status,bytes",
    b'1549573956,h,"GET /a/b HTTP/1.1",200,5',
    b"Feb  6 12:14:14 localhost haproxy[14389]: 10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 "
    b'10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html HTTP/1.1"',
    b"1549573956.123    100 10.1.2.3 TCP_MISS/200 4120 GET http://www.example.com/a - HIER_DIRECT/1.2.3.4 text/html",
    b"http 2018-07-02T22:23:00.186641Z app/lb/50dc 192.168.131.39:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 "
    b'"GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - - arn:aws "Root=1" "-" "-" 0',
    b"",
    b"junk",
    b"\x16\x03\x01\x02",
)
FORMS = [parse("auto"), *(parse(name) for name in dict.fromkeys(PRESETS))]


def lines(data: bytes) -> None:
    """Every line is counted once; the cut into blocks leaves no trace; common lines are read as the slow twin does."""
    draw = Draw(data)
    form = draw.pick(FORMS)
    cuts = [draw.number(200) for _ in range(draw.number(4))]
    rows: list[bytes] = []
    while draw and len(rows) < 400:
        text = draw.mutated(draw.pick(LINES), CRUMBS) if draw.number(5) else draw.some(100)
        rows += [text] * (draw.pick((1, 1, 1, 2, 101)))
    log = b"\n".join(rows)
    whole, cut = Reader(form, Columns.ALL), Reader(form, Columns.ALL)
    read = whole.read(log)
    parts = [cut.read(block) for block in blocks(log, cuts)]
    for batch in (read, *parts):
        held = len(batch.times)
        assert batch.lines == held + batch.malformed + batch.blank + batch.comments
        columns = (batch.hosts, batch.methods, batch.sections, batch.statuses, batch.sizes)
        more = (batch.durations, batch.vhosts, batch.referers, batch.agents)
        assert {len(column) for column in (*columns, *(each for each in more if each is not None))} <= {held}
        assert list(batch.malformed_at) == sorted(batch.malformed_at)
        assert all(size >= 0 for size in batch.sizes)
        assert all(status == b"-" or (len(status) == 3 and status.isdigit()) for status in batch.statuses)
        assert all(len(sample.text) <= 200 for sample in batch.samples)
    assert read.lines == log.count(b"\n") + (bool(log) and not log.endswith(b"\n"))
    assert merge([EMPTY, EMPTY, *parts]) == merge([EMPTY, EMPTY, read])
    assert cut.state == whole.state
    said = whole.messages()
    assert said == cut.messages()
    assert all(text.isprintable() for text in said), said
    if form is PRESETS["common"]:
        slow, malformed, blank = read_slowly(log, clf_line)
        assert (rows_of([read]), read.malformed, read.blank) == (slow, malformed, blank)


def plain(data: bytes) -> None:
    """Plain lines read many at a time are what they are one by one."""
    draw = Draw(data)
    known = [line.encode("latin-1") for line in (*PLAIN, *ODD.values())]
    rows: list[bytes] = []
    while draw and len(rows) < 100:
        rows.append(draw.mutated(draw.pick(known), (*CRUMBS, b"!", b"#", b"\t", b'" "')))
    log = b"\n".join([*rows, FILLER])
    with (
        patch("monitor.formats.lines.LARGE", 0),
        patch("monitor.formats.lines.BEFORE", 0),
        patch("monitor.formats.plain.ODD", 1),
    ):
        read = Reader(PRESETS["common"]).read(log)
    slow, malformed, blank = read_slowly(log, clf_line)
    assert (rows_of([read]), read.malformed, read.blank) == (slow, malformed, blank)
