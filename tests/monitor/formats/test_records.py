"""JSON, W3C and CSV: lines of named fields."""

import json
import re

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given, settings

from monitor.formats import FormatError, Reader, parse
from monitor.formats.batch import Columns
from monitor.formats.names import KNOWN
from monitor.formats.w3c import W3C as W3C_FORMAT
from monitor.formats.w3c import W3cParser
from monitor.input.block import MAX_LINE
from tests.monitor.formats.twins import (
    MONTHS,
    Row,
    clf_time,
    digits,
    iso_time,
    local,
    mutated,
    read_in_blocks,
    request,
    rows_of,
    section,
)

CADDY = {
    "level": "info",
    "ts": 1646861401.5241024,
    "request": {
        "remote_ip": "127.0.0.1",
        "client_ip": "127.0.0.2",
        "method": "GET",
        "host": "localhost",
        "uri": "/pages/x?y",
        "headers": {"User-Agent": ["curl/7.82.0"], "Referer": ["r"]},
    },
    "duration": 0.000929675,
    "size": 10900,
    "status": 200,
}
TRAEFIK = {
    "ClientHost": "10.0.0.1",
    "DownstreamContentSize": 19,
    "DownstreamStatus": 404,
    "Duration": 161600,
    "RequestHost": "example.com",
    "RequestMethod": "GET",
    "RequestPath": "/a/b",
    "StartUTC": "2021-01-01T10:00:00.123456789Z",
    "time": "2021-01-01T10:00:01Z",
}
NGINX = {
    "time_local": "07/Feb/2019:21:12:36 +0000",
    "remote_addr": "1.2.3.4",
    "request": "GET /a/b?c HTTP/1.1",
    "status": "200",
    "body_bytes_sent": "612",
    "request_time": "0.005",
}
W3C = [
    b"#Software: Microsoft Internet Information Services 8.5",
    b"#Fields: date time c-ip cs-method cs-uri-stem sc-status sc-bytes time-taken",
    b"2015-01-13 00:32:17 1.2.3.4 GET /robots.txt 404 1405 283",
    b"#Fields: time date sc-status cs-uri-stem cs-method c-ip",
    b"00:32:18 2015-01-13 200 /a/b POST ::1",
]
CSV = [
    b'"remotehost","rfc931","authuser","date","request","status","bytes"',
    b'"10.0.0.2","-","apache",1549573860,"GET /api/user HTTP/1.0",200,1234',
    b'"10.0.0.4","-","a, ""b""",1549573861,"POST /report HTTP/1.0",500,',
]


def read(data: bytes, name: str = "auto", columns: Columns = Columns.ALL) -> tuple[Reader, list[Row]]:
    reader = Reader(parse(name), columns)
    return reader, rows_of([reader.read(data)])


@pytest.mark.parametrize(
    ("entry", "row", "duration"),
    [
        (CADDY, (1646861401, b"127.0.0.2", b"GET", b"localhost/pages", b"200", 10900), 929),
        (TRAEFIK, (1609495200, b"10.0.0.1", b"GET", b"example.com/a", b"404", 19), 161),
        (NGINX, (1549573956, b"1.2.3.4", b"GET", b"/a", b"200", 612), 5000),
    ],
)
def test_json_of_known_servers_is_read(entry: dict[str, object], row: Row, duration: int) -> None:
    reader = Reader(None, Columns.ALL)
    batch = reader.read(json.dumps(entry).encode())
    assert rows_of([batch]) == [row]
    assert batch.durations == [duration]
    assert "JSON" in reader.description


ECS = {"request": {"method": "GET"}, "response": {"status_code": 200, "body": {"bytes": 12}}}


