"""The headline: what is watched, how it is, the average against the threshold. Pure."""

from __future__ import annotations

from fractions import Fraction

from monitor.engine.snapshot import AlertRecord, Snapshot
from monitor.output.text import byte_tenths, count, lasting, peak_text, rate, tenths
from monitor.output.tui.frame import Line, Span, Style, both_ends, fit, fit_line, fit_lines, line_width, width_of
from monitor.output.tui.picture import Picture
from monitor.output.tui.state import State
from monitor.output.tui.theme import Theme, meter
from monitor.units import format_duration

BADGE = 9  # columns of OK or ALERT, which stay whatever else has to go
LEAST_NAMED = 20  # columns that the names of the rules whose alerts are on get at least
NOW = "past 10 s"  # what the rate of the moment is of: the engine's last ten closed seconds
WITH_SINCE = 80  # columns from which it is said since when no line has come


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
    told = f" {count(whole.lines)} line{'s' if whole.lines != 1 else ''}"
    if whole.clock is not None and not whole.lines and width >= WITH_SINCE:
        told += " since the start"  # the rest of the screen may be of what was read back
    end = [Span(told, Style.DIM)]
    if whole.clock is not None:
        end.append(Span(f"  {theme.times.full(whole.clock)} ", Style.STRONG))
    start = [Span(" Tapline ", Style.TITLE), Span(f" {theme.text(source.log)}", Style.STRONG)]
    if source.reading:
        start.append(Span(f" {glyphs.dot} {theme.text(source.reading)}", Style.DIM))
    if source.replay:
        start.append(Span(f" {glyphs.dot} replay", Style.DIM))
    return both_ends(start, end, width, glyphs.ellipsis)


def alerts_on(whole: Snapshot) -> tuple[AlertRecord, ...]:
    """The alerts that are on, the traffic's own first."""
    if whole.alert is None:
        return ()
    others = (record for record in whole.alerts if record.on)
    return tuple({record.raised.rule: record for record in (whole.alert, *others)}.values())


def _names(on: tuple[AlertRecord, ...], room: int, theme: Theme) -> str:
    """Which rules' alerts are on; nothing where it can only be the traffic's own."""
    names = [theme.text(record.raised.rule) or "traffic" for record in on]
    if names == ["traffic"]:
        return ""
    joined = ", ".join(names)
    if width_of(joined) > room:
        more = f" +{len(names) - 1}" if len(names) > 1 else ""
        first = min(width_of(names[0]), max(1, room - len(more)))
        joined = f"{fit(names[0], first, theme.glyphs.ellipsis)}{more}"
    return f" {joined}"


def state_badge(whole: Snapshot, theme: Theme, room: int, waiting: str = "") -> list[Span]:
    """OK or ALERT, whose and since when, in words that have room; before the first line what the program said last."""
    glyphs, times = theme.glyphs, theme.times
    if whole.clock is None:
        first = "for the first line that can be read" if whole.lines else "for the first line"
        return [Span("  WAIT   ", Style.BADGE), Span(f" {theme.text(waiting) or first}")]
    if whole.alert is None:
        if not whole.alerts:
            return [Span("   OK    ", Style.CALM), Span(" no alert so far", Style.GOOD)]
        ended = [record.recovered for record in whole.alerts if record.recovered]
        before = "before " if ended and ended[-1].since_before else ""
        since = f" since {before}{times.brief(ended[-1].at, whole.clock)}" if ended else ""
        return [Span("   OK    ", Style.CALM), Span(since, Style.GOOD)]
    on = alerts_on(whole)
    raised = min((record.raised for record in on), key=lambda raised: raised.at)
    since = ", the first since " if len(on) > 1 else " since "
    since += f"{'before ' if raised.since_before else ''}{times.brief(raised.at, whole.clock)}"
    lasted = f", {lasting(max(0, whole.clock - raised.at))}"
    badge = Span(f" {glyphs.raised} ALERT ", Style.ALARM)
    left = room - width_of(badge.text)
    names = _names(on, max(LEAST_NAMED, left - width_of(since + lasted) - 1), theme)
    if names and width_of(names + since + lasted) > left:  # whose it is comes before how long it has been on
        names, lasted = _names(on, max(LEAST_NAMED, left - width_of(since) - 1), theme), ""
    if names and width_of(names + since) > left:
        names, since = _names(on, max(LEAST_NAMED, left - 1), theme), ""
    return [badge, Span(names + since, Style.BAD), Span(lasted, Style.BAD)]


