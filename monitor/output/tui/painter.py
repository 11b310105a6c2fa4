"""Turns frames into what a terminal must be sent: only what changed, in one synchronized piece. Does no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wcwidth import wcwidth

from monitor.output.tui.frame import Frame, Line, Style

# Terminals that know synchronized output (DEC private mode 2026) show the piece at once; others ignore the brackets.
BEGIN = "\x1b[?2026h"
END = "\x1b[?2026l"
GAP = 4  # unchanged cells that cost less than a cursor movement

Cell = tuple[str, Style]


def cells(line: Line) -> list[Cell]:
    """A line as one cell a column; the second column of a wide character is empty."""
    row: list[Cell] = []
    for text, style in line:
        if text.isascii():
            row += [(character, style) for character in text]
            continue
        for character in text:
            columns = wcwidth(character)
            if columns > 0:
                row.append((character, style))
                row += [("", style)] * (columns - 1)
            else:  # a combining mark belongs to the character before it: safe text begins with none
                at = len(row) - 1
                while at and not row[at][0]:
                    at -= 1
                row[at] = (row[at][0] + character, row[at][1])
    return row


def _trusted(text: str) -> bool:
    """Whether every terminal agrees on its width: ASCII, or what the views draw with (arrows to geometric shapes)."""
    return text.isascii() or (len(text) == 1 and ("\u2190" <= text <= "\u25ff" or text in "…·"))


class Painter:
    """Remembers what the terminal shows."""

    def __init__(self, styles: Mapping[Style, str], normal: str, move: Callable[[int, int], str]) -> None:
        """``move`` gives the sequence that puts the cursor at column x of line y, both from 0."""
        self._styles = styles
        self._normal = normal
        self._move = move
        self._shown: Frame | None = None

    def forget(self) -> None:
        """Take it that nothing is known of what the terminal shows."""
        self._shown = None

    def paint(self, frame: Frame) -> str:
        """What to send so that the terminal shows ``frame``; empty if it does already."""
        old = self._shown
        if old is not None and (old.width, old.height) != (frame.width, frame.height):
            old = None
        parts: list[str] = []
        for y, line in enumerate(frame.lines):
            if old is None:
                parts.append(self._row(y, cells(line), None))
            elif line != old.lines[y]:
                parts.append(self._row(y, cells(line), cells(old.lines[y])))
        self._shown = frame
        body = "".join(parts)
        return f"{BEGIN}{body}{self._normal}{END}" if body else ""

    def _row(self, y: int, row: list[Cell], old: list[Cell] | None) -> str:
        parts: list[str] = []
        style: Style | None = None
        at = -1  # where the cursor stands for certain
        for x in _changed(row, old):
            text, wanted = row[x]
            if x != at:
                parts.append(self._move(x, y))
            if wanted is not style:
                parts.append(self._normal + self._styles[wanted])
                style = wanted
            parts.append(text)
            wide = x + 1 < len(row) and not row[x + 1][0]
            # What terminals may measure differently is followed by a movement of the cursor, so that no column shifts.
            at = x + 1 + wide if _trusted(text) else -1
        return "".join(parts)


def _changed(row: list[Cell], old: list[Cell] | None) -> list[int]:
    """The columns at which characters must be written, in order."""
    if old is None:
        return [x for x, cell in enumerate(row) if cell[0]]
    starts: list[int] = []
    last = -GAP - 1  # the last column that must be written
    for x, cell in enumerate(row):
        # Behind a character that terminals may measure differently, the next one may have been hit.
        hit = x and last == x - 1 and not _trusted(row[last][0])
        if cell == old[x] and not hit:
            continue
        for column in range(last + 1 if x - last <= GAP else x, x + 1):
            while column and not row[column][0]:
                column -= 1  # the second half of a wide character: write it from its first
            if not starts or starts[-1] < column:
                starts.append(column)
        last = x
    return starts