@pytest.mark.parametrize(
    "entry",
    [
        {
            "EdgeStartTimestamp": 1549573956 * 10**9,
            "ClientIP": "h",
            "ClientRequestMethod": "GET",
            "ClientRequestURI": "/a/b?c",
            "EdgeResponseStatus": 200,
            "EdgeResponseBytes": 12,
        },
        {
            "@timestamp": "2019-02-07T21:12:36.5Z",
            "http": ECS,
            "source": {"ip": "h"},
            "url": {"original": "/a/b?c", "path": "/a/b"},
        },
        {
            "started_at": 1549573956_500,
            "client_ip": "h",
            "request": {"method": "GET", "uri": "/a/b?c"},
            "response": {"status": 200, "size": 12},
        },
        {
            "time": 1549573956_500,
            "req": {"method": "GET", "url": "/a/b?c", "remoteAddress": "h"},
            "res": {"statusCode": 200},
            "bytes": 12,
        },
    ],
)
def test_json_is_read_by_the_names_of_cloudflare_elastic_kong_and_pino(entry: dict[str, object]) -> None:
    assert read(json.dumps(entry).encode())[1] == [(1549573956, b"h", b"GET", b"/a", b"200", 12)]


def test_json_headers_in_lists_are_read() -> None:
    batch = Reader(None, Columns.ALL).read(json.dumps(CADDY).encode())
    assert (batch.referers, batch.agents) == ([b"r"], [b"curl/7.82.0"])


def test_any_json_keys_can_be_named() -> None:
    line = b'{"when":1549573956123,"who":"h","line":"GET /a/b HTTP/1.1","c":0,"n":7,"deep":{"t_ms":1.5}}'
    names = ["time=when", "client=who", "request=line", "status=c", "bytes=n", "duration=deep.t_ms"]
    batch = Reader(parse("auto", json_keys=names), Columns.ALL).read(line)
    assert rows_of([batch]) == [(1549573956, b"h", b"GET", b"/a", b"000", 7)]
    assert batch.durations == [1500]


@pytest.mark.parametrize("key", ["colour=red", "status", "status=", "=x"])
def test_a_json_key_that_names_no_column_is_an_error(key: str) -> None:
    with pytest.raises(FormatError, match="COLUMN=KEY"):
        parse("auto", json_keys=[key])


def test_json_keys_with_another_format_are_an_error() -> None:
    with pytest.raises(FormatError, match="--json-key"):
        parse("common", json_keys=["status=x"])


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"{}",
        b"[1]",
        b'"x"',
        b'{"a":' * 100_000,
        b'{"time":"x","status":200}',
        b'{"time":1549573956,"status":20000}',
        b'{"time":1549573956,"status":200,"size":"-5"}',
        b'{"time":1549573956,"status":200,"size":1e99}',
        b'{"time":1549573956,"status":NaN}',
        b'{"time":' + b"9" * 5000 + b',"status":200}',
        b'{"time":1549573956}',
        b'{"time":true,"status":200}',
    ],
)
def test_json_that_is_no_hit_is_malformed(line: bytes) -> None:
    batch = Reader(parse("json")).read(line)
    assert (batch.lines, batch.malformed) == (1, 1)
    assert batch.samples[0].reason


def test_json_that_is_none_and_lacks_what_a_hit_needs_says_which_keys_there_are() -> None:
    reader = Reader(None)
    assert reader.read(b'{"level":"info","msg":"started"}').malformed == 1
    assert reader.description.startswith(
        "fits no known format; nearest is JSON: expected keys for a time and a request"
    )
    assert reader.description.endswith("there are level, msg")


def test_objects_are_looked_into_four_deep() -> None:
    lines = [
        b'{"time":1549573956,"a":{"b":{"c":{"status":200}}}}',
        b'{"time":1549573956,"a":{"b":{"c":{"d":{"status":2}}}}}',
    ]
    names = ["status=a.b.c.status"], ["status=a.b.c.d.status"]
    assert [Reader(parse("auto", json_keys=keys)).read(b"\n".join(lines)).malformed for keys in names] == [1, 2]


def test_a_request_without_its_method_gives_way_to_method_and_target_only_where_both_are_there() -> None:
    lines = [
        b'{"time":1549573956,"request":"GET /line/x HTTP/1.1","uri":"/rewritten/x"}',
        b'{"time":1549573956,"request":"GET /line/x HTTP/1.1","uri":"/asked/x","method":"PUT"}',
    ]
    assert [(row[2], row[3]) for row in read(b"\n".join(lines))[1]] == [(b"GET", b"/line"), (b"PUT", b"/asked")]


