"""Directives of Apache and nginx as people paste them."""

from collections.abc import Callable

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from monitor.formats import FormatError, Reader, parse
from monitor.formats.batch import Batch, Columns
from tests.monitor.formats.twins import (
    Row,
    clf_line,
    clf_time,
    digits,
    mutated,
    quoted,
    read_in_blocks,
    read_slowly,
    request,
    rows_of,
    section,
)

WHEN = "[07/Feb/2019:21:12:36 +0000]"
EPOCH = 1549573956
COMBINED = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i"'
NGINX = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent" "$http_x_forwarded_for"'
)


def read(directive: str, line: str, columns: Columns = Columns.ALL) -> Batch:
    batch = Reader(parse(directive), columns).read(line.encode())
    assert not batch.samples, batch.samples
    return batch


@pytest.mark.parametrize(
    ("directive", "line", "row"),
    [
        (r"%h\t%v\t%t\t%m\t%U\t%s\t%b", f"h\tv\t{WHEN}\tGET\t/a/b\t200\t12", (b"h", b"GET", b"v/a", b"200", 12)),
        (
            '[$time_local] $host $remote_addr "$request" $status $body_bytes_sent',
            f'{WHEN}  h "GET /a/b HTTP/1.0" 200 12',
            (b"h", b"GET", b"/a", b"200", 12),
        ),
        (
            '"$remote_addr" "$time_local" "$request" "$status" "$body_bytes_sent"',
            '"h" "07/Feb/2019:21:12:36 +0000" "GET /a/b HTTP/1.0" "200" "12"',
            (b"h", b"GET", b"/a", b"200", 12),
        ),
        (
            '$remote_addr [$time_local] "$request" $status $body_bytes_sent "$scheme://$upstream_host$upstream_uri"',
            f'h {WHEN} "GET /a/b HTTP/1.1" 200 12 "http://h/x"',
            (b"h", b"GET", b"/a", b"200", 12),
        ),
        (
            "log_format x '$remote_addr [$time_local] '  # who, when\n '\"$request\" '\n#'no;'\n'$status $bytes_sent';",
            f'h {WHEN} "GET /a/b HTTP/1.1" 200 12',
            (b"h", b"GET", b"/a", b"200", 12),
        ),
        (
            "'$remote_addr [$time_local] '  # who, when\n '\"$request\" '\n#'no;'\n'$status $bytes_sent'",
            f'h {WHEN} "GET /a/b HTTP/1.1" 200 12',
            (b"h", b"GET", b"/a", b"200", 12),
        ),
        (
            "$remote_addr [$time_iso8601] $request_method $scheme://$host$request_uri $status $bytes_sent",
            "h [2019-02-07T21:12:36Z] GET https://v/a/b 200 12",
            (b"h", b"GET", b"v/a", b"200", 12),
        ),
        (
            "%{%Y-%m-%dT%H:%M:%S}t.%{usec_frac}t%{%z}t %h %m %U %s %b",
            "2019-02-07T21:12:36.123456+0000 h GET /a/b 200 12",
            (b"h", b"GET", b"/a", b"200", 12),
        ),
        (
            "LogFormat '%h %t \"%r\" %>s %b %^FB' name",
            f'h {WHEN} "GET /a/b HTTP/1.1" 200 12 345',
            (b"h", b"GET", b"/a", b"200", 12),
        ),
        (
            '%h %l %u %t "%r" %>s %b %D',
            f'h - a b {WHEN} "GET /a/b HTTP/1.1" 200 12 3456',
            (b"h", b"GET", b"/a", b"200", 12),
        ),
        (
            'LogFormat "%v:%p %h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\"" vhost_combined',
            f'a.b:80 h - - {WHEN} "GET /a/b HTTP/1.1" 200 12 "r\\""',
            (b"h", b"GET", b"a.b:80/a", b"200", 12),
        ),
        ("%h|%t|%m|%U%q|%H|%s|%B", f"h|{WHEN}|GET|/a/b|HTTP/1.1|200|12", (b"h", b"GET", b"/a", b"200", 12)),
        ("%h|%t|%m|%U%q|%H|%s|%B", f"h|{WHEN}|GET|/a b?x|HTTP/1.1|200|12", (b"h", b"GET", b"/a b", b"200", 12)),
        ("%t %U%q %m %s", f"{WHEN} /a?b=/c POST 404", (b"-", b"POST", b"/a", b"404", 0)),
        ("%t\\t%r\\t%>s", f"{WHEN}\tGET /a b/c HTTP/1.1\t404", (b"-", b"GET", b"/a b", b"404", 0)),
        ("%t %r %>s", f"{WHEN} GET /a/b HTTP/1.1 404", (b"-", b"GET", b"/a", b"404", 0)),
        ("%>s %t %r", f"404 {WHEN} GET /a b/c HTTP/1.1\r", (b"-", b"GET", b"/a b", b"404", 0)),
        (
            '%{X-Forwarded-For}i %l %u %t "%r" %>s %b',
            f'10.0.0.1, 10.0.0.2 - - {WHEN} "GET / HTTP/1.1" 200 5',
            (b"10.0.0.1", b"GET", b"/", b"200", 5),
        ),
        (
            "%{begin:sec}t %a %A %{c}a %>s %<s %B %I %O %k %L %P %R %f %X %e %m %U%q".replace("%e", "%{PATH}e"),
            "1549573956 h 2.2.2.2 3.3.3.3 200 301 5 6 7 0 - 12 proxy /f + /bin GET /a/b?x",
            (b"h", b"GET", b"/a", b"200", 5),
        ),
        (
            '%t "%!200,304{User-agent}i" %{sid}C %{x}o %{X}n %{local}p %{tid}P %{SSL_PROTOCOL}x %{a}^ti %% %V %>s',
            f'{WHEN} "a b" c o n 80 7 TLSv1.3 t % v 500',
            (b"-", b"", b"", b"500", 0),
        ),
        (
            "$host:$server_port $remote_addr [$msec] $request_method $uri$is_args$args $status",
            "a:80 h [1549573956.123] GET /a/b?c=d 200",
            (b"h", b"GET", b"a:80/a", b"200", 0),
        ),
        (
            "$time_iso8601 $server_name $request_method $request_uri $status ${bytes_sent}B",
            "2019-02-07T22:12:36+01:00 s GET /a?b 200 7B",
            (b"-", b"GET", b"s/a", b"200", 7),
        ),
        (
            NGINX,
            f'h - - {WHEN} "GET /a/b HTTP/1.1" 200 12 "-" "c" "1.1.1.1, 2.2.2.2"',
            (b"h", b"GET", b"/a", b"200", 12),
        ),
        (
            "log_format up '$remote_addr [$time_local] $unheard_of \"$request\" '\n  '$status $upstream_addr';",
            f'h {WHEN} thing "GET /a/b HTTP/1.1" 200 1.1.1.1:80, unix:/x : 2.2.2.2:80',
            (b"h", b"GET", b"/a", b"200", 0),
        ),
        ("'$remote_addr \\'x\\' $status [$time_local]'", f"h 'x' 200 {WHEN}", (b"h", b"", b"", b"200", 0)),
        (
            "log_format tsv '$time_iso8601\\t$remote_addr\\t$status\\t\"$request\"';",
            '2019-02-07T21:12:36+00:00\th\t200\t"GET /a/b?x=\\x22 HTTP/1.1"',
            (b"h", b"GET", b"/a", b"200", 0),
        ),
        ("$msec\\t$status\\", "1549573956.123\t200\\", (b"-", b"", b"", b"200", 0)),
        ("log_format bare $msec\\ $status;", "1549573956.123\\ 200", (b"-", b"", b"", b"200", 0)),
        ('"$request" $status $msec', '"GET /a/b HTTP/1.1" 200 1549573956.123', (b"-", b"GET", b"/a", b"200", 0)),
        ("{$remote_addr} $msec $status", "{h} 1549573956.123 200", (b"h", b"", b"", b"200", 0)),
        (
            '$msec "$request" $request_uri $uri $status',
            '1549573956.123 "GET /a/b HTTP/1.1" /a/b /index.php 200',
            (b"-", b"GET", b"/a", b"200", 0),
        ),
        ("%{c}h %h %t %>s", f"proxy client {WHEN} 200", (b"client", b"", b"", b"200", 0)),
        ("%t %>s %u end", f"{WHEN} 200 bob end", (b"-", b"", b"", b"200", 0)),
        (
            'CustomLog "|/usr/bin/rotatelogs /var/log/%Y.log 86400" "%h %t \\"%r\\" %>s"',
            f'h {WHEN} "GET /a/b HTTP/1.1" 200',
            (b"h", b"GET", b"/a", b"200", 0),
        ),
    ],
)
def test_directives_as_they_are_pasted_read_their_lines(directive: str, line: str, row: tuple[object, ...]) -> None:
    assert rows_of([read(directive, line)]) == [(EPOCH, *row)]


