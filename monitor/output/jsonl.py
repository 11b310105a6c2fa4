"""JSON Lines: an object each for intervals, alerts and the end. Field names and order are a promise to programs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import TextIO

from monitor.engine.snapshot import AlertRecord, Interval, Row, Summary, Traffic, Transition
from monitor.output.stream import send
from monitor.output.text import Times, decode, message, safe

# JSON allows these raw; a terminal that shows the stream would obey them (DEL, C1) or a reader would split at them.
_RAW = re.compile("[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _number(value: Fraction) -> float:
    """Return it exact to 6 decimals, half to even: ``round`` does the same by way of more fractions."""
    million, left = divmod(value.numerator * 1_000_000, value.denominator)
    half = 2 * left - value.denominator
    return (million + (half > 0 or (half == 0 and million & 1))) / 1_000_000


def _rows(rows: tuple[Row, ...]) -> list[dict[str, object]]:
    return [{"section": decode(row.key), "hits": row.hits, "bytes": row.size, "errors": row.errors} for row in rows]


def _by_key(counts: Mapping[bytes, int]) -> dict[str, int]:
    return {decode(key): hits for key, hits in sorted(counts.items(), key=lambda item: (-item[1], item[0]))}


def _statuses(traffic: Traffic) -> dict[str, int]:
    return dict(sorted(traffic.statuses.items()))


def _inexact(traffic: Traffic) -> dict[str, bool]:
    """Fields that stand only where a bound made a figure approximate."""
    told = {}
    if not traffic.clients_exact:
        told["clients_exact"] = False
    if not traffic.sections_exact:
        told["sections_exact"] = False
    return told


def json_line(told: dict[str, object]) -> str:
    """One line of JSON, LF included, that no terminal obeys and no reader splits."""
    line = _encode(told)
    if not line.isascii() or "\x7f" in line:
        line = _RAW.sub(lambda match: f"\\u{ord(match[0]):04x}", line)
    return line + "\n"


def alert_object(transition: Transition, times: Times) -> dict[str, object]:
    """An alert's state, with the message that people see."""
    told: dict[str, object] = {
        "type": "alert",
        "state": transition.state.value,
        "at": times.iso(transition.at),
        "hits": transition.hits,
        "average": _number(transition.average),
        "threshold": _number(transition.threshold.rate),
        "message": message(transition, times),
    }
    if transition.since_before:
        told["since_before"] = True
    if transition.rule:
        told["rule"] = transition.rule
    return told


class JsonLines:
    """Presents each event as a line of JSON, flushed at once."""

    def __init__(self, out: TextIO, err: TextIO, times: Times) -> None:
        """``out`` must be UTF-8. Notes have no place among the objects: they go to ``err``."""
        self._out = out
        self._err = err
        self._times = times

    def _write(self, told: dict[str, object]) -> None:
        send(self._out, json_line(told))

    def interval(self, interval: Interval) -> None:
        """Write the interval, unless it is without a hit."""
        traffic = interval.traffic
        if not traffic.hits:
            return
        self._write(
            {
                "type": "interval",
                "start": self._times.iso(interval.start),
                "end": self._times.iso(interval.end),
                "hits": traffic.hits,
                "bytes": traffic.size,
                "rate": _number(interval.rate),
                "clients": traffic.clients,
                "window_hits": interval.window_hits,
                "window_average": _number(interval.window_average),
                "statuses": _statuses(traffic),
                "methods": _by_key(traffic.methods),
                "sections": _rows(traffic.sections),
                "malformed": traffic.malformed,
                "late": traffic.late,
                **_inexact(traffic),
            }
        )

    def transition(self, transition: Transition, record: AlertRecord) -> None:
        """Write the alert's state, with the message that people see."""
        self._write(alert_object(transition, self._times))

    def note(self, text: str) -> None:
        """Tell a person."""
        self._err.write(f"monitor: {safe(text)}\n")

    def summary(self, summary: Summary, reading: str) -> None:
        """Write the whole; ``alerts`` is how many alert objects there were."""
        traffic = summary.traffic
        self._write(
            {
                "type": "summary",
                "lines": summary.lines,
                "parsed": summary.parsed,
                "malformed": summary.malformed,
                "blank": summary.blank,
                "late": summary.late,
                "hits": traffic.hits,
                "bytes": traffic.size,
                "clients": traffic.clients,
                "first": None if summary.first is None else self._times.iso(summary.first),
                "last": None if summary.last is None else self._times.iso(summary.last),
                "statuses": _statuses(traffic),
                "methods": _by_key(traffic.methods),
                "sections": _rows(traffic.sections),
                "alerts": summary.transitions,
                "format": reading,
                "comments": summary.comments,
                **_inexact(traffic),
            }
        )
