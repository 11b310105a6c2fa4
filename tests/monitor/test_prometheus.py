"""The metrics: promtool's judgement, bounded and stable labels, hostile keys, hostile clients."""

import http.client
import shutil
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from typing import cast

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.engine.alert import basic
from monitor.engine.engine import Engine
from monitor.engine.snapshot import AlertRecord, Histogram, Interval, Present, Row, RuleState
from monitor.errors import TaplineError, UsageError
from monitor.formats import Columns, Reader
from monitor.formats import parse as parse_format
from monitor.output import prometheus
from monitor.output.delivery import Deliveries
from monitor.output.prometheus import (
    CANDIDATES,
    CONNECTIONS,
    EARLY,
    LABELS,
    OFTEN,
    TOP,
    Counters,
    MetricsServer,
    parse_address,
)
from monitor.rules import parse
from tests.requires import need

from .output_made import START, TEN, interval, rows, traffic, transition

SLOW = parse("p95 > 500ms over 1m")


def present() -> Present:
    on = AlertRecord(transition(), None, 1206, START)
    rules = (
        RuleState("", "hits", Fraction(1206, 120), TEN, on),
        RuleState(SLOW.name, "p95", Fraction(250_000), SLOW.threshold, None),
    )
    return Present(START, 5, 64, 3, rules)


def with_sections(*sections: tuple[bytes, int]) -> Interval:
    return interval(hits=sum(hits for _, hits in sections), sections=rows(*sections))


@pytest.fixture
def counters() -> Counters:
    return Counters(lambda: START + 2.5)


@pytest.fixture
def server(counters: Counters) -> Iterator[MetricsServer]:
    listening = MetricsServer("0", counters)
    yield listening
    listening.close()


def scrape(server: MetricsServer) -> str:
    with urllib.request.urlopen(server.url, timeout=10) as answer:
        return cast(str, answer.read().decode("utf-8"))


