"""The alerts that were: their messages in a few lines, and all of them as a table. Pure."""

from __future__ import annotations

from monitor.engine.snapshot import AlertRecord, Snapshot, Transition
from monitor.engine.snapshot import State as AlertState
from monitor.output.text import lasting, message, peak_text
from monitor.output.tui.frame import Line, Span, Style, both_ends, fit_line, fit_lines, width_of
from monitor.output.tui.state import State, selected_alert
from monitor.output.tui.theme import Theme


def history(whole: Snapshot, offset: int, width: int, height: int, theme: Theme) -> list[Line]:
    """Alert messages, the newest first."""
    told: list[Line] = []
    for record in reversed(whole.alerts):
        told += _messages(record, whole, width, theme)
        if len(told) >= offset + height:
            break
    if not told:
        told.append(fit_line([Span("none", Style.GOOD)], width))
    return fit_lines(told[min(offset, len(told) - 1) :], width, height)


def _messages(record: AlertRecord, whole: Snapshot, width: int, theme: Theme) -> list[Line]:
    """One or two lines of an alert, the later first; peak and duration stand with the last word on it."""
    lasted = ""
    if record.duration is not None:
        lasted = f"lasted {lasting(record.duration)}, "
    elif whole.clock is not None:
        lasted = f"on for {lasting(max(0, whole.clock - record.raised.at))}, "
    end = f"  {lasted}peak {peak_text(record)}"
    if record.recovered is None:
        return [_message(record.raised, end, width, theme)]
    return [_message(record.recovered, end, width, theme), _message(record.raised, "", width, theme)]


def _message(transition: Transition, end: str, width: int, theme: Theme) -> Line:
    """The message word for word, and as much around it as has room; where even that has none, its gist."""
    raised = transition.state is AlertState.RAISED
    style = Style.BAD if raised else Style.GOOD
    mark = f"{theme.glyphs.raised if raised else theme.glyphs.recovered} "
    full = theme.text(message(transition, theme.times))
    when = theme.times.full(transition.at)
    bare = full[: full.rfind(f" {when} (")] + f" {when}"  # a rule's name may hold a bracket, too
    what = theme.text(transition.rule) or "High traffic" if raised else f"Recovered {theme.text(transition.rule)}"
    gist = f"{what.rstrip()}, {_held(transition)}, {'before ' if transition.since_before else ''}{when}"
    for before, text, after in (
        (mark, full, end),
        (mark, bare, end),
        (mark, bare, f"  {end.rpartition(', ')[2]}"),
        (mark, bare, ""),
        ("", bare, ""),
        (mark, gist, end),
    ):
        if width_of(before) + width_of(text) + width_of(after) <= width:
            break
    else:
        before, text, after = mark, gist, ""
    return both_ends([Span(before, style), Span(text)], [Span(after, Style.STRONG)], width, theme.glyphs.ellipsis)


def _held(transition: Transition) -> str:
    return peak_text(AlertRecord(transition, None, transition.hits, transition.at))


def alerts(whole: Snapshot, state: State, width: int, height: int, theme: Theme) -> tuple[list[Line], int, int]:
    """The alerts as a table, the newest first; also the index of the first one shown, and how many are."""
    newest_first = whole.alerts[::-1]
    selected = selected_alert(state, whole.alerts)
    detail = 3 if height >= 8 else 0
    room = max(1, height - 1 - detail)
    first = max(0, min(selected - room // 2, len(newest_first) - room))
    # Only an alert that was on at the start needs the word in front of its time.
    wide = 28 if any(record.raised.since_before for record in whole.alerts) else 21
    titles = f"    {'raised':<{wide}}{'recovered':<21}{'lasted':>12}{'peak':>14}"
    lines = [fit_line([Span(titles, Style.DIM)], width, theme.glyphs.ellipsis)]
    for at, record in enumerate(newest_first[first : first + room], start=first):
        lines.append(_alert_row(record, whole.clock, at == selected, wide, width, theme))
    shown = len(lines) - 1
    if not newest_first:
        lines.append(fit_line([Span("    no alert so far", Style.GOOD)], width, theme.glyphs.ellipsis))
    lines = fit_lines(lines, width, height - detail)
    if detail:
        lines += fit_lines(_detail(newest_first, selected, whole, width, theme), width, detail)
    return lines, first, shown


def _alert_row(record: AlertRecord, clock: int | None, selected: bool, wide: int, width: int, theme: Theme) -> Line:
    times, glyphs = theme.times, theme.glyphs
    recovered = times.full(record.recovered.at) if record.recovered else "still on"
    so_far = None if clock is None else max(0, clock - record.raised.at)
    duration = so_far if record.duration is None else record.duration
    lasted = "-" if duration is None else lasting(duration)
    mark = glyphs.recovered if record.recovered else glyphs.raised
    before = "before " if record.raised.since_before else ""
    rule = f"  {theme.text(record.raised.rule)}" if record.raised.rule else ""
    raised = f"{before}{times.full(record.raised.at)}"
    text = f" {raised:<{wide}}{recovered:<21}{lasted:>12}{peak_text(record):>14}{rule}"
    spans = [
        Span(f" {glyphs.bullet if selected else mark} ", Style.GOOD if record.recovered else Style.BAD),
        Span(text),
    ]
    if selected:
        return fit_line([Span(span.text, Style.SELECTED) for span in spans], width, glyphs.ellipsis, Style.SELECTED)
    return fit_line(spans, width, glyphs.ellipsis)


def _detail(
    newest_first: tuple[AlertRecord, ...], selected: int, whole: Snapshot, width: int, theme: Theme
) -> list[Line]:
    """The selected alert's messages in full."""
    lines: list[Line] = [fit_line([], width)]
    if newest_first:
        record = newest_first[selected]
        for transition in (record.raised, record.recovered):
            if transition is not None:
                text = f"    {theme.text(message(transition, theme.times))}"
                lines.append(fit_line([Span(text)], width, theme.glyphs.ellipsis))
    if whole.alerts_dropped and len(lines) < 3:
        lines.append(fit_line([Span(f"    older ones are no longer kept: {whole.alerts_dropped}", Style.WARN)], width))
    return lines
