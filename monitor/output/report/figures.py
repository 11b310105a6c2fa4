"""The page's pictures as HTML and inline SVG. Colours and sizes are the style sheet's, by class.

Positions are in a picture's own units, and text is never inside what is stretched: so both fit any width of screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from math import ceil, floor, isqrt, log10

from monitor.engine.snapshot import AlertRecord
from monitor.output.report.timeline import Limits, Slot, Timeline
from monitor.output.text import Times, amount, key_text, message, rate
from monitor.units import Threshold

BANDS = 200  # alerts in the chart, the longest
STRIP = 3  # height of those of further rules: the threshold that is drawn is not theirs
ROWS = 20  # sections of the heat map
LEVELS = 8  # of its colours, besides none
_WIDE, _HIGH = 1000, 100  # the chart's units
_TICKS = (  # s
    1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900,
    1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800,
)  # fmt: skip
_SHARE = 0.4  # a threshold further above the traffic than this would flatten it


@dataclass(frozen=True, slots=True)
class Scale:
    """The chart's axes: seconds and amounts per second as positions."""

    start: int
    end: int
    top: float

    def x(self, at: float) -> float:
        """From the left."""
        return min(max((at - self.start) / (self.end - self.start), 0), 1) * _WIDE

    def y(self, amount: float) -> float:
        """From above."""
        return _HIGH - min(amount / self.top, 1) * _HIGH


def chart(
    timeline: Timeline, limits: Limits, metric: str, window: int, alerts: Sequence[AlertRecord], times: Times
) -> str:
    """Traffic over time with the window's average, the threshold and the alerts."""
    if not timeline.slots:
        return "<p>No traffic.</p>"
    slots = sorted(timeline.slots.items())
    rates = [(start, _held(slot, metric) / timeline.width, float(slot.average)) for start, slot in slots]
    highest = max(max(flow, average) for _, flow, average in rates)
    steps = list(limits.steps(timeline.start, timeline.end))
    shown = [each for each in steps if highest >= float(each[2].rate) * _SHARE]
    step, top = _nice(max(highest, *(float(limit.rate) for _, _, limit in shown), 0) * 1.05)
    scale = Scale(timeline.start, timeline.end, top)
    unit = "bytes" if metric == "bytes" else "hits"
    marks = [step * index for index in range(round(top / step) + 1)]
    lines = "".join(f'<path class="grid" d="M0 {scale.y(mark):.2f}H{_WIDE}"/>' for mark in marks[1:])
    bars = "".join(_bar(scale, start, flow, timeline, metric, times) for start, flow, _ in rates)
    dashes = f'<path class="threshold" d="{_stairs(scale, shown)}"/>' if shown else ""
    picture = (
        f'<svg class="plot" viewBox="0 0 {_WIDE} {_HIGH}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(_words(rates, unit, limits, alerts))}">'
        f"{lines}{''.join(_bands(scale, alerts, times))}{bars}"
        f'<path class="average" d="{_curve(scale, rates, timeline.width, window)}"/>{dashes}</svg>'
    )
    level = "".join(
        f'<text x="100%" y="{scale.y(mark):.1f}%" dx="-6" dy="{_nudge(mark, top)}">{_amount(mark, metric)}</text>'
        for mark in marks
    )
    strip = (
        ' <span class="key strip"></span> alert of a further rule' if any(each.raised.rule for each in alerts) else ""
    )
    above = dict.fromkeys(limit.text for each in steps if each not in shown for limit in each[2:])
    note = f" (above the picture: {escape(', '.join(above))})" if above else ""
    return (
        '<figure class="chart"><div class="frame">'
        f'<svg class="levels" aria-hidden="true">{level}</svg>{picture}'
        f'<svg class="moments" aria-hidden="true">{_moments(scale, times)}</svg></div>'
        '<figcaption><span class="key bar"></span> '
        f"{unit} per second, each bar {_length(timeline.width)} "
        '<span class="key average"></span> average of the window, highest in the bar '
        f'<span class="key threshold"></span> threshold{note} <span class="key band"></span> alert{strip}'
        "</figcaption></figure>"
    )


