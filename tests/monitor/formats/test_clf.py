"""The Common Log Format's family."""

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from monitor.formats import Reader, parse
from monitor.formats.batch import Columns
from tests.monitor.formats.twins import clf_line, mutated, read_in_blocks, read_slowly, rows_of

WHEN = "[10/Oct/2000:13:55:36 -0700]"
EPOCH = 971211336
LINES = [
    f'127.0.0.1 - frank {WHEN} "GET /apache_pb.gif HTTP/1.0" 200 2326'.encode(),
    f'::1 - - {WHEN} "GET http://my.site.com/pages/create?a=/b HTTP/1.1" 404 - "-" "curl/8"'.encode(),
    f'h - "" {WHEN} "-" 408 0 "-" "-"'.encode(),
    f'h i DOMAIN\\name {WHEN} "POST /a\\"b/c HTTP/2" 200 99999999999 "a\\\\" "b" 1 2 "x"'.encode(),
    f'h - a b [S] c {WHEN} "\\x16\\x03" - - "http://r/" "A (x)" '.encode(),
    f'my.site.com:80 10.0.0.1 - - {WHEN} "GET /pages/x HTTP/1.1" 200 5 "-" "-"'.encode(),
    b'h - - [31/Dec/2016:23:59:60 +0000] "GET //x" 304 1',
    b'h - - [30/Feb/2016:23:59:59 +0000] "GET /a b/c HTTP/1.1" 304 1',
]


def read(line: str | bytes, name: str = "common") -> list[tuple[object, ...]]:
    data = line.encode("latin-1") if isinstance(line, str) else line
    return rows_of([Reader(parse(name)).read(data)])


@settings(max_examples=300, deadline=None)
@given(mutated(LINES), st.lists(st.integers(0, 20), max_size=3), st.sampled_from([Columns.NONE, Columns.ALL]))
def test_the_block_pattern_reads_what_its_slow_twin_reads(data: bytes, cuts: list[int], columns: Columns) -> None:
    assert read_in_blocks(parse("combined"), data, cuts, columns) == read_slowly(data, clf_line)


@settings(max_examples=100, deadline=None)
@given(mutated([b"v:80 " + line for line in LINES]), st.lists(st.integers(0, 20), max_size=3))
def test_the_vhost_kinds_read_what_their_slow_twin_reads(data: bytes, cuts: list[int]) -> None:
    assert read_in_blocks(parse("vhost_combined"), data, cuts) == read_slowly(data, lambda line: clf_line(line, True))


@pytest.mark.parametrize(
    ("request_line", "method", "section"),
    [
        ("GET /pages/create HTTP/1.1", "GET", "/pages"),
        ("GET / HTTP/1.1", "GET", "/"),
        ("GET /a.html?x=/y HTTP/1.1", "GET", "/a.html"),
        ("GET //x HTTP/1.1", "GET", "/"),
        ("GET http://my.site.com/pages/create HTTP/1.1", "GET", "http://my.site.com/pages"),
        ("GET http://h HTTP/1.1", "GET", "http://h/"),
        ("GET http://h/ HTTP/1.1", "GET", "http://h/"),
        ("GET http://h?a/b HTTP/1.1", "GET", "http://h/"),
        ("OPTIONS * HTTP/1.1", "OPTIONS", "*"),
        ("CONNECT h:443 HTTP/1.1", "CONNECT", "h:443"),
        ("GET a/b HTTP/1.1", "GET", "a"),
        ("GET ?a HTTP/1.1", "GET", ""),
        ("GET /old", "GET", "/old"),
        ("GET /old/er", "GET", "/old"),
        ("GET old", "", ""),
        ("GET icap://x/y", "GET", "icap://x/y"),
        ("GET /a b/c HTTP/1.1", "GET", "/a b"),
        ("GET /a b", "GET", "/a b"),
        ("GET /a#b/c HTTP/2", "GET", "/a"),
        ("GET HTTP/1.1 HTTP/1.1", "GET", "HTTP"),
        ("GET HTTP/1.1", "", ""),
        ("GET  HTTP/1.1", "", ""),
        ("M-SEARCH * HTTP/1.1", "M-SEARCH", "*"),
        ("SSTP_DUPLEX_POST /sra HTTP/1.1", "SSTP_DUPLEX_POST", "/sra"),
        ("-", "", ""),
        ("", "", ""),
        ("\\x16\\x03\\x01", "", ""),
        ("t3 12.2.1\\x0A", "", ""),
        ("\\x03\\x00\\x00/*\\xE0\\x00\\x00 Cookie: mstshash=Administr", "", ""),
        ("|' or 1=1 -- ' HTTP/1.1", "", ""),
        ("GET /a\\x22b/c HTTP/1.1", "GET", "/a\\x22b"),
        ('GET /a\\"b/c HTTP/1.1', "GET", '/a\\"b'),
        ("GET /a\\\\ HTTP/1.1", "GET", "/a\\\\"),
    ],
)
def test_section_and_method_of_a_request(request_line: str, method: str, section: str) -> None:
    rows = read(f'h - - {WHEN} "{request_line}" 200 5')
    assert rows == [(EPOCH, b"h", method.encode(), section.encode(), b"200", 5)]


