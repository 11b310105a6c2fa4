"""What covers the tables for a while: the keys in full, raw lines, malformed lines. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.formats.batch import Malformed
from monitor.output.text import decode
from monitor.output.tui.frame import Line, Span, Style, fit_line, fit_lines
from monitor.output.tui.theme import ASCII, Glyphs, Theme

_KEYS = (
    ("q, Ctrl-C", "quit"),
    ("p, space", "pause: counting goes on, the picture stands still"),
    ("?", "these keys; Esc or q closes them"),
    ("", ""),
    ("i  w  a", "the newest interval, the past window, all since the start"),
    ("left, right, h, l", "back and forth in time through the intervals kept"),
    ("1 to 8, Tab", "sections, clients, statuses, methods, hosts, referers, agents, alerts"),
    ("H  B  E  P, s", "sort by hits, bytes, errors, p95; s takes the next"),
    ("up, down, k, j", "move; PgUp, PgDn, Ctrl-U, Ctrl-D by pages; g, G to the ends"),
    ("J, K", "scroll the alert messages at the bottom"),
    ("", ""),
    ("Enter", "show only what has the selected section, client, status ..."),
    ("Esc", "go back: from the search, the filter, the past"),
    ("/", "search in the table"),
    ("r", "the raw lines behind the selected row"),
    ("e", "the last malformed lines, and why"),
    ("t", "change the alert's threshold"),
    ("", ""),
    ("mouse", "click a row, a tab or a key; the wheel scrolls"),
    ("Ctrl-L", "draw the screen anew"),
)


def _marks(glyphs: Glyphs) -> tuple[tuple[str, str], ...]:
    """What the screen shows, and what it means."""
    bars = glyphs.levels[1:]
    return (
        ("", ""),
        ("now", "hits a second over the past 10 s of the log's time:"),
        ("", "after a burst it stays up for as long"),
        ("traffic average", f"of all hits over the window; {glyphs.mark} is the threshold"),
        ("", ""),
        ("chart", "a column an interval, the newest at the right"),
        ("its scale", "from 0 to the highest column: after a burst all else is"),
        ("", "low, but any hit at all is seen"),
        (bars, "hits; red where the traffic's own alert was on"),
        (glyphs.average, "the traffic's average over the window"),
        (glyphs.limit, "its threshold, where the scale reaches that far"),
        (f"{glyphs.raised} {glyphs.on} {glyphs.recovered}", "an alert raised, on, recovered; of whatever rule"),
        (glyphs.here, "the interval looked at, back in time"),
        ("", ""),
        (f"hits{glyphs.recovered}", "what the table is sorted by, largest first"),
        ("share, rate", "of the hits in view; hits a second"),
        ("errors", "hits with a status of 4xx or 5xx"),
        ("median, p95", "half, 95 in 100 of the response times are at most this"),
        ("trend", "hits of the past intervals, each row to its own scale"),
        ("late", "lines too old for the interval that they belong to"),
        ("lateness", "how long the log's time waits for such lines"),
        ("#", "stands for a figure that its column is too narrow for"),
        ("~", "stands before an approximate count"),
    )


HELP_LINES = len(_KEYS) + len(_marks(ASCII))


def help_lines(theme: Theme, width: int) -> list[Line]:
    """The keys in full, then what the marks and columns mean."""
    return [
        fit_line([Span(f"  {keys:<19}", Style.STRONG), Span(told)], width, theme.glyphs.ellipsis)
        for keys, told in (*_KEYS, *_marks(theme.glyphs))
    ]


def raw_lines(raw: Sequence[bytes], theme: Theme, width: int) -> list[Line]:
    """Lines as logged, the newest last."""
    if not raw:
        return [fit_line([Span("  none of the lines kept has this key", Style.DIM)], width)]
    return [fit_line([Span(_shown(line, theme, width))], width, theme.glyphs.ellipsis) for line in raw]


def malformed_lines(samples: Sequence[Malformed], theme: Theme, width: int) -> list[Line]:
    """Reason and line in turn, the newest last."""
    if not samples:
        return [fit_line([Span("  no malformed line", Style.GOOD)], width)]
    lines = []
    for sample in samples:
        reason = f"  line {sample.line}: {theme.text(sample.reason)}"
        lines.append(fit_line([Span(reason, Style.WARN)], width, theme.glyphs.ellipsis))
        lines.append(fit_line([Span(f"    {_shown(sample.text, theme, width)}")], width, theme.glyphs.ellipsis))
    return lines


def _shown(line: bytes, theme: Theme, width: int) -> str:
    # A character takes at most four bytes: what is behind them would be cut anyway, however long the line is.
    return theme.text(decode(line[: 4 * (width + 1)].rstrip(b"\r\n")))


def scrolled(lines: Sequence[Line], offset: int, width: int, height: int) -> list[Line]:
    """The part of the lines from ``offset`` on."""
    start = max(0, min(offset, len(lines) - height))
    return fit_lines(list(lines[start:]), width, height)