def _stairs(scale: Scale, steps: Sequence[tuple[int, int, Threshold]]) -> str:
    """The threshold as it was over time; where it was far above the traffic there is a gap."""
    path, before = "", None
    for start, end, limit in steps:
        level = f"{scale.y(float(limit.rate)):.2f}"
        path += f"V{level}" if before == start else f"M{scale.x(start):.2f} {level}"
        path += f"H{scale.x(end):.2f}"
        before = end
    return path


def _held(slot: Slot, metric: str) -> int:
    return slot.size if metric == "bytes" else slot.hits


def _words(rates: Sequence[tuple[int, float, float]], unit: str, limits: Limits, alerts: Sequence[AlertRecord]) -> str:
    """What the chart says, for those who hear it."""
    held = f"the threshold is {limits.last.text}"
    if limits.changes:
        held = f"the threshold was {limits.first.text} at the start and is {limits.last.text} at the end"
    return (
        f"Traffic over time: at most {max(flow for _, flow, _ in rates):.1f} {unit} per second; the window's average "
        f"reached {max(average for _, _, average in rates):.1f} per second; {held}; "
        f"alerts: {len(alerts)}. The figures are in the table below."
    )


def _bar(scale: Scale, start: int, flow: float, timeline: Timeline, metric: str, times: Times) -> str:
    left, right, top = scale.x(start), scale.x(start + timeline.width), scale.y(flow)
    told = f"{times.span(start, start + timeline.width)}: {_amount(flow, metric)}/s"
    return (
        f'<rect class="bar" x="{left:.2f}" y="{top:.2f}" width="{max(right - left, 0.3):.2f}" '
        f'height="{_HIGH - top:.2f}"><title>{escape(told)}</title></rect>'
    )


def _curve(scale: Scale, rates: Sequence[tuple[int, float, float]], width: int, window: int) -> str:
    """The window's average; over a silence it falls to nothing within the window."""
    points: list[tuple[float, float]] = []
    for start, _, average in rates:
        middle = start + width / 2
        if points and middle - points[-1][0] > max(width, window) * 1.01:
            points += [(points[-1][0] + max(width, window), 0), (middle - width, 0)]
        points.append((middle, average))
    return "M" + "L".join(f"{scale.x(at):.2f} {scale.y(value):.2f}" for at, value in points)


def _bands(scale: Scale, alerts: Sequence[AlertRecord], times: Times) -> Iterator[str]:
    """The longest alerts: the short form's behind its bars, those of further rules along the upper edge."""

    def lasted(record: AlertRecord) -> int:
        return scale.end - record.raised.at if record.duration is None else record.duration

    seen = (each for each in alerts if each.recovered is None or each.recovered.at >= scale.start)
    longest = sorted(seen, key=lasted, reverse=True)[:BANDS]
    for record in sorted(longest, key=lambda record: bool(record.raised.rule)):
        left = scale.x(record.raised.at)
        right = scale.x(record.recovered.at if record.recovered else scale.end)
        yield (
            f'<rect class="{"strip" if record.raised.rule else "band"}" x="{left:.2f}" y="0" '
            f'width="{max(right - left, 1):.2f}" height="{STRIP if record.raised.rule else _HIGH}">'
            f"<title>{escape(message(record.raised, times))}</title></rect>"
        )