def _state(picture: Picture, state: State, width: int, brief: bool, theme: Theme) -> Line:
    whole = picture.whole
    end: list[Span] = []
    if state.filter is not None:
        chosen = _fitted(theme.key(state.filter.key), width // 3, theme)
        end += [Span("  "), Span(f" below only {chosen} ", Style.BADGE), Span(" ")]
    if state.paused:
        end += [Span(" PAUSED ", Style.BADGE), Span(" ")]
    if picture.behind:
        behind = Span("reading back ", Style.WARN)
        end[1:1] = [behind] if line_width([behind, *end]) <= width - BADGE else []
    if brief and whole.clock is not None:
        against = f" avg {average_text(whole)} of {_fitted(theme.text(whole.threshold.text), width // 5, theme)} "
        for more in (Span(f" {rate(whole.rate)}/s ", Style.STRONG), Span(against, _against(whole))):
            end += [more] if line_width([*end, more]) <= width - BADGE else []
    room = width - line_width(end)
    if brief or whole.clock is None:
        return both_ends(state_badge(whole, theme, room, picture.waiting), end, width, theme.glyphs.ellipsis)
    least = line_width(_now(picture, state.filter is not None, 0))
    start = state_badge(whole, theme, room - least, picture.waiting)
    if line_width(start) > room - least:
        start = list(fit_line(start, max(0, room - least), theme.glyphs.ellipsis))
    start += _now(picture, state.filter is not None, room - line_width(start))
    return both_ends(start, end, width, theme.glyphs.ellipsis)


def _fitted(text: str, most: int, theme: Theme) -> str:
    """What somebody else chose the length of, in at most so many columns."""
    return fit(text, min(width_of(text), most), theme.glyphs.ellipsis)


def _now(picture: Picture, filtered: bool, room: int) -> list[Span]:
    """The rate of the moment, of all hits whatever the filter; the peak and the words around it where there is room."""
    whole = picture.whole
    on = alerts_on(whole)
    in_all = " in all" if filtered else ""
    peak = f"   peak {peak_text(on[0])}" if len(on) == 1 else ""
    variants = ((f"{in_all} ({NOW})", peak), (in_all, peak), (in_all, ""))
    for of, most in variants:
        spans = [Span("   now "), Span(f"{rate(whole.rate)}/s", Style.STRONG), Span(of), Span(most, Style.BAD)]
        if line_width(spans) <= room:
            break
    return spans


def _against(whole: Snapshot) -> Style:
    return Style.BAD if whole.window_average > whole.threshold.rate else Style.GOOD


def _gauge(whole: Snapshot, width: int, theme: Theme) -> Line:
    """The average of the window as a bar, with the threshold as a mark at two thirds."""
    glyphs = theme.glyphs
    limit = whole.threshold.rate
    start = [
        Span(f" traffic {format_duration(whole.window)} average ", Style.DIM),
        Span(average_text(whole), Style.STRONG),
        Span(" "),
    ]
    percent = 100 * whole.window_average / limit
    whole_percent = -(-percent.numerator // percent.denominator) if percent > 100 else int(percent)
    shown = f"{whole_percent}%" if whole_percent < 1000 else ">999%"
    end = [
        Span(f" {shown}", _against(whole)),
        Span(f" of threshold {_fitted(theme.text(whole.threshold.text), width // 5, theme)} ", Style.DIM),
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
