"""Times as logs write them, to epoch seconds. Knows nothing of lines; times without a zone are local time (TZ)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
MONTH = rb"(?:" + b"|".join(MONTHS) + rb")"
CLF = rb"\d\d/" + MONTH + rb"/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}"  # 26 bytes; whether the date exists is not said

DAY = 86_400  # s
# A day inside what the standard library can show in any zone: 2 January 0001 to 30 December 9999.
EARLIEST = (date(1, 1, 2).toordinal() - date(1970, 1, 1).toordinal()) * DAY
LATEST = (date(9999, 12, 31).toordinal() - date(1970, 1, 1).toordinal()) * DAY
CACHED_TIMES = 16_384  # texts; a log in order needs a handful, a shuffled one the seconds of some hours

_MONTH_NUMBERS = {name: number for number, name in enumerate(MONTHS, 1)}
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_CLF = re.compile(rb"(\d\d)/(" + MONTH + rb")/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")


def civil(year: int, month: int, day: int, hour: int, minute: int, second: int, offset: int = 0) -> int | None:
    """Epoch second of a civil time ``offset`` seconds east of UTC; None where there is no such time.

    Second 60 is the next one (Apache and nginx write what the C library gives in a leap second).
    """
    if hour > 23 or minute > 59 or second > 60:
        return None
    try:
        days = date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
    return within(days * DAY + hour * 3600 + minute * 60 + second - offset)


def within(epoch: int) -> int | None:
    """``epoch`` if it can be shown as a date, else None."""
    return epoch if EARLIEST <= epoch < LATEST else None


def parse_clf(text: bytes) -> int | None:
    """Read ``10/Oct/2000:13:55:36 -0700`` as epoch seconds; None if it is no such time."""
    match = _CLF.fullmatch(text)
    if not match:
        return None
    day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = match.groups()
    if int(zone_hours) > 23 or int(zone_minutes) > 59:
        return None
    offset = int(zone_hours) * 3600 + int(zone_minutes) * 60
    return civil(
        int(year),
        _MONTH_NUMBERS[month],
        int(day),
        int(hour),
        int(minute),
        int(second),
        -offset if sign == b"-" else offset,
    )


class Times(dict[bytes, int | None]):
    """Texts of times to epoch seconds, remembered. What is no time is looked at each time anew, and counted."""

    def __init__(self, parse: Callable[[bytes], int | None]) -> None:
        super().__init__()
        self.parse = parse
        self.failures = 0

    def __missing__(self, text: bytes) -> int | None:
        epoch = self.parse(text)
        if epoch is None:
            self.failures += 1
            return None
        if len(self) >= CACHED_TIMES:
            self.clear()
        self[text] = epoch
        return epoch


READINGS: dict[str, Callable[[bytes], int | None]] = {"clf": parse_clf}


def reading(name: str) -> Callable[[bytes], int | None]:
    """The function that reads times of a kind."""
    return READINGS[name]