def _moments(scale: Scale, times: Times) -> str:
    """Labels of the time axis, with the date below where it changes."""
    span = scale.end - scale.start
    step = next((tick for tick in _TICKS if span / tick <= 8), -(-span // (8 * 604800)) * 604800)
    shift = _offset(scale.start, times) if step >= 3600 else 0
    first = -(-(scale.start + shift) // step) * step - shift
    texts, date = [], ""
    for place, at in enumerate(range(first, scale.end, step)):
        full = times.full(at)
        label = full[:10] if step >= 86400 else times.time(at) if step < 60 else times.minute(at)
        kind = ' class="minor"' if place % 2 else ""
        texts.append(f'<text{kind} x="{scale.x(at) * 100 / _WIDE:.2f}%" y="14">{escape(label)}</text>')
        if step < 86400 and full[:10] != date:
            date = full[:10]
            texts.append(f'<text{kind} x="{scale.x(at) * 100 / _WIDE:.2f}%" y="29">{escape(date)}</text>')
    return "".join(texts)


def _offset(at: int, times: Times) -> int:
    """The zone's seconds ahead of UTC, so that midnight is a tick."""
    try:
        ahead = datetime.fromisoformat(times.iso(at)).utcoffset()
    except ValueError:
        return 0
    return int(ahead.total_seconds()) if ahead else 0


def _nice(highest: float) -> tuple[float, float]:
    """A round step and the end of an axis that holds ``highest``."""
    size = 10.0 ** floor(log10(highest)) if highest else 1.0
    step = next(size * factor for factor in (0.2, 0.5, 1, 2, 5) if highest <= size * factor * 5)
    return step, step * ceil(highest / step)


def _nudge(mark: float, top: float) -> str:
    return "0.8em" if mark == top else "0" if mark == 0 else "0.35em"


def _amount(value: float, metric: str) -> str:
    return amount(round(value)) if metric == "bytes" else f"{value:g}" if value < 1000 else f"{round(value):,}"


def _length(seconds: int) -> str:
    for name, size in (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds % size == 0:
            number = seconds // size
            return f"{number} {name}s" if number > 1 else f"1 {name}"
    return f"{seconds} seconds"


def heat_map(timeline: Timeline, sections: Iterable[bytes], times: Times) -> str:
    """Hits by section and time: a table whose cells are coloured."""
    keys = list(sections)[:ROWS]
    highest = max((slot.sections.get(key, 0) for slot in timeline.slots.values() for key in keys), default=0)
    if not highest:
        return ""
    starts = range(timeline.start, timeline.end, timeline.width)
    every = max(1, len(starts) // 6)
    head = "".join(
        f'<th scope="col" colspan="{min(every, len(starts) - place)}">{escape(_moment(start, timeline, times))}</th>'
        for place, start in enumerate(starts)
        if place % every == 0
    )
    rows = []
    for key in keys:
        cells = []
        for start in starts:
            slot = timeline.slots.get(start)
            hits = slot.sections.get(key, 0) if slot else 0
            told = f' title="{escape(times.full(start))}: {hits}"' if hits else ""
            cells.append(f'<td class="h{_level(hits, highest)}"{told}><span>{hits}</span></td>')
        name = escape(key_text(key))
        rows.append(f'<tr><th scope="row"><span title="{name}">{name}</span></th>{"".join(cells)}</tr>')
    legend = "".join(f'<span class="key h{level}"></span>' for level in range(LEVELS + 1))
    return (
        '<figure><div class="scroll" tabindex="0" role="region" aria-label="Heat map of sections by time">'
        '<table class="heat"><thead><tr><th scope="col">section</th>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        f"<figcaption>hits, each column {_length(timeline.width)}: none {legend} {highest:,}</figcaption></figure>"
    )


def _level(hits: int, highest: int) -> int:
    """By the root, so that what is small can be told from nothing."""
    return 0 if not hits else max(1, isqrt(hits * LEVELS * LEVELS // highest))


def _moment(start: int, timeline: Timeline, times: Times) -> str:
    full = times.full(start)
    if timeline.width >= 86400:
        return full[:10]
    return full[5:16] if timeline.end - timeline.start > 86400 else full[11:16] if timeline.width >= 60 else full[11:]


def figures_table(timeline: Timeline, times: Times) -> str:
    """The chart's figures, for those who want to read them."""
    rows = "".join(
        f'<tr><th scope="row">{escape(times.full(start))}</th><td>{slot.hits:,}</td><td>{slot.errors:,}</td>'
        f'<td data-v="{slot.size}">{escape(amount(slot.size))}</td><td>{rate(slot.average)}</td></tr>'
        for start, slot in sorted(timeline.slots.items())
    )
    return (
        '<details><summary>The figures</summary><div class="scroll" tabindex="0" role="region" '
        'aria-label="Figures of the chart"><table class="sortable"><thead><tr><th scope="col">from</th>'
        '<th scope="col">hits</th><th scope="col">errors</th><th scope="col">bytes</th>'
        '<th scope="col">highest average, per second</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></details>"
    )
