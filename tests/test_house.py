"""The house rules: who may import what, and who may print."""

import ast
import configparser
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.requires import need_libpcap, plain_environment

ROOT = Path(__file__).parent.parent
HOMES = {
    "scapy": "sniffer/capture/",
    "watchdog": "monitor/input/waker.py",
    "blessed": "monitor/output/tui/",
    "numpy": "monitor/formats/arrays.py",
    "prometheus_client": "monitor/output/prometheus.py",
}
OUTSIDE = set(HOMES) | {
    "asyncio", "bz2", "ctypes", "fcntl", "glob", "grp", "gzip", "http", "lzma", "mmap", "multiprocessing", "os", "pwd",
    "resource", "select", "selectors", "shutil", "signal", "socket", "ssl", "subprocess", "sys", "tempfile", "termios",
    "threading", "time", "tty", "urllib", "zlib",
}  # fmt: skip
PURE = {"sniffer/clf.py", "sniffer/transaction.py"}  # local time of a given second, addresses as text


def modules(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize(("program", "other"), [("sniffer", "monitor"), ("monitor", "sniffer")])
def test_neither_program_imports_the_other(program: str, other: str) -> None:
    for path in modules(program):
        assert not [name for name in imports(path) if name.split(".")[0] == other], path


def test_what_imports_something_that_does_io_or_tells_the_time_is_listed_as_such() -> None:
    listed = configparser.ConfigParser()
    listed.read(ROOT / "tests" / "sans_io.ini")
    found = {
        str(path.relative_to(ROOT))
        for path in modules("sniffer", "monitor")
        if {name.split(".")[0] for name in imports(path)} & OUTSIDE
    }
    assert found - PURE == set(listed["report"]["omit"].split())


@pytest.mark.parametrize("library", HOMES)
def test_each_library_has_one_home(library: str) -> None:
    for path in modules("sniffer", "monitor"):
        if any(name.split(".")[0] == library for name in imports(path)):
            assert str(path.relative_to(ROOT)).startswith(HOMES[library]), path


def test_nothing_outside_the_command_lines_prints() -> None:
    for path in modules("sniffer", "monitor"):
        if path.name == "cli.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"), path


def test_only_the_contract_test_imports_both_programs() -> None:
    both = [
        path.name
        for path in modules("tests")
        if {"sniffer", "monitor"} <= {name.split(".")[0] for name in imports(path)}
    ]
    assert both in ([], ["test_contract.py"])


def loaded(*statements: str) -> set[str]:
    """The top-level modules that a fresh interpreter, to which every warning is an error, has afterwards."""
    code = "; ".join([*statements, "import sys; print(*sys.modules)"])
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=plain_environment())
    assert done.returncode == 0, done.stderr
    return {name.split(".")[0] for name in done.stdout.split()}


def test_the_monitor_starts_without_what_it_does_not_need() -> None:
    heavy = {"scapy", "blessed", "prometheus_client", "multiprocessing", "asyncio", "http", "unittest", "sniffer"}
    heavy |= {"numpy"}
    assert not loaded("import monitor.app") & {"scapy", "sniffer"}
    assert not loaded("import monitor.cli; monitor.cli.settings_from(['--replay', 'x'], {})") & heavy


def test_a_live_capture_with_a_filter_of_its_own_holds_no_scapy() -> None:
    need_libpcap()
    statements = ("import sniffer.app, sniffer.capture.live", "sniffer.capture.filter.compile_live('tcp port 80')")
    assert "scapy" not in loaded(*statements)


def test_a_replay_into_a_pipe_does_not_wait_for_what_only_screens_webhooks_and_several_processes_need(
    tmp_path: Path,
) -> None:
    log = tmp_path / "access.log"
    log.write_text('h - - [22/Nov/2026:01:02:03 +0000] "GET / HTTP/1.1" 200 1\n')
    heavy = {"blessed", "watchdog", "prometheus_client", "asyncio", "http", "ssl", "subprocess", "multiprocessing"}
    heavy |= {"wcwidth", "tomllib", "numpy"}
    assert not loaded(f"import monitor.cli; monitor.cli.main(['--replay', '--output', 'json', {str(log)!r}])") & heavy


@pytest.mark.parametrize("program", ["sniffer", "monitor"])
def test_no_module_warns_when_it_is_imported(program: str) -> None:
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in modules(program)]
    loaded(*(f"import {name}" for name in names if not name.endswith("__main__")))


def test_both_programs_say_that_they_are_typed() -> None:
    assert all((ROOT / program / "py.typed").exists() for program in ("sniffer", "monitor"))
