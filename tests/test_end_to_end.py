"""One request travels from the wire to the screen: real server, real client, sniffer and monitor as processes."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.requires import need
from tests.waiting import PATIENCE, eventually


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = b"not found" if self.path.startswith("/missing") else b"x" * 1234
        self.send_response(404 if self.path.startswith("/missing") else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def ask(port: int, *targets: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    for target in targets:
        connection.request("GET", target)
        connection.getresponse().read()
    connection.close()


def ended(process: subprocess.Popen[str], *, by: signal.Signals) -> tuple[int, str]:
    process.send_signal(by)
    err = process.communicate(timeout=PATIENCE)[1]
    return process.returncode, err


def test_a_request_travels_from_the_wire_to_the_screen(tmp_path: Path, port: int) -> None:
    need(os.geteuid() == 0, "root, to open a packet socket")
    log = tmp_path / "log" / "access.log"
    text = lambda: log.read_text() if log.exists() else ""  # noqa: E731
    sniffer = subprocess.Popen(
        [sys.executable, "-m", "sniffer", "-i", "lo", "-w", str(log), "--user", "root"],
        stderr=subprocess.PIPE,
        text=True,
    )
    monitor = None
    try:

        def ready() -> bool:
            assert sniffer.poll() is None, sniffer.communicate()[1]
            ask(port, "/ready")
            return "/ready" in text()

        assert eventually(ready), "the sniffer never wrote a line"
        with open(tmp_path / "out.json", "w") as out:
            monitor = subprocess.Popen(
                [sys.executable, "-m", "monitor", str(log), "--output", "json", "--interval", "1", "--lateness", "1"],
                stdout=out,
                stderr=subprocess.PIPE,
                text=True,
            )

        def told() -> list[dict[str, Any]]:
            return [json.loads(line) for line in (tmp_path / "out.json").read_text().splitlines()]

        def following() -> bool:
            ask(port, "/ready")
            return bool(told())

        assert eventually(following), "the monitor never told an interval"
        site = f"http://127.0.0.1:{port}"
        before = text().count(site)
        ask(port, *["/pages/create", "/pages/17", "/missing/page?x=/y", "/"] * 25)
        assert eventually(lambda: text().count(site) == before + 100), text()[-500:]

        def hits(section: str) -> tuple[int, int, int]:
            rows = [row for one in told() if one["type"] == "interval" for row in one["sections"]]
            found = [row for row in rows if row["section"] == section]
            return tuple(sum(row[key] for row in found) for key in ("hits", "bytes", "errors"))  # type: ignore[return-value]

        assert eventually(lambda: hits(f"{site}/pages") == (50, 50 * 1234, 0)), hits(f"{site}/pages")
        assert eventually(lambda: hits(f"{site}/missing") == (25, 25 * 9, 25)), hits(f"{site}/missing")
        assert eventually(lambda: hits(f"{site}/") == (25, 25 * 1234, 0)), hits(f"{site}/")
        code, err = ended(sniffer, by=signal.SIGTERM)
        assert code == 0, err
        code, err = ended(monitor, by=signal.SIGTERM)
        assert code == 0, err
        summary = told()[-1]
        assert summary["type"] == "summary"
        assert summary["malformed"] == 0
        assert sum(one["hits"] for one in told() if one["type"] == "interval") == summary["hits"]
    finally:
        for process in (sniffer, monitor):
            if process:
                process.kill()
                process.communicate()
