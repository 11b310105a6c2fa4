"""Rules of every kind, several together, in a replay and live, against what docs/alerts.md says, taken word by word.

The oracle knows lines as they were written and keeps everything; it shares nothing with the engine.
"""

import json
import random
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from itertools import accumulate, groupby
from operator import itemgetter
from pathlib import Path

import pytest

from monitor.engine.alert import basic
from monitor.engine.engine import Engine
from monitor.engine.snapshot import Event, Transition
from monitor.formats import Columns, Reader, parse
from monitor.rules import parse as parse_rule
from monitor.units import Threshold

FORMAT = '%v %h %l %u %t "%r" %>s %b %D'
START = 1_700_000_000
LATENESS = 5  # s


@dataclass(frozen=True)
class Line:
    """One line of the log; ``at`` of a malformed one is the newest second before it."""

    at: int
    malformed: bool = False
    host: str = ""
    client: str = ""
    section: str = ""
    status: int = 0
    size: int = 0
    time: int = 0  # microseconds

    def text(self) -> str:
        if self.malformed:
            return "no line\n"
        when = datetime.fromtimestamp(self.at, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        request = f"GET {self.section}/x HTTP/1.1"
        return f'{self.host} {self.client} - - [{when}] "{request}" {self.status} {self.size} {self.time}\n'


@dataclass(frozen=True)
class Said:
    """A rule, and its parts as a person reads them; thresholds per second, as a number, or in microseconds."""

    text: str
    metric: str
    above: bool
    threshold: Fraction
    window: int = 120
    section: str = ""
    host: str = ""
    hold: int = 0
    recover: Fraction | None = None


RULES = (
    Said("hits > 2/s over 20s", "hits", True, Fraction(2), 20),
    Said("hits < 30/min over 15s", "hits", False, Fraction(1, 2), 15),
    Said("hits < 0.4/s over 10s for 8s recover 1/s", "hits", False, Fraction(2, 5), 10, hold=8, recover=Fraction(1)),
    Said("hits > 1/s over 10s in a.example/api", "hits", True, Fraction(1), 10, section="a.example/api"),
    Said("hits > 1.2/s over 10s host b.example for 3s", "hits", True, Fraction(6, 5), 10, host="b.example", hold=3),
    Said("bytes > 1kB/s over 12s recover 300B/s", "bytes", True, Fraction(1000), 12, recover=Fraction(300)),
    Said("errors > 1/s over 10s for 30s", "errors", True, Fraction(1), 10, hold=30),
    Said("5xx > 0.3/s over 10s in b.example/img", "5xx", True, Fraction(3, 10), 10, section="b.example/img"),
    Said("4xx > 24/min over 20s recover 0.1/s", "4xx", True, Fraction(2, 5), 20, recover=Fraction(1, 10)),
    Said("clients > 6 over 15s recover 3", "clients", True, Fraction(6), 15, recover=Fraction(3)),
    Said("clients < 3 over 10s host a.example for 4s", "clients", False, Fraction(3), 10, host="a.example", hold=4),
    Said("p95 > 100ms over 20s", "p95", True, Fraction(100_000), 20),
    Said(
        "p99 > 0.3s over 15s for 5s recover 80ms", "p99", True, Fraction(300_000), 15, hold=5, recover=Fraction(80_000)
    ),
    Said("p95 < 40ms over 10s host b.example", "p95", False, Fraction(40_000), 10, host="b.example"),
    Said("malformed > 0.2/s over 20s", "malformed", True, Fraction(1, 5), 20),
)


def written(seed: int) -> list[Line]:
    """Calm, busy, slow and silent stretches; lines up to the lateness out of order; some malformed."""
    dice = random.Random(seed)
    lines: list[Line] = []
    second = newest = START
    while second < START + 500:
        rate, slow, bad = dice.choice([0, 0.3, 1, 3, 8]), dice.choice([1, 1, 8]), dice.choice([0.05, 0.05, 0.6])
        for _ in range(dice.choice([5, 15, 40, 70])):
            for _ in range(int(rate) + (dice.random() < rate % 1)):
                at = max(START, second - dice.choice([0, 0, 0, 1, LATENESS])) if lines else START
                newest = max(newest, at)
                lines.append(
                    Line(
                        at,
                        host=dice.choice(["a.example", "b.example"]),
                        client=f"192.0.2.{dice.randrange(9 if slow == 1 else 4)}",
                        section=dice.choice(["/api", "/img", "/a"]),
                        status=dice.choice([404, 500, 503]) if dice.random() < bad else dice.choice([200, 304]),
                        size=dice.randrange(900),
                        time=dice.randrange(1, 60_000 * slow),
                    )
                )
                if dice.random() < 0.04:
                    lines.append(Line(newest, malformed=True))
            second += 1
    return lines


def held(said: Said, lines: Iterable[Line]) -> int | None:
    """What the lines of a window come to; None: there is no response time."""
    if said.metric == "malformed":
        return sum(line.malformed for line in lines)
    hits = [line for line in lines if not line.malformed]
    hits = [line for line in hits if said.section in ("", line.host + line.section) and said.host in ("", line.host)]
    match said.metric:
        case "hits":
            return len(hits)
        case "bytes":
            return sum(line.size for line in hits)
        case "clients":
            return len({line.client for line in hits})
        case "p95" | "p99":
            times = sorted(line.time for line in hits)
            return times[-(-len(times) * int(said.metric[1:]) // 100) - 1] if times else None
        case _:
            classes = {"errors": (4, 5), "4xx": (4,), "5xx": (5,)}[said.metric]
            return sum(line.status // 100 in classes for line in hits)


def oracle(said: Said, lines: Sequence[Line], last: int) -> list[tuple[int, str, int]]:
    """The rule held against every second from the first hit's to ``last``."""
    by_second: dict[int, list[Line]] = {}
    for line in lines:
        by_second.setdefault(line.at, []).append(line)
    first = min(by_second)
    on, beyond_since, found = False, None, []
    for second in range(first, last + 1):
        past = range(second - said.window + 1, second + 1)
        amount = held(said, [line for at in past for line in by_second.get(at, ())])
        is_rate = said.metric not in ("clients", "p95", "p99")
        value = Fraction(amount or 0, said.window if is_rate else 1)
        recover = said.threshold if said.recover is None else said.recover
        if on:
            if (value < recover) if said.above else (value > recover):
                on = False
                found.append((second, "recovered", amount or 0))
            continue
        beyond = (value > said.threshold) if said.above else (value < said.threshold)
        if amount is None or not beyond or not (said.above or second >= first + said.window - 1):
            beyond_since = None
            continue
        beyond_since = second if beyond_since is None else beyond_since
        if second - beyond_since >= said.hold:
            on, beyond_since = True, None
            found.append((second, "raised", amount))
    return found


def told(said: Said, events: Iterable[Event]) -> list[tuple[int, str, int]]:
    transitions = (event for event in events if isinstance(event, Transition) and event.rule == said.text)
    return [(each.at, each.state.value, each.hits) for each in transitions]


def engine(*, live: bool) -> Engine:
    rules = tuple(parse_rule(said.text) for said in RULES)
    return Engine(basic(Threshold.parse("1000000"), 20), rules, lateness=LATENESS, live=live)


def reader() -> Reader:
    return Reader(parse(FORMAT), Columns.ALL)


def replayed(lines: Sequence[Line], size: int) -> list[Event]:
    watched, read, events = engine(live=False), reader(), []
    for start in range(0, len(lines), size):
        events += watched.feed(read.read("".join(line.text() for line in lines[start : start + size]).encode()))
    return [*events, *watched.finish()]


def lived(lines: Sequence[Line], dice: random.Random) -> tuple[list[Event], int]:
    """Lines come some at a time, when their log's second is there, with ticks in between; then silence for a while."""
    watched, read, events = engine(live=True), reader(), []
    now = 0.0
    for newest, group in groupby(zip(accumulate((line.at for line in lines), max), lines, strict=True), itemgetter(0)):
        while now + 1 < newest - START:
            now = min(now + dice.choice([0.3, 1.0, 7.0]), newest - START - 1.0)
            events += watched.tick(now)
        now = float(newest - START)
        part = [line.text() for _, line in group]
        at = dice.randrange(len(part) + 1)
        for some in (part[:at], part[at:]):
            events += watched.feed(read.read("".join(some).encode()), now=now)
    for _ in range(40):
        now += 2.5
        events += watched.tick(now)
    assert watched.clock is not None
    return events, watched.clock - LATENESS - 1


@pytest.mark.parametrize("seed", range(8))
def test_every_rule_is_raised_and_recovers_when_its_words_say_so(seed: int) -> None:
    lines = written(seed)
    newest = max(line.at for line in lines)
    again = {size: replayed(lines, size) for size in (1, 37, 10**6)}
    live, last = lived(lines, random.Random(seed))
    for said in RULES:
        expected = oracle(said, lines, last)
        in_replay = [each for each in expected if each[0] <= newest]
        for events in again.values():
            assert told(said, events) == in_replay, said.text
        assert told(said, live) == expected, said.text


def test_every_rule_is_tried() -> None:
    logs = [written(seed) for seed in range(8)]
    for said in RULES:
        states = [state for log in logs for _, state, _ in oracle(said, log, START + 600)]
        assert states.count("raised") > 2, said.text
        assert states.count("recovered") > 2, said.text


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_program_says_the_same(tmp_path: Path, jobs: int) -> None:
    lines, log = written(99), tmp_path / "access.log"
    log.write_text("".join(line.text() for line in lines))
    command = [sys.executable, "-m", "monitor", "--replay", str(log), "--format", FORMAT, "--output", "json", "--utc"]
    command += ["--jobs", str(jobs), *(word for said in RULES for word in ("--alert", said.text))]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    alerts = [each for each in map(json.loads, done.stdout.splitlines()) if each["type"] == "alert"]
    assert [each["at"] for each in alerts] == sorted(each["at"] for each in alerts)
    newest = max(line.at for line in lines)
    for said in RULES:
        found = [each for each in alerts if each.get("rule") == said.text]
        moments = [int(datetime.fromisoformat(each["at"]).timestamp()) for each in found]
        assert [(at, each["state"], each["hits"]) for at, each in zip(moments, found, strict=True)] == oracle(
            said, lines, newest
        )
