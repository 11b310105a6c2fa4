"""``--metrics``: what was counted, for Prometheus. The only module that knows its client library.

Counters of hits follow the told intervals, so they are as late as those are (an interval and the lateness) and never
take anything back; gauges, and the counters of lines, follow the engine's present state. The set of labels is bounded
and stable: see ``Labels``.
"""

from __future__ import annotations

import io
import socket
import socketserver
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from typing import TextIO, cast
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, Metric, ProcessCollector, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from monitor import __version__
from monitor.engine.snapshot import (
    OTHER,
    TIME_BOUNDS,
    AlertRecord,
    Interval,
    Present,
    Row,
    RuleState,
    State,
    Transition,
)
from monitor.errors import TaplineError, UsageError
from monitor.output.delivery import Deliveries
from monitor.output.notice import MAIN
from monitor.output.text import key_text

HOST = "127.0.0.1"  # what was counted is nobody else's business unless somebody says so
CONNECTIONS = 16  # at a time; one more ends the oldest
PATIENCE = 5  # s without a byte from a client
LABELS = 100  # sections with a label of their own
EARLY = 50  # of those, how many need only be on top once ...
OFTEN = 3  # ... while the others need to have been on top in so many intervals
TOP = 20  # sections of an interval that count as on top
CANDIDATES = 1000  # sections of which it is known how often they were on top
LONGEST = 256  # characters of a label; a longer section counts in (other)
_OTHER = OTHER.decode()
_NONE = "(none)"  # hits whose request is none, or without a status
_METHODS = (  # RFC 9110 and 5789; an outsider can make up as many others as he likes
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
)  # fmt: skip
_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")


def parse_address(text: str) -> tuple[str, int]:
    """Read ``9100``, ``0.0.0.0:9100`` or ``[::1]:9100``. Raises UsageError."""
    host, colon, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if (colon and not bare) or (":" in bare and bare == host):
        raise UsageError(f"--metrics {text!r}: a host is missing, or an IPv6 address without brackets: [::1]:9100")
    if not port.isascii() or not port.isdigit() or len(port) > 5 or int(port) > 65535:
        raise UsageError(f"--metrics {text!r}: {port!r} is not a port from 0 to 65535")
    return bare or HOST, int(port)


class Labels:
    """Which sections have a label of their own. Once a section has one it keeps it; all others are ``(other)``.

    The first EARLY labels go to the sections on top of the first intervals, so that a small site is shown at once. The
    rest are for sections that come to the top again and again, which paths tried once by a scanner do not.
    """

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._seen: dict[str, int] = {}  # intervals on top, of those without a label; the longest unseen first

    def of(self, rows: Iterable[Row]) -> dict[str, list[int]]:
        """Hits, bytes and errors by label; what has none is left to (other)."""
        counts: dict[str, list[int]] = {}
        for place, row in enumerate(rows):
            label = key_text(row.key)
            if label == _OTHER or not (label in self._given or (place < TOP and self._earns(label))):
                continue
            held = counts.setdefault(label, [0, 0, 0])  # two keys may look the same, once escaped
            for column, amount in enumerate((row.hits, row.size, row.errors)):
                held[column] += amount
        return counts

    def _earns(self, label: str) -> bool:
        if len(self._given) >= LABELS or len(label) > LONGEST:
            return False
        seen = self._seen.pop(label, 0) + 1
        if len(self._given) < EARLY or seen >= OFTEN:
            self._given.add(label)
            return True
        if len(self._seen) >= CANDIDATES:
            del self._seen[next(iter(self._seen))]
        self._seen[label] = seen
        return False


