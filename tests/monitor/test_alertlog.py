"""The alert log: what is written, what is read back, and what a crash or a stranger leaves in it."""

import json
import os
import resource
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from monitor.engine.snapshot import AlertRecord, State
from monitor.errors import TaplineError
from monitor.output import alertlog
from monitor.output.alertlog import AlertLog
from monitor.output.text import Times
from monitor.units import Threshold

from .output_made import START, record, transition

UTC = Times(utc=True)


def tell(log: AlertLog, told: AlertRecord) -> None:
    log.transition(told.raised, AlertRecord(told.raised, None, told.raised.hits, told.raised.at))
    if told.recovered:
        log.transition(told.recovered, told)


def test_what_was_written_is_read_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    alerts = (record(), record(at=START + 1000))
    for each in alerts:
        tell(AlertLog(path, UTC), each)
    assert AlertLog(path, Times()).history == alerts


def test_a_line_is_the_alert_object_of_the_json_output_and_more(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    tell(AlertLog(path, UTC), record())
    raised, recovered = (json.loads(line) for line in path.read_text().splitlines())
    assert raised["type"] == "alert"
    assert raised["at"] == "2019-02-07T21:12:36+00:00"
    assert raised["message"].startswith("High traffic generated an alert - hits = 1206, triggered at")
    assert (recovered["state"], recovered["peak"]) == ("recovered", 1411)


def test_a_beginning_is_written_the_same_however_much_was_read_with_it(tmp_path: Path) -> None:
    whole = record()
    for name, told in (("early", AlertRecord(whole.raised, None, whole.raised.hits, whole.raised.at)), ("late", whole)):
        AlertLog(tmp_path / name, UTC).transition(whole.raised, told)
    assert (tmp_path / "early").read_text() == (tmp_path / "late").read_text()


def test_a_restart_does_not_write_again_what_the_log_has(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    on = record(recovered=False)
    tell(AlertLog(path, UTC), on)
    again = AlertLog(path, UTC)
    tell(again, on)
    tell(again, AlertRecord(replace(on.raised, since_before=True, at=START + 60), None, 1500, START + 70))
    assert len(path.read_text().splitlines()) == 1


def test_an_end_that_nobody_saw_is_written_as_what_is_known_of_it(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    on = record(recovered=False)
    tell(AlertLog(path, UTC), on)
    over = replace(transition(State.RECOVERED, 3, START + 9000, since_before=True), ended=on)
    AlertLog(path, UTC).transition(over, over.record)
    again = AlertLog(path, UTC)
    assert again.history == (replace(on, recovered=replace(over, ended=None)),)
    assert json.loads(path.read_text().splitlines()[-1])["since_before"] is True
    later = AlertRecord(replace(on.raised, since_before=True, at=START + 20_000), None, 1500, START + 20_000)
    tell(again, later)  # the one that is over is no other's beginning
    assert AlertLog(path, UTC).history[-1].raised.at == START + 20_000


def test_what_two_monitors_wrote_is_one_alert(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    logs, whole = (AlertLog(path, UTC), AlertLog(path, UTC)), record()
    assert whole.recovered
    for told in (whole.raised, whole.recovered):
        for log in logs:
            log.transition(told, whole)
    assert len(path.read_text().splitlines()) == 4
    assert AlertLog(path, UTC).history == (whole,)


def test_a_line_cut_off_by_a_crash_costs_nothing_but_itself(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    tell(AlertLog(path, UTC), record())
    with path.open("ab") as file:
        file.write(b'{"type":"alert","state":"rai')
    log = AlertLog(path, UTC)
    assert log.messages() == [f"{path}: 1 line is not an alert; it stays as it is"]
    tell(log, record(at=START + 1000))
    assert AlertLog(path, UTC).history == (record(), record(at=START + 1000))


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"type":"interval"}',
        b'{"type":"alert","state":"raised"}',
        b"[" * 100_000,
        b'{"type":"alert","state":"raised","at":"2019-02-07T21:12:36+00:00","hits":1,"average":1,"threshold":1,'
        b'"threshold_text":"1/s","window":0,"metric":"hits","peak":1,"peak_at":"2019-02-07T21:12:36+00:00"}',
        b'{"type":"alert","state":"raised","at":[],"hits":1e999,"average":"x","threshold":"1/0","window":1}',
        *(
            b'{"type":"alert","state":"raised","at":"2019-02-07T21:12:36+00:00","hits":1,"average":1,"threshold":1,'
            b'"threshold_text":"1/s","window":9,"metric":"hits","peak":1,"peak_at":"2019-02-07T21:12:36+00:00",%b}'
            % bad
            for bad in (
                b'"average":"1e999999999"',
                b'"threshold":"1e999999999"',
                b'"threshold":1e999',
                b'"hits":' + b"9" * 4000,
                b'"peak":true.0',
                b'"at":"@' + b"9" * 4000 + b'"',
            )
        ),
    ],
)
def test_foreign_lines_are_counted_and_left_alone(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_bytes(line + b"\n")
    log = AlertLog(path, UTC)
    assert log.history == ()
    assert len(log.messages()) == 1
    tell(log, record())
    assert path.read_bytes().startswith(line + b"\n")


def test_only_the_newest_alerts_are_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "alerts.jsonl"
    log = AlertLog(path, UTC)
    for index in range(6):
        tell(log, record(at=START + 1000 * index))
    monkeypatch.setattr(alertlog, "KEPT", 2)
    assert [each.raised.at for each in AlertLog(path, UTC).history] == [START + 4000, START + 5000]
    monkeypatch.setattr(alertlog, "READ", 900)  # in the middle of a line
    assert [each.raised.at for each in AlertLog(path, UTC).history] == [START + 5000]


def test_rules_are_paired_each_with_itself(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    log = AlertLog(path, UTC)
    limit = Threshold(Fraction(500_000), "500ms", False)
    slow = replace(transition(at=START + 20), rule="p95 > 500ms", metric="p95", threshold=limit)
    log.transition(slow, AlertRecord(slow, None, slow.hits, slow.at))
    tell(log, record(at=START + 30))
    first, second = AlertLog(path, UTC).history
    assert (first.raised.rule, first.recovered) == ("p95 > 500ms", None)
    assert second.recovered is not None
    assert second.recovered.state is State.RECOVERED


def test_the_file_may_be_rotated_away_while_the_monitor_runs(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    log = AlertLog(path, UTC)
    tell(log, record())
    path.rename(tmp_path / "alerts.jsonl.1")
    tell(log, record(at=START + 1000))
    assert len(path.read_text().splitlines()) == 2


def test_a_file_that_cannot_be_written_is_one_line_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(TaplineError, match=r"--alert-log .*: Is a directory"):
        AlertLog(tmp_path, UTC)
    with pytest.raises(TaplineError, match="No such file or directory"):
        AlertLog(tmp_path / "none" / "alerts.jsonl", UTC)


def test_a_write_that_fails_later_is_told_and_not_raised(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    log = AlertLog(path, UTC)
    path.unlink()
    path.mkdir()
    tell(log, record(recovered=False))
    assert log.messages() == [f"{path}: Is a directory: not written: raised"]


def test_a_line_that_a_full_disk_takes_half_of_is_told_as_not_written(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    log = AlertLog(path, UTC)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        tell(log, record(recovered=False))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.stat().st_size == 100
    assert log.messages() == [f"{path}: File too large: not written: raised"]
    tell(log, record(at=START + 1000))
    assert [each.raised.at for each in AlertLog(path, UTC).history] == [START + 1000]


def test_what_cannot_be_read_back_is_one_line_at_the_start(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TaplineError, match=r"--alert-log .*pipe: .*seek"):
        AlertLog(tmp_path / "pipe", UTC)


def test_how_many_transitions_are_known_as_told_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alertlog, "_TOLD", 4)
    path = tmp_path / "alerts.jsonl"
    log = AlertLog(path, UTC)
    for at in (0, 1000, 2000, 1000, 0):  # a replay tells again what it told
        tell(log, record(at=START + at))
    assert len(path.read_text().splitlines()) == 8
