"""Statuses, methods and single figures of the stretch of time in view. Pure."""

from __future__ import annotations

from monitor.engine.snapshot import Snapshot, Traffic
from monitor.output.text import amount, count, distinct, microseconds
from monitor.output.tui.frame import Line, Span, Style, fit_line, fit_lines, line_width, right
from monitor.output.tui.theme import Theme, meter

_INEXACT = Span("smallest sections in (other)", Style.WARN)  # comes first: what is behind may have no room


def statistics(snapshot: Snapshot, width: int, height: int, theme: Theme) -> list[Line]:
    """Statuses, methods and the rest, as a list where there is room, else in one to three lines."""
    listed = height >= 8 and width < 70
    lines = _listed(snapshot, width, theme) if listed else _packed(snapshot, width, height, theme)
    return fit_lines(lines, width, height)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else "-"


def _class_style(name: str) -> Style:
    return {"2": Style.GOOD, "4": Style.WARN, "5": Style.BAD}.get(name[:1], Style.TEXT)


def _ranked_methods(traffic: Traffic, theme: Theme) -> list[tuple[str, int]]:
    ranked = sorted(traffic.methods.items(), key=lambda item: (-item[1], item[0]))
    return [(theme.key(key), hits) for key, hits in ranked[:8]]


def _figures(snapshot: Snapshot) -> list[tuple[str, str, Style]]:
    """Name, figure and style of the single figures, the most important first."""
    traffic = snapshot.traffic
    figures = [
        ("hits", count(traffic.hits), Style.STRONG),
        ("clients", distinct(traffic.clients, traffic.clients_exact), Style.TEXT),
        ("bytes", amount(traffic.size), Style.TEXT),
        ("errors", _percent(traffic.errors, traffic.hits), Style.BAD if traffic.errors else Style.TEXT),
        ("malformed", count(traffic.malformed), Style.WARN if traffic.malformed else Style.TEXT),
        ("late", count(traffic.late), Style.WARN if traffic.late else Style.TEXT),
    ]
    if traffic.times:
        figures += [
            ("median", microseconds(traffic.times.median), Style.TEXT),
            ("p95", microseconds(traffic.times.p95), Style.TEXT),
            ("p99", microseconds(traffic.times.p99), Style.TEXT),
        ]
    figures.append(("lateness", f"{snapshot.lateness} s", Style.TEXT))
    return figures


def _listed(snapshot: Snapshot, width: int, theme: Theme) -> list[Line]:
    traffic = snapshot.traffic
    bar = max(0, width - 20)
    lines = [] if traffic.sections_exact else [fit_line([_INEXACT], width, theme.glyphs.ellipsis)]
    for name, hits in sorted(traffic.statuses.items()):
        lines.append(
            fit_line(
                [
                    Span(f"{name} ", _class_style(name)),
                    Span(right(count(hits), 6)),
                    Span(right(_percent(hits, traffic.hits), 8) + "  ", Style.DIM),
                    Span(meter(hits, traffic.hits, bar, theme.glyphs), _class_style(name)),
                ],
                width,
                theme.glyphs.ellipsis,
            )
        )
    methods: list[Span] = []
    for name, hits in _ranked_methods(traffic, theme):
        methods += [Span(f"{name} ", Style.DIM), Span(f"{count(hits)}  ")]
    if methods:
        lines.append(fit_line(methods, width, theme.glyphs.ellipsis))
    figures = _figures(snapshot)
    half = width // 2
    for at in range(0, len(figures), 2):
        pair: list[Span] = []
        for name, figure, style in figures[at : at + 2]:
            pair += fit_line([Span(f"{name} ", Style.DIM), Span(figure, style)], half, theme.glyphs.ellipsis)
        lines.append(fit_line(pair, width, theme.glyphs.ellipsis))
    return lines


def _packed(snapshot: Snapshot, width: int, height: int, theme: Theme) -> list[Line]:
    traffic = snapshot.traffic
    classes = [
        [
            Span(f"{name} ", _class_style(name)),
            Span(f"{count(hits)} ", Style.STRONG),
            Span(_percent(hits, traffic.hits), Style.DIM),
        ]
        for name, hits in sorted(traffic.statuses.items())
    ]
    methods = [[Span(f"{name} ", Style.DIM), Span(count(hits))] for name, hits in _ranked_methods(traffic, theme)]
    figures = [[Span(f"{name} ", Style.DIM), Span(figure, style)] for name, figure, style in _figures(snapshot)]
    inexact = [] if traffic.sections_exact else [[_INEXACT]]
    groups = [classes, methods, inexact + figures]
    if height == 1:
        groups = [inexact + classes + figures[1:]]
    elif height == 2:
        groups = [classes + methods, inexact + figures]
    return [_in_a_row(group, width, theme) for group in groups]


def _in_a_row(figures: list[list[Span]], width: int, theme: Theme) -> Line:
    """As many of the figures as have room, the first ones being the most important."""
    if not figures:
        return fit_line([Span("no traffic", Style.DIM)], width, theme.glyphs.ellipsis)
    spans = list(figures[0])
    for figure in figures[1:]:
        if line_width(spans) + 2 + line_width(figure) > width:
            break
        spans += [Span("  "), *figure]
    return fit_line(spans, width, theme.glyphs.ellipsis)
