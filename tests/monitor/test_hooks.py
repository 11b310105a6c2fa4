"""The command at a transition: what it gets, and what it cannot do to the monitor."""

import json
import os
import sys
import time
from pathlib import Path

import pytest

from monitor.engine.snapshot import AlertRecord
from monitor.errors import UsageError
from monitor.output.delivery import DeliveryFailedError, Patience
from monitor.output.hooks import Command, _write
from monitor.output.notice import make_notice
from monitor.output.text import Times

from .output_made import record, transition

UTC = Times(utc=True)
RAISED = make_notice(transition(), AlertRecord(transition(), None, 1206, transition().at), "web1", UTC)
PYTHON = sys.executable


def run(command: str, limit: float = 20.0) -> None:
    Command(command, limit)(RAISED, Patience())


def script(path: Path, text: str) -> str:
    file = path / "hook.py"
    file.write_text(text)
    return f"{PYTHON} {file}"


def test_the_command_gets_the_alert_as_json_and_as_variables(tmp_path: Path) -> None:
    out = tmp_path / "out"
    text = f"import os, sys; open({str(out)!r}, 'w').write(sys.stdin.read() + '\\n' + repr(dict(os.environ)))"
    run(script(tmp_path, text))
    body, variables = out.read_text().split("\n")
    told = json.loads(body)
    assert (told["version"], told["status"], told["state"], told["hits"]) == ("4", "firing", "raised", 1206)
    for name, value in (("STATE", "raised"), ("HITS", "1206"), ("RULE", "traffic"), ("WINDOW", "120")):
        assert f"'TAPLINE_{name}': {value!r}" in variables
    assert "'TAPLINE_MESSAGE': 'High traffic generated an alert - hits = 1206" in variables


def test_no_shell_reads_the_command(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.touch()
    run(f"{PYTHON} -c 'import sys; open(sys.argv[1], \"w\").write(repr(sys.argv[2:]))' {out} ; '$HOME' `id`")
    assert out.read_text() == repr([";", "$HOME", "`id`"])


def test_a_failure_is_told_with_the_exit_status_and_the_last_line_of_standard_error(tmp_path: Path) -> None:
    text = "import sys; print('first\\n\\x1b[2Jno such channel', file=sys.stderr); sys.exit(3)"
    with pytest.raises(DeliveryFailedError) as error:
        run(script(tmp_path, text))
    assert str(error.value) == "exit status 3: \\x1b[2Jno such channel"


def test_a_command_that_dies_of_a_signal_is_told() -> None:
    with pytest.raises(DeliveryFailedError, match="signal 9"):
        run(f"{PYTHON} -c 'import os; os.kill(os.getpid(), 9)'")


def test_a_command_that_hangs_is_killed_with_all_its_children(tmp_path: Path) -> None:
    out = tmp_path / "pid"
    text = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open({str(out)!r}, "w").write(str(child.pid))
time.sleep(600)
"""
    with pytest.raises(DeliveryFailedError, match="killed at the end of the time it may take"):
        run(script(tmp_path, text), limit=1.5)
    child = int(out.read_text())
    for _ in range(500):
        if not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split(")")[1]:
            break
        time.sleep(0.01)
    else:
        os.kill(child, 9)
        pytest.fail("the child lives on")


def test_a_command_that_floods_both_outputs_ends_as_any_other(tmp_path: Path) -> None:
    text = "import sys\nfor _ in range(200): sys.stdout.write('x' * 50000); sys.stderr.write('y' * 50000)"
    run(script(tmp_path, text))


def test_a_command_that_reads_nothing_or_closes_everything_is_no_failure(tmp_path: Path) -> None:
    run("true")
    run(script(tmp_path, "import os, time; os.close(0); os.close(1); os.close(2); time.sleep(0.2)"))


def test_a_child_left_behind_does_not_hold_the_delivery(tmp_path: Path) -> None:
    out = tmp_path / "pid"
    text = f"""
import subprocess, sys
open({str(out)!r}, "w").write(str(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid))
"""
    try:
        run(script(tmp_path, text), limit=30)
    finally:
        os.kill(int(out.read_text()), 9)


def test_the_end_of_the_monitor_cuts_a_command_short() -> None:
    patience = Patience()
    patience.end(0.3)
    with pytest.raises(DeliveryFailedError, match="killed"):
        Command("sleep 600")(RAISED, patience)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("", "a command is missing"),
        ("notify 'x", "no closing quotation"),
        ("/no/such/command x", "no command '/no/such/command' that can be run"),
        ("/etc/passwd", "no command '/etc/passwd' that can be run"),
    ],
)
def test_a_command_that_cannot_be_run_is_told_at_the_start(command: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        Command(command)


def test_a_command_that_is_gone_later_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "hook"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    command = Command(str(path))
    path.unlink()
    with pytest.raises(DeliveryFailedError, match="No such file or directory"):
        command(RAISED, Patience())


def test_a_notice_of_an_alert_that_is_over_already_is_still_one_of_its_beginning() -> None:
    whole = record()
    assert make_notice(whole.raised, whole, "web1", UTC).body == RAISED.body


def test_a_notice_ends_with_the_same_fingerprint_and_the_beginning_of_its_alert() -> None:
    whole = record()
    assert whole.recovered
    first = json.loads(RAISED.body)["alerts"][0]
    last = json.loads(make_notice(whole.recovered, whole, "web1", UTC).body)["alerts"][0]
    assert (first["status"], first["endsAt"]) == ("firing", "0001-01-01T00:00:00Z")
    assert (last["status"], last["endsAt"]) == ("resolved", "2019-02-07T21:14:03+00:00")
    assert first["startsAt"] == last["startsAt"] == "2019-02-07T21:12:36+00:00"
    assert first["fingerprint"] == last["fingerprint"]


def test_a_pipe_that_is_full_or_that_nobody_reads_is_no_failure() -> None:
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    body = bytes(1 << 20)
    rest = _write(writes, body)
    assert 0 < len(rest) < len(body)
    assert _write(writes, rest) == rest
    os.close(reads)
    assert _write(writes, rest) == b""
    os.close(writes)
