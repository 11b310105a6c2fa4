"""A picture and the choices of the person before it, as a frame of exactly the terminal's size. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from monitor.output.text import rate
from monitor.output.tui.chart import chart, per_second
from monitor.output.tui.footer import last_line
from monitor.output.tui.frame import (
    Frame,
    Line,
    Span,
    Style,
    Zone,
    beside,
    both_ends,
    fit_line,
    fit_lines,
    line_width,
    width_of,
)
from monitor.output.tui.headline import headline, state_badge
from monitor.output.tui.history import alerts, history
from monitor.output.tui.overlays import help_lines, malformed_lines, raw_lines, scrolled
from monitor.output.tui.picture import Picture
from monitor.output.tui.state import COVERS, TABS, Mode, State, Tab
from monitor.output.tui.statistics import statistics
from monitor.output.tui.table import scope_text, table
from monitor.output.tui.theme import Theme
from monitor.units import format_duration

SMALLEST = (60, 15)  # columns and lines that the views need
WIDE = 110  # columns from which the statistics stand beside the chart


@dataclass(frozen=True, slots=True)
class Layout:
    """How many lines each part gets, titles and borders included; they add up to the screen."""

    head: int
    chart: int
    statistics: int  # 0: beside the chart
    table: int
    alerts: int
    boxed: bool
    side: int  # columns of the statistics beside the chart; 0: below it

    def page(self, mode: Mode) -> int:
        """Rows in view: of the table, or of what covers it."""
        if mode in COVERS:
            return max(1, self.chart + self.statistics + self.table + self.alerts - 2)
        return max(1, self.table - (3 if self.boxed else 2))


def layout(width: int, height: int) -> Layout:
    """Share the lines out."""
    boxed = height >= 32 and width >= 76
    border = 2 if boxed else 1
    head = 2 if height < 18 else 3
    rest = height - head - 1  # the last line is the keys'
    side = max(40, min(56, width // 4)) if width >= WIDE and height >= 24 else 0
    if height < 18:
        parts = (3, 1, 3)
    elif height < 24:
        parts = (4, 2, 3)
    elif height < 28:
        parts = (6, 3, 4)
    elif not boxed:
        parts = (8, 4, 4)
    else:
        parts = (border + max(4, height // 5), border + 3, border + max(2, height // 9))
    chart_lines, statistics_lines, alert_lines = parts
    if side:
        chart_lines, statistics_lines = max(chart_lines, border + 8), 0
    return Layout(
        head,
        chart_lines,
        statistics_lines,
        rest - chart_lines - statistics_lines - alert_lines,
        alert_lines,
        boxed,
        side,
    )


def render(picture: Picture | None, state: State, width: int, height: int, theme: Theme) -> Frame:
    """Draw everything. Without a picture nothing has been counted yet."""
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return _too_small(picture, width, height, theme)
    if picture is None:
        start = [Span(" Tapline ", Style.TITLE), Span(f" reading what is there {theme.glyphs.ellipsis}", Style.DIM)]
        return Frame(width, height, tuple(fit_lines([fit_line(start, width)], width, height)))
    plan = layout(width, height)
    zones: list[Zone] = []
    lines = headline(picture, state, width, plan.head, theme)
    if state.mode in COVERS:
        lines += _overlay(state, width, height - plan.head - 1, theme)
    else:
        lines += _body(picture, state, plan, width, len(lines), zones, theme)
    foot, clicks = last_line(picture, state, width, theme)
    zones += [Zone(x, height - 1, wide, key) for x, wide, key in clicks]
    return Frame(width, height, (*lines, foot), tuple(zones))


def _body(
    picture: Picture, state: State, plan: Layout, width: int, top: int, zones: list[Zone], theme: Theme
) -> list[Line]:
    whole, shown = picture.whole, picture.shown
    inset = 2 if plan.boxed else 0
    border = 2 if plan.boxed else 1
    chart_width = width - (plan.side + 1 if plan.side else 0)
    drawn = chart(shown, whole, state.back, chart_width - 2 * inset, plan.chart - border, theme)
    traffic = _chart_title(picture, chart_width - (6 if plan.boxed else 4), theme)
    lines = _panel(traffic, [], drawn, chart_width, plan.chart, plan.boxed, theme)
    if plan.side:
        listed = statistics(shown, plan.side - 2 * inset, plan.chart - border, theme)
        title = [Span("Statistics", Style.STRONG)]
        lines = beside(lines, _panel(title, [], listed, plan.side, plan.chart, plan.boxed, theme), 1)

    table_at = top + plan.chart
    table_lines, first, count = _table(picture, state, width - 2 * inset, plan.table - border, theme)
    scope = _scope(picture, state, theme)
    title, tabs = _tabs(state, width - line_width(scope) - 9, theme)
    lines += _panel(title, scope, table_lines, width, plan.table, plan.boxed, theme)
    zones += [Zone(x + (3 if plan.boxed else 2), table_at, wide, key) for x, wide, key in tabs]
    zones += [Zone(0, table_at + 2 + at, width, f"row:{first + at}") for at in range(count)]

    if plan.statistics == 1:
        lines += statistics(shown, width, 1, theme)
    elif plan.statistics:
        packed = statistics(shown, width - 2 * inset, plan.statistics - border, theme)
        lines += _panel([Span("Statistics", Style.STRONG)], [], packed, width, plan.statistics, plan.boxed, theme)

    told = history(whole, state.offset, width - 2 * inset, plan.alerts - border, theme)
    number = sum(1 if record.recovered is None else 2 for record in whole.alerts)
    older = f", older alerts no longer kept: {whole.alerts_dropped}" if whole.alerts_dropped else ""
    count_text = [Span(f"{number} message{'s' if number > 1 else ''}{older}", Style.DIM)] if number else []
    alerts_at = top + len(lines)
    of = [Span("Alerts", Style.STRONG), Span(" of all traffic" if state.filter else "", Style.DIM)]
    lines += _panel(of, count_text, told, width, plan.alerts, plan.boxed, theme)
    zones += [Zone(0, alerts_at + at, width, "8") for at in range(plan.alerts)]
    return lines


def _table(picture: Picture, state: State, width: int, height: int, theme: Theme) -> tuple[list[Line], int, int]:
    if state.tab is Tab.ALERTS:
        return alerts(picture.whole, state, width, height, theme)
    return table(picture.shown, state, width, height, theme)


def _chart_title(picture: Picture, width: int, theme: Theme) -> list[Span]:
    shown = picture.shown
    title = [Span("Traffic", Style.STRONG)]
    if shown.points:
        values = [point.size if shown.metric == "bytes" else point.hits for point in shown.points]
        peak = per_second(Fraction(max(values), shown.interval), shown.metric)
        dot = theme.glyphs.dot
        told = f" {shown.metric}/s, {shown.interval} s a column {dot} peak {peak}"
        # A legend as far as there is room; all of it is under "?".
        legend = [
            f"{theme.glyphs.average} {format_duration(shown.window)} average",
            f"{theme.glyphs.limit} threshold",
            f"{theme.glyphs.raised}{theme.glyphs.on}{theme.glyphs.recovered} alerts",
        ]
        if shown is not picture.whole:  # the threshold is not of what passes the filter
            del legend[1]
        for more in legend:
            if width_of(f"Traffic{told} {dot} {more}") > width:
                break
            told += f" {dot} {more}"
        title.append(Span(told, Style.DIM))
    return title


def _tabs(state: State, room: int, theme: Theme) -> tuple[list[Span], list[tuple[int, int, str]]]:
    """The tables' names with their numbers; where there is no room, the one in view alone."""
    spans: list[Span] = []
    clicks: list[tuple[int, int, str]] = []
    used = 0
    names = sum(len(tab.value) + 2 for tab in TABS) + (width_of(theme.text(state.search)) + 3 if state.search else 0)
    gap = 2 if names + 2 * (len(TABS) - 1) <= room else 1
    every = names + gap * (len(TABS) - 1) <= room
    for number, tab in enumerate(TABS, start=1):
        here = tab is state.tab
        if not here and not every:
            continue
        name = f"{number} {tab.value.capitalize()}" if every else tab.value.capitalize()
        clicks.append((used, len(name), str(number)))
        spans += [Span(name, Style.STRONG if here else Style.DIM), Span(" " * gap)]
        used += len(name) + gap
    if state.search and state.mode is not Mode.SEARCH:
        spans.append(Span(f"/{theme.text(state.search)}", Style.WARN))
    else:
        spans.pop()  # the gap behind the last
    return spans, clicks


