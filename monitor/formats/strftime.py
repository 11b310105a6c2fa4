"""Times by a strftime(3) format, as in Apache's ``%{format}t``; names are English. Knows nothing of epochs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
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
    "d": rb"[ \d]\d",
    "j": rb"\d{3}",
    "H": rb"[ \d]\d",
    "I": rb"[ \d]\d",
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
_UTC = (b"UTC", b"GMT", b"Z")

Civil = tuple[int, int, int, int, int, int, "int | None"]  # year to second, seconds east of UTC (None: local)


@dataclass(frozen=True, slots=True)
class Strftime:
    """A compiled format. ``read`` gives an epoch second, a civil time, or None."""

    pattern: bytes
    read: Callable[[bytes], int | Civil | None]


class StrftimeError(ValueError):
    """The format cannot be read; the message says why."""


def compile_strftime(text: str) -> Strftime:
    """Compile a format. Raises StrftimeError for what is not known, and where no date or no hour can be had."""
    pattern, groups, seen = b"", b"", set()
    at = 0
    for _ in range(16):  # a shorthand holds no other
        expanded = re.sub(r"%[EO]?([cDFRrT])", lambda match: _SHORTHANDS[match[1]], text)
        if expanded == text:
            break
        text = expanded
    while at < len(text):
        if text[at] != "%":
            piece = re.escape(text[at].encode())
            pattern, groups, at = pattern + piece, groups + piece, at + 1
            continue
        at += 1
        while text[at : at + 1] in ("E", "O", "-", "_"):
            at += 1
        name = _SAME.get(text[at : at + 1], text[at : at + 1])
        if name not in _PIECES:
            raise StrftimeError(f"%{text[at : at + 1]} is not known in a time")
        piece = _PIECES[name]
        pattern += piece
        groups += piece if name in seen or name in "%ntaAuw" else b"(?P<%b>%b)" % (name.encode(), piece)
        seen.add(name)
        at += 1
    if "s" not in seen:
        _demand(seen)
    match = re.compile(groups).fullmatch

    def read(written: bytes) -> int | Civil | None:
        found = match(written)
        return _civil({name: value.strip() for name, value in found.groupdict().items()}) if found else None

    return Strftime(pattern, read)


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
    except (ValueError, OverflowError):
        return None
    return (year, there.month, there.day, *rest) if day and there.year == year else None
