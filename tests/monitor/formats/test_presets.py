"""HAProxy, Squid, ALB and Traefik: lines of one shape that are not the common family's."""

import itertools
from collections.abc import Callable

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from monitor.formats import Reader, parse
from monitor.formats.batch import Columns
from tests.monitor.formats.twins import (
    MONTHS,
    Row,
    digits,
    iso_time,
    local,
    mutated,
    quoted,
    read_in_blocks,
    read_slowly,
    request,
    section,
)

HAPROXY = [
    b"Feb  6 12:14:14 localhost haproxy[14389]: 10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 "
    b'10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html HTTP/1.1"',
    b"::1:33318 [06/Feb/2009:12:14:14.655] in~ static/<NOSRV> -1/-1/-1/-1/+109 -1 +2750 - - CR-- 1/1/1/1/+0 0/0 "
    b'"<BADREQ>"',
    b"<30>1 2009-02-06T12:14:14.1+01:00 lb haproxy 14389 - - 10.0.1.2:33317 [06/Feb/2009:12:14:15.655] in be/s "
    b'0/0/0/1/1 200 187 - - ---- 1/1/0/0/3 0/0 "GET /a HTTP/1.1"',
    b"2009-02-06T12:14:14+01:00 lb haproxy: 10.0.1.2:33317 [06/Feb/2009:12:14:16.655] in be/s 0/0/0/1/1 200 187 - - "
    b'---- 1/1/0/0/3 0/0 "GET /b HTTP/1.1"',
    b'h[1]: 1.2.3.4:1 [06/Feb/2009:12:14:60.1] f b/s 0/0/0/0/0 304 0 c c ---- 1/1/1/1/0 0/0 "GET /cut/off and',
]
SQUID = [
    b"1286536308.779    180 192.168.0.224 TCP_MISS/200 411 GET http://www.example.com/a/b - DIRECT/1.2.3.4 text/html",
    b"1286536309.450     10 192.168.0.68 TCP_TUNNEL/200 507 CONNECT h:443 bob HIER_DIRECT/1.2.3.4 -",
    b"1286536310      0 ::1 NONE/000 0 NONE error:transaction-end - HIER_NONE/- -",
    b"1286536310.1 -1 h TCP_DENIED/- 5 GET /a?b - HIER_NONE/- text/html; charset=x",
]
ALB = [
    b"http 2018-07-02T22:23:00.186641Z app/lb/50dc 192.168.131.39:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 "
    b'"GET http://www.example.com:80/a/b HTTP/1.1" "curl/7.46.0" - - arn "Root=1" "-" "-" 0 2018-07-02T22:22:48Z "f"',
    b'h2 2018-07-02T22:23:00.186641Z app/lb/50dc ::1:2817 - -1 -1 -1 502 - 0 5 "- http://x:80- " "a\\"b"',
    b'http 2018-07-02T22:23:00Z app/lb/50dc [2001:db8::1]:2817 - 0.0 0.0 0.0 200 - 0 5 "GET /v6 HTTP/1.1" "a"',
    b'wss 2018-07-02T22:23:00+02:00 app/lb/50dc 1.2.3.4:1 - 0.000 -1 0.5 101 - 0 - "GET /a/b HTTP/1.1" "-" - -',
]
HAPROXY_HOST = b"0123456789.:_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def squid_line(line: bytes) -> Row | None:
    stamp, blank, rest = line.partition(b" ")
    seconds, dot, fraction = stamp.partition(b".")
    fields = rest.lstrip(b" ").split(b" ", 8)
    if not blank or not digits(seconds) or len(seconds) > 19 or (dot and not (digits(fraction) and len(fraction) < 10)):
        return None
    if len(fields) != 9 or any(not field for field in fields) or int(seconds) >= 253402214400:
        return None
    elapsed, client, result, size, method, url, _, hierarchy, _ = fields
    code, slash, status = result.partition(b"/")
    if not digits(elapsed.removeprefix(b"-")) or len(elapsed.removeprefix(b"-")) > 12 or b"/" not in hierarchy[1:-1]:
        return None
    front, _, behind = hierarchy.partition(b"/")
    if not front or not behind or not slash or not code or not all(65 <= byte <= 90 or byte == 95 for byte in code):
        return None
    if not (status == b"-" or (digits(status) and len(status) == 3)) or not sized(size):
        return None
    known = method and request(method + b" / HTTP/1.1")[0] == method and url != b"-"
    first = client.split(b",")[0].strip(b" ") or b"-"
    cut = (method, section(url)) if known else (b"", b"")
    return int(seconds), first, *cut, status, 0 if size == b"-" else int(size)


