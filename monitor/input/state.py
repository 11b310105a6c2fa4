"""Where reading was, kept in a file across restarts, and which part of what was read has been told.

A line is *told* with its interval. What was read of the interval that is still open is lost when the monitor is killed,
so it must be read again: a restart goes back to a place before which every line was told (``settled``). The lines from
there to where reading was (``read``) come again as past; those of a second before ``told`` were told, the others
were not. Knows nothing of intervals or engines.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from monitor.errors import TaplineError
from monitor.input.file import Position, Positions, Print

VERSION = 1
Reading = Mapping[str, Positions]  # by the log's name


@dataclass(frozen=True, slots=True)
class Saved:
    """What a restart begins with."""

    settled: Reading = field(default_factory=dict)
    read: Reading = field(default_factory=dict)
    told: int | None = None  # epoch second: of the lines up to ``read`` those of earlier seconds were told; None: all


class State:
    """The file of ``--state``. Call ``fed`` before the first read and after each, ``told`` after telling intervals."""

    def __init__(self, path: Path) -> None:
        """Read what a former run left in ``saved``. Raises TaplineError if the file can be neither read nor written."""
        self.path = path
        self.saved = Saved()
        try:
            with path.open("rb") as stream:
                self.saved = _decode(stream.read())
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "no state of tapline's"
            raise TaplineError(f"{path}: {reason}; remove it to begin anew") from None
        self._settled = self.saved.settled
        self._read = self.saved.read
        self._told = self.saved.told
        self._fed: deque[tuple[int, Reading]] = deque()  # newest second of all fed so far, and how far that was
        self._write(self.saved)

    def fed(self, reading: Reading, newest: int | None) -> None:
        """Note that everything up to ``reading`` was counted, no line of it of a second after ``newest``."""
        self._read = reading
        if not self._settled:  # the beginning of the first run: a restart before anything is told goes back to it
            self._settled = reading
            self._write(Saved(reading, reading))
        if newest is None:
            return
        if self._fed and self._fed[-1][0] >= newest:
            self._fed[-1] = (self._fed[-1][0], reading)
        else:
            self._fed.append((newest, reading))

    def told(self, until: int) -> None:
        """Keep that everything fed of seconds before ``until`` was told: call it when the output is written."""
        while self._fed and self._fed[0][0] < until:
            self._settled = self._fed.popleft()[1]
        self._told = until
        self._write(Saved(self._settled, self._read, until))

    def finished(self) -> None:
        """Keep that everything fed was told, at an orderly end."""
        self._write(Saved(self._read, self._read))

    def _write(self, saved: Saved) -> None:
        """Replace the file at one stroke, so that a kill leaves the old or the new one."""
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}.new")
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(_encode(saved))
            os.replace(beside, self.path)
        except OSError as error:
            raise TaplineError(f"{self.path}: {(error.strerror or str(error)).lower()}") from None


def _encode(saved: Saved) -> bytes:
    return json.dumps(
        {
            "version": VERSION,
            "told": saved.told,
            "settled": {name: asdict(positions) for name, positions in saved.settled.items()},
            "read": {name: asdict(positions) for name, positions in saved.read.items()},
        },
        separators=(",", ":"),
    ).encode()


def _decode(data: bytes) -> Saved:
    """Read what ``_encode`` wrote. Raises ValueError, KeyError, TypeError or AttributeError for anything else."""
    value = json.loads(data)
    if value["version"] != VERSION:
        raise ValueError(value["version"])
    told = value["told"]
    return Saved(_reading(value["settled"]), _reading(value["read"]), None if told is None else int(told))


def _reading(value: Any) -> Reading:
    return {
        str(name): Positions(
            tuple(_position(each) for each in positions["following"]),
            tuple(_position(each) for each in positions["known"]),
            int(positions["floor"]),
        )
        for name, positions in value.items()
    }


def _position(value: Any) -> Position:
    return Position(
        int(value["device"]),
        int(value["inode"]),
        Print(int(value["head"]["length"]), str(value["head"]["digest"])),
        int(value["offset"]),
        Print(int(value["mark"]["length"]), str(value["mark"]["digest"])),
        int(value["modified"]),
    )
