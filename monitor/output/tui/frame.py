"""A frame: lines of styled text of exactly one width. Knows how wide text is on a terminal, not what it means."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from wcwidth import wcwidth


class Style(enum.Enum):
    """What a piece of text is for; the theme of the terminal says how that looks."""

    TEXT = enum.auto()
    DIM = enum.auto()  # borders, units, explanations
    STRONG = enum.auto()
    TITLE = enum.auto()
    GOOD = enum.auto()
    BAD = enum.auto()
    WARN = enum.auto()
    CALM = enum.auto()  # a badge: all is well
    ALARM = enum.auto()  # a badge: it is not
    BADGE = enum.auto()  # a badge of neither kind
    BAR = enum.auto()
    BAR_ALERT = enum.auto()
    LIMIT = enum.auto()  # the threshold
    LIMIT_ON_BAR = enum.auto()
    LIMIT_ON_ALERT = enum.auto()
    SELECTED = enum.auto()
    KEY = enum.auto()


class Span(NamedTuple):
    """Text in one style."""

    text: str
    style: Style = Style.TEXT


Line = tuple[Span, ...]


class Zone(NamedTuple):
    """Where a click means something: cells [x, x + width) of line ``y``, and the key that it stands for."""

    x: int
    y: int
    width: int
    key: str


@dataclass(frozen=True, slots=True)
class Frame:
    """``height`` lines, each ``width`` columns wide."""

    width: int
    height: int
    lines: tuple[Line, ...]
    zones: tuple[Zone, ...] = ()

    def text(self) -> str:
        """The frame without its styles, a line each, blanks at the ends cut."""
        return "".join("".join(span.text for span in line).rstrip() + "\n" for line in self.lines)

    def key_at(self, x: int, y: int) -> str | None:
        """What a click there stands for."""
        for zone in self.zones:
            if zone.y == y and zone.x <= x < zone.x + zone.width:
                return zone.key
        return None


@lru_cache(maxsize=4096)
def width_of(text: str) -> int:
    """Columns that safe text takes, character by character: terminals disagree on how to join them."""
    if text.isascii():
        return len(text)
    return sum(max(wcwidth(character), 0) for character in text)


def clip(text: str, width: int) -> str:
    """The longest beginning that is at most ``width`` wide, with the combining marks of its last character."""
    if text.isascii():
        return text[:width]
    used = 0
    for at, character in enumerate(text):
        used += max(wcwidth(character), 0)
        if used > width:
            return text[:at]
    return text


def fit(text: str, width: int, ellipsis: str = "…") -> str:
    """Text in exactly ``width`` columns: filled with blanks, or cut with an ellipsis."""
    if width <= 0:
        return ""
    have = width_of(text)
    if have > width:
        dots = clip(ellipsis, width)
        text = clip(text, width - width_of(dots)) + dots
        have = width_of(text)
    return text + " " * (width - have)


def right(text: str, width: int) -> str:
    """A figure in exactly ``width`` columns, at their right; one that has no room becomes ``#``."""
    have = width_of(text)
    return " " * (width - have) + text if have <= width else "#" * width


def line_width(line: Iterable[Span]) -> int:
    """Columns that a line takes."""
    return sum(width_of(span.text) for span in line)


def fit_line(spans: Sequence[Span], width: int, ellipsis: str = "…", fill: Style = Style.TEXT) -> Line:
    """Spans in exactly ``width`` columns: filled with blanks, or cut with an ellipsis."""
    have = line_width(spans)
    if have < width:
        return (*(span for span in spans if span.text), Span(" " * (width - have), fill))
    if have == width:
        return tuple(span for span in spans if span.text)
    at, left = 0, width
    while (needed := width_of(spans[at].text)) < left:
        at, left = at + 1, left - needed
    cut = spans[at]
    text = fit(cut.text if needed > left else f"{cut.text}{ellipsis}", left, ellipsis)  # there is more behind it
    return tuple(span for span in (*spans[:at], Span(text, cut.style)) if span.text)


def both_ends(start: Sequence[Span], end: Sequence[Span], width: int, ellipsis: str = "…") -> Line:
    """One part at the left, another at the right; the left one gives way first, the right one if it is too wide."""
    room = width - line_width(end)
    if room <= 0:
        return fit_line(end, width, ellipsis)
    return (*fit_line(start, room, ellipsis), *(span for span in end if span.text))


def fit_lines(lines: Sequence[Line], width: int, height: int) -> list[Line]:
    """Exactly ``height`` lines: cut or filled with empty ones."""
    return [*lines[:height], *([(Span(" " * width),)] * (height - len(lines)))] if width else [()] * height


def beside(left: Sequence[Line], right: Sequence[Line], gap: int) -> list[Line]:
    """Two blocks of equal height side by side."""
    return [(*a, Span(" " * gap), *b) for a, b in zip(left, right, strict=True)]


def selected_line(line: Line) -> Line:
    """The same text as the selected line; bars keep their colour, reversed they would be holes."""
    spans: list[Span] = []
    for text, style in line:
        bar = text.strip(" ") if style is Style.BAR else ""
        before, _, after = text.partition(bar) if bar else (text, "", "")
        spans += [Span(before, Style.SELECTED), Span(bar, Style.BAR), Span(after, Style.SELECTED)]
    return tuple(span for span in spans if span.text)
