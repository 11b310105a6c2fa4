"""Message framing after RFC 9112, through the whole way from frames."""

import pytest

from sniffer.decode import ACK, FIN
from sniffer.head import MAX_HEAD
from tests.sniffer.wire import Wire, observe, seen

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
OK5 = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def exchange(*parts: bytes, close: bool = True) -> list[tuple[str, int | None, int | None]]:
    """Speak by turns, the client first, and return what was seen."""
    wire = Wire().open()
    for place, part in enumerate(parts):
        wire.say(place % 2, part)
    if close:
        wire.close()
    return seen(observe(wire.frames))


def test_a_length_ends_a_body() -> None:
    assert exchange(GET, OK5, GET, OK5) == [("GET /a HTTP/1.1", 200, 5)] * 2


def test_chunk_framing_does_not_count() -> None:
    chunked = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\nTrailer: 1\r\n\r\n"
    )
    assert exchange(GET, chunked, GET, OK5) == [("GET /a HTTP/1.1", 200, 8), ("GET /a HTTP/1.1", 200, 5)]


def test_the_close_of_the_connection_ends_a_body() -> None:
    assert exchange(GET, b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 10_000) == [("GET /a HTTP/1.1", 200, 10_000)]


@pytest.mark.parametrize(
    ("request_head", "response"),
    [
        (b"HEAD /a HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
        (b"GET /a HTTP/1.1\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n"),
        (b"GET /a HTTP/1.1\r\n\r\n", b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ],
    ids=["HEAD", "304", "204"],
)
def test_a_response_that_has_no_body_does_not_swallow_the_next(request_head: bytes, response: bytes) -> None:
    first, second = exchange(request_head, response, GET, OK5)
    assert (first[1], first[2]) == (int(response[9:12]), 0)
    assert second == ("GET /a HTTP/1.1", 200, 5)


def test_an_interim_response_is_not_the_response() -> None:
    post = b"POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    assert exchange(post, b"HTTP/1.1 100 Continue\r\n\r\n", b"abc", OK5) == [("POST /a HTTP/1.1", 200, 5)]


def test_pipelined_requests_are_answered_in_order() -> None:
    requests = b"".join(b"GET /%d HTTP/1.1\r\n\r\n" % n for n in range(3))
    responses = b"".join(b"HTTP/1.1 20%d X\r\nContent-Length: %d\r\n\r\n" % (n, n) + b"y" * n for n in range(3))
    assert exchange(requests, responses) == [(f"GET /{n} HTTP/1.1", 200 + n, n) for n in range(3)]


def test_nothing_is_read_after_an_upgrade() -> None:
    upgrade = b"GET /chat HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"
    assert exchange(upgrade, switch, GET, OK5) == [("GET /chat HTTP/1.1", 101, 0)]


def test_nothing_is_read_in_a_tunnel_made_by_connect() -> None:
    connect = b"CONNECT h:25 HTTP/1.1\r\nHost: h:25\r\n\r\n"
    assert exchange(connect, b"HTTP/1.1 200 OK\r\n\r\n", GET, OK5) == [("CONNECT h:25 HTTP/1.1", 200, 0)]


def test_a_refused_connect_leaves_a_connection_of_http() -> None:
    connect = b"CONNECT h:25 HTTP/1.1\r\nHost: h:25\r\n\r\n"
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno"
    assert exchange(connect, refusal, GET, OK5) == [("CONNECT h:25 HTTP/1.1", 407, 2), ("GET /a HTTP/1.1", 200, 5)]


def test_a_response_of_http_0_9_is_all_body() -> None:
    assert exchange(b"GET /old\r\n", b"<html>old</html>") == [("GET /old", None, 16)]


def test_a_request_without_version_may_get_a_modern_answer() -> None:
    assert exchange(b"GET /old\r\n", b"HTTP/1.0 400 Bad\r\n\r\nno") == [("GET /old", 400, 2)]


def test_bare_line_feeds_end_lines() -> None:
    assert exchange(b"GET /a HTTP/1.1\nHost: h\n\n", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok") == [
        ("GET /a HTTP/1.1", 200, 2)
    ]


def test_a_request_line_without_a_target_is_logged_as_sent() -> None:
    assert exchange(b"GET HTTP/1.1\r\nHost: h\r\n\r\n") == [("GET HTTP/1.1", None, None)]


def test_any_token_is_a_method() -> None:
    assert exchange(b"x-y!z /a HTTP/1.1\r\n\r\n", OK5) == [("x-y!z /a HTTP/1.1", 200, 5)]


def test_empty_lines_before_a_request_are_ignored() -> None:
    post = b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nab\r\n\r\n"
    assert exchange(post, OK5, GET, OK5) == [("POST /a HTTP/1.1", 200, 5), ("GET /a HTTP/1.1", 200, 5)]


def test_a_response_may_come_before_its_request_ended() -> None:
    wire = Wire().open().ask(b"POST /a HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc")
    wire.answer(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno").ask(b"defghij").ask(GET).answer(OK5).close()
    assert seen(observe(wire.frames)) == [("POST /a HTTP/1.1", 413, 2), ("GET /a HTTP/1.1", 200, 5)]


def test_an_unanswered_request_has_neither_status_nor_bytes() -> None:
    assert exchange(GET) == [("GET /a HTTP/1.1", None, None)]


def test_a_body_cut_off_counts_as_far_as_it_came() -> None:
    assert exchange(GET, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello") == [("GET /a HTTP/1.1", 200, 5)]


def test_a_text_line_is_logged_as_sent_if_the_answer_is_http() -> None:
    refusal = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
    assert exchange(b"HELLO there\r\n", refusal) == [("HELLO there", 400, 0)]
    assert exchange(b"GET /a b\r\nHost: h\r\n\r\n", refusal) == [("GET /a b", 400, 0)]
    assert exchange(b"HELLO there\r\n", b"220 hello\r\n") == []


def test_the_answer_to_binary_bytes_is_an_orphan() -> None:
    assert exchange(b"\x16\x03\x01\x00\x05hello", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") == []


def test_a_banner_is_no_answer() -> None:
    assert exchange(GET, b"SSH-2.0-OpenSSH_9.6\r\n") == [("GET /a HTTP/1.1", None, None)]


def test_prior_knowledge_of_http_2_is_not_http_1() -> None:
    assert (
        exchange(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00", b"\x00\x00\x00\x04\x01\x00\x00\x00\x00") == []
    )


@pytest.mark.parametrize("mss", [1460, 3])
@pytest.mark.parametrize("junk", [b"zz", b"zz\r\n", b"\x00\x01", b"HTTP/1.1 2x0 OK\r\nA: b\r\n\r\n", b"GET /"])
def test_bytes_that_belong_to_no_answer_shift_none(junk: bytes, mss: int) -> None:
    asked = [b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % status for status in (200, 404, 500)]
    answers = [b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\nhello" % status for status in (200, 404, 500)]
    right = [(f"GET /{status} HTTP/1.1", status, 5) for status in (200, 404, 500)]

    def seen_of(*parts: bytes) -> list[tuple[str, int | None, int | None]]:
        wire = Wire(mss=mss).open()
        for place, part in enumerate(parts):
            wire.say(place % 2, part)
        return seen(observe(wire.close().frames))

    before = (asked[0], answers[0], asked[1], junk + answers[1], asked[2], answers[2])
    behind = (asked[0], answers[0] + junk, asked[1], answers[1], asked[2], answers[2])
    pipelined = (b"".join(asked), answers[0] + junk + answers[1] + answers[2])
    for parts in (before, behind, pipelined):
        assert seen_of(*parts) == right
    instead = seen_of(asked[0], answers[0], asked[1], junk + b"\r\n", asked[2], answers[2])
    assert instead == [right[0], ("GET /404 HTTP/1.1", None, None), right[2]]


@pytest.mark.parametrize("line", [b"GET /a HTTP/1.1", b"hello there"])
def test_a_first_line_that_its_sender_broke_off_is_told_with_its_answer(line: bytes) -> None:
    wire = Wire().open().ask(line).send(0, FIN | ACK)
    wire.answer(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno").send(1, FIN | ACK)
    assert seen(observe(wire.frames)) == [(line.decode(), 400, 2)]


def test_a_request_line_without_its_end_is_one_and_half_of_one_is_none() -> None:
    assert exchange(b"GET /a HTTP/1.1") == [("GET /a HTTP/1.1", None, None)]
    assert exchange(b"GET /a HTT") == []


def test_a_status_line_without_its_end_tells_its_status() -> None:
    assert exchange(GET, b"HTTP/1.1 503 Busy") == [("GET /a HTTP/1.1", 503, 0)]
    assert exchange(GET, b"HTTP/1.1 50") == [("GET /a HTTP/1.1", None, None)]


def test_a_request_line_beyond_the_bound_of_a_head_is_told_as_far_as_that() -> None:
    ((line, status, _),) = exchange(b"GET /" + b"a" * 3 * MAX_HEAD + b" HTTP/1.1\r\n\r\n", OK5.replace(b"200", b"414"))
    assert (line[:9], status) == ("GET /aaaa", 414)
    assert MAX_HEAD <= len(line) < MAX_HEAD + 2000


def test_a_client_whose_old_request_got_a_modern_answer_may_ask_again() -> None:
    assert exchange(b"GET /old\r\nHost: h\r\n\r\n", OK5, GET, OK5) == [
        ("GET /old", 200, 5),
        ("GET /a HTTP/1.1", 200, 5),
    ]


@pytest.mark.parametrize("status", [b"000", b"099", b"1000"])
def test_a_number_that_is_no_status_makes_neither_a_status_nor_a_request(status: bytes) -> None:
    assert exchange(GET, OK5.replace(b"200", status)) == [("GET /a HTTP/1.1", None, None)]


@pytest.mark.parametrize("mss", [1460, 5, 1])
@pytest.mark.parametrize(
    "introduction",
    [b"PROXY TCP4 192.0.2.9 198.51.100.1 56324 80\r\n", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + b"\n" * 12],
)
def test_http_behind_a_proxys_introduction_is_read(introduction: bytes, mss: int) -> None:
    wire = Wire(mss=mss).open().ask(introduction + GET).answer(OK5).ask(GET).answer(OK5).close()
    assert seen(observe(wire.frames)) == [("GET /a HTTP/1.1", 200, 5)] * 2


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.mark.parametrize(
    ("fields", "body", "found"),
    [
        (b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n", True),  # 6.3 (3): the coding wins
        (b"Content-Length: 5, 5\r\n", b"abcde", True),  # 6.3 (5): a list of one value
        (b"Content-Length: 5\r\nContent-Length: 5\r\n", b"abcde", True),
        (b"Content-Length: 0005\r\n", b"abcde", True),
        (b"transfer-encoding:\r\n chunked\r\n", b"0\r\n\r\n", True),  # obs-fold
        (b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n", True),
        (b"Transfer-Encoding: identity\r\n", b"", True),
        (b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n", b"abcde", True),
        (b"Content-Lengthy: 5\r\nTransfer-Encodings: gzip\r\n", b"", True),  # other fields
        (b"Content-Length:\r\n", b"", False),  # as nginx and Apache refuse it
        (b"Transfer-Encoding: \r\n", b"", False),
        (b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n", False),  # 5.1: refused
        (b"Content-Length: 5\r\nContent-Length: 6\r\n", b"abcde", False),
        (b"Content-Length: +5\r\n", b"abcde", False),
        (b"Content-Length: 0x5\r\n", b"abcde", False),
        (b"Content-Length : 5\r\n", b"abcde", False),  # 5.1: refused
        (b"Transfer-Encoding: chunked, gzip\r\n", b"0\r\n\r\n", False),  # 6.3 (4): refused
        (b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n", False),
        (b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n", False),
        (b"Transfer-Encoding: chunked\r\n", b"10000000000000000\r\n\r\n", False),
        (b"Transfer-Encoding: chunked\r\n", b"-1\r\n\r\n", False),
        (b"Transfer-Encoding: chunked\r\n", b"1\r\nab\r\n0\r\n\r\n", False),
        (b"Content-Length: 18446744073709551615\r\n", b"", False),
    ],
)
def test_requests_behind_a_body_are_those_that_the_rfc_finds(fields: bytes, body: bytes, found: bool) -> None:
    lines = [row[0] for row in exchange(b"POST / HTTP/1.1\r\nHost: h\r\n" + fields + b"\r\n" + body + SMUGGLED)]
    assert lines == ["POST / HTTP/1.1"] + ["GET /smuggled HTTP/1.1"] * found


def test_a_control_byte_in_a_reason_is_read_alike_however_the_line_is_cut() -> None:
    wire = Wire(mss=14).open().ask(GET).answer(OK5.replace(b"OK", b"\x00K")).close()
    assert seen(observe(wire.frames)) == [("GET /a HTTP/1.1", 200, 5)]
