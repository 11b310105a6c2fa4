"""The monitor as a process: exit statuses, signals, pipes that break, logs that come to life."""

import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import PATIENCE, eventually

SAMPLES = Path(__file__).parent.parent.parent / "sample_logs"


_started: list[subprocess.Popen[bytes]] = []


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    """Whatever a test started ends with it, and its pipes are closed, also where the test fails."""
    yield
    while _started:
        process = _started.pop()
        process.kill()
        process.communicate()


def start(*arguments: str | Path, **options: Any) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "XDG_CONFIG_HOME": "/nonexistent", "TZ": "UTC", **options.pop("env", {})}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    process = subprocess.Popen([sys.executable, "-m", "monitor", *map(str, arguments)], env=environment, **options)
    _started.append(process)
    return process


def run(*arguments: str | Path, data: bytes = b"") -> tuple[int, list[dict[str, Any]], str]:
    process = start(*arguments, "--output", "json", stdin=subprocess.PIPE)
    out, err = process.communicate(data, timeout=PATIENCE)
    return process.returncode, [json.loads(line) for line in out.splitlines()], err.decode()


def line(at: float, path: str = "/a/b") -> bytes:
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(at))
    return f'192.0.2.1 - - [{stamp}] "GET {path} HTTP/1.1" 200 10\n'.encode()


def objects(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def hits(told: list[dict[str, Any]]) -> int:
    return sum(one["hits"] for one in told if one["type"] == "interval")


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["--replay", "/nonexistent.log"], 1, "monitor: /nonexistent.log: no such file or directory\n"),
        (["--replay", "/nonexistent*.log"], 1, "monitor: /nonexistent*.log: no file matches\n"),
        (["--replay", "/"], 1, "monitor: /: is a directory\n"),
        (["--replay", "/proc/self/mem"], 1, "monitor: /proc/self/mem: input/output error\n"),
        (["--replay", "x", "--jobs", "100000"], 2, "'100000' is not a whole number from 1 to 64\n"),
        (["--replay", "x", "--threshold", "0"], 2, "above 0"),
        (["--replay", "x", "--format", "%h %Z"], 2, "%Z"),
        (["--replay", "x", "--nginx-conf", "/nonexistent.conf"], 1, "/nonexistent.conf: no such file"),
        (["--replay", "x", "--output", "tui"], 1, "--output tui: "),
        (["--replay", "x", "--metrics", "nonsense"], 2, "metrics"),
    ],
)
def test_an_error_is_named_and_has_its_status(arguments: list[str], status: int, told: str) -> None:
    process = start(*arguments, stdin=subprocess.DEVNULL)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (status, b"")
    assert told in err.decode()
    assert b"Traceback" not in err


@pytest.mark.parametrize("option", ["--alert-log", "--html"])
@pytest.mark.parametrize("mode", [["--replay"], []])
def test_a_log_that_is_read_is_never_written_to(tmp_path: Path, option: str, mode: list[str]) -> None:
    log, link = tmp_path / "access.log", tmp_path / "link"
    log.write_bytes(line(0))
    link.symlink_to(log)
    process = start(*mode, link, option, log)
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err.count(b"\n")) == (1, 1)
    assert f"monitor: {option} {log}: " in err.decode()
    assert log.read_bytes() == line(0)