def _scope(picture: Picture, state: State, theme: Theme) -> list[Span]:
    if state.tab is Tab.ALERTS:
        return []
    return [Span(scope_text(picture.shown, theme), Style.DIM)]


def _panel(
    title: Sequence[Span],
    note: Sequence[Span],
    body: Sequence[Line],
    width: int,
    height: int,
    boxed: bool,
    theme: Theme,
) -> list[Line]:
    """A block under a title: boxed, or with a rule alone where lines are scarce."""
    glyphs = theme.glyphs
    edge = glyphs.horizontal
    start = [Span(f"{glyphs.corners[0]}{edge} " if boxed else edge, Style.DIM), *title, Span(" ")]
    if not boxed:
        start.insert(1, Span(" "))
    end = [Span(" "), *note, Span(f" {edge}", Style.DIM)] if note else []
    end = [*end, Span(glyphs.corners[1] if boxed else "", Style.DIM)]
    fill = max(0, width - line_width(start) - line_width(end))
    top = both_ends([*start, Span(edge * fill, Style.DIM)], end, width, glyphs.ellipsis)
    if not boxed:
        return [top, *fit_lines(list(body), width, height - 1)]
    side = Span(f"{glyphs.vertical} ", Style.DIM)
    other = Span(f" {glyphs.vertical}", Style.DIM)
    inside = fit_lines(list(body), width - 4, height - 2)
    bottom = Span(glyphs.corners[2] + glyphs.horizontal * (width - 2) + glyphs.corners[3], Style.DIM)
    return [top, *((side, *line, other) for line in inside), (bottom,)]


