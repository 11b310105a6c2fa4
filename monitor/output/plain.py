"""The scrolling view: a short block an interval, alert messages in between, all of them again at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TextIO

from monitor.engine.snapshot import AlertRecord, Interval, Row, Summary, Traffic, Transition
from monitor.output.stream import send
from monitor.output.text import (
    Times,
    amount,
    distinct,
    key_text,
    lasted,
    lasting,
    message,
    messages,
    microseconds,
    peak_text,
    rate,
    safe,
)

METHODS = 6  # of a block's methods the most frequent; an outsider can make up as many as he likes


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else "-"


def _counts(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {hits}" for name, hits in counts) or "none"


def _methods(methods: Mapping[bytes, int]) -> str:
    ranked = sorted(methods.items(), key=lambda item: (-item[1], item[0]))
    more = f", and {len(ranked) - METHODS} more" if len(ranked) > METHODS else ""
    return _counts((key_text(key), hits) for key, hits in ranked[:METHODS]) + more


def _table(rows: tuple[Row, ...], hits: int) -> list[str]:
    """The sections. The name is the last column: whatever is in it has nothing to its right to push."""
    if not rows:
        return []
    timed = any(row.times for row in rows)
    lines = [f"  {'hits':>9} {'share':>7} {'errors':>9} {'bytes':>9}{'      p95' if timed else ''}  section"]
    for row in rows:
        p95 = f"{microseconds(row.times.p95) if row.times else '-':>9}" if timed else ""
        lines.append(
            f"  {row.hits:>9} {_percent(row.hits, hits):>7} {row.errors:>9} {amount(row.size):>9}{p95}  "
            f"{key_text(row.key)}"
        )
    return lines


def _statistics(traffic: Traffic) -> list[str]:
    lines = [
        f"  statuses: {_counts(sorted(traffic.statuses.items()))}; methods: {_methods(traffic.methods)}",
    ]
    if traffic.times:
        times = traffic.times
        lines.append(
            f"  times: median {microseconds(times.median)}, p95 {microseconds(times.p95)}, "
            f"p99 {microseconds(times.p99)}"
        )
    if traffic.malformed or traffic.late:
        lines.append(f"  malformed: {traffic.malformed}; late: {traffic.late}")
    if not traffic.sections_exact:
        lines.append("  more sections than are counted one by one: the smallest are in (other)")
    return lines


class Plain:
    """Presents each event as lines of text, flushed at once."""

    def __init__(self, out: TextIO, err: TextIO, times: Times, replay: bool) -> None:
        """In a ``replay`` a whole silence is one line; live it is told interval by interval."""
        self._out = out
        self._err = err
        self._times = times
        self._replay = replay
        self._told: int | None = None  # up to which second of log time intervals were shown

    def _write(self, *lines: str) -> None:
        send(self._out, "".join(f"{line}\n" for line in lines))

    def _silence(self, end: int) -> None:
        """Tell in one line that nothing came between what was shown last and ``end``."""
        if self._told is not None and self._told < end:
            self._write(f"{self._times.span(self._told, end)}  no traffic for {lasting(end - self._told)}", "")

    def interval(self, interval: Interval) -> None:
        """Write the interval's block; a silent one is a line, or part of a longer silence."""
        traffic = interval.traffic
        silent = not (traffic.hits or traffic.malformed or traffic.late)
        if silent and self._replay:
            self._told = interval.start if self._told is None else self._told
            return
        self._silence(interval.start)
        self._told = interval.end
        average = f"{rate(interval.window_average)}/s over the window"
        if silent:
            self._write(f"{self._times.span(interval.start, interval.end)}  no traffic, {average}", "")
            return
        self._write(
            f"{self._times.span(interval.start, interval.end)}  {traffic.hits} hits, {rate(interval.rate)}/s, "
            f"{amount(traffic.size)}, {distinct(traffic.clients, traffic.clients_exact)} clients, {average}",
            *_table(traffic.sections, traffic.hits),
            *_statistics(traffic),
            "",
        )

    def transition(self, transition: Transition, record: AlertRecord) -> None:
        """Write the alert message on a line of its own."""
        self._write(message(transition, self._times), "")

    def note(self, text: str) -> None:
        """Tell a person, apart from what was counted."""
        self._err.write(f"monitor: {safe(text)}\n")

    def summary(self, summary: Summary, reading: str) -> None:
        """Write the whole, and every alert again."""
        traffic = summary.traffic
        span = "no hits"
        if summary.first is not None and summary.last is not None:
            span = f"{self._times.full(summary.first)} - {self._times.full(summary.last)}"
        counts = [f"{summary.parsed} hits", f"{summary.malformed} malformed", f"{summary.blank} blank"]
        counts += [f"{summary.comments} comments"] if summary.comments else []
        self._write(
            f"Summary  {span}",
            f"  {summary.lines} lines: {', '.join(counts)}; {summary.late} late; format: {safe(reading)}",
            f"  {amount(traffic.size)}, {distinct(traffic.clients, traffic.clients_exact)} clients"
            + self._busiest(summary),
            *_table(traffic.sections, traffic.hits),
            *_statistics(traffic),
        )
        self._malformed(summary)
        self._alerts(summary)

    def _busiest(self, summary: Summary) -> str:
        if summary.busiest is None:
            return ""
        second, hits = summary.busiest
        return f", busiest second {self._times.full(second)} with {hits} hits"

    def _malformed(self, summary: Summary) -> None:
        if summary.samples:
            self._write(
                "",
                f"Malformed lines, {len(summary.samples)} of {summary.malformed}",
                *(f"  line {bad.line}: {safe(bad.reason)}: {key_text(bad.text)}" for bad in summary.samples),
            )

    def _alerts(self, summary: Summary) -> None:
        told = sum((not record.earlier) + (record.recovered is not None) for record in summary.alerts)
        lost = summary.transitions - told
        self._write("", f"Alerts  {summary.transitions or 'none'}")
        if lost > 0:
            self._write(f"  the first {lost} are no longer kept")
        for record in summary.alerts:
            self._write(*(f"  {line}" for line in messages(record, self._times)))
            how_long = f"lasted {lasted(record)}" if record.recovered else lasted(record)
            self._write(f"    {how_long}, peak {peak_text(record)} at {self._times.full(record.peak_at)}")