class Counters(Collector):
    """The state behind the metrics. Told by the monitor's thread, collected by the server's."""

    def __init__(self, wall: Callable[[], float]) -> None:
        """``wall`` is the wall clock in epoch seconds: the clock lag is as of the scrape."""
        self._wall = wall
        self._lock = threading.Lock()
        self._labels = Labels()
        self._sections: dict[str, list[int]] = {_OTHER: [0, 0, 0]}
        self._totals = dict.fromkeys(("hits", "size", "malformed", "late", "lines"), 0)
        self._statuses = dict.fromkeys((*_CLASSES, _NONE), 0)
        self._methods = dict.fromkeys((*_METHODS, _OTHER, _NONE), 0)
        self._times: list[int] | None = None
        self._time_total = 0
        self._transitions: dict[tuple[str, str], int] = {}
        self._rules: dict[str, tuple[float, float, bool]] = {}  # average, threshold, whether the alert is on
        self._gauges: dict[str, float] = {}
        self._clock: int | None = None
        self._notices: Mapping[str, Deliveries] = {}

    def interval(self, interval: Interval) -> None:
        """Add what an interval counted."""
        traffic = interval.traffic
        with self._lock:
            totals = self._totals
            totals["hits"] += traffic.hits
            totals["size"] += traffic.size
            totals["late"] += traffic.late
            rest = [traffic.hits, traffic.size, traffic.errors]
            for label, counts in self._labels.of(traffic.sections).items():
                held = self._sections.setdefault(label, [0, 0, 0])
                for column, amount in enumerate(counts):
                    held[column] += amount
                    rest[column] -= amount
            for column, amount in enumerate(rest):
                self._sections[_OTHER][column] += max(0, amount)
            for name, hits in traffic.statuses.items():
                self._statuses[name] += hits
            self._statuses[_NONE] += max(0, traffic.hits - sum(traffic.statuses.values()))
            for key, hits in traffic.methods.items():
                name = key_text(key)
                self._methods[name if name in _METHODS else _OTHER] += hits
            self._methods[_NONE] += max(0, traffic.hits - sum(traffic.methods.values()))
            if traffic.histogram:
                held_times = self._times or [0] * (len(TIME_BOUNDS) + 1)
                self._times = [sum(pair) for pair in zip(held_times, traffic.histogram.counts, strict=True)]
                self._time_total += traffic.histogram.total

    def transition(self, transition: Transition, record: AlertRecord) -> None:
        """Count an alert raised or recovered."""
        key = (transition.rule or MAIN, transition.state.value)
        with self._lock:
            self._transitions[key] = self._transitions.get(key, 0) + 1

    def state(self, present: Present, unread: int, notices: Mapping[str, Deliveries]) -> None:
        """Take over the present: rules, clock, what is not read yet, what became of notices by way of delivery."""
        with self._lock:
            self._clock = present.clock
            # Not by interval: where nothing fits the format there is no hit, and so no interval to tell of it.
            self._totals["lines"] = present.lines
            self._totals["malformed"] = present.malformed
            self._gauges = {"lateness": present.lateness, "unread": unread}
            self._rules = {
                rule.name or MAIN: (
                    _value(rule, rule.average),
                    _value(rule, rule.threshold.rate),
                    rule.alert is not None,
                )
                for rule in present.rules
            }
            self._notices = notices

    def collect(self) -> Iterator[Metric]:
        """Give all families, as they are now."""
        with self._lock:
            families = list(self._families())
        return iter(families)

    def _families(self) -> Iterator[Metric]:
        build = InfoMetricFamily("tapline_build", "The version of Tapline.")
        build.add_metric([], {"version": __version__})
        yield build
        totals = self._totals
        yield CounterMetricFamily("tapline_hits", "Lines that are hits.", totals["hits"])
        yield CounterMetricFamily("tapline_response_bytes", "Bytes of responses.", totals["size"])
        yield CounterMetricFamily("tapline_lines_read", "Lines read of any kind.", totals["lines"])
        yield CounterMetricFamily("tapline_malformed_lines", "Lines that fit no format.", totals["malformed"])
        yield CounterMetricFamily("tapline_late_lines", "Hits that came after their second was closed.", totals["late"])
        by_section = (
            ("tapline_section_hits", "Hits by section."),
            ("tapline_section_response_bytes", "Bytes of responses by section."),
            ("tapline_section_errors", "Hits with a status of 4xx or 5xx by section."),
        )
        for column, (name, text) in enumerate(by_section):
            yield _counter(name, text, ("section",), {(key,): row[column] for key, row in self._sections.items()})
        yield _counter(
            "tapline_status_hits", "Hits by class of status.", ("class",), {(k,): n for k, n in self._statuses.items()}
        )
        yield _counter(
            "tapline_method_hits", "Hits by method.", ("method",), {(k,): n for k, n in self._methods.items()}
        )
        if self._times is not None:
            yield self._histogram(self._times)
        yield _counter("tapline_alert_transitions", "Alerts raised and recovered.", ("rule", "state"), self._all_told())
        yield from self._rule_gauges()
        if self._clock is not None:
            lag = max(0.0, self._wall() - self._clock)
            yield GaugeMetricFamily("tapline_clock_lag_seconds", "How far the log's time is behind the clock.", lag)
        if self._gauges:
            unread, lateness = self._gauges["unread"], self._gauges["lateness"]
            yield GaugeMetricFamily("tapline_unread_bytes", "What is in the logs and not read yet.", unread)
            yield GaugeMetricFamily("tapline_lateness_seconds", "How long a second waits for late lines.", lateness)
        results: dict[tuple[str, ...], int] = {
            (way, result): getattr(counts, result)
            for way, counts in self._notices.items()
            for result in ("delivered", "failed", "dropped")
        }
        yield _counter("tapline_notices", "Transitions told by a command or webhook.", ("way", "result"), results)

    def _all_told(self) -> dict[tuple[str, ...], int]:
        rules = {*self._rules, *(rule for rule, _ in self._transitions)}
        return {
            (rule, state.value): self._transitions.get((rule, state.value), 0)
            for rule in sorted(rules)
            for state in State
        }

    def _rule_gauges(self) -> Iterator[Metric]:
        families = (
            GaugeMetricFamily("tapline_window_average", "What a rule compares, over its window.", labels=("rule",)),
            GaugeMetricFamily("tapline_alert_threshold", "What a rule compares it with.", labels=("rule",)),
            GaugeMetricFamily("tapline_alert_active", "1 while a rule's alert is on.", labels=("rule",)),
        )
        for rule, values in self._rules.items():
            for family, value in zip(families, values, strict=True):
                family.add_metric((rule,), value)
        return iter(families)

    def _histogram(self, times: list[int]) -> Metric:
        family = HistogramMetricFamily("tapline_response_time_seconds", "Response times of the hits that have one.")
        buckets, total = [], 0
        for bound, hits in zip((*(str(bound / 1000) for bound in TIME_BOUNDS), "+Inf"), times, strict=True):
            total += hits
            buckets.append((bound, total))
        family.add_metric((), buckets, self._time_total / 1_000_000)
        return family