@pytest.mark.parametrize(
    ("directive", "line", "duration"),
    [
        ("%t %D", f"{WHEN} 3456", 3456),
        ("%t %T", f"{WHEN} 3", 3_000_000),
        ("%t %{ms}T", f"{WHEN} 3", 3_000),
        ("%t %{us}T", f"{WHEN} 3", 3),
        ("%t %{s}T %D", f"{WHEN} 3 3456", 3_000_000),
        ("%t %{ttfb}T %T", f"{WHEN} 17 2", 2_000_000),
        ("%t %{ttfb}T", f"{WHEN} 17", 17),
        ("%t %D", f"{WHEN} -", -1),
        ("$msec $request_time", "1549573956.5 0.123", 123_000),
        ("$msec $upstream_response_time $status", "1549573956.5 0.1, 0.25 : 0.001 200", 351_000),
        ("$msec $upstream_response_time $request_time", "1549573956.5 0.1 0.2", 200_000),
        ("$msec $upstream_response_time", "1549573956.5 -", -1),
    ],
)
def test_durations_of_every_unit_are_microseconds(directive: str, line: str, duration: int) -> None:
    assert read(directive, line).durations == [duration]


@pytest.mark.parametrize(
    ("directive", "stamp"),
    [
        ("%t", WHEN),
        ("%{begin}t", WHEN),
        ("%{end:sec}t", "1549573956"),
        ("%{msec}t", "1549573956123"),
        ("%{usec}t", "1549573956123456"),
        ("%{sec}t.%{msec_frac}t", "1549573956.123"),
        ("%{begin:%s}t", "1549573956"),
        ("[%{%d/%b/%Y %T}t.%{msec_frac}t %{%z}t]", "[07/Feb/2019 22:12:36.123 +0100]"),
        ("%{%F}t %{%H:%M}t:%{%S}t %{%Z}t", "2019-02-07 21:12:36 UTC"),
        ("%{%a %d %B %y, %I:%M:%S %p %z}t", "Thu 07 February 19, 09:12:36 PM +0000"),
        ("%{%Y-%jT%R:%S%z}t", "2019-038T21:12:36+0000"),
        ("%{%c %z}t", "Thu Feb  7 21:12:36 2019 +0000"),
        ("%{%D %r %z}t", "02/07/19 09:12:36 PM +0000"),
        ("%{%e %b %Y %k:%M:%S %Z %%}t", " 7 Feb 2019 21:12:36 GMT %"),
        ("%{%-d/%-m/%y %-I:%M:%S %p %z}t", "7/2/19 9:12:36 PM +0000"),
        ("%{%_d %_m %Ey, %OH:%M:%S %z}t", " 7  2 19, 21:12:36 +0000"),
        ("%{%Y %-j %T %z}t", "2019 38 21:12:36 +0000"),
        ("%{%Y %_j %T %z}t", "2019  38 21:12:36 +0000"),
    ],
)
def test_times_of_every_directive_are_read(directive: str, stamp: str) -> None:
    assert list(read(f"{directive} %>s", f"{stamp} 200").times) == [EPOCH]


