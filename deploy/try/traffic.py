"""A small web server on loopback and a bounded stream of requests to it: calm, a burst, calm again.

With the default threshold (10 hits a second over 2 minutes) the burst raises an alert and the calm after it recovers,
all within three minutes. Ends by itself.
"""

from __future__ import annotations

import http.client
import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CALM, BURST = 2, 45  # requests a second
SCHEDULE = ((15, CALM), (35, BURST), (115, CALM))  # seconds, rate; 2 min 45 s in all
TARGETS = (
    ("GET", "/pages/create"),
    ("GET", "/pages/17"),
    ("GET", "/images/logo.png"),
    ("POST", "/login"),
    ("GET", "/api/users?id=3"),
    ("GET", "/missing/page"),
    ("GET", "/"),
)


class Handler(BaseHTTPRequestHandler):
    """Answers everything, /missing with 404 and one in twenty /api with 500."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with a body of some size."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        missing = self.path.startswith("/missing")
        failing = self.path.startswith("/api") and random.random() < 0.05
        body = b"x" * random.randrange(200, 4000)
        self.send_response(404 if missing else 500 if failing else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the monitor is there to be watched."""


def main() -> None:
    """Serve and ask until the schedule is over."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    due = time.monotonic()
    for seconds, rate in SCHEDULE:
        for _ in range(seconds * rate):
            due += 1 / rate
            time.sleep(max(0.0, due - time.monotonic()))
            method, target = random.choice(TARGETS)
            connection.request(method, target, body=b"name=value" if method == "POST" else None)
            connection.getresponse().read()
    connection.close()
    server.shutdown()


if __name__ == "__main__":
    main()
