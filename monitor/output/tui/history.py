"""The alerts that were: their messages in a few lines, and all of them as a table. Pure."""

from __future__ import annotations

from monitor.engine.snapshot import AlertRecord, Snapshot, Transition
from monitor.engine.snapshot import State as AlertState
from monitor.output.text import lasted, lasting, message, peak_text
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
    peak = f"peak {peak_text(record)}"
    if record.recovered:
        end = _message(record.recovered, Style.GOOD, f"  lasted {lasted(record)}, {peak}", width, theme)
        return [end, _message(record.raised, Style.BAD, "", width, theme)]
    if not record.on:  # without these words it would seem to be
        return [_message(record.raised, Style.WARN, f"  {peak}, {lasted(record)}", width, theme, needs_end=True)]
    how_long = "" if whole.clock is None else f"on for {lasting(max(0, whole.clock - record.raised.at))}, "
    return [_message(record.raised, Style.BAD, f"  {how_long}{peak}", width, theme)]


def _message(
    transition: Transition, style: Style, end: str, width: int, theme: Theme, *, needs_end: bool = False
) -> Line:
    """The message word for word, and as much around it as has room; where even that has none, its gist."""
    raised = transition.state is AlertState.RAISED
    short = f"  {end.rpartition(', ')[2]}"
    mark = f"{theme.glyphs.raised if raised else theme.glyphs.recovered} "
    full = theme.text(message(transition, theme.times))
    when = theme.times.full(transition.at)
    bare = full[: full.rfind(f" {when} (")] + f" {when}"  # a rule's name may hold a bracket, too
    what = theme.text(transition.rule) or "High traffic" if raised else f"Recovered {theme.text(transition.rule)}"
    gist = f"{what.rstrip()}, {_held(transition)}, {'before ' if transition.since_before else ''}{when}"
    for before, text, after in (
        (mark, full, end),
        (mark, bare, end),
        (mark, bare, short),
        (mark, bare, ""),
        ("", bare, ""),
        (mark, gist, end),
    ):
        if needs_end and not after:
            continue
        if width_of(before) + width_of(text) + width_of(after) <= width:
            break
    else:
        before, text, after = mark, gist, short if needs_end else ""
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
    # Only an alert that was on at the start, or over by then, needs the word in front of its time.
    wide = 28 if any(record.raised.since_before for record in whole.alerts) else 21
    late = any(record.recovered and record.recovered.since_before for record in whole.alerts)
    ends = (28, 20) if late else (21, 12)
    titles = f"    {'raised':<{wide}}{'recovered':<{ends[0]}}{'lasted':>{ends[1]}}{'peak':>14}"
    lines = [fit_line([Span(titles, Style.DIM)], width, theme.glyphs.ellipsis)]
    for at, record in enumerate(newest_first[first : first + room], start=first):
        lines.append(_alert_row(record, whole.clock, at == selected, (wide, *ends), width, theme))
    shown = len(lines) - 1
    if not newest_first:
        lines.append(fit_line([Span("    no alert so far", Style.GOOD)], width, theme.glyphs.ellipsis))
    lines = fit_lines(lines, width, height - detail)
    if detail:
        lines += fit_lines(_detail(newest_first, selected, whole, width, theme), width, detail)
    return lines, first, shown


def _alert_row(
    record: AlertRecord, clock: int | None, selected: bool, widths: tuple[int, int, int], width: int, theme: Theme
) -> Line:
    glyphs = theme.glyphs
    recovered = _when(record.recovered, theme) if record.recovered else lasted(record)
    how_long = lasted(record) if record.recovered else "-"
    if record.on and clock is not None:
        how_long = lasting(max(0, clock - record.raised.at))
    mark = glyphs.recovered if record.recovered else glyphs.raised
    rule = f"  {theme.text(record.raised.rule)}" if record.raised.rule else ""
    wide, wide_end, wide_time = widths
    text = f" {_when(record.raised, theme):<{wide}}{recovered:<{wide_end}}{how_long:>{wide_time}}"
    text += f"{peak_text(record):>14}{rule}"
    spans = [
        Span(f" {glyphs.bullet if selected else mark} ", _style(record)),
        Span(text),
    ]
    if selected:
        return fit_line([Span(span.text, Style.SELECTED) for span in spans], width, glyphs.ellipsis, Style.SELECTED)
    return fit_line(spans, width, glyphs.ellipsis)


def _when(transition: Transition, theme: Theme) -> str:
    return f"{'before ' if transition.since_before else ''}{theme.times.full(transition.at)}"


def _style(record: AlertRecord) -> Style:
    return Style.BAD if record.on else Style.GOOD if record.recovered else Style.WARN


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