@pytest.mark.parametrize(
    ("form", "stamp"),
    [
        ("%F %T", "2019-02-30 21:12:36"),
        ("%F %T", "2019-02-07 24:12:36"),
        ("%F %T", "0000-02-07 21:12:36"),
        ("%F %T", "2019-13-07 21:12:36"),
        ("%F %r", "2019-02-07 13:12:36 PM"),
        ("%F %r", "2019-02-07 00:12:36 AM"),
        ("%F %T %z", "2019-02-07 21:12:36 +2400"),
        ("%F %T %z", "2019-02-07 21:12:36 -0060"),
        ("%Y %j %T", "2019 000 21:12:36"),
        ("%Y %j %T", "2019 366 21:12:36"),
        ("%Y %j %T", "0000 001 21:12:36"),
        ("%Y %j %T", "9999 400 21:12:36"),
    ],
)
def test_times_that_do_not_exist_are_malformed(form: str, stamp: str) -> None:
    batch = Reader(parse(f"%{{{form}}}t %s")).read(f"{stamp} 200".encode())
    assert batch.samples[0].reason == "column 1: expected a time that exists"


def test_nginx_json_is_read_by_the_keys_of_its_directive() -> None:
    directive = (
        'log_format json escape=json \'{"t":"$time_iso8601","addr":"$remote_addr","st":$status,\'\n'
        '\'"more":{"req":"$request"},"b":$body_bytes_sent,"x":"$foo-$bar","rt":$request_time}\';'
    )
    line = '{"t":"2019-02-07T22:12:36+01:00","addr":"h","st":200,"more":{"req":"GET /a/b"},"b":5,"x":"-","rt":0.25}'
    shipped = '{"rt": 0.25, "b": 5, "more": {"req": "GET /a/b"}, "st": 200, "addr": "h", "t": "2019-02-07T21:12:36Z"}'
    for written in (line, shipped):  # whoever ships a log writes its objects anew
        batch = read(directive, written)
        assert rows_of([batch]) == [(EPOCH, b"h", b"GET", b"/a", b"200", 5)]
        assert batch.durations == [250_000]