def sized(text: bytes) -> bool:
    return text == b"-" or (digits(text) and len(text) <= 19 and int(text) < 2**63)


def address(text: bytes, letters: bytes) -> bytes | None:
    """The host of host:port."""
    host, colon, port = text.rpartition(b":")
    return host if colon and digits(port) and all(byte in letters for byte in host) else None


def haproxy_line(line: bytes) -> Row | None:
    words = line.split(b" ")
    for at, (word, behind) in enumerate(itertools.pairwise(words)):
        if (
            address(word, HAPROXY_HOST) is not None
            and behind[:1] == b"["
            and digits(behind[1:3])
            and behind[3:4] == b"/"
        ):
            line = b" ".join(words[at:])
            break
    client, bracket, rest = line.partition(b" [")
    host = address(client, HAPROXY_HOST)
    stamp, behind, rest = rest.partition(b"] ")
    time = haproxy_time(stamp)
    fields = rest.split(b" ", 9)
    if host is None or not bracket or not behind or time is None or len(fields) != 10 or any(not f for f in fields[:9]):
        return None
    _, server, timers, status, size, _, _, state, connections, rest = fields
    times = timers.split(b"/")
    if b"/" not in server[1:-1] or server.startswith(b"/") or len(times) != 5 or len(state) != 4:
        return None
    if not all(t == b"-1" or (digits(t.removeprefix(b"+")) and len(t.removeprefix(b"+")) <= 12) for t in times[:4]):
        return None
    total = times[4].removeprefix(b"+")
    if not (total == b"-1" or (digits(total) and len(total) <= 12)):
        return None
    counts = connections.split(b"/")
    queues, blank, rest = rest.partition(b" ")
    if len(counts) != 5 or not all(map(digits, counts[:4])) or not digits(counts[4].removeprefix(b"+")) or not blank:
        return None
    if len(queues.split(b"/")) != 2 or not all(map(digits, queues.split(b"/"))):
        return None
    size = size.removeprefix(b"+")
    if not (status == b"-1" or (digits(status) and len(status) == 3)) or not sized(size):
        return None
    headers, quote, rest = rest.partition(b'"')
    if not quote or (headers and not headers.startswith(b"{")):
        return None
    asked = quoted(rest)
    if asked and asked[1][:1] not in (b"", b" "):
        return None
    if not asked and ends_open(rest):
        return None
    cut = request(asked[0] if asked else rest)
    return time, host or b"-", *cut, b"-" if status == b"-1" else status, 0 if size == b"-" else int(size)


def ends_open(text: bytes) -> bool:
    """Whether a backslash at the end takes a character that is not there."""
    return (len(text) - len(text.rstrip(b"\\"))) % 2 == 1


def haproxy_time(stamp: bytes) -> int | None:
    day, dot, fraction = stamp.partition(b".")
    if len(day) != 20 or not dot or not digits(fraction) or len(fraction) > 9:
        return None
    if [day[at : at + 1] for at in (2, 6, 11, 14, 17)] != [b"/", b"/", b":", b":", b":"]:
        return None
    numbers = [day[0:2], day[7:11], day[12:14], day[15:17], day[18:20]]
    if not all(map(digits, numbers)) or day[3:6].decode("latin-1") not in MONTHS:
        return None
    found = list(map(int, numbers))
    return local(found[1], MONTHS.index(day[3:6].decode()) + 1, found[0], *found[2:])


def alb_line(line: bytes) -> Row | None:
    fields = line.split(b" ", 12)
    if len(fields) != 13 or any(not field for field in fields[:11]):
        return None
    kind, stamp, _, client, _, *times, status, _, _, size, rest = fields
    if kind not in (b"http", b"https", b"h2", b"grpc", b"grpcs", b"ws", b"wss"):
        return None
    inside, port = client[1:].rsplit(b"]", 1) if client[:1] == b"[" and b"]" in client else (b"", client)
    host, time = address(inside + port, b"0123456789abcdefABCDEF.:"), iso_time(stamp)
    if client[:1] == b"[" and (host is None or not inside or host != inside):
        return None
    host = b"[" + inside + b"]" if inside else host
    if host is None or time is None or not all(t == b"-1" or decimal(t) for t in times):
        return None
    if not (status == b"-" or (digits(status) and len(status) == 3)) or not sized(size):
        return None
    asked = quoted(rest[1:]) if rest.startswith(b'"') else None
    agent = quoted(asked[1][2:]) if asked and asked[1].startswith(b' "') else None
    if not asked or not agent or agent[1][:1] not in (b"", b" "):
        return None
    return time, host or b"-", *request(asked[0]), status, 0 if size == b"-" else int(size)