@pytest.mark.parametrize(
    ("entry", "duration"),
    [
        (b'"time-taken":250', 250_000),
        (b'"time-taken":"0.25"', 250_000),
        (b'"duration_us":1.5e3', 1500),
        (b'"duration":"-"', -1),
        (b'"duration":"soon"', -1),
    ],
)
def test_a_durations_unit_is_told_by_its_name_and_shape(entry: bytes, duration: int) -> None:
    batch = Reader(parse("json"), Columns.ALL).read(b'{"time":1549573956,"status":200,%b}' % entry)
    assert batch.durations == [duration]


def test_records_over_the_bound_are_malformed_and_the_next_is_read() -> None:
    line = b'{"time":1549573956,"status":200}'
    batch = Reader(parse("json")).read(line + b" " * MAX_LINE + b"\n" + line + b"\n")
    assert (batch.malformed, len(batch.times)) == (1, 1)
    assert batch.samples[0].reason == f"longer than {MAX_LINE} bytes"


def test_of_very_many_malformed_records_the_first_are_shown_and_all_are_counted() -> None:
    batch = Reader(parse("csv")).read(b"\n".join(CSV[:1] + [b"%d" % number for number in range(9)]))
    assert batch.malformed == 9
    assert [sample.text for sample in batch.samples] == [b"0", b"1", b"2", b"3", b"4"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'h,-,a,1549573956,"GET / HTTP/1.1,200,5', "expected quotes in pairs around a field"),
        (b'h,-,a,1549573956,"GET /" HTTP/1.1,200,5', "expected quotes in pairs around a field"),
        (b"h,-,a,1549573956,GET / HTTP/1.1,200", "expected 7 fields as in the first line, not 6"),
        (b"h,-,a,1549573956,GET / HTTP/1.1,200,5,x", "expected 7 fields as in the first line, not 8"),
    ],
)
def test_csv_lines_that_do_not_keep_to_their_header_say_how(line: bytes, reason: str) -> None:
    batch = Reader(parse("csv")).read(CSV[0] + b"\n" + line)
    assert [sample.reason for sample in batch.samples] == [reason]


def test_csv_durations_have_the_unit_of_their_columns_name() -> None:
    data = b"time,status,latency_ms\n1549573956,200,1.5\n"
    assert Reader(None, Columns.ALL).read(data).durations == [1500]


def test_a_w3c_log_without_a_time_among_its_fields_is_malformed() -> None:
    batch = Reader(parse("w3c")).read(b"#Fields: c-ip sc-status\nh 200\n")
    assert batch.samples[0].reason == "column 1: expected a #Fields line before"


def test_however_often_w3c_fields_change_each_line_is_read_by_its_own() -> None:
    lines = [
        b"#Fields: date time %bsc-status\n2019-02-07 21:12:36 %b%d\n" % (b"x " * at, b"- " * at, 200 + at)
        for at in range(100)
    ]
    parser = W3cParser(W3C_FORMAT, Columns.NONE)
    read, _ = parser.read(b"".join(lines) * 2, ())
    assert list(read.batch.statuses) == [b"%d" % (200 + at) for at in range(100)] * 2
    assert len(parser._made) <= 64


def test_strings_come_as_bytes_whatever_they_hold() -> None:
    lines = [
        b'{"time":1549573956,"status":200,"client":"\\ud800","uri":"/\xe9/x","method":"GET"}',
        b'{"time":1549573956,"status":200,"client":"\\x22a","uri":"/\\x5c/x","method":"GET"}',
        '{"time":1549573956,"status":200,"client":"ü","uri":"/\\n/x","method":"GET"}'.encode(),
    ]
    rows = read(b"\n".join(lines))[1]
    assert [row[1] for row in rows] == [b"\xed\xa0\x80", b'"a', "ü".encode()]
    assert [row[3] for row in rows] == [b"/\xe9", b"/\\", b"/\n"]