def test_of_several_keys_of_nginx_json_the_one_that_says_most_is_read() -> None:
    directive = (
        '{"version":1,"t":"$msec","proxy":"$realip_remote_addr","who":"$remote_addr","also":"${realip_remote_addr}",'
        '"rewritten":"$uri","asked":"$request_uri","how":"$request_method","link":"$scheme://$host"}'
    )
    line = '{"version":1,"t":"1549573956.1","proxy":"p","who":"h","rewritten":"/i","asked":"/a/b","how":"PUT"}'
    assert rows_of([read(directive, line)]) == [(EPOCH, b"h", b"PUT", b"/a", b"-", 0)]
    whole = read(directive[:-1] + ',"line":"$request"}', line[:-1] + ',"line":"GET /c/d HTTP/1.1"}')
    assert rows_of([whole]) == [(EPOCH, b"h", b"GET", b"/c", b"-", 0)]
    named = '{"t":"$msec","line":"$request","method":"$request_method","uri":"$uri"}'
    line = '{"t":"1549573956.1","line":"GET /c/d HTTP/1.1","method":"GET","uri":"/index.php"}'
    assert list(read(named, line).sections) == [b"/c"]  # what was asked for, not what it was rewritten to
    equal = '{"t":"$msec","st":"$status","first":"$http_x_real_ip","second":"$http_cf_connecting_ip"}'
    assert list(read(equal, '{"t":"1.0","st":"200","first":"f","second":"s"}').hosts) == [b"f"]


@pytest.mark.parametrize(
    ("line", "status", "duration"),
    [
        ('"st":200,"urt":-,"ua":"a\\x22b\\x5Cc:-,"', b"200", -1),  # as escape=default writes it
        ('"st":200,"urt":,"ua":"a\\"b\\\\c:-,"', b"200", -1),  # as escape=json does
        ('"st":000,"urt":-,"ua":"a\\"b\\\\c:-,"', b"000", -1),
        ('"st":502,"urt":0.25, 0.001 : -,"ua":"a\\"b\\\\c:-,"', b"502", 251_000),
        ('"st":502,"ua":"a\\"b\\\\c:-,","urt":', b"502", -1),
        ('"st":502,"ua":"a\\"b\\\\c:-,","n":{"e":1e3},"urt":-', b"502", -1),
    ],
)
def test_nginx_json_holds_what_its_variables_hold_even_where_that_is_no_json(
    line: str, status: bytes, duration: int
) -> None:
    directive = '{"t":"$msec","st":$status,"urt":$upstream_response_time,"ua":"$http_user_agent"}'
    batch = read(directive, '{"t":"1549573956.1",' + line + "}")
    assert (list(batch.statuses), batch.durations, batch.agents) == ([status], [duration], [b'a"b\\c:-,'])


