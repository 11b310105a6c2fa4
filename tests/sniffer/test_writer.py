"""A disk that hangs holds up the log's thread alone, and what could not wait for it is counted."""

import threading
from pathlib import Path

from sniffer.logfile import LogFile
from sniffer.rotation import Rotation
from sniffer.writer import WAITING, Writer

LINE = b"x" * 1023 + b"\n"


class Hanging(LogFile):
    """A log on a disk that hangs until it is let go on."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), Rotation(), print)
        self.hangs = threading.Event()
        self.go_on = threading.Event()
        self.open()

    def write(self, lines: bytes, now: float) -> None:
        self.hangs.set()
        assert self.go_on.wait(30)
        super().write(lines, now)


def test_a_disk_that_hangs_costs_what_does_not_fit_in_the_queue(tmp_path: Path) -> None:
    said: list[str] = []
    log = Hanging(tmp_path / "access.log")
    writer = Writer(log, said.append)
    count = WAITING // len(LINE) + 10
    for _ in range(count):
        writer.write(LINE)
    assert writer.lost == 10
    assert said == [f"{log.name} is slower than the traffic; lines are being lost"]
    log.go_on.set()
    writer.close(30)
    assert (tmp_path / "access.log").read_bytes() == LINE * (count - 10)
    assert (log.written, writer.lost) == (count - 10, 10)
    assert said[1:] == [f"{log.name} keeps up again; 10 lines were lost"]


def test_a_disk_that_never_comes_back_is_given_up_and_its_lines_counted(tmp_path: Path) -> None:
    log = Hanging(tmp_path / "access.log")
    writer = Writer(log, lambda text: None)
    writer.write(LINE)
    assert log.hangs.wait(30)
    writer.write(LINE * 2)
    writer.close(0)
    assert writer.lost == 3
    log.go_on.set()