def test_w3c_fields_are_read_again_when_they_change() -> None:
    data = b"\r\n".join(W3C)
    reader = Reader(None, Columns.DURATION)
    batch = reader.read(data)
    assert (batch.comments, batch.malformed) == (3, 0)
    assert rows_of([batch]) == [
        (1421109137, b"1.2.3.4", b"GET", b"/robots.txt", b"404", 1405),
        (1421109138, b"::1", b"POST", b"/a", b"200", 0),
    ]
    assert batch.durations == [283_000, -1]
    assert "W3C" in reader.description


def test_cloudfront_has_tabs_seconds_and_a_host() -> None:
    data = (
        b"#Version: 1.0\n"
        b"#Fields: date time sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(User-Agent) time-taken\n"
        b"2019-12-04\t21:02:31\t392\t192.0.2.100\tGET\td1.net\t/a/index.html\t200\tMozilla/5.0+x\t0.001\n"
    )
    batch = Reader(None, Columns.ALL).read(data)
    assert rows_of([batch]) == [(1575493351, b"192.0.2.100", b"GET", b"d1.net/a", b"200", 392)]
    assert (batch.durations, batch.vhosts, batch.agents) == ([1000], [b"d1.net"], [b"Mozilla/5.0+x"])


def test_w3c_lines_with_a_time_alone_take_the_date_from_its_directive() -> None:
    data = b"#Date: 2015-01-13 00:00:00\n#Fields: time c-ip cs-uri sc-status\n00:32:17 h http://s/a/b 200\n"
    assert read(data)[1] == [(1421109137, b"h", b"-", b"http://s/a", b"200", 0)]


def test_w3c_fields_called_like_a_time_are_not_taken_for_theirs() -> None:
    data = b"#Fields: date time ts timestamp sc-status\n2015-01-13 00:32:17 x y 200\n"
    assert [row[0] for row in read(data)[1]] == [1421109137]


def test_w3c_lines_before_their_fields_or_of_other_length_are_malformed() -> None:
    batch = Reader(parse("w3c")).read(b"a b\n#Fields: date time sc-status\n2015-01-13 00:32:17 200 x\n")
    assert [sample.reason for sample in batch.samples] == [
        "column 1: expected a #Fields line before",
        "column 24: expected the end of the line",
    ]


def test_empty_fields_at_the_end_of_a_line_between_tabs_are_there_though_cut_with_its_end() -> None:
    lines = [
        b"host\ttime\tmethod\turl\tresponse\tbytes\treferer\tuseragent",
        *(b"h\t1549573956\tGET\t/a/b\t200\t12\t \t ", b"h\t1549573956\tGET\t/a/b\t304\t\t\t"),
        *(b"h\t1549573956\tGET\t/a/b", b"h\t1549573956\tGET\t/a/b\t200\t12\t\t\t\tx"),
    ]
    assert [row[4:] for row in read(b"\n".join(lines))[1]] == [(b"200", 12), (b"304", 0)]


def test_a_time_may_have_lost_one_of_its_brackets_with_its_zone() -> None:
    lines = b"IP,Time,URL,Status\nh,[07/Feb/2019:21:12:36,GET /a/b HTTP/1.1,200\n"
    assert read(lines)[1] == read(lines.replace(b"[", b""))[1] != []


def test_csv_columns_come_in_any_order_and_its_header_is_a_comment() -> None:
    batch = Reader(None).read(b"\n".join(CSV))
    assert (batch.comments, batch.malformed) == (1, 0)
    assert rows_of([batch]) == [
        (1549573860, b"10.0.0.2", b"GET", b"/api", b"200", 1234),
        (1549573861, b"10.0.0.4", b"POST", b"/report", b"500", 0),
    ]
    other = b"Status;Path;Method;Time;Client\n200;/a/b;GET;2019-02-07T21:12:36Z;h\n\nStatus;Path;Method;Time;Client\n"
    batch = Reader(None).read(other)
    assert (batch.comments, batch.blank, rows_of([batch])) == (2, 1, [(1549573956, b"h", b"GET", b"/a", b"200", 0)])


