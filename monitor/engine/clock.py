"""What a line's time says about the clock: go on, too old, too far ahead, set back. Knows no counts."""

from __future__ import annotations

import enum
from collections.abc import Sequence

IN_A_ROW = 3  # lines that must agree before the clock is set back


class Course(enum.Enum):
    """How rows are to be taken."""

    RUN = "run"  # within a window of the clock, or ahead with the next line's consent
    OLD = "old"  # further back than the window: late
    AHEAD = "ahead"  # alone further ahead than the window: late
    ANCHOR = "anchor"  # three in a row further back: the log was set back


Step = tuple[Course, list[int]]


def follow(times: Sequence[int], clock: int | None, window: int, *, final: bool) -> tuple[list[Step], int]:
    """Take rows one by one; return the steps and how many rows they settle.

    The rest wait for the next line; ``final``: there is none, and the end agrees with a line ahead.
    """
    steps: list[Step] = []
    old: list[int] = []  # rows in a row that are too old, not yet settled

    def put(course: Course, rows: list[int]) -> None:
        if not rows:
            return
        if steps and steps[-1][0] is course and course is not Course.ANCHOR:
            steps[-1][1].extend(rows)
        else:
            steps.append((course, rows))

    for row, second in enumerate(times):
        if clock is not None and second < clock - window:
            old.append(row)
            if len(old) == IN_A_ROW:
                seconds = [times[row] for row in old]
                if max(seconds) - min(seconds) <= window:
                    put(Course.ANCHOR, old)
                    clock = max(seconds)
                    old = []
                else:
                    put(Course.OLD, [old.pop(0)])
            continue
        put(Course.OLD, old)
        old = []
        if clock is not None and second > clock + window:
            if row + 1 == len(times) and not final:
                return steps, row
            if row + 1 < len(times) and times[row + 1] < second - window:
                put(Course.AHEAD, [row])
                continue
        put(Course.RUN, [row])
        clock = second if clock is None else max(clock, second)
    if final:
        put(Course.OLD, old)
        old = []
    return steps, len(times) - len(old)