def samples(text: str, name: str) -> dict[str, float]:
    """Values of a sample by the value of its only label, or by ``""``."""
    return {
        ",".join(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def fill(counters: Counters) -> None:
    told = with_sections((b"/api", 40), (b'/\xff\x1b[2J"\n', 5))
    counters.interval(replace(told, traffic=replace(told.traffic, histogram=Histogram((1,) * 12, 7_000_000))))
    counters.transition(transition(), AlertRecord(transition(), None, 1206, START))
    counters.state(present(), 4096, {"on-alert": Deliveries(3, 2, 1)})


def test_promtool_finds_nothing_to_complain_of(counters: Counters, server: MetricsServer) -> None:
    need(shutil.which("promtool"), "promtool (Debian: prometheus)")
    fill(counters)
    with urllib.request.urlopen(server.url, timeout=10) as answer:
        told = subprocess.run(["promtool", "check", "metrics"], input=answer.read(), capture_output=True, check=False)
    assert (told.returncode, told.stdout + told.stderr) == (0, b"")


def test_what_was_counted_is_told_in_base_units(counters: Counters, server: MetricsServer) -> None:
    fill(counters)
    text = scrape(server)
    assert samples(text, "tapline_hits_total") == {"": 45}
    assert samples(text, "tapline_section_hits_total") == {
        "(other)": 0,
        "/api": 40,
        '/\\xff\\x1b[2J"\\x0a': 5,
    }
    assert samples(text, "tapline_status_hits_total")["2xx"] == 40
    assert samples(text, "tapline_method_hits_total")["GET"] == 44
    assert samples(text, "tapline_lines_read_total") == {"": 64}
    assert samples(text, "tapline_malformed_lines_total") == {"": 3}
    assert samples(text, "tapline_window_average") == {"traffic": 10.05, SLOW.name: 0.25}
    assert samples(text, "tapline_alert_threshold") == {"traffic": 10, SLOW.name: 0.5}
    assert samples(text, "tapline_alert_active") == {"traffic": 1, SLOW.name: 0}
    assert samples(text, "tapline_alert_transitions_total") == {
        "traffic,raised": 1,
        "traffic,recovered": 0,
        f"{SLOW.name},raised": 0,
        f"{SLOW.name},recovered": 0,
    }
    assert samples(text, "tapline_clock_lag_seconds") == {"": 2.5}
    assert samples(text, "tapline_unread_bytes") == {"": 4096}
    assert samples(text, "tapline_response_time_seconds_sum") == {"": 7}
    assert samples(text, "tapline_response_time_seconds_bucket")["0.25"] == 6
    assert samples(text, "tapline_response_time_seconds_bucket")["+Inf"] == 12
    assert samples(text, "tapline_notices_total") == {
        "delivered,on-alert": 3,
        "failed,on-alert": 2,
        "dropped,on-alert": 1,
    }


def test_before_the_first_line_everything_that_can_be_told_is_told(counters: Counters, server: MetricsServer) -> None:
    text = scrape(server)
    assert samples(text, "tapline_hits_total") == {"": 0}
    assert samples(text, "tapline_section_hits_total") == {"(other)": 0}
    assert samples(text, "tapline_clock_lag_seconds") == {}


def test_lines_that_fit_nothing_are_told_where_no_hit_makes_an_interval(
    counters: Counters, server: MetricsServer
) -> None:
    engine = Engine(basic(TEN), (), interval=10, lateness=5, live=True)
    engine.feed(Reader(parse_format("common"), Columns.DURATION).read(b"garbage\n" * 30), 0, 0.0)
    engine.tick(1000.0)
    counters.state(engine.present(), 0, {})
    assert samples(scrape(server), "tapline_malformed_lines_total") == {"": 30}
    assert samples(scrape(server), "tapline_lines_read_total") == {"": 30}


def test_counters_never_fall_and_sections_always_add_up(counters: Counters, server: MetricsServer) -> None:
    total = 0
    for number in range(30):
        counters.interval(with_sections((b"/%d" % (number % 7), 9), (b"/same", 3), (b"(other)", 2)))
        total += 14
        text = scrape(server)
        assert sum(samples(text, "tapline_section_hits_total").values()) == total
        assert samples(text, "tapline_section_hits_total")["/same"] == 3 * (number + 1)


def test_a_scanner_does_not_use_up_the_labels(counters: Counters, server: MetricsServer) -> None:
    for number in range(20):
        counters.interval(with_sections(*((b"/junk%d-%d" % (number, index), 5) for index in range(20))))
    for _ in range(OFTEN):
        counters.interval(with_sections((b"/real", 50), *((b"/more%d" % index, 1) for index in range(400))))
    labels = samples(scrape(server), "tapline_section_hits_total")
    assert labels["/real"] == 50
    assert len([label for label in labels if label.startswith("/junk")]) == EARLY
    assert len(labels) <= LABELS + 1


def test_of_sections_that_wait_for_a_label_the_one_unseen_longest_is_forgotten(
    counters: Counters, server: MetricsServer
) -> None:
    for at in range(0, EARLY, TOP):
        counters.interval(with_sections(*((b"/early%d" % index, 9) for index in range(at, at + TOP))))
    for number in range(OFTEN - 1):
        counters.interval(with_sections((b"/forgotten", 9), *((b"/x%d-%d" % (number, index), 1) for index in range(9))))
    for number in range(CANDIDATES // (TOP - 1) + 1):
        others = ((b"/y%d-%d" % (number, index), 1) for index in range(TOP - 1))
        counters.interval(with_sections((b"/kept", 9), *others))
    counters.interval(with_sections((b"/forgotten", 9)))
    labels = samples(scrape(server), "tapline_section_hits_total")
    assert "/kept" in labels
    assert "/forgotten" not in labels


def test_labels_are_bounded_whatever_comes(counters: Counters, server: MetricsServer) -> None:
    for number in range(50):
        for _ in range(OFTEN):
            counters.interval(with_sections(*((b"/x%d-%d" % (number, index), 5) for index in range(20))))
    labels = samples(scrape(server), "tapline_section_hits_total")
    assert len(labels) == LABELS + 1
    assert sum(labels.values()) == 50 * OFTEN * 100


def test_a_section_keeps_its_label_when_it_is_no_longer_on_top(counters: Counters, server: MetricsServer) -> None:
    counters.interval(with_sections((b"/old", 1)))
    for _ in range(5):
        counters.interval(with_sections(*((b"/new%d" % index, 9) for index in range(80)), (b"/old", 1)))
    assert samples(scrape(server), "tapline_section_hits_total")["/old"] == 6


def test_two_sections_that_look_the_same_share_a_label(counters: Counters, server: MetricsServer) -> None:
    counters.interval(with_sections((b"/\xff", 3), (b"/\\xff", 2)))
    assert samples(scrape(server), "tapline_section_hits_total")["/\\xff"] == 5


def test_made_up_methods_and_long_sections_get_no_label(counters: Counters, server: MetricsServer) -> None:
    counters.interval(interval(hits=9, methods={b"GET": 5, b"X-MADE-UP": 3}, sections=rows((b"/" + b"x" * 999, 9))))
    text = scrape(server)
    methods = samples(text, "tapline_method_hits_total")
    assert (methods["GET"], methods["(other)"], methods["(none)"]) == (5, 3, 1)
    assert samples(text, "tapline_section_hits_total") == {"(other)": 9}


def test_a_row_of_a_key_that_is_named_other_is_other(counters: Counters, server: MetricsServer) -> None:
    counters.interval(replace(interval(hits=3), traffic=traffic(3, sections=(Row(b"(other)", 3, 10, 0),))))
    assert samples(scrape(server), "tapline_section_hits_total") == {"(other)": 3}


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9100", ("127.0.0.1", 9100)),
        ("0.0.0.0:9100", ("0.0.0.0", 9100)),
        ("[::1]:9100", ("::1", 9100)),
        ("web1.example:0", ("web1.example", 0)),
    ],
)
def test_an_address_is_a_port_or_a_host_and_a_port(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "65536", ":9100", "host:", "::1:9100", "[]:9100", "host:²", "9" * 5000]
)
def test_anything_else_is_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="--metrics"):
        parse_address(text)


