"""Keys, times, amounts and alert messages as text. Knows nothing of screens, pipes or JSON.

Two steps make a logged key safe: ``decode`` gives every byte a place in a string, ``safe`` lets nothing through that
a terminal would obey or that has no place of its own in a line.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache

from monitor.engine.snapshot import AlertRecord, State, Transition
from monitor.units import format_duration

_TIMES = ("p95", "p99")  # metrics of microseconds
_VARIATIONS = range(0xFE00, 0xFE10)  # selectors that make some terminals widen the character before
MAX_MARKS = 2  # combining marks on one character, as Vietnamese needs; more would grow over the lines around


def decode(key: bytes) -> str:
    r"""Bytes as UTF-8; what is not comes as ``\xhh``."""
    return key.decode("utf-8", "backslashreplace")


def _escape(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def _is_safe(character: str) -> bool:
    if not character.isprintable() or ord(character) in _VARIATIONS:
        return False
    if character.isascii():
        return True
    from wcwidth import wcwidth  # most logs and what is said of them need none, and it takes long to load

    return wcwidth(character) > 0 or _is_mark(character)


def safe(text: str) -> str:
    r"""Make text harmless to a terminal.

    Controls, formats (bidi overrides, joiners), blanks other than the blank, letters without a width, what Unicode does
    not know, combining marks without a base and more than two on one come as ``\xhh``.
    """
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    marks = MAX_MARKS  # on the last character; none may stand at the beginning
    for character in text:
        marks = marks + 1 if _is_mark(character) else 0
        shown.append(character if _is_safe(character) and marks <= MAX_MARKS else _escape(character))
    return "".join(shown)


@lru_cache(maxsize=4096)
def key_text(key: bytes) -> str:
    """A logged key for people."""
    return safe(decode(key))


class Times:
    """Epoch seconds as text, in the local zone or in UTC."""

    def __init__(self, utc: bool = False) -> None:
        self._utc = utc

    def _moment(self, at: int) -> datetime | None:
        try:
            moment = datetime.fromtimestamp(at, UTC)
        except (OverflowError, ValueError, OSError):
            return None
        if self._utc:
            return moment
        try:
            return moment.astimezone()
        except (OverflowError, ValueError, OSError):  # the last hours of what a date can hold
            return moment

    def _format(self, at: int, write: Callable[[datetime], str]) -> str:
        moment = self._moment(at)
        return f"@{at}" if moment is None else write(moment)

    def iso(self, at: int) -> str:
        """``2019-02-07T21:12:36+01:00``."""
        return self._format(at, datetime.isoformat)

    def full(self, at: int) -> str:
        """``2019-02-07 21:12:36``."""
        return self._format(at, lambda moment: moment.replace(tzinfo=None).isoformat(" "))

    def brief(self, at: int, now: int) -> str:
        """``21:12:36`` on the day of ``now``, else with the date."""
        full = self.full(at)
        return full[11:] if full[:11] == self.full(now)[:11] else full

    def time(self, at: int) -> str:
        """``21:12:36``."""
        return self._format(at, lambda moment: moment.time().isoformat())

    def minute(self, at: int) -> str:
        """``21:12``."""
        return self._format(at, lambda moment: moment.time().isoformat("minutes"))

    def span(self, start: int, end: int) -> str:
        """``2019-02-07 21:12:30 - 21:12:40``, with the second date where it is another."""
        first, second = self.full(start), self.full(end)
        return f"{first} - {second[11:] if second[:11] == first[:11] else second}"


def tenths(value: Fraction, up: bool) -> str:
    """One decimal, rounded up or down."""
    scaled = value * 10
    whole = -(-scaled.numerator // scaled.denominator) if up else scaled.numerator // scaled.denominator
    return f"{whole // 10}.{whole % 10}"


def byte_tenths(value: Fraction, up: bool) -> str:
    """Bytes in the largest unit that leaves a whole one, one decimal, rounded up or down: ``5.1MB``."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if value >= unit:
            return f"{tenths(value / unit, up)}{name}"
    return f"{tenths(value, up)}B"