@pytest.mark.parametrize(
    ("stamp", "epoch"),
    [
        ("1549573956", 1549573956),
        ("1549573956.999", 1549573956),
        ("1549573956999", 1549573956),
        ("1549573956999999", 1549573956),
        ("1549573956999999999", 1549573956),
        ("2019-02-07T21:12:36Z", 1549573956),
        ("2019-02-07 22:12:36,5+01:00", 1549573956),
        ("07/Feb/2019:21:12:36 +0000", 1549573956),
        ("[07/Feb/2019:21:12:36 +0000]", 1549573956),
        ("2019/02/07 21:12:36.5", 1549573956),
        ("2019-02-07 21:12:36 UTC", 1549573956),
        ("2019-02-07 22:12:36 +0100", 1549573956),
        ("07/Feb/2019 21:12:36", 1549573956),
        ("07/Feb/2019:21:12:36", 1549573956),
        ("07/Feb/2019:22:12:36 +01:00", 1549573956),
        ("2019-02/07 21:12:36", None),
        ("07/Feb/2019:21:12:36 +0060", None),
        ("2019-02-30T21:12:36Z", None),
        ("-5", None),
        ("99999999999999999999", None),
        ("", None),
        ("yesterday", None),
    ],
)
def test_times_of_every_kind_are_told_apart(stamp: str, epoch: int | None) -> None:
    rows = read(f'time,status,request\n"{stamp}",200,GET / HTTP/1.1\n'.encode())[1]
    assert [row[0] for row in rows] == ([] if epoch is None else [epoch])


@pytest.mark.parametrize(
    "data",
    [
        b"date,time,host,method,path,status,bytes\n2019-02-07,21:12:36,h,GET,/a/b,200,12\n",
        b"Date;Time;Client IP;Method;URL;Status Code;Response Bytes\n07/Feb/2019;21:12:36;h;GET;/a/b;200;12\n",
        b"Host, Time, Request, Status, Bytes\nh, 07/Feb/2019:21:12:36 +0000, GET /a/b HTTP/1.1, 200, 12\n",
        b"client_ip|timestamp_ms|http_method|uri_path|status|bytes\nh|1549573956123|GET|/a/b|200.0|12.0\n",
        b'{"date":"2019-02-07","time":"21:12:36","remoteIP":"h","verb":"GET","url":"/a/b","Status":200,"Bytes":12}',
        b'{"time":"2019/02/07 21:12:36","remoteIp":"h","method":"GET","request":"/a/b","status":"200","bytes":"12"}',
    ],
)
def test_columns_are_found_under_the_names_and_in_the_shapes_that_people_use(data: bytes) -> None:
    assert read(data)[1] == [(1549573956, b"h", b"GET", b"/a", b"200", 12)]


def test_a_name_of_one_letter_is_known_only_as_it_is_written() -> None:
    lines = b'{"time":1549573956,"s":404,"b":5,"url":"/"}\n{"time":1549573956,"S":404,"B":5,"url":"/"}\n'
    assert [row[4:] for row in read(lines)[1]] == [(b"404", 5), (b"-", 0)]


def test_a_clients_port_in_a_field_that_has_one_is_cut() -> None:
    lines = [
        b'{"ts":1549573956,"status":200,"request":{"method":"GET","uri":"/","remote_addr":"1.2.3.4:55"}}',
        b'{"ts":1549573956,"status":200,"method":"GET","path":"/","downstream_remote_address":"[::1]:55"}',
        b'{"ts":1549573956,"status":200,"method":"GET","path":"/","remote_addr":"::1:55"}',
    ]
    assert [row[1] for row in read(b"\n".join(lines))[1]] == [b"1.2.3.4", b"::1", b"::1:55"]


# The slow twins.