def test_too_few_descriptors_for_the_processes_is_one_line() -> None:
    few = (40, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    process = start(
        *("--replay", "--jobs", "64", SAMPLES / "brief.log"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, few),
    )
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (1, b"", b"monitor: --jobs 64: too many open files\n")


def test_a_replay_takes_quoted_patterns_and_each_log_once(tmp_path: Path) -> None:
    for name in ("a.log", "b.log", "[c].log"):
        (tmp_path / name).write_bytes((SAMPLES / "equality.log").read_bytes())
    (tmp_path / "folder.log").mkdir()
    lines = (SAMPLES / "equality.log").read_bytes().count(b"\n")
    status, told, _ = run("--replay", tmp_path / "?.log", tmp_path / "[c].log", tmp_path / "a.log")
    assert (status, told[-1]["lines"]) == (0, 3 * lines)


def test_a_replay_of_standard_input_is_that_of_the_file() -> None:
    path = SAMPLES / "two_alerts.log"
    status, from_file, _ = run("--replay", path)
    assert (status, from_file) == (0, run("--replay", "-", data=path.read_bytes())[1])
    assert from_file[-1]["hits"] == hits(from_file) > 3000


def test_a_live_pipe_ends_with_its_writer_and_every_line_is_told() -> None:
    data = b"".join(line(1_700_000_000 + n // 5) for n in range(500))
    status, told, err = run("-", data=data)
    assert status == 0, err
    assert (told[-1]["type"], told[-1]["hits"], hits(told)) == ("summary", 500, 500)


def test_who_reads_may_leave() -> None:
    process = start("--replay", SAMPLES / "quiet_day.log", "--output", "json")
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(PATIENCE) == 0
    assert b"Error" not in process.communicate()[1]


@pytest.mark.parametrize("output", ["plain", "json"])
@pytest.mark.parametrize(
    ("redirected", "status", "told"),
    [
        (">/dev/full", 1, b"monitor: standard output: no space left on device\n"),
        (">&-", 1, b"monitor: standard output is closed\n"),
        (">/dev/null 2>&-", 0, b""),
    ],
)
def test_output_that_can_not_be_written_is_one_line(output: str, redirected: str, status: int, told: bytes) -> None:
    command = f"exec {shlex.quote(sys.executable)} -m monitor --replay --format common --output {output} - {redirected}"
    done = subprocess.run(["sh", "-c", command], input=line(1.7e9), capture_output=True, check=False, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (status, told)


def test_an_interrupted_replay_tells_what_it_has_counted(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with out.open("wb") as stream:
        process = start("--replay", "-", "--output", "json", stdin=subprocess.PIPE, stdout=stream)
        assert process.stdin
        process.stdin.write(b"".join(line(1_700_000_000 + n) for n in range(100)))
        process.stdin.flush()
        assert eventually(lambda: len(objects(out)) > 1)  # intervals are told; the writer is still there
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    told = objects(out)
    assert (told[-1]["type"], told[-1]["hits"], hits(told)) == ("summary", 100, 100)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_live_run_that_is_told_to_stop_reads_what_is_there_and_tells_the_whole(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    log, out = tmp_path / "access.log", tmp_path / "out"
    log.touch()
    with out.open("wb") as stream:
        process = start(log, "--output", "json", "--interval", "1", "--lateness", "0", stdout=stream)

        def told_something() -> bool:
            with log.open("ab") as written:
                written.write(line(time.time()))
            return hits(objects(out)) > 0

        assert eventually(told_something)
        with log.open("ab") as written:
            written.write(line(time.time()) * 1000)
        process.send_signal(number)
        assert process.wait(PATIENCE) == status
    told = objects(out)
    assert told[-1]["type"] == "summary"
    assert told[-1]["hits"] == hits(told) >= 1001


@pytest.mark.parametrize("live", [False, True])
def test_ctrl_c_ends_the_wait_for_what_is_still_being_told(tmp_path: Path, live: bool) -> None:
    log, err = tmp_path / "access.log", tmp_path / "err"
    log.write_bytes(line(time.time() - 60) * 2000)
    mode = [] if live else ["--replay"]
    with err.open("wb") as stream:
        process = start(log, *mode, "--output", "none", "--on-alert", "sleep 600", stderr=stream, stdout=None)
        if live:
            threads = Path(f"/proc/{process.pid}/task")
            assert eventually(lambda: any(each.read_text() for each in threads.glob("*/children")))
            process.terminate()
        assert eventually(lambda: b"on-alert: still being told" in err.read_bytes())
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    told = err.read_text()
    assert "killed at the end of the time it may take (failed so far: 1)" in told
    assert "Traceback" not in told


def test_an_alert_that_is_on_at_the_start_is_shown_with_its_real_beginning(tmp_path: Path) -> None:
    log, out = tmp_path / "access.log", tmp_path / "out"
    now = int(time.time())
    calm = b"".join(line(now - 600 + n) for n in range(500))
    log.write_bytes(calm + b"".join(line(now - 100 + n) * 30 for n in range(100)))
    with out.open("wb") as stream:
        process = start(log, "--output", "json", stdout=stream)
        assert eventually(lambda: len(objects(out)) > 0)
        process.terminate()
        assert process.wait(PATIENCE) == 0
    alert, summary = objects(out)
    assert (alert["type"], alert["state"]) == ("alert", "raised")
    first = 0  # by hand: the second at which the past 120 seconds first hold more than 1,200
    for second in range(now - 100, now):
        held = sum(1 for n in range(500) if second - 120 < now - 600 + n <= second) + 30 * (second - (now - 100) + 1)
        if held > 1200:
            first = second
            break
    assert alert["at"] == time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(first))
    assert (summary["hits"], summary["alerts"]) == (0, 1)


def test_several_logs_are_summed_up_and_a_new_match_joins(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "a.log").touch()
    (tmp_path / "b.log").touch()
    with out.open("wb") as stream:
        process = start(tmp_path / "*.log", "--output", "json", "--interval", "1", "--lateness", "0", stdout=stream)

        def sections() -> set[str]:
            for name in "abc":
                with (tmp_path / f"{name}.log").open("ab") as written:
                    written.write(line(time.time(), f"/{name}/x"))
            return {row["section"] for one in objects(out) if one["type"] == "interval" for row in one["sections"]}

        assert eventually(lambda: sections() >= {"/a", "/b", "/c"})
        process.terminate()
        assert process.wait(PATIENCE) == 0