def _value(rule: RuleState, value: Fraction) -> float:
    """In base units: response times are microseconds inside."""
    return float(value / 1_000_000) if rule.metric in ("p95", "p99") else float(value)


def _counter(name: str, text: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for value, amount in values.items():
        family.add_metric(value, amount)
    return family


class MetricsServer:
    """Serves the counters in threads of its own until closed."""

    def __init__(self, address: str, counters: Counters) -> None:
        """Bind at once. Raises UsageError for what is no address, TaplineError when it cannot be had."""
        host, port = parse_address(address)
        registry = CollectorRegistry()
        registry.register(counters)
        ProcessCollector(registry=registry)
        try:
            family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            self._server = _Server(family, (str(where[0]), int(where[1])))
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise TaplineError(f"--metrics {address}: {reason}") from error
        self._server.set_app(_with_head(make_wsgi_app(registry)))
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._server.server_port}/metrics"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _with_head(metrics: Callable[..., list[bytes]]) -> Callable[..., list[bytes]]:
    """Have HEAD answered as GET is, without the body: the library refuses it, load balancers ask by it."""

    def answer(environ: dict[str, object], start_response: Callable[..., object]) -> list[bytes]:
        if environ["REQUEST_METHOD"] != "HEAD":
            return metrics(environ, start_response)
        told: list[tuple[str, list[tuple[str, str]]]] = []
        body = metrics({**environ, "REQUEST_METHOD": "GET"}, lambda status, headers: told.append((status, headers)))
        ((status, headers),) = told
        start_response(status, [*headers, ("Content-Length", str(sum(map(len, body))))])
        return []

    return answer


class _Nowhere(io.TextIOBase):
    """Takes what the server would say of a client's nonsense."""

    def write(self, text: str) -> int:
        return len(text)


class _Handler(WSGIRequestHandler):
    timeout = PATIENCE

    def get_stderr(self) -> TextIO:
        """Nowhere: a client could else write to the monitor's standard error, and over its screen."""
        return cast(TextIO, _Nowhere())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the library's
        """Say nothing: standard error is the monitor's."""


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """Answers each connection in a thread; there are never more than CONNECTIONS."""

    daemon_threads = True
    request_queue_size = 128  # of the kernel, until they are taken

    def __init__(self, family: int, where: tuple[str, int]) -> None:
        self.address_family = family
        self._open: list[socket.socket] = []  # oldest first
        self._opening = threading.Lock()
        super().__init__(where, _Handler)

    def server_bind(self) -> None:
        """Bind, without asking a name server for this machine's name as HTTPServer does."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: object, client_address: object) -> None:
        """Answer in a thread; when there are too many, the oldest connection ends."""
        assert isinstance(request, socket.socket)
        with self._opening:
            if len(self._open) >= CONNECTIONS:
                with suppress(OSError):
                    self._open.pop(0).shutdown(socket.SHUT_RDWR)
            self._open.append(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: object) -> None:
        """Forget a connection that is done."""
        with self._opening, suppress(ValueError):
            self._open.remove(request)  # type: ignore[arg-type]
        super().shutdown_request(request)  # type: ignore[arg-type]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up or said nothing is no matter for the monitor's reader."""