@pytest.mark.parametrize(
    "user", ["-", '""', "DOMAIN\\name", "a b c", "a [S] b", "$(curl x | sh)", "x\\", 'a\\"b', "[x]"]
)
def test_users_up_to_the_time_are_read(user: str) -> None:
    assert len(read(f'h - {user} {WHEN} "GET / HTTP/1.1" 200 5')) == 1


@pytest.mark.parametrize("user", ["", " a", "a ", "- -", "a - b", 'a"b', '""a', 'a\\\\"b'])
def test_users_that_are_none_are_malformed(user: str) -> None:
    assert read(f'h - {user} {WHEN} "GET / HTTP/1.1" 200 5') == []


@pytest.mark.parametrize("host", ["::1", "fe80::1%eth0", "a.example", "unix:", "10.0.0.1"])
def test_clients_are_kept_as_written(host: str) -> None:
    assert read(f'{host} - - {WHEN} "GET / HTTP/1.1" 200 5')[0][1] == host.encode()


@pytest.mark.parametrize(
    "line",
    [
        f'10.0.0.1, 10.0.0.2 - - {WHEN} "GET / HTTP/1.1" 200 5',
        f'"10.0.0.1" - - {WHEN} "GET / HTTP/1.1" 200 5',
        f'h - - {WHEN} "GET / HTTP/1.1" 200 -5',
        f'h - - {WHEN} "GET / HTTP/1.1" 20 5',
        f'h - - {WHEN} "GET / HTTP/1.1" 200 9223372036854775808',
        f'h - - {WHEN} "GET / HTTP/1.1" 200 5 x',
        f'h - - {WHEN} "GET / HTTP/1.1" 200 5 "-"',
        f'h - - {WHEN} "GET / HTTP/1.1" 200 5 "-" "x"y',
        f'h - - {WHEN} "GET / HTTP/1.1" 200 5 "-" "cut',
        f'h - - {WHEN} "GET / HTTP/1.1"200 5',
        f'h - - {WHEN} "GET /',
        f'h -  - {WHEN} "GET / HTTP/1.1" 200 5',
        'h - - [30/Feb/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 5',
        'h - - [10/Okt/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 5',
        'h - - [10/Oct/2000:24:55:36 -0700] "GET / HTTP/1.1" 200 5',
        'h - - [10/Oct/0000:13:55:36 -0700] "GET / HTTP/1.1" 200 5',
        f'www.site.com 1.2.3.4 - - {WHEN} "GET / HTTP/1.1" 200 5',
    ],
)
def test_lines_that_are_malformed(line: str) -> None:
    batch = Reader(parse("common")).read(line.encode())
    assert (batch.lines, batch.malformed, len(batch.times)) == (1, 1, 0)
    assert batch.samples[0].text == line.encode()
    assert batch.samples[0].reason.startswith("column ")


@pytest.mark.parametrize(
    ("line", "status", "size"),
    [
        (f'h - - {WHEN} "GET / HTTP/1.1" - -', b"-", 0),
        (f'h - - {WHEN} "GET / HTTP/1.1" 000 0', b"000", 0),
        (f'h - - {WHEN} "GET / HTTP/1.1" 200 9223372036854775807', b"200", 2**63 - 1),
        (f'h - - {WHEN} "GET / HTTP/1.1" 200 5 "-" "x" 17 "more" and more', b"200", 5),
        (f'h - - {WHEN} "GET / HTTP/1.1" 200 5 \t\r', b"200", 5),
        (f'h - - {WHEN} "GET / HTTP/1.1" 200 5 "\x00\x1b\xa4\xa4" "\xe9"\r', b"200", 5),
    ],
)
def test_lines_that_look_odd_and_are_hits(line: str, status: bytes, size: int) -> None:
    assert [row[4:] for row in read(line)] == [(status, size)]


