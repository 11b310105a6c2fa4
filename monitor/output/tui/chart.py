"""The traffic of the past intervals as bars, with the threshold as a line and the alerts as marks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import groupby

from monitor.engine.snapshot import AlertRecord, Point, Snapshot
from monitor.output.text import amount, rate
from monitor.output.tui.frame import Line, Span, Style, fit, fit_lines, right
from monitor.output.tui.theme import Theme

LABEL = 8  # columns of the scale at the left
STEPS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)  # s between two labels of the time axis
LABEL_EVERY = 10  # columns at least between two labels
LIMIT_IN_VIEW = 3  # a threshold further above the highest bar than this many times is not drawn: the bars would be flat

Cell = tuple[str, Style]


def chart(shown: Snapshot, whole: Snapshot, back: int, width: int, height: int, theme: Theme) -> list[Line]:
    """Bars of the newest intervals that have room, the newest at the right."""
    columns = width - LABEL
    bars = height - (2 if height >= 5 else 1)
    end = len(shown.points) - max(0, back - columns + 1)
    first = max(0, end - columns)
    points = shown.points[first:end]
    values = [Fraction(_value(point, shown.metric), shown.interval) for point in points]
    limit = whole.threshold.rate if shown is whole else None
    top = _top(values, limit)
    limit_row = None if limit is None or limit > top else bars - 1 - min(bars - 1, int(limit / top * bars))
    blank = columns - len(points)
    here = len(shown.points) - 1 - back - first if back else -1  # the point looked at
    full = len(theme.glyphs.levels) - 1
    heights = [max(1, round(value / top * bars * full)) if value > 0 else 0 for value in values]  # in parts of a cell
    averages = [bars - 1 - min(bars - 1, int(point.average / top * bars)) for point in points]  # rows
    lines = []
    for row in range(bars):
        floor = bars - 1 - row
        cells = [_blank(row == limit_row, theme)] * blank
        cells += [
            _cell(reach - floor * full, row == limit_row, row == level, point.alert, theme)
            for reach, level, point in zip(heights, averages, points, strict=True)
        ]
        lines.append((*_scale(row, bars, top, limit if row == limit_row else None, shown.metric), *spans(cells)))
    lines.append((Span(" " * LABEL), *spans(_axis(points, blank, shown.interval, whole, here, theme))))
    if height >= 5:
        lines.append((Span(" " * LABEL), Span(_times(points, blank, columns, shown.interval, theme), Style.DIM)))
    return fit_lines(lines, width, height)


def spans(cells: Iterable[Cell]) -> Line:
    """Cells of one column each, neighbours of one style joined."""
    return tuple(
        Span("".join(text for text, _ in group), style) for style, group in groupby(cells, key=lambda cell: cell[1])
    )


def per_second(value: Fraction, metric: str) -> str:
    """A rate in the metric's unit."""
    return f"{amount(int(value))}/s" if metric == "bytes" else f"{rate(value)}/s"


def _value(point: Point, metric: str) -> int:
    return point.size if metric == "bytes" else point.hits


def _top(values: Sequence[Fraction], limit: Fraction | None) -> Fraction:
    highest = max(values, default=Fraction(0))
    if limit is not None and limit <= highest * LIMIT_IN_VIEW:
        return max(highest, limit * Fraction(11, 10))
    return highest or (limit * Fraction(11, 10) if limit else Fraction(1))


def _blank(limit: bool, theme: Theme) -> Cell:
    return (theme.glyphs.limit, Style.LIMIT) if limit else (" ", Style.TEXT)


def _cell(level: int, limit: bool, average: bool, alert: bool, theme: Theme) -> Cell:
    """One column of one row: as much of the bar as reaches into it, the average and the threshold where they pass."""
    levels = theme.glyphs.levels
    full = len(levels) - 1
    if level <= 0:
        return (theme.glyphs.average, Style.STRONG) if average else _blank(limit, theme)
    if (average or limit) and level >= full:
        return (
            theme.glyphs.average if average else theme.glyphs.limit,
            Style.LIMIT_ON_ALERT if alert else Style.LIMIT_ON_BAR,
        )
    return levels[min(level, full)], Style.BAR_ALERT if alert else Style.BAR


def _scale(row: int, bars: int, top: Fraction, limit: Fraction | None, metric: str) -> Line:
    value = limit if limit is not None else top if row == 0 else None
    label = "0" if row == bars - 1 else ""
    if value is not None:
        label = amount(int(value)) if metric == "bytes" else rate(value)
    return (Span(right(label, LABEL - 1) + " ", Style.DIM if limit is None else Style.LIMIT),)


def _axis(points: Sequence[Point], blank: int, interval: int, whole: Snapshot, here: int, theme: Theme) -> list[Cell]:
    glyphs = theme.glyphs
    cells: list[Cell] = [(glyphs.axis, Style.DIM)] * (blank + len(points))
    for record in whole.alerts:
        _mark(cells, points, blank, record, interval, theme)
    if here >= 0:
        cells[blank + here] = (glyphs.here, Style.STRONG)
    return cells


def _mark(
    cells: list[Cell], points: Sequence[Point], blank: int, record: AlertRecord, interval: int, theme: Theme
) -> None:
    """Draw one alert on the axis, from where it was raised to where it recovered."""
    glyphs = theme.glyphs
    ended = record.recovered.at if record.recovered else None
    for at, point in enumerate(points):
        end = point.start + interval
        if point.start <= record.raised.at < end:
            cells[blank + at] = (glyphs.raised, Style.BAD)
        elif ended is not None and point.start <= ended < end:
            cells[blank + at] = (glyphs.recovered, Style.GOOD)
        elif cells[blank + at][1] is not Style.DIM:
            continue  # another rule's beginning or end is not drawn over
        elif record.raised.at < point.start and (record.on if ended is None else point.start <= ended):
            cells[blank + at] = (glyphs.on, Style.BAD)


def _times(points: Sequence[Point], blank: int, columns: int, interval: int, theme: Theme) -> str:
    """Times under the columns that begin a full minute, five minutes, an hour ..."""
    step = next((step for step in STEPS if step >= interval * LABEL_EVERY), STEPS[-1])
    line = ""
    for at, point in enumerate(points):
        label = theme.times.minute(point.start)
        if point.start % step == 0 and len(line) <= blank + at and blank + at + len(label) <= columns:
            line = line.ljust(blank + at) + label + " "
    return fit(line.rstrip(), columns)
