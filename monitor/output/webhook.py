"""``--webhook``: each notice posted to a URL, tried again with pauses, within bounds of time and size."""

from __future__ import annotations

import base64
import contextlib
import http.client
import re
import socket
import ssl
import threading
import time
from urllib.parse import unquote, urlsplit

from monitor import __version__
from monitor.errors import UsageError
from monitor.output.delivery import DeliveryFailedError, Patience
from monitor.output.notice import Notice
from monitor.output.text import safe

PAUSES = (1.0, 4.0, 15.0)  # s before the second, third and last try
LIMIT = 10.0  # s that one try may take, whatever the other side does
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})  # what may be better a little later

_CODE = re.compile(r"^\[[^]]*\] | \(_ssl\.c:\d+\)$")  # what OpenSSL's errors have around their words


class _TryAgainError(Exception):
    """The try failed; another may not."""


class Webhook:
    """Posts one notice. Redirections are not followed, proxies of the environment not used."""

    def __init__(self, url: str, pauses: tuple[float, ...] = PAUSES, limit: float = LIMIT) -> None:
        """Check the URL. Raises UsageError; no password in it is ever shown."""
        if not url.isascii() or not url.isprintable() or " " in url:
            raise UsageError("--webhook: a URL has only printable ASCII characters without blanks")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
            (host or "").encode("idna")  # as the socket will, each time; it refuses a label that is empty or too long
        except ValueError as error:
            raise UsageError(f"--webhook: {error}") from None
        if parts.scheme not in ("http", "https") or not host:
            raise UsageError("--webhook: a URL must begin with http://host or https://host")
        self._host, self._port = host, port
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._headers = {"Content-Type": "application/json", "User-Agent": f"tapline/{__version__}"}
        if parts.username is not None:
            credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {base64.b64encode(credentials.encode()).decode()}"
        self._pauses = pauses
        self._limit = limit

    def __call__(self, notice: Notice, patience: Patience) -> None:
        """Post it, at most four times. Raises DeliveryFailedError."""
        for pause in (*self._pauses, None):
            try:
                self._post(notice.body, patience)
            except _TryAgainError as error:
                if pause is None or not patience.pause(pause):
                    raise DeliveryFailedError(f"{self._host}: {error}") from error
            else:
                return

    def _post(self, body: bytes, patience: Patience) -> None:
        left = patience.left(time.monotonic() + self._limit)
        if left <= 0:
            raise _TryAgainError("the monitor is ending")
        connection = self._connection(left)
        # A socket's time limit is for each read: one who answers a byte at a time would never reach it.
        over = threading.Event()
        watchdog = threading.Timer(left, _hang_up, (connection, over))
        watchdog.daemon = True
        watchdog.start()
        try:
            connection.request("POST", self._target, body, self._headers)
            with connection.getresponse() as answer:
                status, reason = answer.status, safe(answer.reason)[:100]
        except TimeoutError:
            raise self._too_slow() from None
        except ssl.SSLCertVerificationError as error:  # the next try would see the same one
            untrusted = f"its certificate is not trusted: {safe(error.verify_message)}"
            raise DeliveryFailedError(f"{self._host}: {untrusted}") from error
        except (OSError, http.client.HTTPException) as error:
            if over.is_set():
                raise self._too_slow() from None
            raise _TryAgainError(safe(_reason(error))[:200]) from error
        finally:
            watchdog.cancel()
            connection.close()
        if over.is_set():
            raise self._too_slow()
        if status in _AGAIN:
            raise _TryAgainError(f"{status} {reason}")
        if not 200 <= status < 300:
            raise DeliveryFailedError(f"{self._host}: {status} {reason}")

    def _too_slow(self) -> _TryAgainError:
        return _TryAgainError(f"no answer within {self._limit:g} s")

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=timeout)
        return http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=self._tls)


def _reason(error: OSError | http.client.HTTPException) -> str:
    if isinstance(error, http.client.BadStatusLine) and not isinstance(error, http.client.RemoteDisconnected):
        return f"what it answers is not HTTP: {str(error).strip()}"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"TLS: {_CODE.sub('', text)}" if isinstance(error, ssl.SSLError) else text


def _hang_up(connection: http.client.HTTPConnection, over: threading.Event) -> None:
    over.set()
    if connection.sock is not None:
        with contextlib.suppress(OSError):
            # The plain socket's: an SSLSocket's own takes TLS away from under the thread that reads.
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
