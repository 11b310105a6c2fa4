"""What a frame is made from. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.engine.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Source:
    """What is being watched. ``reading`` says how its lines are read."""

    log: str
    reading: str
    replay: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """All that a frame shows. ``shown`` is of the hits that pass the filter; without one it is ``whole``.

    ``behind``: the lines kept are still being read again for the filter, ``shown`` is not yet of all of them.
    ``waiting``: what the program said last, as long as no line has come.
    """

    source: Source
    whole: Snapshot
    shown: Snapshot
    note: str = ""
    behind: bool = False
    waiting: str = ""