def decimal(text: bytes) -> bool:
    whole, _, fraction = text.partition(b".")
    return digits(whole) and digits(fraction) and len(whole) < 10 and len(fraction) < 10


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("haproxy", b':1 [06/Feb/2009:12:14:14.6] f b/s 0/0/0/0/0 200 0 - - ---- 1/1/1/1/0 0/0 "GET /a HTTP/1.1"'),
        ("alb", b'h2 2019-02-07T21:12:36Z app/x/5 :1 - -1 -1 -1 200 - 0 0 "GET /a HTTP/1.1" "-"'),
    ],
)
def test_a_line_whose_client_is_missing_is_one_of_an_unknown_client(name: str, line: bytes) -> None:
    batch = Reader(parse(name)).read(line + b"\n" + line)
    assert (batch.malformed, list(batch.hosts)) == (0, [b"-", b"-"])


@pytest.mark.parametrize(
    ("name", "lines", "twin"),
    [("haproxy", HAPROXY, haproxy_line), ("squid", SQUID, squid_line), ("alb", ALB, alb_line)],
)
def test_each_reads_what_its_slow_twin_reads(
    name: str, lines: list[bytes], twin: Callable[[bytes], Row | None]
) -> None:
    @settings(max_examples=200, deadline=None)
    @given(mutated(lines), st.lists(st.integers(0, 20), max_size=3))
    def check(data: bytes, cuts: list[int]) -> None:
        assert read_in_blocks(parse(name), data, cuts) == read_slowly(data, twin)

    assert all(twin(line) for line in lines)
    check()


@pytest.mark.parametrize(
    ("lines", "durations"),
    [
        (HAPROXY, [109_000, 109_000, 1_000, 1_000, 0]),
        (SQUID, [180_000, 10_000, 0, -1]),
        (ALB, [1_000, -1, 0, -1]),
    ],
)
def test_durations_are_microseconds(lines: list[bytes], durations: list[int]) -> None:
    assert Reader(None, Columns.DURATION).read(b"\n".join(lines)).durations == durations


@pytest.mark.parametrize(("name", "lines"), [("HAProxy", HAPROXY), ("Squid", SQUID), ("ALB", ALB)])
def test_auto_finds_them(name: str, lines: list[bytes]) -> None:
    reader = Reader(None)
    assert reader.read(b"\n".join(lines)).malformed == 0
    assert name in reader.description


def test_traefik_lines_are_combined_ones_with_a_duration() -> None:
    line = b'h - - [07/Feb/2019:21:12:36 +0000] "GET /who/ami HTTP/1.1" 200 355 "-" "curl/7" 12 "w@d" "http://x" 7ms\n'
    plain = b'h - - [07/Feb/2019:21:12:36 +0000] "GET / HTTP/1.1" 200 355 "-" "curl/7" more\n'
    reader = Reader(None, Columns.DURATION)
    batch = reader.read(line + plain)
    assert "Traefik" in reader.description
    assert (batch.malformed, batch.durations, batch.sections) == (0, [7_000, -1], [b"/who", b"/"])


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("haproxy", b"haproxy[1]: " * (1 << 16)),
        ("haproxy", (HAPROXY[1][: HAPROXY[1].index(b'"')] + b"{") * (1 << 13)),
        ("haproxy", b"1:" * (1 << 19)),
        ("squid", b"1 1 h A/200 5 GET " + b"a" * (1 << 20)),
        ("squid", b"1" + b" " * (1 << 20)),
        ("alb", b"http 2018-07-02T22:23:00Z lb " + b"1:" * (1 << 19)),
        ("alb", ALB[0].replace(b'"curl', b'"' + b'\\"' * (1 << 19))[: 1 << 20]),
    ],
)
def test_hostile_lines_of_a_megabyte_take_linear_time(name: str, line: bytes) -> None:
    assert Reader(parse(name)).read(line).malformed == 1
