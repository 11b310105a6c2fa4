"""The last line: a question, its answer, the latest message, or else the keys. Pure."""

from __future__ import annotations

from monitor.output.tui.frame import Line, Span, Style, fit_line, width_of
from monitor.output.tui.picture import Picture
from monitor.output.tui.state import Mode, State
from monitor.output.tui.theme import Theme

_HINTS = (
    ("q", "quit"),
    ("?", "help"),
    ("p", "pause"),
    ("enter", "filter"),
    ("/", "search"),
    ("tab", "tables"),
    ("s", "sort"),
    ("i", "interval"),
    ("w", "window"),
    ("a", "all"),
    ("left", "back in time"),
    ("t", "threshold"),
    ("r", "raw lines"),
    ("e", "malformed"),
)


def last_line(
    picture: Picture | None, state: State, width: int, theme: Theme
) -> tuple[Line, list[tuple[int, int, str]]]:
    """The line, and which of its columns (from, how many) stand for which key when clicked."""
    ellipsis = theme.glyphs.ellipsis
    if state.mode is Mode.SEARCH:
        hint = "Enter keeps it, Esc ends it"
        return fit_line(_question("search", state, hint, theme), width, ellipsis), []
    if state.mode is Mode.THRESHOLD:
        hint = "an average such as 10, 600/min or 5MB/s; Enter sets it, Esc leaves it"
        return fit_line(_question("threshold", state, hint, theme), width, ellipsis), []
    told = state.message or (picture.note if picture else "")
    if told:
        return fit_line([Span(f" {theme.text(told)}", Style.STRONG)], width, ellipsis), []
    spans: list[Span] = []
    clicks: list[tuple[int, int, str]] = []
    used = 0
    for key, name in _HINTS:
        shown = {"enter": "Enter", "tab": "Tab", "left": theme.glyphs.arrows}.get(key, key)
        needed = width_of(shown) + len(name) + 3
        if used + needed > width:
            break
        clicks.append((used, needed, key))
        spans += [Span(f" {shown} ", Style.KEY), Span(f"{name} ")]
        used += needed
    return fit_line(spans, width, ellipsis), clicks


def _question(name: str, state: State, hint: str, theme: Theme) -> list[Span]:
    told = Span(f"   {theme.text(state.message)}", Style.WARN) if state.message else Span(f"   {hint}", Style.DIM)
    return [Span(f" {name} ", Style.KEY), Span(f" {theme.text(state.typed)}_"), told]
