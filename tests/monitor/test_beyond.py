"""The whole program with everybody beyond the screen: what they are told, and that they never hold it up."""

import json
import subprocess
import sys
from pathlib import Path

SAMPLE = "sample_logs/two_alerts.log"
HOOK = """
import json, os, sys
told = json.load(sys.stdin)
with open(sys.argv[1], "a") as out:
    out.write(f"{told['status']} {os.environ['TAPLINE_STATE']} {os.environ['TAPLINE_RULE']}\\n")
"""


def monitor(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "monitor", "--replay", SAMPLE, "--utc", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_replay_tells_the_command_the_log_and_the_report(tmp_path: Path) -> None:
    (tmp_path / "hook.py").write_text(HOOK)
    log, page = tmp_path / "alerts.jsonl", tmp_path / "report.html"
    command = f"{sys.executable} {tmp_path / 'hook.py'} {tmp_path / 'out'}"
    done = monitor("--output", "json", "--on-alert", command, "--alert-log", str(log), "--html", str(page))
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    alerts = [each for each in told if each["type"] == "alert"]
    assert [each["state"] for each in alerts] == ["raised", "recovered"] * 2
    kept = [json.loads(line) for line in log.read_text().splitlines()]
    assert [{key: each[key] for key in alert} for each, alert in zip(kept, alerts, strict=True)] == alerts
    assert (tmp_path / "out").read_text() == "firing raised traffic\nresolved recovered traffic\n" * 2
    assert page.read_text().count("High traffic generated an alert") >= 2
    assert max(len(each["sections"]) for each in told if each["type"] != "alert") == 10  # people's number of rows


def test_the_same_replay_again_adds_nothing_to_the_alert_log(tmp_path: Path) -> None:
    log = tmp_path / "alerts.jsonl"
    for _ in range(2):
        assert monitor("--output", "none", "--alert-log", str(log)).returncode == 0
    assert len(log.read_text().splitlines()) == 4


def test_what_could_not_be_delivered_at_the_end_is_still_told(tmp_path: Path) -> None:
    done = monitor("--output", "none", "--on-alert", "false")
    assert done.returncode == 0
    assert done.stderr.count("on-alert: raised at 2024-03-05 12:04:27: exit status 1 (failed so far: 1)") == 1
    assert "failed so far: 4" in done.stderr


def test_rules_are_told_by_name_beside_the_short_form() -> None:
    done = monitor("--output", "json", "--alert", "5xx > 0.5/s over 1m", "--alert", "clients > 50 over 1m for 10s")
    alerts = [json.loads(line) for line in done.stdout.splitlines() if '"type":"alert"' in line]
    assert {each.get("rule", "") for each in alerts} == {
        "",
        "5xx > 0.5/s over 1m",
        "clients > 50 over 1m for 10s",
    }
    assert [each["at"] for each in alerts] == sorted(each["at"] for each in alerts)


def test_a_wrong_rule_is_one_line_and_status_2() -> None:
    done = monitor("--alert", "5xx > 1/s ovr 1m")
    assert done.returncode == 2
    assert done.stderr == (
        "monitor: argument --alert: rule '5xx > 1/s ovr 1m': character 11 ('ovr'): "
        "expected one of over, in, host, for, recover\n"
    )
