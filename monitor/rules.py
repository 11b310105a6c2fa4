"""Further alert rules as people write them: ``hits > 10/s over 2m in /x host y for 30s recover 8/s``.

Text in, frozen values out. Knows nothing of how a rule is evaluated. Exact: integers and fractions, no floats.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from monitor.units import Threshold, parse_seconds

WINDOW = 120  # s, where a rule does not say: "the past 2 minutes"
LONGEST = 86400  # s; a window is kept second by second
_HEAD = re.compile(r"\s*(?P<metric>[^\s<>=!]*)\s*(?P<comparison>[<>=!]*)")
_WORD = re.compile(r"\S+")
_CLAUSES = ("over", "in", "host", "for", "recover")
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s)")
_MICROSECONDS = {"us": 1, "ms": 10**3, "s": 10**6}
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
T = TypeVar("T")


class Metric(enum.Enum):
    """What a rule is about."""

    HITS = "hits"
    BYTES = "bytes"
    ERRORS = "errors"  # statuses 4xx and 5xx
    CLIENT_ERRORS = "4xx"
    SERVER_ERRORS = "5xx"
    CLIENTS = "clients"  # distinct ones in the window
    P95 = "p95"  # of the response times in the window
    P99 = "p99"
    MALFORMED = "malformed"  # lines that fit no format

    @property
    def is_time(self) -> bool:
        """A response time, in microseconds."""
        return self in (Metric.P95, Metric.P99)

    @property
    def is_rate(self) -> bool:
        """An average per second; the others are one value for the whole window."""
        return not self.is_time and self is not Metric.CLIENTS


@dataclass(frozen=True, slots=True)
class Rule:
    """An alert: raised once the metric has been beyond the threshold for ``hold`` seconds on end.

    ``threshold.rate`` and ``recovery`` are per second for rates, a number for clients, microseconds for times. It
    recovers at the first second with the metric on the good side of ``recovery``; equality changes nothing.
    """

    name: str  # the rule in the user's own words, each blank one
    metric: Metric
    above: bool  # ">"; else "<"
    threshold: Threshold
    window: int  # s
    recovery: Fraction
    section: bytes | None = None  # only hits in this section, as the tables name it
    host: bytes | None = None  # only hits of this virtual host
    hold: int = 0  # s

    def beyond(self, value: Fraction) -> bool:
        """Whether ``value`` is one to raise the alert."""
        return value > self.threshold.rate if self.above else value < self.threshold.rate

    def recovered(self, value: Fraction) -> bool:
        """Whether ``value`` ends the alert."""
        return value < self.recovery if self.above else value > self.recovery


def _wrong(text: str, at: int, expected: str) -> ValueError:
    word = _WORD.match(text, at)
    found = repr(word[0]) if word else "the end"
    return ValueError(f"rule {text!r}: character {at + 1} ({found}): expected {expected}")


def _limit(metric: Metric, text: str) -> Threshold:
    """Read a threshold in the metric's own unit. Raises ValueError."""
    if metric.is_time:
        match = _TIME.fullmatch(text)
        if not match:
            raise ValueError("a response time such as 500ms or 1.5s")
        limit = Threshold(Fraction(match[1]) * _MICROSECONDS[match[2]], text, False)
    elif metric is Metric.CLIENTS:
        if not _NUMBER.fullmatch(text):
            raise ValueError("a number of clients such as 500")
        limit = Threshold(Fraction(text), text, False)
    else:
        try:
            limit = Threshold.parse(text)
        except ValueError:
            example = "5MB/s or 10kB/20s" if metric is Metric.BYTES else "10/s or 600/min"
            raise ValueError(f"a rate above 0 such as {example}") from None
        if limit.in_bytes and metric is not Metric.BYTES:
            raise ValueError(f"a rate of {metric.value}, not of bytes")
    if limit.rate <= 0:
        raise ValueError("more than 0")
    return limit


def _seconds(text: str) -> int:
    """Read a clause's duration. Raises ValueError."""
    try:
        seconds = parse_seconds(text)
    except ValueError:
        raise ValueError("a whole number of seconds such as 30s or 2m") from None
    if seconds > LONGEST:
        raise ValueError("at most a day")
    return seconds


def _clauses(text: str, start: int) -> dict[str, tuple[str, int]]:
    """The text behind each clause's word, and where it begins; the threshold is behind ``""``."""
    places = [(match[0], match.start(), match.end()) for match in _WORD.finditer(text, start)]
    found: dict[str, tuple[str, int]] = {}
    name, begin, end = "", len(text.rstrip()), 0
    for word, at, after in places:
        if word in _CLAUSES:
            if word == name or word in found:
                raise _wrong(text, at, f"{word!r} only once")
            found[name] = (text[begin:end], begin if end > begin else at)
            name, begin = word, len(text.rstrip())
        else:
            begin = min(begin, at)
        end = after
    found[name] = (text[begin:end], begin)
    return found


def parse(text: str) -> Rule:
    """Read a rule. Raises ValueError that names the place where it stops being one."""
    head = _HEAD.match(text)
    assert head  # every part of it may be empty
    try:
        metric = Metric(head["metric"])
    except ValueError:
        raise _wrong(text, head.start("metric"), f"one of {', '.join(each.value for each in Metric)}") from None
    if head["comparison"] not in ("<", ">"):
        raise _wrong(text, head.start("comparison"), "> or <")
    clauses = _clauses(text, head.end())

    def read(name: str, convert: Callable[[str], T]) -> T:
        value, at = clauses[name]
        try:
            return convert(value)
        except ValueError as error:
            first, *rest = value.split(maxsplit=1)[:2] or [""]
            try:
                convert(first)
            except ValueError:
                raise _wrong(text, at, str(error)) from None
            raise _wrong(text, text.index(rest[0], at + len(first)), f"one of {', '.join(_CLAUSES)}") from None

    def limit(value: str) -> Threshold:
        return _limit(metric, value)

    def key(value: str) -> bytes:
        if metric is Metric.MALFORMED:
            raise ValueError("neither 'in' nor 'host': a malformed line is of none")
        if not value:
            raise ValueError("a section such as /api, or a host name")
        return value.encode("utf-8", "surrogateescape")

    threshold = read("", limit)
    above = head["comparison"] == ">"
    recovery = read("recover", limit).rate if "recover" in clauses else threshold.rate
    if (recovery > threshold.rate) if above else (recovery < threshold.rate):
        raise _wrong(text, clauses["recover"][1], f"at {'most' if above else 'least'} the threshold, {threshold.text}")
    return Rule(
        # What is not UTF-8 on the command line comes as surrogates, which no output could write.
        name=" ".join(text.split()).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"),
        metric=metric,
        above=above,
        threshold=threshold,
        window=read("over", _seconds) if "over" in clauses else WINDOW,
        recovery=recovery,
        section=read("in", key) if "in" in clauses else None,
        host=read("host", key) if "host" in clauses else None,
        hold=read("for", _seconds) if "for" in clauses else 0,
    )
