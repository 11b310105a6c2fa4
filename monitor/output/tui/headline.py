"""The headline: what is watched, how it is, the average against the threshold. Pure."""

from __future__ import annotations

from fractions import Fraction

from monitor.engine.snapshot import Snapshot
from monitor.output.text import byte_tenths, count, lasting, peak_text, rate, tenths
from monitor.output.tui.frame import Line, Span, Style, both_ends, fit, fit_lines, line_width, width_of
from monitor.output.tui.picture import Picture
from monitor.output.tui.state import State
from monitor.output.tui.theme import Theme, meter
from monitor.units import format_duration


def average_text(snapshot: Snapshot) -> str:
    """The window's average, rounded so that it is never on the wrong side of the threshold."""
    above = snapshot.window_average > snapshot.threshold.rate
    shown = byte_tenths if snapshot.metric == "bytes" else tenths
    return f"{shown(snapshot.window_average, above)}/s"


def headline(picture: Picture, state: State, width: int, height: int, theme: Theme) -> list[Line]:
    """Two or three lines: what is watched, how it is, the average against the threshold."""
    whole = picture.whole
    lines = [_watched(picture, state, width, theme), _state(picture, state, width, height == 2, theme)]
    if height > 2:
        lines.append(_gauge(whole, width, theme))
    return fit_lines(lines, width, height)


def _watched(picture: Picture, state: State, width: int, theme: Theme) -> Line:
    glyphs = theme.glyphs
    source, whole = picture.source, picture.whole
    end = [Span(f" {count(whole.lines)} lines", Style.DIM)]
    if whole.clock is not None:
        end.append(Span(f"  {theme.times.full(whole.clock)} ", Style.STRONG))
    start = [Span(" Tapline ", Style.TITLE), Span(f" {theme.text(source.log)}", Style.STRONG)]
    if source.reading:
        start.append(Span(f" {glyphs.dot} {theme.text(source.reading)}", Style.DIM))
    if source.replay:
        start.append(Span(f" {glyphs.dot} replay", Style.DIM))
    return both_ends(start, end, width, glyphs.ellipsis)


def state_badge(whole: Snapshot, theme: Theme) -> list[Span]:
    """OK or ALERT, and since when, in words."""
    glyphs, times = theme.glyphs, theme.times
    if whole.clock is None:
        return [Span("  WAIT   ", Style.BADGE), Span(" for the first line")]
    if whole.alert is None:
        ended = [record.recovered.at for record in whole.alerts if record.recovered]
        since = f" since {times.brief(ended[-1], whole.clock)}" if ended else " no alert so far"
        return [Span("   OK    ", Style.CALM), Span(since, Style.GOOD)]
    raised = whole.alert.raised
    since = f" since {'before ' if raised.since_before else ''}{times.brief(raised.at, whole.clock)}"
    lasted = f", {lasting(max(0, whole.clock - raised.at))}"
    return [Span(f" {glyphs.raised} ALERT ", Style.ALARM), Span(since, Style.BAD), Span(lasted, Style.BAD)]


def _state(picture: Picture, state: State, width: int, brief: bool, theme: Theme) -> Line:
    whole = picture.whole
    start = state_badge(whole, theme)
    if not brief:
        start += [Span("   now "), Span(f"{rate(whole.rate)}/s", Style.STRONG)]
        if whole.alert is not None:
            start.append(Span(f"   peak {peak_text(whole.alert)}", Style.BAD))
    end: list[Span] = []
    if state.filter is not None:
        chosen = theme.key(state.filter.key)
        chosen = fit(chosen, min(width_of(chosen), width // 3), theme.glyphs.ellipsis)
        end += [Span(" reading back ", Style.WARN)] if picture.behind else []
        end += [Span(f" only {chosen} ", Style.BADGE), Span(" ")]
    if state.paused:
        end += [Span(" PAUSED ", Style.BADGE), Span(" ")]
    if brief:
        end += [
            Span(f" {rate(whole.rate)}/s ", Style.STRONG),
            Span(f" avg {average_text(whole)} of {theme.text(whole.threshold.text)} ", _against(whole)),
        ]
    return both_ends(start, end, width, theme.glyphs.ellipsis)


def _against(whole: Snapshot) -> Style:
    return Style.BAD if whole.window_average > whole.threshold.rate else Style.GOOD


def _gauge(whole: Snapshot, width: int, theme: Theme) -> Line:
    """The average of the window as a bar, with the threshold as a mark at two thirds."""
    glyphs = theme.glyphs
    limit = whole.threshold.rate
    start = [
        Span(f" {format_duration(whole.window)} average ", Style.DIM),
        Span(average_text(whole), Style.STRONG),
        Span(" "),
    ]
    percent = 100 * whole.window_average / limit
    whole_percent = -(-percent.numerator // percent.denominator) if percent > 100 else int(percent)
    shown = f"{whole_percent}%" if whole_percent < 1000 else ">999%"
    end = [
        Span(f" {shown}", _against(whole)),
        Span(f" of threshold {theme.text(whole.threshold.text)} ", Style.DIM),
    ]
    room = width - line_width(start) - line_width(end)
    if room < 6:
        return both_ends(start, end, width, glyphs.ellipsis)
    bar = meter(int(min(whole.window_average / limit, Fraction(3, 2)) * 1000), 1500, room, glyphs)
    at = room * 2 // 3
    filled = len(bar.rstrip())
    track = bar[:filled] + glyphs.empty * (room - filled)
    style = _against(whole)
    return (
        *start,
        *_two_toned(track[:at], min(filled, at), style),
        Span(glyphs.mark, Style.LIMIT),
        *_two_toned(track[at + 1 :], max(0, filled - at - 1), style),
        *end,
    )


def _two_toned(text: str, filled: int, style: Style) -> list[Span]:
    parts = (Span(text[:filled], style), Span(text[filled:], Style.DIM))
    return [part for part in parts if part.text]
