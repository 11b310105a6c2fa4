"""The captures in ``captures/`` give the exchanges in the lists beside them, through the program itself."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from sniffer.capture.files import CaptureFile
from sniffer.observer import Observer
from sniffer.transaction import endpoint
from tests.sniffer.captures.make import CAPTURES, FOLDER, content


def listed(name: str) -> list[str]:
    return sorted((FOLDER / name).with_suffix(".txt").read_text().splitlines())


@pytest.mark.parametrize("name", CAPTURES)
def test_the_files_are_what_the_script_writes(name: str) -> None:
    data, text = content(name)
    assert (FOLDER / name).read_bytes() == data
    assert (FOLDER / name).with_suffix(".txt").read_text() == text


@pytest.mark.parametrize("name", CAPTURES)
def test_the_exchanges_are_those_of_the_list(name: str) -> None:
    observer, found = Observer(), []
    for batch in CaptureFile(str(FOLDER / name)).batches():
        found += observer.feed(batch)
    found += observer.finish()
    shown = []
    for t in found:
        numbers = ["-" if value is None else str(value) for value in (t.status, t.size)]
        shown.append(" ".join([endpoint(t.client)[0], *numbers, t.line.decode()]))
    assert sorted(shown) == listed(name)


def test_the_program_writes_them_as_lines() -> None:
    command = [sys.executable, "-m", "sniffer", "-r", str(FOLDER / "browsing.pcap"), "-w", "-", "--origin-form"]
    done = subprocess.run(command, capture_output=True, check=True, cwd=Path(__file__).parent)
    lines = done.stdout.decode().splitlines()
    assert len(lines) == len(listed("browsing.pcap"))
    assert all(line.startswith("192.0.2.") for line in lines)


@pytest.mark.parametrize("cut", [0, 40])
@pytest.mark.parametrize("name", ["browsing.pcap", "without_bodies.pcapng"])
def test_the_program_reads_packed_captures_to_their_end(tmp_path: Path, name: str, cut: int) -> None:
    packed = gzip.compress((FOLDER / name).read_bytes())
    (tmp_path / "x").write_bytes(packed[: len(packed) - cut])
    command = [sys.executable, "-m", "sniffer", "-r", str(tmp_path / "x"), "-w", "-"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1 + bool(cut)
    assert cut or done.stdout.count("\n") == len(listed(name))
