"""Times as logs write them, to epoch seconds. Knows nothing of lines; times without a zone are local time (TZ)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache

from monitor.formats.strftime import MONTH, MONTHS, compile_strftime

CLF = rb"\d\d/" + MONTH + rb"/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}"  # 26 bytes; whether the date exists is not said
ISO = rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9}+)?+(?>Z|[+-]\d\d:?+\d\d|)"  # RFC 3339, zone optional
EPOCH = rb"\d{1,19}+(?:\.\d{1,9}+)?+"

DAY = 86_400  # s
# A day inside what the standard library can show in any zone: 2 January 0001 to 30 December 9999.
EARLIEST = (date(1, 1, 2).toordinal() - date(1970, 1, 1).toordinal()) * DAY
LATEST = (date(9999, 12, 31).toordinal() - date(1970, 1, 1).toordinal()) * DAY
CACHED_TIMES = 16_384  # texts; a log in order needs a handful, a shuffled one the seconds of some hours

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_CLF = re.compile(rb"(\d\d)/(" + MONTH + rb")/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
_ISO = re.compile(rb"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d{1,9})?(?:(Z)|([+-])(\d\d):?(\d\d))?")
# The same as people and libraries write them: 2026/11/22 01:02:03 UTC, 22/Nov/2026 01:02:03.
_LIKE_ISO = re.compile(
    rb"(\d{4})([-/])(\d\d)\2(\d\d)[T ](\d\d:\d\d:\d\d(?:[.,]\d{1,9})?)(?: ?(Z|UTC|GMT|[+-]\d\d:?\d\d))?"
)
_LIKE_CLF = re.compile(rb"(\d\d/" + MONTH + rb"/\d{4})[: ](\d\d:\d\d:\d\d)(?:[.,]\d{1,9})?(?: ?([+-]\d\d):?(\d\d))?")
_HAPROXY = re.compile(rb"(\d\d)/(" + MONTH + rb")/(\d{4}):(\d\d):(\d\d):(\d\d)(?:\.\d+)?")
_EPOCH = re.compile(EPOCH)
_SECONDS = {b"%02d" % second: second for second in range(61)}


def civil(year: int, month: int, day: int, hour: int, minute: int, second: int, offset: int | None = 0) -> int | None:
    """Epoch second of a civil time ``offset`` seconds east of UTC (None: in local time); None if there is none.

    Second 60 is the next one (Apache and nginx write what the C library gives in a leap second).
    """
    if hour > 23 or minute > 59 or second > 60:
        return None
    try:
        if offset is None:
            return within(int(datetime(year, month, day, hour, minute).timestamp()) + second)
        days = date(year, month, day).toordinal() - _EPOCH_DAY
    except (ValueError, OverflowError):
        return None
    return within(days * DAY + hour * 3600 + minute * 60 + second - offset)


def within(epoch: int) -> int | None:
    """``epoch`` if it can be shown as a date, else None."""
    return epoch if EARLIEST <= epoch < LATEST else None


def offset_of(sign: bytes, hours: bytes, minutes: bytes) -> int | None:
    """Seconds east of UTC; None if there is no such zone."""
    if int(hours) > 23 or int(minutes) > 59:
        return None
    offset = int(hours) * 3600 + int(minutes) * 60
    return -offset if sign == b"-" else offset


def parse_clf(text: bytes) -> int | None:
    """Read ``10/Oct/2000:13:55:36 -0700`` as epoch seconds; None if it is no such time."""
    match = _CLF.fullmatch(text)
    offset = offset_of(*match.group(7, 8, 9)) if match else None
    if not match or offset is None:
        return None
    day, month, year, hour, minute, second = match.group(1, 2, 3, 4, 5, 6)
    return civil(int(year), MONTHS[month], int(day), int(hour), int(minute), int(second), offset)


def parse_iso(text: bytes, zone: int | None = None) -> int | None:
    """Read ``2026-11-22T01:02:03.123+01:00``; without a zone it is ``zone`` seconds east of UTC, or local."""
    match = _ISO.fullmatch(text)
    if not match:
        return None
    offset: int | None = 0 if match[7] else zone
    if match[8]:
        offset = offset_of(*match.group(8, 9, 10))
        if offset is None:
            return None
    year, month, day, hour, minute, second = map(int, match.group(1, 2, 3, 4, 5, 6))
    return civil(year, month, day, hour, minute, second, offset)


def parse_haproxy(text: bytes) -> int | None:
    """Read ``06/Feb/2009:12:14:14.655``, which is local time."""
    match = _HAPROXY.fullmatch(text)
    if not match:
        return None
    day, month, year, hour, minute, second = match.groups()
    return civil(int(year), MONTHS[month], int(day), int(hour), int(minute), int(second), None)


def parse_epoch(text: bytes, per_second: int = 1) -> int | None:
    """Read a number of seconds, or of ``per_second`` parts, since the epoch; a fraction is cut."""
    if not _EPOCH.fullmatch(text):
        return None
    return within(int(text.split(b".")[0]) // per_second)


def parse_any(text: bytes) -> int | None:
    """Read what a column of unknown form holds: like CLF (bracketed or not), like ISO, or a number since the epoch.

    Without a zone it is local. A number's size tells its unit: seconds stay below 10^11 until the year 5138, and so on.
    """
    if _EPOCH.fullmatch(text):
        whole = int(text.split(b".")[0])
        return parse_epoch(text, next((1000**power for power in range(3) if whole < 10**11 * 1000**power), 10**9))
    bare = text.removeprefix(b"[").removesuffix(b"]")  # one is missing where a zone was cut off
    if match := _LIKE_ISO.fullmatch(bare):
        year, _, month, day, clock, zone = match.groups(b"")
        return parse_iso(b"%b-%b-%bT%b%b" % (year, month, day, clock, b"Z" if zone in (b"UTC", b"GMT") else zone))
    if match := _LIKE_CLF.fullmatch(bare):
        day, clock, *offset = match.groups(b"")
        written = day + b":" + clock
        return parse_clf(b"%b %b%b" % (written, *offset)) if offset[0] else parse_haproxy(written)
    return None


_READINGS: dict[str, Callable[[bytes], int | None]] = {
    "clf": parse_clf,
    "iso": parse_iso,
    "utc": lambda text: parse_iso(text, 0),
    "haproxy": parse_haproxy,
    "s": parse_epoch,
    "ms": lambda text: parse_epoch(text, 10**3),
    "us": lambda text: parse_epoch(text, 10**6),
    "any": parse_any,
}
UTC_ON = "utc:"  # what a reading of times without a date begins with
STRFTIME = "strftime:"  # what a reading by a strftime(3) format begins with


@lru_cache(maxsize=64)
def _strftime(text: str) -> Callable[[bytes], int | None]:
    fields = compile_strftime(text)

    def parse(written: bytes) -> int | None:
        found = fields(written)
        return None if found is None else within(found) if isinstance(found, int) else civil(*found)

    return parse


def reading(name: str) -> Callable[[bytes], int | None]:
    """The function that reads times of a kind."""
    if name.startswith(STRFTIME):
        return _strftime(name.removeprefix(STRFTIME))
    if name.startswith(UTC_ON):  # the date is said elsewhere
        date = name.removeprefix(UTC_ON).encode() + b" "
        return lambda text: parse_iso(date + text, 0)
    return _READINGS[name]


class Times(dict[bytes, int | None]):
    """Texts of times to epoch seconds, remembered. What is no time is looked at each time anew, and counted."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._parse = self._by_minute if name == "clf" else reading(name)
        self._minutes: dict[bytes, int] = {}
        self.failures = 0

    def __missing__(self, text: bytes) -> int | None:
        epoch = self._parse(text)
        if epoch is None:
            self.failures += 1
            return None
        if len(self) >= CACHED_TIMES:
            self.clear()
        self[text] = epoch
        return epoch

    def _by_minute(self, text: bytes) -> int | None:
        """As ``parse_clf``, but minutes are remembered: in a quiet log each line has a second of its own."""
        second = _SECONDS.get(text[18:20])
        minute = text[:18] + text[20:]
        start = self._minutes.get(minute)
        if start is not None and second is not None:
            return within(start + second)
        epoch = parse_clf(text)
        if epoch is not None and second is not None:
            if len(self._minutes) >= CACHED_TIMES:
                self._minutes.clear()
            self._minutes[minute] = epoch - second
        return epoch
