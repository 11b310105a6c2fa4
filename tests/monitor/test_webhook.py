"""The webhook against servers that answer, refuse, hang, drip and flood; all on the loopback."""

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from monitor.errors import UsageError
from monitor.output.delivery import Courier, Deliveries, DeliveryFailedError, Patience
from monitor.output.notice import Notice
from monitor.output.webhook import Webhook
from tests.waiting import eventually

NOTICE = Notice("raised at noon", json.dumps({"version": "4"}).encode(), {})
QUICK = (0.01, 0.01, 0.01)


@contextmanager
def server(*statuses: int) -> Iterator[tuple[str, list[tuple[str, dict[str, str], bytes]]]]:
    """A server that answers with each status in turn, the last one for ever; and what it was sent."""
    came: list[tuple[str, dict[str, str], bytes]] = []
    left = list(statuses)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(left.pop(0) if len(left) > 1 else left[0])
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_request(self, code: object = "-", size: object = "-") -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"127.0.0.1:{listening.server_port}", came
        finally:
            listening.shutdown()
            thread.join()


@contextmanager
def raw(answer: bytes, drip: bytes = b"") -> Iterator[str]:
    """A server that sends ``answer`` at once, then ``drip`` again and again, and never closes."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)

        def serve() -> None:
            connections: list[socket.socket] = []
            while not over.wait(0.02):
                try:
                    connection = listening.accept()[0]
                    connection.sendall(answer)
                    connections.append(connection)
                except OSError:
                    pass
                for each in connections:
                    with suppress(OSError):
                        each.sendall(drip)
            for each in connections:
                each.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


def test_the_notice_is_posted_as_json() -> None:
    with server(200) as (host, came):
        Webhook(f"http://{host}/hook?token=1")(NOTICE, Patience())
    ((path, headers, body),) = came
    assert (path, json.loads(body)) == ("/hook?token=1", {"version": "4"})
    assert headers["content-type"] == "application/json"
    assert "authorization" not in headers


def test_a_user_and_password_in_the_url_are_sent_and_never_shown() -> None:
    with server(403) as (host, came), pytest.raises(DeliveryFailedError) as error:
        Webhook(f"http://us%65r:s%40crt@{host}/")(NOTICE, Patience())
    assert came[0][1]["authorization"] == "Basic dXNlcjpzQGNydA=="
    assert str(error.value) == "127.0.0.1: 403 Forbidden"


def test_what_may_be_better_later_is_tried_again() -> None:
    with server(503, 429, 200) as (host, came):
        Webhook(f"http://{host}", QUICK)(NOTICE, Patience())
    assert len(came) == 3


def test_the_tries_are_bounded() -> None:
    expected = r"127\.0\.0\.1: 500 Internal Server Error"
    with server(500) as (host, came), pytest.raises(DeliveryFailedError, match=expected):
        Webhook(f"http://{host}", QUICK)(NOTICE, Patience())
    assert len(came) == 4


@pytest.mark.parametrize("status", [302, 400, 404])
def test_what_will_not_be_better_is_tried_once_and_redirections_are_not_followed(status: int) -> None:
    with server(status) as (host, came), pytest.raises(DeliveryFailedError, match=str(status)):
        Webhook(f"http://{host}", QUICK)(NOTICE, Patience())
    assert len(came) == 1


def test_nobody_there_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(DeliveryFailedError, match=r"127\.0\.0\.1: Connection refused"):
        Webhook(f"http://127.0.0.1:{port}", QUICK)(NOTICE, Patience())


@pytest.mark.parametrize(
    ("answer", "drip"),
    [
        (b"", b""),
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"X: " + b"y" * 60000 + b"\r\n"),
        (b"\xff\x00\x1b[2J\r\n\r\n", b""),
        (b"HTTP/1.1 500 \x1b[2J\r\n\r\n", b""),
    ],
    ids=["hangs", "drips", "drips headers", "floods", "speaks something else", "reason with escapes"],
)
def test_a_hostile_server_costs_a_bounded_time_and_one_clean_line(answer: bytes, drip: bytes) -> None:
    with raw(answer, drip) as host, pytest.raises(DeliveryFailedError) as error:
        Webhook(f"http://{host}", (0.01,), limit=0.3)(NOTICE, Patience())
    assert str(error.value).startswith("127.0.0.1: ")
    assert str(error.value).isprintable()


def test_at_the_end_of_the_monitor_it_is_tried_again_after_shorter_pauses() -> None:
    patience = Patience()
    patience.end(60)
    with server(503, 200) as (host, came):
        Webhook(f"http://{host}", (600.0,))(NOTICE, patience)
    assert len(came) == 2


def test_the_end_of_the_monitor_cuts_a_pause_short_and_the_next_try_counts() -> None:
    with server(503, 200) as (host, came):
        courier = Courier("webhook", Webhook(f"http://{host}", (600.0,)))
        courier.offer(NOTICE)
        assert eventually(lambda: len(came) == 1)
        courier.hurry(60)
        courier.close()
    assert (courier.counts, len(came)) == (Deliveries(1, 0, 0), 2)


def test_an_answer_that_is_not_http_is_told_as_that() -> None:
    with raw(b"hello\r\n") as host, pytest.raises(DeliveryFailedError) as error:
        Webhook(f"http://{host}", ())(NOTICE, Patience())
    assert str(error.value) == "127.0.0.1: what it answers is not HTTP: hello"


def test_the_end_of_the_monitor_ends_the_tries() -> None:
    patience = Patience()
    patience.end(0.2)
    with raw(b"") as host, pytest.raises(DeliveryFailedError):
        Webhook(f"http://{host}", (600.0,), limit=600)(NOTICE, patience)


@pytest.mark.parametrize(
    "url",
    ["", "example.org", "ftp://example.org/", "file:///etc/passwd", "http://", "http:///x", "http://h:99999/",
     "http://h/a b", "http://h/\r\nX: y", "http://[::1", "http://hé/", "http://a..b/", f"http://{'a' * 64}.example/"],
)  # fmt: skip
def test_a_url_that_is_none_is_told_at_the_start(url: str) -> None:
    with pytest.raises(UsageError, match="--webhook: ") as error:
        Webhook(url)
    assert "\n" not in str(error.value)


def test_when_the_end_has_passed_nothing_is_tried_any_more() -> None:
    patience = Patience()
    patience.end(0.0)
    with server(200) as (address, came), pytest.raises(DeliveryFailedError, match="the monitor is ending"):
        Webhook(f"http://{address}/", QUICK)(NOTICE, patience)
    assert came == []
