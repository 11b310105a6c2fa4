"""Durations and thresholds as people write them. Exact: integers and fractions, no floats."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

_SECONDS = {"": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|sec|m|min|h|d|)")
_THRESHOLD = re.compile(r"(\d+(?:\.\d+)?)\s*(B|[kMG]B|[KMG]iB|)\s*(?:/\s*(\d*)\s*(s|sec|m|min|h|d))?")


def parse_duration(text: str) -> Fraction:
    """Read ``10``, ``10s``, ``2m``, ``1.5h``, ``1d`` as seconds. Raises ValueError."""
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a duration such as 10, 10s or 2m")
    return Fraction(match[1]) * _SECONDS[match[2]]


def parse_seconds(text: str) -> int:
    """Read a duration that must be a whole, positive number of seconds. Raises ValueError."""
    seconds = parse_duration(text)
    if seconds.denominator != 1 or seconds <= 0:
        raise ValueError(f"{text!r} is not a whole number of seconds above 0")
    return int(seconds)


def format_duration(seconds: int) -> str:
    """Write a window's length as people say it: ``2m``, ``90s``, ``1h``, ``20s``."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


@dataclass(frozen=True, slots=True)
class Threshold:
    """An average per second: ``10``, ``600/min``, ``5MB/s``, ``10kB/20s``."""

    rate: Fraction  # per second
    text: str  # as the messages show it: the user's own words with "/s" where they named no time
    in_bytes: bool  # a unit of bytes was named

    @classmethod
    def parse(cls, text: str) -> Threshold:
        """Read a threshold. Raises ValueError for anything else, and for zero."""
        match = _THRESHOLD.fullmatch(text.strip())
        if not match:
            raise ValueError(f"{text!r} is not a threshold such as 10, 600/min, 5MB/s or 10kB/20s")
        amount, unit, count, per = match.groups()
        seconds = int(count or 1) * _SECONDS[per or "s"]
        if not seconds:
            raise ValueError(f"{text!r}: a rate over no time")
        rate = Fraction(amount) * _BYTES.get(unit, 1) / seconds
        if rate <= 0:
            raise ValueError(f"{text!r}: a threshold must be above 0")
        shown = text.strip() if per else f"{text.strip()}/s"
        return cls(rate, shown, bool(unit))
