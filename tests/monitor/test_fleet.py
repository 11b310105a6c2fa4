"""A real Prometheus and two monitors on busy logs: the fleet's alert, with the rules as they are delivered."""

import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from monitor.engine.snapshot import Histogram, Present, RuleState
from monitor.output.delivery import Deliveries
from monitor.output.prometheus import Counters
from tests.requires import need

from .output_made import START, TEN, interval

DEPLOY = Path(__file__).parents[2] / "deploy" / "prometheus"
FORMAT = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %D'
PATIENCE = 45  # s for each change of state; both take about the window of 10 s


def test_the_rules_are_right_by_promtools_own_tests() -> None:
    need(shutil.which("promtool"), "promtool (Debian: prometheus)")
    for arguments in (["check", "config", "prometheus.yml"], ["test", "rules", "tapline.test.yml"]):
        done = subprocess.run(["promtool", *arguments], cwd=DEPLOY, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_rules_and_dashboard_ask_only_for_series_that_there_are() -> None:
    counters = Counters(lambda: START + 2.5)
    told = interval()
    counters.interval(replace(told, traffic=replace(told.traffic, histogram=Histogram((1,) * 12, 7_000_000))))
    rule = RuleState("", "hits", Fraction(1), TEN, None)
    counters.state(Present(START, 5, 64, 0, (rule,)), 0, {"webhook": Deliveries(0, 0, 0)})
    known = {sample.name for family in counters.collect() for sample in family.samples}
    rules = (DEPLOY / "tapline.rules.yml").read_text()
    known |= set(re.findall(r"record: (\S+)", rules))
    dashboard = (DEPLOY.parent / "grafana" / "tapline.json").read_text()
    asked = re.findall(r"expr: (.*)", rules)
    asked += [target["expr"] for panel in json.loads(dashboard)["panels"] for target in panel.get("targets", ())]
    asked += [variable["query"] for variable in json.loads(dashboard)["templating"]["list"]]
    names = {name for each in asked for name in re.findall(r"[\w:]*tapline_[\w:]*", re.sub(r'"[^"]*"', "", each))}
    assert len(names) > 15
    assert not names - known


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def running(command: list[str], output: Path) -> Iterator[subprocess.Popen[bytes]]:
    with output.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def busy(path: Path) -> Iterator[None]:
    """Eight hits a second, until the end."""
    over = threading.Event()

    def write() -> None:
        with path.open("a", buffering=1) as log:
            while not over.wait(0.25):
                now = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
                log.write(f'192.0.2.1 - - [{now}] "GET /shop/cart HTTP/1.1" 200 512 "-" "-" 7000\n' * 2)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def until(check: Callable[[], Any], what: str) -> Any:
    """Ask again and again; what it returned when that was true."""
    for _ in range(PATIENCE * 5):
        try:
            if found := check():
                return found
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.2)
    return pytest.fail(f"{what}: not within {PATIENCE} s")