@settings(max_examples=200, deadline=None)
@given(mutated([json.dumps(NGINX).encode()]), st.lists(st.integers(0, 9), max_size=3))
def test_json_reads_what_its_slow_twin_reads(data: bytes, cuts: list[int]) -> None:
    rows: list[Row] = []
    malformed = blank = 0
    for line in (data if data[-1:] == b"\n" else data + b"\n" if data else b"").split(b"\n")[:-1]:
        text = line.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\t ")
        entry = json_entry(text)
        assume(entry is None or entry.keys() <= NGINX.keys())
        row = json_row(entry) if entry and text[:1] == b"{" else None
        rows += [row] if row else []
        malformed += not row and bool(text)
        blank += not text
    assert read_in_blocks(parse("json"), data, cuts) == (rows, malformed, blank)


def json_entry(text: bytes) -> dict[str, object] | None:
    for written in (text, re.sub(rb"\\x([0-9a-fA-F]{2})", rb"\\u00\1", text)):
        try:
            entry = json.loads(written.decode("utf-8", "surrogateescape"))
        except ValueError:
            continue
        return entry if isinstance(entry, dict) else None
    return None


def like_clf_time(text: bytes) -> int | None:
    """A blank before the time of day, a fraction, a colon in the zone or none before it, or no zone will do."""
    front, mark, clock, rest = text[:11], text[11:12], text[12:20], text[20:]
    if mark not in (b":", b" "):
        return None
    if rest[:1] in (b".", b","):
        fraction = rest[1:].split(b" ")[0].split(b"+")[0].split(b"-")[0]
        if not digits(fraction) or len(fraction) > 9:
            return None
        rest = rest[1 + len(fraction) :]
    zone = rest.removeprefix(b" ")
    zone = zone[:3] + zone[4:] if zone[3:4] == b":" else zone
    time = clf_time(front + b":" + clock + b" " + (zone if rest else b"+0000"))
    if time is None or rest:
        return time
    hour, minute, second = map(int, clock.split(b":"))
    return local(int(front[7:11]), MONTHS.index(front[3:6].decode()) + 1, int(front[:2]), hour, minute, second)


def json_row(entry: dict[str, object]) -> Row | None:
    found = {key: str(value).encode("utf-8", "surrogateescape") for key, value in entry.items() if value is not None}
    time = like_clf_time(found.get("time_local", b""))
    status, size = found.get("status", b"-"), found.get("body_bytes_sent", b"-") or b"-"
    if time is None or not found.keys() & {"request", "status"}:
        return None
    if digits(status):
        status = status.rjust(3, b"0")
    if not (status in (b"", b"-") or (digits(status) and len(status) == 3)):
        return None
    if not (size == b"-" or (digits(size) and len(size) <= 19 and int(size) < 2**63)):
        return None
    host = found.get("remote_addr", b"").split(b",")[0].strip(b" ") or b"-"
    return time, host, *request(found.get("request", b"")), status or b"-", 0 if size == b"-" else int(size)


OTHER_NAMES = {name.encode() for known in KNOWN.values() for name in known} - set(W3C[1].split())


@settings(max_examples=200, deadline=None)
@given(mutated(W3C), st.lists(st.integers(0, 20), max_size=3))
def test_w3c_reads_what_its_slow_twin_reads(data: bytes, cuts: list[int]) -> None:
    names: list[bytes] = []
    date = b""
    rows: list[Row] = []
    malformed = 0
    blank = 0
    for line in (data if data[-1:] == b"\n" else data + b"\n" if data else b"").split(b"\n")[:-1]:
        text = line.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\t ")
        if text[:8] == b"#Fields:":
            names = [name for name in text[8:].split() if name]
            if any(byte in b"\x0b\x0c\r" for byte in text):
                return  # blanks of other kinds are not worth a rule
            assume(not OTHER_NAMES & set(names))
        elif text[:7] == b"#Date: " and digits(text[7:17].replace(b"-", b"")) and text[17:18] in (b" ", b""):
            if [text[11:12], text[14:15], len(text[7:17].replace(b"-", b""))] == [b"-", b"-", 8]:
                date = text[7:17]
        elif text and text[:1] != b"#":
            row = (
                w3c_row(dict(zip(reversed(names), reversed(values), strict=True)), date)
                if (names and len(values := text.replace(b"\t", b" ").split(b" ")) == len(names))
                else None
            )
            rows += [row] if row else []
            malformed += not row
        blank += not text
    assert read_in_blocks(parse("w3c"), data, cuts) == (rows, malformed, blank)