def _overlay(state: State, width: int, height: int, theme: Theme) -> list[Line]:
    if state.mode is Mode.HELP:
        title, lines = "Keys, and below what the screen shows", help_lines(theme, width - 4)
    elif state.mode is Mode.RAW:
        title, lines = "Raw lines, the newest last", raw_lines(state.raw, theme, width - 4)
    else:
        title, lines = "Malformed lines, the newest last", malformed_lines(state.malformed, theme, width - 4)
    body = scrolled(lines, state.offset, width - 4, height - 2)
    more = "up and down scroll, " if len(lines) > height - 2 else ""
    note = [Span(f"{more}Esc closes", Style.DIM)]
    return _panel([Span(title, Style.STRONG)], note, body, width, height, True, theme)


def _too_small(picture: Picture | None, width: int, height: int, theme: Theme) -> Frame:
    """Even a tiny window says how it is."""
    lines: list[Line] = []
    if picture is not None:
        badge = state_badge(picture.whole, theme, width, picture.waiting)
        lines.append(fit_line(badge, width, theme.glyphs.ellipsis))
        lines.append(fit_line([Span(f"now {rate(picture.whole.rate)}/s")], width, theme.glyphs.ellipsis))
    needed = f"{SMALLEST[0]}x{SMALLEST[1]} needed"
    lines.append(fit_line([Span(needed, Style.DIM)], width, theme.glyphs.ellipsis))
    return Frame(width, height, tuple(fit_lines(lines, width, height)))
