"""Times by a strftime(3) format, as in Apache's ``%{format}t``; names are English. Knows nothing of epochs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

_SHORT = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
_LONG = (
    *(b"January", b"February", b"March", b"April", b"May", b"June"),
    *(b"July", b"August", b"September", b"October", b"November", b"December"),
)
MONTHS = {name: number for names in (_LONG, _SHORT) for number, name in enumerate(names, 1)}
MONTH = rb"(?:" + b"|".join(_SHORT) + rb")"

_SHORTHANDS = {
    "c": "%a %b %e %H:%M:%S %Y",
    "D": "%m/%d/%y",
    "F": "%Y-%m-%d",
    "R": "%H:%M",
    "r": "%I:%M:%S %p",
    "T": "%H:%M:%S",
}
_PIECES = {
    "Y": rb"\d{4}",
    "y": rb"\d\d",
    "m": rb"\d\d",
    "b": MONTH,
    "B": rb"(?:" + b"|".join(_LONG) + rb")",
    "d": rb"\d\d",
    "j": rb"\d{3}",
    "H": rb"\d\d",
    "I": rb"\d\d",
    "p": rb"(?:AM|PM|am|pm)",
    "M": rb"\d\d",
    "S": rb"\d\d",
    "s": rb"\d{1,12}+",
    "z": rb"[+-]\d{4}",
    "Z": rb"[A-Z]{1,5}+",
    "a": rb"[A-Z][a-z][a-z]",
    "A": rb"[A-Z][a-z]++",
    "u": rb"\d",
    "w": rb"\d",
    "%": rb"%",
    "n": rb" ",
    "t": rb"\t",
}
_SAME = {"h": "b", "e": "d", "k": "H", "l": "I", "P": "p"}  # alike but for the padding
# What glibc's flags for no padding and for blanks make of the pieces.
_UNPADDED = {name: rb"\d{1,%d}+" % (3 if name == "j" else 2) for name in "ymdjHIMS"}
_BLANKS = {name: rb"(?:  \d| \d\d|\d{3})" if name == "j" else rb"[ \d]\d" for name in "ymdjHIMS"}
_FLAGS = {"-": _UNPADDED, "_": _BLANKS}
_UTC = (b"UTC", b"GMT", b"Z")

Civil = tuple[int, int, int, int, int, int, int | None]  # year to second, seconds east of UTC (None: local)


class StrftimeError(ValueError):
    """The format cannot be read; the message says why."""


def strftime_pattern(text: str, names: set[str] | None = None) -> bytes:
    """What times of a format look like. ``names`` is given the directives, and then each has a group of its name."""
    text = re.sub(r"%[EO]?([cDFRrT])", lambda match: _SHORTHANDS[match[1]], text)
    pattern = b""
    at = 0
    while at < len(text):
        if text[at] != "%":
            pattern += re.escape(text[at].encode("utf-8", "surrogateescape"))
            at += 1
            continue
        at += 1
        flag = ""
        while text[at : at + 1] in ("E", "O", *_FLAGS):
            flag = text[at]
            at += 1
        written = text[at : at + 1]
        name = _SAME.get(written, written)
        if name not in _PIECES:
            raise StrftimeError(f"%{name} is not known in a time")
        piece = _FLAGS.get(flag, {}).get(name) or (_BLANKS if written in ("e", "k", "l") else _PIECES)[name]
        if names is None or name in names or name in "%ntaAuw":
            pattern += piece
        else:
            pattern += b"(?P<%b>%b)" % (name.encode(), piece)
            names.add(name)
        at += 1
    return pattern


def compile_strftime(text: str) -> Callable[[bytes], int | Civil | None]:
    """What reads times: an epoch second, a civil time, or None. Raises StrftimeError for a format that tells none."""
    names: set[str] = set()
    match = re.compile(strftime_pattern(text, names)).fullmatch
    if "s" not in names:
        _demand(names)

    def read(written: bytes) -> int | Civil | None:
        found = match(written)
        return _civil({name: value.strip() for name, value in found.groupdict().items()}) if found else None

    return read


def _demand(seen: set[str]) -> None:
    if not seen & {"Y", "y"}:
        raise StrftimeError("the time has no year")
    if not seen >= {"j"} and not (seen & {"m", "b", "B"} and "d" in seen):
        raise StrftimeError("the time has no day")
    if "H" not in seen and not seen >= {"I", "p"}:
        raise StrftimeError("the time has no hour")
    if "M" not in seen:
        raise StrftimeError("the time has no minute")


def _civil(found: dict[str, bytes]) -> int | Civil | None:
    if "s" in found:
        return int(found["s"])
    if "Y" in found:
        year = int(found["Y"])
    else:
        year = int(found["y"])
        year += 1900 if year >= 69 else 2000  # POSIX strptime
    month = MONTHS[found.get("b") or found["B"]] if "b" in found or "B" in found else int(found.get("m", b"1"))
    day = int(found.get("d") or b"1")
    hour = int(found.get("H") or found["I"])
    if "H" not in found:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found["p"].upper() == b"PM" else 0)
    offset: int | None = 0 if found.get("Z") in _UTC else None
    if "z" in found:
        hours, minutes = int(found["z"][1:3]), int(found["z"][3:5])
        if hours > 23 or minutes > 59:
            return None
        offset = (hours * 3600 + minutes * 60) * (-1 if found["z"].startswith(b"-") else 1)
    second = int(found.get("S", b"0"))
    if "j" in found and "d" not in found:
        return _of_year(year, int(found["j"]), (hour, int(found["M"]), second, offset))
    return year, month, day, hour, int(found["M"]), second, offset


def _of_year(year: int, day: int, rest: tuple[int, int, int, int | None]) -> Civil | None:
    try:
        begin = date(year, 1, 1)
        there = date.fromordinal(begin.toordinal() + day - 1)
    except ValueError:  # the year 0, or a day behind the year 9999
        return None
    return (year, there.month, there.day, *rest) if there.year == year else None
