"""The webhook over TLS: whom it trusts, and servers that speak it badly; all on the loopback."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from monitor.output.delivery import DeliveryFailedError, Patience
from monitor.output.notice import Notice
from monitor.output.webhook import Webhook
from tests.requires import need

NOTICE = Notice("raised at noon", json.dumps({"version": "4"}).encode(), {})
SAMPLE = "sample_logs/two_alerts.log"
Wrap = Callable[[], ssl.SSLSocket]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that its own holder signed, with the key in the same file, for 127.0.0.1."""
    need(shutil.which("openssl"), "openssl")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=hook"
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    made = [*command.split(), *names, "-keyout", f"{path}.key", "-out", str(path)]
    subprocess.run(made, check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + Path(f"{path}.key").read_bytes())
    return path


@contextmanager
def server(certificate: Path, serve: Callable[[socket.socket, Wrap], None]) -> Iterator[tuple[int, list[str]]]:
    """Has ``serve`` see to each connection, TLS or what it likes; its port, and what connections there were."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    came: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening, ExitStack() as stack:
        listening.settimeout(0.05)
        over = threading.Event()

        def see_to(plain: socket.socket) -> None:
            wrapped: list[ssl.SSLSocket] = []

            def wrap() -> ssl.SSLSocket:
                wrapped.append(context.wrap_socket(plain, server_side=True))
                return wrapped[0]

            with suppress(OSError):
                serve(plain, wrap)
            for each in (plain, *wrapped):
                each.close()

        def accept() -> None:
            threads = []
            while not over.is_set():
                with suppress(TimeoutError):
                    plain = listening.accept()[0]
                    came.append("a connection")
                    plain.settimeout(20)
                    threads.append(threading.Thread(target=see_to, args=(plain,)))
                    threads[-1].start()
            for each in threads:
                each.join()

        thread = threading.Thread(target=accept)
        thread.start()
        stack.callback(thread.join)
        stack.callback(over.set)
        yield listening.getsockname()[1], came


def answer(plain: socket.socket, wrap: Wrap) -> None:
    """What a good server does."""
    with wrap() as secure, secure.makefile("rb") as file:
        head = b"".join(iter(file.readline, b"\r\n"))
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:"))
        assert json.loads(file.read(length))["version"] == "4"
        secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def test_a_certificate_that_nobody_vouches_for_is_one_named_line_after_one_try(certificate: Path) -> None:
    with server(certificate, answer) as (port, came), pytest.raises(DeliveryFailedError) as error:
        Webhook(f"https://127.0.0.1:{port}/", (0.01, 0.01, 0.01))(NOTICE, Patience())
    assert str(error.value).startswith("127.0.0.1: its certificate is not trusted: self")
    assert len(came) == 1


def test_a_certificate_in_the_file_that_the_environment_names_is_trusted(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with server(certificate, answer) as (port, came):
        Webhook(f"https://127.0.0.1:{port}/")(NOTICE, Patience())
        with pytest.raises(DeliveryFailedError, match="its certificate is not trusted: Hostname mismatch"):
            Webhook(f"https://localhost:{port}/")(NOTICE, Patience())
    assert len(came) == 2


@pytest.mark.parametrize("trusted", [True, False])
def test_the_program_counts_what_it_could_not_deliver_and_has_no_traceback(certificate: Path, trusted: bool) -> None:
    environment = {**os.environ, "SSL_CERT_FILE": str(certificate) if trusted else "/nonexistent"}
    with server(certificate, answer) as (port, came):
        command = [sys.executable, "-m", "monitor", "--replay", SAMPLE, "--utc", "--output", "none"]
        command += ["--webhook", f"https://127.0.0.1:{port}/"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, len(came)) == (0, 4)
    told = [line for line in done.stderr.splitlines() if "webhook" in line or "Traceback" in line]
    assert len(told) == (0 if trusted else 4)
    if not trusted:
        assert told[-1].startswith("monitor: webhook: recovered at ")
        assert "its certificate is not trusted: self" in told[-1]
        assert told[-1].endswith("(failed so far: 4)")


def drips(plain: socket.socket, wrap: Wrap) -> None:
    with wrap() as secure:
        secure.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            secure.sendall(b"X: y\r\n")


def drips_the_handshake(plain: socket.socket, wrap: Wrap) -> None:
    plain.sendall(b"\x16\x03\x03\x40\x00")
    while True:
        plain.sendall(b"\x00")
        threading.Event().wait(0.02)


def hangs(plain: socket.socket, wrap: Wrap) -> None:
    with wrap() as secure:
        while secure.recv(65536):
            pass


def hangs_before_the_handshake(plain: socket.socket, wrap: Wrap) -> None:
    while plain.recv(65536):
        pass


def speaks_plainly(plain: socket.socket, wrap: Wrap) -> None:
    plain.recv(65536)
    plain.sendall(b"HTTP/1.1 200 OK\r\n\r\n")


def hangs_up(plain: socket.socket, wrap: Wrap) -> None:
    wrap()


@pytest.mark.parametrize(
    "serve", [drips, drips_the_handshake, hangs, hangs_before_the_handshake, speaks_plainly, hangs_up]
)
def test_a_server_that_speaks_tls_badly_costs_a_bounded_time_and_one_clean_line(
    certificate: Path, serve: Callable[[socket.socket, Wrap], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with server(certificate, serve) as (port, _), pytest.raises(DeliveryFailedError) as error:
        Webhook(f"https://127.0.0.1:{port}/", (0.01,), limit=0.3)(NOTICE, Patience())
    assert str(error.value).startswith("127.0.0.1: ")
    assert "_ssl.c" not in str(error.value)
    assert str(error.value).isprintable()