def w3c_row(found: dict[bytes, bytes], date: bytes) -> Row | None:
    if any(value == b"" or b"\r" in value for value in found.values()):
        return None
    stamp = found.get(b"date", date) + b" " + found[b"time"] if b"time" in found else found.get(b"date", date)
    time = iso_time(stamp, utc=True)
    status, size = found.get(b"sc-status", b"-"), found.get(b"sc-bytes", b"-")
    if time is None or not (status == b"-" or (digits(status) and len(status) == 3)):
        return None
    if size not in (b"-", b"") and not (digits(size) and len(size) <= 19 and int(size) < 2**63):
        return None
    method, target = found.get(b"cs-method", b"-"), found.get(b"cs-uri-stem", b"-")
    there = target not in (b"", b"-") and (
        b"cs-method" not in found or (method and request(method + b" / HTTP/1.1")[0] == method)
    )
    cut = (method, section(target)) if there else (b"", b"")
    host = found.get(b"c-ip", b"").split(b",")[0].strip(b" ") or b"-"
    return time, host, *cut, status, int(size) if digits(size) else 0


@settings(max_examples=200, deadline=None)
@given(mutated(CSV), st.lists(st.integers(0, 20), max_size=3))
def test_csv_reads_what_its_slow_twin_reads(data: bytes, cuts: list[int]) -> None:
    data = CSV[0] + b"\n" + data
    names = [b"remotehost", b"rfc931", b"authuser", b"date", b"request", b"status", b"bytes"]
    rows: list[Row] = []
    malformed = blank = 0
    for line in (data if data[-1:] == b"\n" else data + b"\n").split(b"\n")[:-1]:
        text = line.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\t ")
        values = csv_fields(text)
        if values == names or not text:
            blank += not text
            continue
        row = csv_row(dict(zip(names, values, strict=True))) if values and len(values) == len(names) else None
        rows += [row] if row else []
        malformed += not row
    assert read_in_blocks(parse("csv"), data, cuts) == (rows, malformed, blank)


def csv_fields(text: bytes) -> list[bytes] | None:
    """RFC 4180, character by character; blanks round the quotes may stand."""
    fields = []
    while True:
        inside = text.lstrip(b" ")
        if inside[:1] == b'"':
            value, inside = b"", inside[1:]
            while b'"' in inside:
                head, _, inside = inside.partition(b'"')
                value += head
                if inside[:1] != b'"':
                    break
                value, inside = value + b'"', inside[1:]
            else:
                return None
            text = inside.lstrip(b" ")
            if text[:1] not in (b",", b""):
                return None
        else:
            value, comma, rest = text.partition(b",")
            if b'"' in value:
                return None
            text, value = comma + rest, value.strip(b" ")
        fields.append(value)
        if not text:
            return fields
        text = text[1:]


def csv_row(found: dict[bytes, bytes]) -> Row | None:
    stamp = found[b"date"]
    status, size = (found[name].removesuffix(b".0") or b"-" for name in (b"status", b"bytes"))
    whole, dot, fraction = stamp.partition(b".")
    if digits(whole) and len(whole) <= 19 and (not dot or (digits(fraction) and len(fraction) < 10)):
        time: int | None = int(whole)
        for _ in range(3):
            time = time // 1000 if time is not None and time >= 10**11 else time
        time = time if time is not None and time < 253402214400 else None
    else:
        bare = stamp[1:-1] if stamp[:1] == b"[" and stamp[-1:] == b"]" else stamp
        time = like_clf_time(bare) if bare[2:3] == b"/" else iso_time(bare)
    if time is None or not (status == b"-" or (digits(status) and len(status) == 3)):
        return None
    if not (size == b"-" or (digits(size) and len(size) <= 19 and int(size) < 2**63)):
        return None
    host = found[b"remotehost"].split(b",")[0].strip(b" ") or b"-"
    return time, host, *request(found[b"request"]), status, 0 if size == b"-" else int(size)
