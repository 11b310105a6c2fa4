"""Writes numbered lines to a log as fast as it can and rotates it; a program, so that it has a core of its own.

``python rotating.py KIND LOG ROTATIONS [PAUSE]``, ``KIND`` a key of ``KINDS``; the last line is ``end`` and how many.
Whoever reads tells on standard input which line it has come to, for the kinds of rotation that leave nothing to find;
with a ``PAUSE`` between rotations the last line waits for a line there.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

LINES = 300  # written between two rotations
PADDING = " " + "x" * 80


class Writer:
    """An unbuffered appender, like a web server."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.reopen()

    def reopen(self) -> None:
        if self.count:
            os.close(self.descriptor)
        self.descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(self, lines: int = LINES) -> None:
        for _ in range(lines):
            line = b"%d%s\n" % (self.count, PADDING.encode())
            half = self.count % 7 == 0 and len(line) // 2  # some lines come in two pieces
            if half:
                os.write(self.descriptor, line[:half])
            os.write(self.descriptor, line[half:])
            self.count += 1


def make_room(path: Path) -> Path:
    """Move ``log.N`` to ``log.N+1`` for all N; return ``log.1``."""
    numbers = sorted((int(old.suffix[1:]) for old in path.parent.glob(f"{path.name}.*")), reverse=True)
    for n in numbers:
        os.rename(f"{path}.{n}", f"{path}.{n + 1}")
    return Path(f"{path}.1")


def await_reader(writer: Writer) -> None:
    """Wait until the present file has been seen."""
    while int(sys.stdin.readline()) < writer.count - LINES // 2:
        pass


def renamed(writer: Writer) -> None:
    os.rename(writer.path, make_room(writer.path))
    writer.reopen()


def renamed_by_date(writer: Writer) -> None:
    os.rename(writer.path, writer.path.with_name(f"log-20261123-{writer.count:07}"))
    writer.reopen()


def renamed_with_stragglers(writer: Writer) -> None:
    os.rename(writer.path, make_room(writer.path))
    writer.write(LINES // 3)
    os.close(os.open(writer.path, os.O_WRONLY | os.O_CREAT, 0o644))
    writer.write(LINES // 3)
    writer.reopen()


def deleted(writer: Writer) -> None:
    await_reader(writer)
    os.unlink(writer.path)
    writer.write(LINES // 3)
    writer.reopen()


def copied(writer: Writer) -> None:
    shutil.copyfile(writer.path, make_room(writer.path))
    os.truncate(writer.path, 0)


def folder_replaced(writer: Writer) -> None:
    await_reader(writer)
    folder = writer.path.parent
    os.rename(folder, f"{folder}.{writer.count}")
    writer.write(LINES // 3)
    folder.mkdir()
    writer.reopen()


def link_pointed_elsewhere(writer: Writer) -> None:
    if not writer.path.is_symlink():  # the first one is replaced for good
        await_reader(writer)
    target = writer.path.with_name(f"log-{10_000_000 + writer.count}")
    beside = writer.path.with_name("beside")
    beside.symlink_to(target)
    target.touch()
    os.rename(beside, writer.path)
    writer.write(LINES // 3)
    writer.reopen()


def logrotated(*directives: str, reopen: bool = True) -> Callable[[Writer], None]:
    def rotate(writer: Writer) -> None:
        folder = writer.path.parent.parent
        configuration = folder / "logrotate.conf"
        configuration.write_text("\n".join((f"{writer.path} {{", "rotate 1000", *directives, "}")))
        configuration.chmod(0o644)
        command = ["logrotate", "--force", "--state", str(folder / "logrotate.state"), str(configuration)]
        process = subprocess.Popen(command)
        if "compress" not in directives or "delaycompress" in directives:
            while process.poll() is None and reopen:  # goes on writing to the renamed file
                writer.write(10)
                time.sleep(0.0005)  # else there were more to pack than to read
        assert process.wait() == 0
        if reopen:
            writer.reopen()

    return rotate


KINDS: dict[str, Callable[[Writer], None]] = {
    "renamed": renamed,
    "renamed_by_date": renamed_by_date,
    "renamed_with_stragglers": renamed_with_stragglers,
    "deleted": deleted,
    "copied": copied,
    "folder_replaced": folder_replaced,
    "link_pointed_elsewhere": link_pointed_elsewhere,
    "logrotate_create": logrotated("create"),
    "logrotate_nocreate": logrotated("nocreate"),
    "logrotate_compress": logrotated("create", "compress"),
    "logrotate_delaycompress": logrotated("create", "compress", "delaycompress"),
    "logrotate_copytruncate": logrotated("copytruncate", reopen=False),
    "logrotate_copytruncate_meanwhile": logrotated("copytruncate"),
    "logrotate_copytruncate_compress": logrotated("copytruncate", "compress", reopen=False),
}
AWAITING = {"deleted", "folder_replaced", "link_pointed_elsewhere"}


def main(kind: str, path: str, rotations: str, pause: str = "") -> None:
    writer = Writer(Path(path))
    for _ in range(int(rotations)):
        writer.write()
        time.sleep(float(pause or 0))
        KINDS[kind](writer)
    writer.write()
    if pause:
        sys.stdin.readline()
    os.write(writer.descriptor, b"end %d\n" % writer.count)


if __name__ == "__main__":
    main(*sys.argv[1:])