@pytest.mark.parametrize("line", ["-", ":-,", '{"t":-,-}', '{"t":"1549573956.1","st":-', '{"t":"1549573956.1" -}'])
def test_what_only_looks_like_nginx_json_is_malformed(line: str) -> None:
    assert Reader(parse('{"t":"$msec","st":$status}')).read(line.encode()).malformed == 1


def test_an_object_that_tells_no_hit_is_read_as_it_is_written() -> None:
    assert list(read('{"t":"$msec","x":"$foo"}', '{"t":"1549573956.1","x":"y"}').times) == [EPOCH]


def test_a_user_that_ends_at_a_blank_has_none_in_it() -> None:
    batch = Reader(parse("%t %>s %u end")).read(f"{WHEN} 200 bob smith end\n".encode())
    assert batch.samples[0].reason.startswith("column 37: expected ' end'")


@pytest.mark.parametrize(
    ("directive", "character"),
    [
        ("%h %Q %t", 4),
        ('LogFormat "%h %t', 11),
        ("LogFormat '%h %t", 11),
        ("%h %t %{foo", 8),
        ("%t %", 5),
        ("%h%u %t", 3),
        ('%h %l "%r"', 11),
        ("%{%H:%M:%S}t %h", 1),
        ("%{%F}t %h", 1),
        ("%{%F %H}t %h", 1),
        ("%h %{%Y %Q}t", 4),
        ("%t %{%Y %Q}t", 4),
        ("%{%Y %T}t %h", 1),
        ("CustomLog /%Y/access.log", 11),
        ("CustomLog /%Y/access.log combined", 11),
        ("%h %t %i", 7),
        ("%h %t %{x}b", 9),
        ("%t %{hours}T", 6),
        ("$remote_addr $", 15),
        ("$msec $status$host", 14),
        ("log_format x '$msec' 'abc;", 22),
        ("LogFormat nothing", None),
        ("combinde", 1),
        ("", 1),
    ],
)
def test_a_directive_that_cannot_be_read_is_an_error_that_points_at_the_character(
    directive: str, character: int | None
) -> None:
    with pytest.raises(FormatError) as raised:
        parse(directive)
    assert "\n" not in str(raised.value)
    if character:
        assert f"character {character}:" in str(raised.value)


def test_the_error_shows_where_the_character_stands() -> None:
    with pytest.raises(FormatError, match="character 4: %Q is none that is known: %h  >>> %Q %t"):
        parse("%h %Q %t")


@settings(max_examples=300, deadline=None)
@given(
    st.text(st.sampled_from("%${}hltrsbuUqm>! \"\\[]^:,1a\n'") | st.characters(exclude_categories=["Cs"]), max_size=20)
)
def test_any_text_is_a_format_or_an_error_and_reads_any_line(text: str) -> None:
    for directive in (text, f"%t {text}", f"$msec {text}"):
        try:
            form = parse(directive)
        except FormatError:
            continue
        batch = Reader(form).read(b'[07/Feb/2019:21:12:36 +0000] 1549573956 - "GET / HTTP/1.1" 200 5\n\xff\n')
        assert batch.lines == 2


def test_a_format_of_arguments_that_end_a_regular_expression_is_read() -> None:
    assert list(read("(%t) [%s] ^%b$ \\d", f"({WHEN}) [200] ^5$ \\d").sizes) == [5]


# The slow twins.


def combined_line(line: bytes) -> Row | None:
    """As in the family, but nothing may be left out and nothing added."""
    row = clf_line(line)
    rest = line[line.find(b'] "') + 3 :]
    for _ in range(2):
        rest = (quoted(rest) or (b"", b""))[1]
        rest = rest[rest.find(b'"') + 1 :] if b'"' in rest else b""
    return row if row and rest and (quoted(rest) or (b"", b"x"))[1] == b"" else None


