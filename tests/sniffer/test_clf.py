"""Lines: formats, directives, escaping."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniffer.clf import FORMATS, LineFormat, clf_time
from sniffer.errors import UsageError
from sniffer.transaction import Transaction

REQUEST = b'GET /a?b=1 HTTP/1.1\r\nHost: www.example.com:8080\r\nReferer: http://r/\r\nUser-Agent: x "y"\r\n\r\n'
RESPONSE = b"HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 5\r\n\r\n"


@pytest.fixture(autouse=True)
def _zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC-1")
    time.tzset()
    clf_time.cache_clear()
    yield
    monkeypatch.undo()
    time.tzset()
    clf_time.cache_clear()


def transaction(request: bytes = REQUEST, **other: object) -> Transaction:
    line = re.split(rb"\r?\n", request)[0]
    match = re.fullmatch(rb"(\S+) (.*) (\S+)", line)
    made = Transaction(
        client=b"\xc0\x00\x02\x01\x9c\x40",
        server=b"\xc6\x33\x64\x01\x00\x50",
        begin=1_709_636_401_123_456_789,
        first=1_709_636_401_323_456_789,
        last=1_709_636_402_623_456_789,
        line=line,
        method=match[1] if match else b"",
        target=match[2] if match else b"",
        protocol=match[3] if match else b"",
        request=request,
        response=RESPONSE,
        status=200,
        size=5,
        received=len(request),
        sent=len(RESPONSE) + 5,
        whole=True,
    )
    return made._replace(**other)


def line(directive: str, made: Transaction | None = None, origin_form: bool = False) -> str:
    return LineFormat(directive, origin_form).line(made or transaction()).decode("ascii").removesuffix("\n")


def test_common() -> None:
    assert line("common") == (
        '192.0.2.1 - - [05/Mar/2024:12:00:01 +0100] "GET http://www.example.com:8080/a?b=1 HTTP/1.1" 200 5'
    )


def test_combined_and_combinedio_add_to_common() -> None:
    assert line("combined") == line("common") + ' "http://r/" "x \\"y\\""'
    assert line("combinedio") == line("combined") + f" {len(REQUEST)} {len(RESPONSE) + 5}"


@pytest.mark.parametrize(
    ("directive", "text"),
    [
        ("%D", "1500000"),
        ("%T", "1"),
        ("%{ms}T", "1500"),
        ("%{ttfb}T", "200000"),
        ("%{Server}o", "s"),
        ('"%{host}i"', '"www.example.com:8080"'),
        ("%{X-None}i", "-"),
        ("%v", "www.example.com"),
        ("%p", "80"),
        ("%{remote}p", "40000"),
        ("%a %A", "192.0.2.1 198.51.100.1"),
        ("%X", "+"),
        ("%m %U %q %H", "GET /a ?b=1 HTTP/1.1"),
        ("%B", "5"),
        ("%{sec}t.%{msec_frac}t", "1709636401.123"),
        ("%{%Y-%m-%d}t", "2024-03-05"),
        ("[%{%d %b %H:%M}t]", "[05 Mar 12:00]"),
        ("%{end:sec}t", "1709636402"),
        ("100%% %s", "100% 200"),
        ('\\"%m\\" \\\\%s\\t\\n', '"GET" \\200\t\\n'),  # as in a server's file, where only these three are known
    ],
)
def test_a_directive_means_what_it_means_to_apache(directive: str, text: str) -> None:
    assert line(directive) == text


def test_without_a_response_nothing_is_made_up() -> None:
    made = transaction(first=None, last=None, status=None, size=None, response=b"", sent=0, whole=False)
    assert line("%>s %b %D %{ttfb}T %{Server}o %X %O", made) == "- - - - - X 0"


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET http://h/ HTTP/1.1"),
        (b"GET / HTTP/1.1\r\nHost: [::1]:81\r\n\r\n", "GET http://[::1]:81/ HTTP/1.1"),
        (b"GET / HTTP/1.1\r\n\r\n", "GET http://198.51.100.1/ HTTP/1.1"),
        (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "GET http://198.51.100.1/ HTTP/1.1"),
        (b"GET / HTTP/1.1\r\nHost: evil/path\r\n\r\n", "GET http://198.51.100.1/ HTTP/1.1"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET http://198.51.100.1/ HTTP/1.1"),
        (b"GET http://other/x HTTP/1.1\r\nHost: h\r\n\r\n", "GET http://other/x HTTP/1.1"),
        (b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", "CONNECT h:443 HTTP/1.1"),
        (b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS * HTTP/1.1"),
        (b"junk\r\n", "junk"),
    ],
)
def test_the_request_line_is_in_absolute_form(sent: bytes, written: str) -> None:
    assert line('"%r"', transaction(sent)) == f'"{written}"'
    assert line('"%r"', transaction(sent), origin_form=True) == f'"{sent.splitlines()[0].decode()}"'


@pytest.mark.parametrize("directive", ["common", "combined", '"%r" %u "%{Cookie}i" %v:%p'])
def test_a_line_is_the_same_whatever_recurs_in_those_before_it(directive: str) -> None:
    fields = [
        b"\r\nHost: a.example\r\nAuthorization: Basic dXNlcjpwYXNz\r\nCookie: x\r\n\r\n",
        b"\r\nHost: not a host\r\n\r\n",
        b"\r\n\r\n",
        b"\n\n",
        b"",
    ]
    lines = [b"GET / HTTP/1.1", b"POST http://b/ HTTP/1.1", b"CONNECT u:p@c:1 HTTP/1.1"]
    servers = [b"\xc6\x33\x64\x01\x00\x50", b"\xc6\x33\x64\x01\x00\x51"]
    made = [transaction(a + b, line=a, server=server) for a in lines for b in fields for server in servers]
    one = LineFormat(directive)
    assert [one.line(each) for each in made * 2] == [LineFormat(directive).line(each) for each in made * 2]


def test_the_servers_port_is_told_unless_it_is_80() -> None:
    made = transaction(b"GET / HTTP/1.1\r\n\r\n", server=bytes(15) + b"\x01\x1f\x90")
    assert line("%r", made) == "GET\\x20http://\\x5b::1]:8080/\\x20HTTP/1.1".replace("]", "\\x5d")


@pytest.mark.parametrize(
    ("credentials", "user"),
    [
        (b"Basic YWxpY2U6c2VjcmV0", "alice"),
        (b"basic  YWxpY2U6YTpi", "alice"),
        (b"Basic OnNlY3JldA==", '""'),
        (b"Basic YSBiIl0sXDp4", "a\\x20b\\x22\\x5d\\x2c\\\\"),
        (b"Basic c2VjcmV0", "-"),
        (b"Basic !!!", "-"),
        (b"Basic YWxpY2U6c2VjcmV", "-"),  # cut off
        (b"Bearer YWxpY2U6c2VjcmV0", "-"),
    ],
)
def test_the_user_is_told_and_never_the_password(credentials: bytes, user: str) -> None:
    made = transaction(b"GET / HTTP/1.1\r\nHost: h\r\nAuthorization: " + credentials + b"\r\n\r\n")
    assert line("%u", made) == user
    assert line("common", made).split(" ")[2] == user
    assert line("%{Authorization}i", made) in ("Basic", "basic", "Bearer")


@pytest.mark.parametrize(
    "head",
    [
        b"CONNECT bob:secret@h:443 HTTP/1.1\r\n",
        b"GET http://bob@here:secret@h/ HTTP/1.1\r\n",
        b"GET http://bob:a@secret@h/?u=ftp://bob:secret@h HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nHost: bob:secret@h\r\n",
        b"GET / HTTP/1.1\r\nAuthorization: Bearer\tsecret\r\n",
        b"GET / HTTP/1.1\r\nProxy-Authorization: secret\r\n",
    ],
)
def test_a_password_is_written_by_no_directive(head: bytes) -> None:
    directive = '"%r" "%U" "%q" %v "%{Host}i" "%{Authorization}i" "%{Proxy-Authorization}i"'
    made = transaction(head + b"\r\n")
    assert "secret" not in line(directive, made) + line(directive, made, origin_form=True) + line("common", made)


def test_a_password_in_a_url_is_not_written() -> None:
    made = transaction(b"GET http://bob:secret@h/ HTTP/1.1\r\nReferer: http://bob:secret@h/\r\n\r\n")
    assert "secret" not in line("combined", made) + line("combined", made, origin_form=True)


@pytest.mark.parametrize("directive", ["%", "%y", "%{x}b", "plain", "%h\n%t", "%{}i", "%{a"])
def test_a_wrong_directive_is_a_usage_error(directive: str) -> None:
    with pytest.raises(UsageError):
        LineFormat(directive)


def test_a_wrong_directive_is_pointed_at() -> None:
    with pytest.raises(UsageError, match="character 4"):
        LineFormat("%h %y")


anything = st.binary(max_size=30)


@settings(max_examples=200)
@given(text=anything, host=anything, agent=anything, name=st.sampled_from(sorted(FORMATS)))
def test_no_observed_byte_forges_a_line_or_a_field(text: bytes, host: bytes, agent: bytes, name: str) -> None:
    head = b"%b\r\nHost: %b\r\nReferer: %b\r\nUser-Agent: %b\r\n\r\n" % (text.replace(b"\n", b""), host, agent, agent)
    written = LineFormat(name).line(transaction(b"GET /" + head.replace(b"\n", b" ", 0)))
    assert written.endswith(b"\n")
    assert re.fullmatch(rb"[\x20-\x7e]*", written[:-1])
    quoted = rb'"(?:[^"\\]|\\.)*"'
    fields = rb"(?:\S+ )?\S+ - \S+ \[[^]]*\] %b 200 5(?: %b %b(?: \d+ \d+)?)?" % (quoted, quoted, quoted)
    assert re.fullmatch(fields, written[:-1])


def test_a_time_beyond_the_calendar_is_no_error() -> None:
    assert "/9999:" in line("%t", transaction(begin=1 << 80))


def test_a_directive_that_is_no_utf_8_stands_in_the_line_as_it_was_given() -> None:
    assert LineFormat("\udcff %s %{\udcfe}t").line(transaction()) == b"\xff 200 \xfe\n"


@pytest.mark.parametrize(
    ("told", "sign"),
    [
        ({}, "+"),
        ({"whole": False}, "X"),
        ({"request": b"GET /a HTTP/1.1\r\nConnection: close\r\n\r\n"}, "-"),
        ({"response": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: Close\r\n\r\n"}, "-"),
        ({"response": b"HTTP/1.1 200 OK\r\n\r\n"}, "-"),
        ({"response": b"HTTP/1.1 304 X\r\n\r\n", "status": 304}, "+"),
        ({"response": b"HTTP/1.1 200 OK\r\n\r\n", "method": b"HEAD"}, "+"),
        ({"response": b"HTTP/1.1 101 X\r\nContent-Length: 0\r\n\r\n", "status": 101}, "-"),
        ({"response": b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n"}, "-"),
        ({"response": b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n"}, "+"),
        ({"protocol": b"", "request": b"GET /a\r\n", "response": b"", "status": None}, "-"),
        ({"protocol": b"", "request": b"GET /a\r\n"}, "-"),
    ],
)
def test_a_connection_that_may_go_on_is_told_from_one_that_ends(told: dict[str, object], sign: str) -> None:
    assert line("%X", transaction()._replace(**told)) == sign  # type: ignore[arg-type]
