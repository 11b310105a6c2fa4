"""The page: what was counted as HTML, complete in itself.

Whatever comes from a log is escaped, twice where it counts: ``key_text`` leaves nothing that has no place in a line,
``escape`` nothing that HTML reads; and a content security policy lets nothing run but the page's own script, by its
hash, and nothing be fetched at all.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from monitor import __version__
from monitor.engine.snapshot import AlertRecord, Row, Summary, Table
from monitor.output.report.figures import chart, figures_table, heat_map
from monitor.output.report.timeline import Limits, Timeline
from monitor.output.text import Times, amount, distinct, key_text, lasted, message, microseconds, peak_text, safe
from monitor.units import Threshold, format_duration

SECTIONS = 500  # rows of the table; the program's own output has them all
OTHERS = 100  # rows of every other table
ALERTS = 200  # the newest
CHANGES = 20  # of the threshold that are named, the newest
_TEXT = ' class="text"'
_TEXTS = ("message", "reason", "beginning")  # columns that are read, not compared
_TITLES = {
    Table.CLIENTS: ("Clients", "client"),
    Table.HOSTS: ("Hosts", "virtual host"),
    Table.REFERERS: ("Referers", "referer"),
    Table.AGENTS: ("Agents", "agent"),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What the run was about."""

    logs: tuple[str, ...]
    threshold: Threshold
    metric: str
    window: int  # s
    rules: tuple[str, ...] = ()  # the further ones, in the user's words


def page(
    subject: Subject,
    summary: Summary,
    reading: str,
    tables: Mapping[Table, tuple[Row, ...]],
    limits: Limits,
    traffic: Timeline,
    heat: Timeline,
    times: Times,
) -> str:
    """Return the whole page."""
    style, script = _part("page.css"), _part("page.js")
    policy = f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'"
    logs = ", ".join(escape(safe(log)) for log in subject.logs)
    total = summary.traffic.hits
    hot = heat_map(heat, (row.key for row in summary.traffic.sections), times)
    body = [
        f"<header><h1>Traffic report</h1><p>{logs}<br>{escape(_span(summary, times))}</p></header><main>",
        _cards(summary, times),
        _section(
            "Traffic",
            chart(traffic, limits, subject.metric, subject.window, summary.alerts, times)
            + figures_table(traffic, times),
        ),
        _section("Alerts", _alerts(summary, subject, limits, times)),
        _section("Sections over time", hot) if hot else "",
        _section("Sections", _rows("section", summary.traffic.sections[:SECTIONS], total, times)),
        '<div class="pair">',
        _section("Statuses", _counts("status", summary.traffic.codes, total)),
        _section("Methods", _counts("method", summary.traffic.methods, total)),
        "</div>",
    ]
    for table, (title, name) in _TITLES.items():
        if rows := [row for row in tables.get(table, ()) if row.key]:
            body.append(_section(title, _rows(name, rows[:OTHERS], total, times)))
    if summary.samples:
        body.append(_section("Malformed lines", _malformed(summary)))
    body.append(f"</main><footer>Tapline {__version__}; {escape(safe(reading))}</footer>")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f"<title>Traffic report: {logs}</title><style>{style}</style></head>\n<body>\n"
        + "\n".join(body)
        + f"\n<script>{script}</script></body></html>\n"
    )


def _part(name: str) -> str:
    return files("monitor.output.report").joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>"


def _span(summary: Summary, times: Times) -> str:
    if summary.first is None or summary.last is None:
        return "no hits"
    zone = times.iso(summary.last)[19:]
    return f"{times.full(summary.first)} to {times.full(summary.last)} (UTC{zone})"


def _cards(summary: Summary, times: Times) -> str:
    traffic = summary.traffic
    still_on = sum(record.recovered is None for record in summary.alerts)
    cards = [
        ("hits", f"{traffic.hits:,}", ""),
        ("bytes", amount(traffic.size), ""),
        ("clients", distinct(traffic.clients, traffic.clients_exact), ""),
        ("errors", f"{traffic.errors:,}", _share(traffic.errors, traffic.hits)),
        ("alerts", f"{len(summary.alerts):,}", f"{still_on} still on" if still_on else ""),
    ]
    if summary.busiest:
        second, hits = summary.busiest
        cards.append(("busiest second", f"{hits:,} hits", times.full(second)))
    if traffic.times:
        told = f"median {microseconds(traffic.times.median)}, p99 {microseconds(traffic.times.p99)}"
        cards.append(("response time, p95", microseconds(traffic.times.p95), told))
    lines = f"{summary.malformed:,} malformed, {summary.blank:,} blank, {summary.late:,} late"
    cards.append(("lines", f"{summary.lines:,}", lines))
    return (
        '<dl class="cards">'
        + "".join(
            f"<div><dt>{name}</dt><dd>{escape(value)}<small>{escape(more)}</small></dd></div>"
            for name, value, more in cards
        )
        + "</dl>"
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else "-"


def _table(label: str, columns: Sequence[str], rows: Iterable[str]) -> str:
    head = "".join(f'<th scope="col"{_TEXT if column in _TEXTS else ""}>{column}</th>' for column in columns)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}"><table class="sortable">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _number(value: int, shown: str | None = None) -> str:
    return f'<td data-v="{value}">{escape(shown) if shown is not None else f"{value:,}"}</td>'