def piped_line(line: bytes) -> Row | None:
    """%h|%t|%m|%U%q|%>s|%b."""
    fields = line.split(b"|")
    if len(fields) != 6:
        return None
    host, time, method, target, status, size = fields
    epoch = clf_time(time[1:-1]) if time[:1] == b"[" and time[-1:] == b"]" else None
    if epoch is None or not (status == b"-" or (digits(status) and len(status) == 3)):
        return None
    if not (size == b"-" or (digits(size) and len(size) <= 19 and int(size) < 2**63)):
        return None
    path = target.partition(b"?")[0]
    known = method and request(method + b" / HTTP/1.1")[0] == method and path not in (b"", b"-")
    cut = (method, section(path)) if known else (b"", b"")
    return epoch, host.split(b",")[0].strip(b" ") or b"-", *cut, status, 0 if size == b"-" else int(size)


def dated_line(line: bytes) -> Row | None:
    """%{%Y-%m-%d}t %{%H:%M:%S %z}t "%r" %>s."""
    fields = line.split(b" ", 3)
    asked = quoted(fields[3][1:]) if len(fields) == 4 and fields[3][:1] == b'"' else None
    if not asked:
        return None
    day, hour, zone = fields[0].split(b"-"), fields[1].split(b":"), fields[2]
    months = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
    if [len(each) for each in (*day, *hour)] != [4, 2, 2, 2, 2, 2] or not all(map(digits, (*day[:2], *hour[1:]))):
        return None
    if not 1 <= int(day[1]) <= 12:
        return None
    epoch = clf_time(b"%b/%b/%b:%b %b" % (day[2], months[int(day[1]) - 1], day[0], b":".join(hour), zone))
    status = asked[1][1:]
    if epoch is None or asked[1][:1] != b" " or not (status == b"-" or (digits(status) and len(status) == 3)):
        return None
    return epoch, b"-", *request(asked[0]), status, 0


@pytest.mark.parametrize(
    ("directive", "line", "twin"),
    [
        (COMBINED, f'h - a b {WHEN} "GET /a\\"b HTTP/1.1" 200 12 "r" "a\\\\"', combined_line),
        ("%h|%t|%m|%U%q|%>s|%b", f"h|{WHEN}|GET|/a/b?c|200|-", piped_line),
        ('%{%Y-%m-%d}t %{%H:%M:%S %z}t "%r" %>s', '2019-02-07 21:12:36 +0000 "GET /a b HTTP/1.1" 200', dated_line),
    ],
)
def test_directives_read_what_their_slow_twins_read(
    directive: str, line: str, twin: Callable[[bytes], Row | None]
) -> None:
    @settings(max_examples=200, deadline=None)
    @given(mutated([line.encode()]), st.lists(st.integers(0, 20), max_size=3))
    def check(data: bytes, cuts: list[int]) -> None:
        assert read_in_blocks(parse(directive), data, cuts) == read_slowly(data, twin)

    assert twin(line.encode())
    check()


@pytest.mark.parametrize(
    "directive", [NGINX, COMBINED, "%h|%t|%m|%U%q|%H|%s|%B", "%{X-Forwarded-For}i %t %r %s", "%t %{a}i"]
)
@pytest.mark.parametrize(
    "piece", [b"a, ", b'"', b'\\"', b" ", b"|", b"GET /a HTTP/1.1", b"?", b"[07/Feb/2019:21:12:36 +0000] "]
)
def test_hostile_lines_take_linear_time_under_any_directive(directive: str, piece: bytes) -> None:
    heads = (
        b"",
        b"h - - [07/Feb/2019:21:12:36 +0000] ",
        b'h - - [07/Feb/2019:21:12:36 +0000] "GET / HTTP/1.1" 200 5 "',
    )
    lines = [head + piece * ((1 << 18) // len(piece)) for head in heads]
    assert Reader(parse(directive)).read(b"\n".join(lines)).lines == 3


@pytest.mark.parametrize("directive", ["%{%s}t %{msec}t", "%{msec}t %{%s}t", "%{%d/%b/%Y}t %t"])
def test_of_two_times_the_one_that_needs_no_putting_together_is_read(directive: str) -> None:
    line = directive.replace("%{%s}t", "7").replace("%{msec}t", "1549573956123")
    line = line.replace("%{%d/%b/%Y}t", "01/Jan/1999").replace("%t", "[07/Feb/2019:21:12:36 +0000]")
    assert list(Reader(parse(directive)).read(line.encode()).times) == [1549573956]