def message(transition: Transition, times: Times) -> str:
    """The alert message. Its average or time is rounded away from the threshold, and so never contradicts itself."""
    raised = transition.state is State.RAISED
    when = "triggered at"
    if transition.since_before:
        when = "active since before" if raised else "over since before"
    if transition.rule:
        what = f"Rule {safe(transition.rule)} {'generated an alert' if raised else 'recovered'}"
    else:
        what = "High traffic generated an alert" if raised else "Traffic recovered"
    noun = transition.metric if transition.rule else "hits"  # of the one rule the words are fixed, whatever its metric
    return (
        f"{what} - {noun} = {_held(transition)}, {when} {times.full(transition.at)} "
        f"({_average(transition)}over {format_duration(transition.window)}, "
        f"threshold {safe(transition.threshold.text)})"
    )


def _held(transition: Transition) -> str:
    if transition.metric not in _TIMES:
        return str(transition.hits)
    up = transition.hits > transition.threshold.rate
    for unit, name in ((10**6, "s"), (10**3, "ms")):
        if transition.hits >= unit:
            return f"{tenths(Fraction(transition.hits, unit), up)} {name}"
    return f"{transition.hits} us"


def _average(transition: Transition) -> str:
    """The average with what follows it; nothing where a rule is of one value for the whole window."""
    if transition.metric in _TIMES or transition.metric == "clients":
        return ""
    up = transition.average > transition.threshold.rate
    return f"{(byte_tenths if transition.metric == 'bytes' else tenths)(transition.average, up)}/s "


def peak_text(record: AlertRecord) -> str:
    """The most (of a rule turned round: the least) that the window held."""
    metric = record.raised.metric
    if metric == "bytes":
        return amount(record.peak)
    return f"{metric} {microseconds(record.peak)}" if metric in _TIMES else f"{record.peak} {metric}"


def lasted(record: AlertRecord) -> str:
    """How long an alert was on; of one that is on, or whose end was not seen, that."""
    if record.recovered is None or record.duration is None:
        return "still on" if record.on else "end not seen"
    return f"{'at most ' if record.recovered.since_before else ''}{lasting(record.duration)}"


def messages(record: AlertRecord, times: Times) -> list[str]:
    """The one or two messages of an alert."""
    told = [record.raised] if record.recovered is None else [record.raised, record.recovered]
    return [message(transition, times) for transition in told]


def rate(value: Fraction) -> str:
    """Something per second in few characters: ``0.05``, ``9.9``, ``1234``, ``123k``; rounded to nearest."""
    if value >= 100:
        return count(round(value))
    if value >= 1 or value == 0:
        return f"{float(value):.1f}"
    return f"{float(value):.2f}"


def amount(size: int) -> str:
    """Bytes in at most seven characters: ``999 B``, ``1.2 MB``."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB", "TB", "PB"):
        value /= 1000
        if value < 999.5:
            return f"{value:.1f} {unit}" if value < 99.95 else f"{value:.0f} {unit}"
    return f"{value / 1000:.0f} EB"


def count(value: int) -> str:
    """A count in at most six characters: ``99999``, ``123k``, ``4.5M``."""
    if value < 100_000:
        return str(value)
    scaled = float(value)
    for unit in ("k", "M", "G", "T"):
        scaled /= 1000
        if scaled < 999.5:
            return f"{scaled:.1f}{unit}" if scaled < 9.95 else f"{scaled:.0f}{unit}"
    return f"{scaled / 1000:.0f}P"


def distinct(value: int, exact: bool) -> str:
    """A count of different things, with ``~`` where it is approximate."""
    return str(value) if exact else f"~{value}"


def microseconds(value: int) -> str:
    """A response time in at most six characters: ``250 us``, ``12 ms``, ``3.4 s``."""
    if value < 1000:
        return f"{value} us"
    if value < 999_500:
        return f"{value / 1000:.1f} ms" if value < 9_950 else f"{value / 1000:.0f} ms"
    seconds = value / 1_000_000
    return f"{seconds:.1f} s" if seconds < 99.95 else f"{seconds:.0f} s"


def lasting(seconds: int) -> str:
    """How long something lasted: ``45 s``, ``2 m 05 s``, ``3 h 20 m``, ``5 d 03 h``."""
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} m {seconds % 60:02d} s"
    if seconds < 86400:
        return f"{seconds // 3600} h {seconds % 3600 // 60:02d} m"
    return f"{seconds // 86400} d {seconds % 86400 // 3600:02d} h"