def _key(key: bytes) -> str:
    return f'<th scope="row">{escape(key_text(key))}</th>'


def _rows(name: str, rows: Sequence[Row], total: int, times: Times) -> str:
    if not rows:
        return "<p>None.</p>"
    timed, dated = any(row.times for row in rows), any(row.last is not None for row in rows)
    columns = [name, "hits", "share", "errors", "of its hits", "bytes"]
    columns += ["p95"] if timed else []
    columns += ["latest"] if dated else []
    lines = []
    for row in rows:
        cells = [_key(row.key), _number(row.hits), _number(row.hits, _share(row.hits, total)), _number(row.errors)]
        cells.append(_number(row.errors * 10**6 // max(row.hits, 1), _share(row.errors, row.hits)))
        cells.append(_number(row.size, amount(row.size)))
        if timed:
            cells.append(_number(row.times.p95, microseconds(row.times.p95)) if row.times else _number(-1, "-"))
        if dated:
            cells.append(_number(-1, "-") if row.last is None else _number(row.last, times.full(row.last)))
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return _table(f"Table by {name}", columns, lines)


def _counts(name: str, counts: Mapping[bytes, int], total: int) -> str:
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))[:OTHERS]
    if not rows:
        return "<p>None.</p>"
    return _table(
        f"Table by {name}",
        (name, "hits", "share"),
        (f"<tr>{_key(key)}{_number(hits)}{_number(hits, _share(hits, total))}</tr>" for key, hits in rows),
    )


def _alerts(summary: Summary, subject: Subject, limits: Limits, times: Times) -> str:
    window = format_duration(subject.window)
    rule = f"More than {escape(limits.first.text)} of {subject.metric} on average over {window} raises an alert."
    if limits.changes:
        changes = (f"{escape(each.text)} from {escape(times.full(at))} on" for at, each in limits.changes[-CHANGES:])
        hidden = len(limits.changes) - CHANGES
        rule += f" The threshold was changed: {f'{hidden} times, then ' if hidden > 0 else ''}{', '.join(changes)}."
    if subject.rules:
        rule += f" Further rules: {'; '.join(escape(safe(each)) for each in subject.rules)}."
    if not summary.alerts:
        return f"<p>{rule} There was none.</p>"
    hidden = len(summary.alerts) - ALERTS
    told = f"<p>{rule}{f' The newest {ALERTS}; {hidden} are before them.' if hidden > 0 else ''}</p>"
    rows = (_alert(record, times) for record in reversed(summary.alerts[-ALERTS:]))
    return told + _table("Alerts", ("raised", "recovered", "lasted", "peak", "peak at", "message"), rows)


def _alert(record: AlertRecord, times: Times) -> str:
    end, duration = record.recovered, record.duration
    before = "before " if end and end.since_before else ""
    recovered = _number(2**53, "still on") if end is None else _number(end.at, f"{before}{times.full(end.at)}")
    length = _number(2**53 if duration is None else duration, lasted(record))
    raised = f'<th scope="row" data-v="{record.raised.at}">{escape(times.full(record.raised.at))}</th>'
    return (
        f"<tr>{raised}{recovered}{length}{_number(record.peak, peak_text(record))}"
        f'{_number(record.peak_at, times.full(record.peak_at))}<td class="text">'
        f"{escape(message(record.raised, times))}</td></tr>"
    )


def _malformed(summary: Summary) -> str:
    rows = (
        f'<tr><th scope="row" data-v="{bad.line}">{bad.line:,}</th><td class="text">{escape(safe(bad.reason))}</td>'
        f'<td class="text"><code>{escape(key_text(bad.text))}</code></td></tr>'
        for bad in summary.samples
    )
    told = f"<p>The first {len(summary.samples)} of {summary.malformed:,}.</p>"
    return told + _table("Malformed lines", ("line", "reason", "beginning"), rows)
