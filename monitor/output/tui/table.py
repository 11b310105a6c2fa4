"""A table of keys: sections, clients, statuses and so on, as many columns as have room. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from monitor.engine.snapshot import Row, Scope, Snapshot, Sort
from monitor.output.text import amount, count, microseconds, rate
from monitor.output.tui.frame import Line, Span, Style, fit, fit_line, fit_lines, right, selected_line
from monitor.output.tui.state import State, Tab, selection
from monitor.output.tui.theme import Theme, meter, spark
from monitor.units import format_duration

KEY = 16  # columns that a key gets at least; what does not fit beside it is left out
RANK = 4
WITH_TREND = 66  # columns of a table that shows trends
SHARE_BAR = 10  # columns of a share's bar ...
ROOMY = (
    120  # columns of a table from which a third of what is more goes to the bar, so that figures stay near the key ...
)
LONGEST_BAR = 50  # ... up to this
TRENDS = (8, 16, 30, 60, 120)  # columns of a trend; the more room, the longer


@dataclass(frozen=True, slots=True)
class _Column:
    """A column at the right of the key. Lower ``rank``: more important."""

    title: str
    width: int
    rank: int
    cell: Callable[[Row], Span]
    sort: Sort | None = None


def _columns(snapshot: Snapshot, sort: Sort, width: int, theme: Theme) -> list[_Column]:
    """All columns that have something to say, in their order on the screen."""
    total = snapshot.traffic.hits
    seconds = max(1, (snapshot.end or 0) - (snapshot.start or 0))
    bar = min(SHARE_BAR + max(0, width - ROOMY) // 3, LONGEST_BAR)
    timed = any(row.times for row in snapshot.rows) or sort is Sort.P95  # what it is sorted by is seen

    def errors(row: Row) -> Span:
        return Span(right(count(row.errors), 8), Style.BAD if row.errors else Style.DIM)

    def share(row: Row) -> Span:
        percent = f"{100 * row.hits / total:.1f}%" if total else "-"
        return Span(right(percent, 8))

    columns = [
        _Column("hits", 8, 0, lambda row: Span(right(count(row.hits), 8), Style.STRONG), Sort.HITS),
        _Column("share", 8, 2, share),
        _Column("", bar + 2, 6, lambda row: Span(f"  {meter(row.hits, total, bar, theme.glyphs)}", Style.BAR)),
        _Column("rate", 9, 5, lambda row: Span(right(f"{rate(Fraction(row.hits, seconds))}/s", 9))),
        _Column("bytes", 9, 3, lambda row: Span(right(amount(row.size), 9)), Sort.SIZE),
        _Column("errors", 8, 1, errors, Sort.ERRORS),
    ]
    if timed:
        columns += [
            _Column("median", 8, 7, lambda row: Span(right(microseconds(row.times.median) if row.times else "-", 8))),
            _Column(
                "p95", 8, 4, lambda row: Span(right(microseconds(row.times.p95) if row.times else "-", 8)), Sort.P95
            ),
        ]
    return columns


def _chosen(columns: list[_Column], sort: Sort, room: int) -> list[_Column]:
    """The most important columns that fit, first of all the one that the table is sorted by."""
    kept: list[_Column] = []
    for column in sorted(columns, key=lambda column: (column.sort is not sort, column.rank)):
        if column.width <= room:
            kept.append(column)
            room -= column.width
        elif column.rank <= 3:
            break
    return [column for column in columns if column in kept]


def table(snapshot: Snapshot, state: State, width: int, height: int, theme: Theme) -> tuple[list[Line], int, int]:
    """The header and the rows around the selected one; also the index of the first row shown, and how many are."""
    rows, selected = selection(state, snapshot)
    room = height - 1
    first = max(0, min(selected - room // 2, len(rows) - room))
    shown = rows[first : first + room]
    # A short trend comes before the less important columns; a longer one is made of what they leave over.
    longest = max((len(row.trend) for row in shown), default=0) if width >= WITH_TREND else 0
    trends = [wide for at, wide in enumerate(TRENDS) if longest > (TRENDS[at - 1] if at else 0)]
    room_beside = width - KEY - RANK - (TRENDS[0] + 2 if trends else 0)
    columns = _chosen(_columns(snapshot, state.sort, width, theme), state.sort, room_beside)
    left = width - RANK - sum(column.width for column in columns)
    trend = next((wide for wide in reversed(trends) if left - wide - 2 >= KEY + wide // 2), trends[0] if trends else 0)
    key_width = left - (trend + 2 if trend else 0)
    lines = [_header(state, columns, key_width, trend, theme)]
    for at, row in enumerate(shown, start=first):
        lines.append(_row(row, at, at == selected, columns, key_width, trend, theme))
    if not rows:
        lines.append(fit_line([Span(" " * RANK), Span(_nothing(snapshot, state), Style.DIM)], width))
    return fit_lines(lines, width, height), first, len(shown)


def _header(state: State, columns: Sequence[_Column], key_width: int, trend: int, theme: Theme) -> Line:
    name = {Tab.STATUSES: "status", Tab.REFERERS: "referer", Tab.AGENTS: "agent"}.get(state.tab, state.tab.value[:-1])
    spans = [Span(right("#", RANK - 1) + " ", Style.DIM), Span(fit(name, key_width), Style.DIM)]
    for column in columns:
        sorted_by = column.sort is state.sort and column.sort is not None
        title = f"{column.title}{theme.glyphs.recovered}" if sorted_by else column.title
        spans.append(Span(right(title, column.width), Style.STRONG if sorted_by else Style.DIM))
    if trend:
        spans.append(Span("  " + right("trend", trend), Style.DIM))
    return tuple(spans)


def _row(
    row: Row, at: int, selected: bool, columns: Sequence[_Column], key_width: int, trend: int, theme: Theme
) -> Line:
    rank = theme.glyphs.bullet if selected else str(at + 1)
    spans = [
        Span(right(rank, RANK - 1) + " ", Style.DIM),
        Span(fit(theme.key(row.key), key_width, theme.glyphs.ellipsis)),
        *(column.cell(row) for column in columns),
    ]
    if trend:
        spans.append(Span("  " + spark(row.trend, trend, theme.glyphs), Style.BAR))
    return selected_line(tuple(spans)) if selected else tuple(spans)


def _nothing(snapshot: Snapshot, state: State) -> str:
    if state.search:
        return "nothing matches the search (Esc takes it back)"
    if snapshot.traffic.hits:
        return f"this log does not tell its {state.tab.value}"
    return "no traffic"


def scope_text(snapshot: Snapshot, theme: Theme) -> str:
    """Which stretch of time the table is of."""
    if snapshot.start is None or snapshot.end is None:
        return "no interval told yet"
    if snapshot.view.scope is Scope.TOTAL:
        return f"since {theme.times.brief(snapshot.start, snapshot.end)}"
    if snapshot.view.scope is Scope.WINDOW:
        # Whole intervals, the newest as far as it has come: how many seconds that makes changes all the time.
        return f"intervals of the past {format_duration(snapshot.window)}"
    span = f"{theme.times.time(snapshot.start)} {theme.glyphs.to} {theme.times.time(snapshot.end)}"
    return f"{span}, {snapshot.view.back} back" if snapshot.view.back else span
