"""The house rules: who may import what, and who may print."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOMES = {
    "scapy": "sniffer/capture/",
    "watchdog": "monitor/input/waker.py",
    "blessed": "monitor/output/tui/",
    "prometheus_client": "monitor/output/prometheus.py",
}


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