class Fleet:
    """A Prometheus and two monitors, each with a log that somebody writes to until ``calm``."""

    def __init__(self, folder: Path, stack: ExitStack, rules: str, options: list[str]) -> None:
        (folder / "tapline.rules.yml").write_text(rules)
        ports = [free_port(), free_port(), free_port()]
        config = (DEPLOY / "prometheus.yml").read_text().replace(": 15s", ": 1s")
        for name, port in (("web1.example:9180", ports[0]), ("web2.example:9180", ports[1])):
            config = config.replace(name, f"127.0.0.1:{port}")
        (folder / "prometheus.yml").write_text(config)
        self._base = f"http://127.0.0.1:{ports[2]}/api/v1"
        self._traffic = stack.enter_context(ExitStack())
        for name, port in zip(("web1", "web2"), ports, strict=False):
            log = folder / f"{name}.log"
            log.touch()
            command = [sys.executable, "-m", "monitor", str(log), "--output", "none", "--metrics", str(port)]
            command += ["--window", "10", "--interval", "2", "--lateness", "1", "--format", FORMAT, *options]
            stack.enter_context(running(command, folder / f"{name}.out"))
            self._traffic.enter_context(busy(log))
        command = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'db'}"]
        command += [f"--web.listen-address=127.0.0.1:{ports[2]}", "--log.level=error"]
        stack.enter_context(running(command, folder / "prometheus.out"))

    def calm(self) -> None:
        """Let no more lines come."""
        self._traffic.close()

    def api(self, path: str, **parameters: str) -> Any:
        with urllib.request.urlopen(f"{self._base}/{path}?{urllib.parse.urlencode(parameters)}", timeout=5) as answer:
            return json.load(answer)["data"]

    def firing(self) -> list[str]:
        return [alert["labels"]["alertname"] for alert in self.api("alerts")["alerts"] if alert["state"] == "firing"]

    def values(self, expression: str) -> list[float]:
        return [float(row["value"][1]) for row in self.api("query", query=expression)["result"]]

    def value(self, expression: str) -> float:
        return max(self.values(expression), default=0.0)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Callable[..., Fleet]]:
    need(shutil.which("prometheus"), "Prometheus (Debian: prometheus)")
    with ExitStack() as stack:
        yield lambda rules, *options: Fleet(tmp_path, stack, rules, list(options))
    for out in tmp_path.glob("*.out"):
        assert "Traceback" not in out.read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="Debian's Prometheus")
def test_the_fleets_alert_fires_where_no_host_alone_exceeds_and_resolves(fleet: Callable[..., Fleet]) -> None:
    rules = (DEPLOY / "tapline.rules.yml").read_text()
    assert "avg2m > 1000 " in rules
    two = fleet(rules.replace("avg2m > 1000 ", "avg2m > 12 "))
    until(lambda: "TaplineFleetHighTraffic" in two.firing(), "the fleet's alert fires")
    assert "TaplineHostHighTraffic" not in two.firing()
    assert two.value("max(tapline_window_average)") < 10
    assert two.value('min(tapline_section_hits_total{section="/shop"})') > 0
    two.calm()
    until(lambda: not two.firing(), "the fleet's alert resolves")
    assert two.value("count(up == 1)") == 2
    assert two.value("max_over_time(job:tapline_hits:avg2m[5m])") > 12
    assert two.value("max(max_over_time(tapline_alert_active[5m]))") == 0


@pytest.mark.skipif(sys.platform != "linux", reason="Debian's Prometheus")
def test_every_panel_of_the_dashboard_has_something_to_show(fleet: Callable[..., Fleet]) -> None:
    dashboard = json.loads((DEPLOY.parent / "grafana" / "tapline.json").read_text())
    variables = {each["name"]: each["query"] for each in dashboard["templating"]["list"]}
    asked = {target["expr"] for panel in dashboard["panels"] for target in panel["targets"]}
    asked |= {each["expr"] for each in dashboard["annotations"]["list"]}
    two = fleet((DEPLOY / "tapline.rules.yml").read_text(), "--alert", "hits > 1/s over 4s", "--on-alert", "true")

    def labels(query: str) -> list[str]:
        """What Grafana makes of ``label_values(series, label)``."""
        asked_for = re.fullmatch(r"label_values\((.*), (\w+)\)", query.replace("$job", "tapline"))
        assert asked_for
        series, label = asked_for.groups()
        return list(two.api(f"label/{label}/values", **{"match[]": series}))

    def silent() -> list[str]:
        known = ((expression, expression.replace("$job", "tapline")) for expression in sorted(asked))
        filled = ((expression, each.replace("$instance", "(127.0.0.1:.*)")) for expression, each in known)
        return [expression for expression, each in filled if not any(value == value for value in two.values(each))]

    until(lambda: not silent(), "every panel shows something")
    assert labels(variables["job"]) == ["tapline"]
    assert len(labels(variables["instance"])) == 2