def test_second_60_is_the_next_second() -> None:
    leap, after = (
        read(f'h - - [{time} +0000] "-" 408 -')[0][0] for time in ("31/Dec/2016:23:59:60", "01/Jan/2017:00:00:00")
    )
    assert leap == after


def test_zones_are_honoured_line_by_line() -> None:
    times = [
        read(f'h - - [{time}] "-" 408 -')[0][0] for time in ("10/Oct/2000:13:55:36 -0700", "11/Oct/2000:02:25:36 +0530")
    ]
    assert times == [EPOCH, EPOCH]


def test_bom_crlf_blank_lines_and_a_missing_end_are_tolerated() -> None:
    line = f'h - - {WHEN} "GET / HTTP/1.1" 200 5'.encode()
    batch = Reader(parse("common")).read(b"\r\n\xef\xbb\xbf" + line + b"\r\n \t\n" + line)
    assert (batch.lines, len(batch.times), batch.blank, batch.malformed) == (4, 2, 2, 0)


def test_the_virtual_host_goes_in_front_of_a_path_only() -> None:
    lines = [
        f'my.site.com:80 h - - {WHEN} "{line} HTTP/1.1" 200 5'
        for line in ("GET /pages/a", "GET http://x/y/z", "OPTIONS *")
    ]
    rows = read("\n".join(lines), "vhost_common")
    assert [row[3] for row in rows] == [b"my.site.com:80/pages", b"http://x/y", b"*"]


def test_columns_beyond_the_basic_ones_are_filled_when_asked_for() -> None:
    line = f'v:1 h - - {WHEN} "GET / HTTP/1.1" 200 5 "r\\"" "a"\nv:1 h - - {WHEN} "-" 200 5\n'.encode()
    batch = Reader(parse("vhost_combined"), Columns.ALL).read(line)
    assert (batch.vhosts, batch.referers, batch.agents) == ([b"v:1"] * 2, [b'r\\"', b""], [b"a", b""])
    assert Reader(parse("vhost_combined")).read(line).vhosts is None


def test_a_quote_that_is_missing_takes_its_own_line_alone() -> None:
    whole = f'h - - {WHEN} "GET /a HTTP/1.1" 200 5 "r" "agent"\n'
    torn = f'h - - {WHEN} "GET /b HTTP/1.1" 200 5 "r" "agent\n'
    batch = Reader(parse("combined"), Columns.ALL).read((whole + torn + 'junk" junk\n' + whole + torn + whole).encode())
    assert (list(batch.sections), batch.malformed_at) == ([b"/a"] * 3, [1, 1, 2])
    assert batch.agents == [b"agent"] * 3


def test_lines_over_the_bound_are_malformed_and_those_of_a_megabyte_are_read() -> None:
    lines = [f'h - - {WHEN} "GET /{"x" * size} HTTP/1.1" 200 5\n'.encode() for size in (10, 1 << 20, 1 << 22)]
    batch = Reader(parse("common")).read(b"".join(lines))
    assert (len(batch.times), list(batch.malformed_at)) == (2, [2])
    assert len(batch.samples[0].text) == 200


@pytest.mark.parametrize(
    "line",
    [
        b'h - - [10/Oct/2000:13:55:36 -0700] "GET /' + b"a\\" * (1 << 19),
        b'h - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 5 "' + b'\\"' * (1 << 19),
        b"h - " + b" [" * (1 << 19),
        b"h - " + b"- " * (1 << 19),
        b"h - " + b" [10/Oct/2000:13:55:36 -0700]" * (1 << 15),
        b"h - " + b"\\" * (1 << 20),
        b'h - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 ' + b"9" * (1 << 20),
        b'h - - [10/Oct/2000:13:55:36 -0700] "GET ' + b" HTTP/1.1" * (1 << 16) + b'" 200 5 x',
        b" " * (1 << 20) + b"x",
        b'"' * (1 << 20),
        b'h - - [10/Oct/2000:13:55:36 -0700] "-\n' * (1 << 14),
    ],
    ids=range(11),
)
def test_hostile_lines_of_a_megabyte_are_malformed_in_linear_time(line: bytes) -> None:
    # A pattern that backtracks would not come to an end here.
    assert Reader(None).read(line).malformed == line.count(b"\n") or 1