def test_a_port_in_use_is_one_line(counters: Counters, server: MetricsServer) -> None:
    port = server.url.split(":")[2].split("/")[0]
    with pytest.raises(TaplineError, match=f"--metrics {port}: Address already in use"):
        MetricsServer(port, counters)


def test_an_address_of_another_machine_is_one_line(counters: Counters) -> None:
    with pytest.raises(TaplineError, match=r"--metrics 192\.0\.2\.1:0: Cannot assign requested address"):
        MetricsServer("192.0.2.1:0", counters)


def test_metrics_are_served_on_ipv6(counters: Counters) -> None:
    try:
        listening = MetricsServer("[::1]:0", counters)
    except TaplineError as error:
        need(False, f"the IPv6 loopback ({error})")
        return
    assert "tapline_hits_total 0.0" in scrape(listening)
    listening.close()


def test_head_is_answered_as_get_without_the_body(counters: Counters, server: MetricsServer) -> None:
    fill(counters)
    address = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)
    answers = []
    for method in ("GET", "HEAD"):
        connection.request(method, "/metrics")
        answer = connection.getresponse()
        answers.append((answer.status, answer.headers["Content-Type"], answer.read()))
        length = int(answer.headers["Content-Length"])
        connection.close()
    (got, kind, body), (status, same_kind, nothing) = answers
    assert (got, status, kind == same_kind, nothing) == (200, 200, True, b"")
    assert abs(length - len(body)) < 100  # the process' own figures change in between
    connection.request("POST", "/metrics")
    assert connection.getresponse().status == 405
    connection.close()


def test_clients_that_never_ask_do_not_keep_others_from_asking(server: MetricsServer) -> None:
    port = int(server.url.split(":")[2].split("/")[0])
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS * 2)]
    try:
        assert "tapline_hits_total 0.0" in scrape(server)
        assert prometheus.CONNECTIONS == 16
    finally:
        for each in idle:
            each.close()


def test_a_request_that_is_none_costs_nothing(server: MetricsServer, capfd: pytest.CaptureFixture[str]) -> None:
    port = int(server.url.split(":")[2].split("/")[0])
    for junk in (
        b"\x16\x03\x01\x00\r\n\r\n",
        b"GET " + b"/" * 70000 + b" HTTP/1.1\r\n\r\n",
        b"BREW / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nAccept: application/openmetrics-text; version=x\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(junk)
            with suppress(ConnectionError):
                client.recv(100)
    assert "tapline_hits_total 0.0" in scrape(server)
    assert capfd.readouterr() == ("", "")
