"""The sample logs: made by their script, replayed to the very output that was read and found right."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sample_logs.make import SAMPLES, render

ROOT = Path(__file__).parent.parent
LOGS = ROOT / "sample_logs"
GOLDEN = ROOT / "tests" / "golden"
BRIEF = ["--interval", "2", "--window", "20", "--metric", "bytes", "--threshold", "10kB/20s"]
SHORT = ["--interval", "60", "--top", "4"]  # so that a person can read what is golden
OPTIONS = {"brief": BRIEF, "quiet_day": ["--interval", "1h", "--window", "1h", "--threshold", "90/h", "--top", "4"]}


def replay(name: str, *options: str, output: str = "json") -> str:
    command = [sys.executable, "-m", "monitor", "--replay", f"sample_logs/{name}.log", "--utc", "--output", output]
    done = subprocess.run(
        [*command, *options],
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, "XDG_CONFIG_HOME": "/nonexistent", "PYTHONWARNINGS": "error"},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def messages(out: str) -> list[str]:
    return [told["message"] for told in map(json.loads, out.splitlines()) if told["type"] == "alert"]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.__name__)
def test_the_script_writes_the_very_bytes_that_are_kept(sample: object) -> None:
    assert (LOGS / f"{sample.__name__}.log").read_bytes() == render(sample)  # type: ignore[attr-defined]


def test_the_samples_are_small() -> None:
    assert sum(path.stat().st_size for path in LOGS.glob("*.log")) < 2_000_000


def test_every_sample_has_its_line_in_the_readme() -> None:
    text = (LOGS / "README.md").read_text()
    assert all(f"| {path.name} |" in text for path in LOGS.glob("*.log"))


@pytest.mark.parametrize("output", ["json", "plain"])
@pytest.mark.parametrize("name", [sample.__name__ for sample in SAMPLES])
def test_a_replay_gives_the_golden_output(name: str, output: str) -> None:
    assert replay(name, *OPTIONS.get(name, SHORT), output=output) == (GOLDEN / f"{name}.{output}").read_text()


def test_the_trace_of_the_brief_says_what_the_brief_says() -> None:
    raised, recovered = messages(replay("brief", *BRIEF))
    assert raised.startswith("High traffic generated an alert - hits = 12000, triggered at 2021-10-25 23:55:29 (")
    assert recovered.startswith("Traffic recovered - hits = 9000, triggered at 2021-10-25 23:55:54 (")


def test_equality_neither_raises_nor_recovers() -> None:
    raised, recovered = messages(replay("equality"))
    assert raised.startswith("High traffic generated an alert - hits = 1201, triggered at 2024-03-05 12:02:30 (10.1/s")
    assert recovered.startswith("Traffic recovered - hits = 1190, triggered at 2024-03-05 12:05:00 (9.9/s")


def test_a_quiet_day_says_nothing() -> None:
    assert messages(replay("quiet_day")) == []


def test_two_bursts_are_two_alerts_with_their_recoveries() -> None:
    states = [told["state"] for told in map(json.loads, replay("two_alerts").splitlines()) if told["type"] == "alert"]
    assert states == ["raised", "recovered"] * 2


if __name__ == "__main__":  # python -m tests.test_samples writes the golden output anew: read its diff line by line
    for sample in SAMPLES:
        for kind in ("json", "plain"):
            written = replay(sample.__name__, *OPTIONS.get(sample.__name__, SHORT), output=kind)
            (GOLDEN / f"{sample.__name__}.{kind}").write_text(written)
