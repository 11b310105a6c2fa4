"""What the drawing is made of on this terminal: which characters, which clock."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.output.text import Times, key_text, safe


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Characters to draw with, each one column wide (``ellipsis`` may be more)."""

    ellipsis: str
    levels: str  # from empty to full, bottom up
    parts: str  # from empty to full, from the left
    empty: str  # what is not filled of a gauge
    limit: str  # the threshold's line
    mark: str  # the threshold in a gauge
    average: str  # of the window, over the bars
    axis: str
    raised: str
    on: str  # between raised and recovered
    recovered: str
    here: str  # the interval looked at
    corners: str  # top left, top right, bottom left, bottom right
    horizontal: str
    vertical: str
    dot: str
    to: str
    bullet: str  # of the selected row
    arrows: str  # the keys left and right


UNICODE = Glyphs(
    "…", " ▁▂▃▄▅▆▇█", " ▏▎▍▌▋▊▉█", "░", "╌", "┃", "•", "─", "▲", "━", "▼", "◆", "╭╮╰╯", "─", "│", "·", "→", "▸", "←→"
)
CONSOLE = Glyphs(
    "...", " ▄█", " ▌█", "░", "─", "│", "·", "─", "^", "=", "v", "*", "┌┐└┘", "─", "│", "·", "-", ">", "<>"
)
ASCII = Glyphs(
    "...", " .:-=+*#", " #", ".", "-", "|", "o", "-", "^", "=", "v", "*", "++++", "-", "|", "-", "-", ">", "<>"
)


@dataclass(frozen=True, slots=True)
class Theme:
    """Glyphs and times; ``ascii_only`` where the locale has nothing else."""

    glyphs: Glyphs
    times: Times
    ascii_only: bool = False

    def text(self, text: str) -> str:
        """Any text, harmless, in characters that the terminal has."""
        shown = safe(text)
        return shown.encode("ascii", "backslashreplace").decode("ascii") if self.ascii_only else shown

    def key(self, key: bytes) -> str:
        """A logged key, likewise; without a letter it would not be seen."""
        shown = key_text(key) or "(empty)"
        if self.ascii_only and not shown.isascii():
            return safe(key.decode("ascii", "backslashreplace"))
        return shown


def spark(values: tuple[int, ...], width: int, glyphs: Glyphs) -> str:
    """The newest ``width`` values as a line of bars, scaled to the largest; whatever is above 0 is seen."""
    shown = values[-width:] if width > 0 else ()
    top = max(shown, default=0)
    full = len(glyphs.levels) - 1
    bars = [glyphs.levels[0 if value <= 0 else max(1, round(value * full / top))] for value in shown]
    return " " * (width - len(bars)) + "".join(bars)


def meter(part: int, whole: int, width: int, glyphs: Glyphs) -> str:
    """How much of a whole a part is, as a bar of ``width`` columns; whatever is above 0 is seen."""
    if whole <= 0 or width <= 0:
        return " " * max(width, 0)
    steps = len(glyphs.parts) - 1
    filled = max(0, min(round(part * width * steps / whole), width * steps))
    if part > 0:
        filled = max(filled, 1)
    bar = glyphs.parts[-1] * (filled // steps) + (glyphs.parts[filled % steps] if filled % steps else "")
    return bar + " " * (width - len(bar))
