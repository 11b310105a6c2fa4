"""A server's format directive, cut into fields, as a format. Knows nothing of how Apache or nginx write theirs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from monitor.formats.clf import AGENT, HOST, IDENT, REFERER, REQUEST, SIZE, STATUS, TIME, VHOST, user_before
from monitor.formats.grammar import FAST_QUOTED, QUOTED, Format, FormatError, Part, literal
from monitor.formats.strftime import StrftimeError, compile_strftime, strftime_pattern
from monitor.formats.table import TIMES
from monitor.formats.times import EPOCH, ISO, STRFTIME


@dataclass(frozen=True, slots=True)
class Field:
    """A variable of a directive.

    ``kind`` says what it holds: a column's name, or "ident", "user", "query", "number", "list", "text" or a
    fraction. Of several of one column's kind the first of the lowest ``rank`` fills it.
    """

    kind: str
    name: str  # as written
    position: int  # in the user's text
    rank: int = 0
    time: str = ""  # the reading of a time; STRFTIME and a piece's format
    tick: int = 1  # microseconds of a duration's number 1


@dataclass(frozen=True, slots=True)
class Literal:
    """What stands in every line as it is."""

    text: bytes


Token = Field | Literal

_COLUMNS = {"host", "time", "request", "method", "target", "status", "size", "duration", "vhost", "referer", "agent"}
_DECIMALS = rb"(?:\d{1,12}+(?:\.\d{1,9}+)?+|-)"
_LIST = rb'[^ ,"\n]*+(?:(?:, ?+| : )[^ ,"\n]++|)*+'
_FRACTIONS = {"msec_frac": rb"\d{3}", "usec_frac": rb"\d{6}"}  # what follows needs nothing between: a zone
_NEVER = rb"(?!)()()"  # in a block: such requests are read line by line
_REQUEST_BARE = rb"[^ \n]++ [^ \n]++ HTTP/\d(?:\.\d)?+|-"


def build(text: str, tokens: Sequence[Token], name: str) -> Format:
    """The format of a directive's tokens. Raises FormatError, which points into ``text``."""
    tokens = _joined(tokens)
    chosen, time, pieces = _choose(text, tokens)
    parts: list[Part] = []
    for at, token in enumerate(tokens):
        if isinstance(token, Literal):
            parts.append(literal(token.text))
            continue
        part = _part(text, token, tokens[:at], tokens[at + 1 :])
        column = TIMES[pieces.index(at)] if at in pieces else token.kind if chosen.get(token.kind) == at else ""
        if not column and token.kind in ("request", "target"):
            part = replace(part, fast=b"")  # its groups are not wanted
        parts.append(replace(part, column=column))
    duration = chosen.get("duration")
    found = tokens[duration] if duration is not None else None
    tick = found.tick if isinstance(found, Field) else 1
    return Format(name, "line", tuple(parts), time=time, tick=tick)


def _joined(tokens: Sequence[Token]) -> list[Token]:
    """Neighbouring literals as one, and neighbouring fields that fill no column."""
    joined: list[Token] = []
    for token in tokens:
        last = joined[-1] if joined else None
        if isinstance(token, Literal) and isinstance(last, Literal):
            joined[-1] = Literal(last.text + token.text)
        elif isinstance(token, Field) and isinstance(last, Field) and token.kind == last.kind == "text":
            joined[-1] = replace(last, name=last.name + token.name)
        else:
            joined.append(token)
    return joined


def _choose(text: str, tokens: Sequence[Token]) -> tuple[dict[str, int], str, list[int]]:
    """Which token fills which column; the time's reading, and the tokens that it stands in."""
    fields = [(at, token) for at, token in enumerate(tokens) if isinstance(token, Field)]
    chosen: dict[str, int] = {}
    for at, field in sorted(fields, key=lambda each: each[1].rank):
        if field.kind in _COLUMNS and not field.time:  # which of the times is read is decided below
            chosen.setdefault(field.kind, at)
    if "request" in chosen:
        chosen.pop("method", None)
        chosen.pop("target", None)
    whole = [(at, field) for at, field in fields if field.time and not field.time.startswith(STRFTIME)]
    if whole:
        at, field = whole[0]
        return chosen, field.time, [at]
    pieces = [(at, field) for at, field in fields if field.time][: len(TIMES)]
    if not pieces:
        raise FormatError.at(text, len(text), "no time in it; a line's time is needed")
    time = " ".join(field.time.removeprefix(STRFTIME) for _, field in pieces)
    try:
        compile_strftime(time)
    except StrftimeError as error:
        raise FormatError.at(text, pieces[0][1].position, str(error)) from None
    return chosen, STRFTIME + time, [at for at, _ in pieces]


def _part(text: str, field: Field, before: Sequence[Token], behind: Sequence[Token]) -> Part:
    """The piece of a line that a field is, between its neighbours."""
    last, following = before[-1] if before else None, behind[0] if behind else None
    if field.time:
        return _time(text, field)
    if field.kind in _FRACTIONS:
        return Part(_FRACTIONS[field.kind], f"{field.name}: all of its digits")
    if field.kind == "query" and not isinstance(following, Field):
        stop = following.text[:1] if following else b" "
        return Part(rb"(?:\?[^%b\n]*+)?+" % re.escape(stop), f"{field.name}: ? and more, or nothing")
    if field.kind == "vhost" and isinstance(following, Field) and following.kind == "target":
        stop = b"/"
    elif isinstance(following, Field):
        if following.kind != "query":
            raise FormatError.at(text, following.position, f"nothing between {field.name} and {following.name}")
        after = behind[1] if len(behind) > 1 else None
        stop = b"?" + (after.text[:1] if isinstance(after, Literal) else b" ")
    else:
        stop = following.text[:1] if following else b""
    quoted = stop == b'"' and isinstance(last, Literal) and last.text.endswith(b'"')
    return _value(field, stop, quoted, behind)


def _time(text: str, field: Field) -> Part:
    if field.time == "clf":
        return TIME
    if field.time.startswith(STRFTIME):
        piece = field.time.removeprefix(STRFTIME)
        try:
            return Part(strftime_pattern(piece), f"{field.name}: {piece}")
        except StrftimeError as error:
            raise FormatError.at(text, field.position, str(error)) from None
    pattern = ISO if field.time == "iso" else EPOCH if field.name == "$msec" else rb"\d{1,19}+"
    return Part(pattern, f"{field.name}: a time")


def _value(field: Field, stop: bytes, quoted: bool, behind: Sequence[Token]) -> Part:
    """A value up to ``stop`` (b"": the line's end), by what it holds."""
    blank = stop in (b" ", b"")
    bare = _until(stop, field.name)
    anything = Part(QUOTED, f"{field.name}, up to a closing quote", fast=FAST_QUOTED) if quoted else bare
    match field.kind:
        case "status":
            return STATUS
        case "size":
            return SIZE
        case "number":
            return Part(rb"-?+\d{1,19}+|-", f"{field.name}: digits or -")
        case "duration":
            return Part(_DECIMALS + rb"(?:(?:, ?+| : )" + _DECIMALS + rb"|)*+", f"{field.name}: a number or -")
        case "host" if blank and not field.rank:
            return HOST
        case "vhost" if blank:  # nginx writes nothing for a request without one
            return replace(VHOST, pattern=rb'[^ ,"\n]*+', expected=f"{VHOST.expected}, or nothing")
        case "host" | "list" if blank:
            return Part(_LIST, f"{field.name}: one or several between commas", fast=rb'[^ ,"\n]++')
        case "host":
            return replace(anything, fast=rb'[^ ,"\\%b\n]++' % re.escape(stop))  # of a list, row by row, the first
        case "ident" if stop == b" ":
            return IDENT
        case "user" if stop == b" " and _clf_time_next(behind):
            return user_before(rb"\]")
        case "request":
            if quoted:
                return REQUEST
            pattern = _REQUEST_BARE if stop == b" " else bare.pattern
            return Part(pattern, f"{field.name}: a request", fast=_NEVER)
        case "method":
            return replace(anything, fast=rb"[A-Za-z][\w-]*+")
        case "target":
            barred = rb'[^/?#\\"%b\n]' % re.escape(stop)
            rest = rb'[^\\"%b\n]' % re.escape(stop)
            fast = rb"((?:/|https?+://%b++/)%b*+)%b*+" % (barred, barred, rest)
            return replace(anything, fast=fast if stop else fast + rb"(?<![ \t\r])")
        case "referer" if quoted:
            return REFERER
        case "agent" if quoted:
            return AGENT
    return anything


def _until(stop: bytes, name: str) -> Part:
    if not stop:
        return Part(rb"(?:[^\n]*[^ \t\r\n])?", name)  # what a line's end cuts is not of the value
    return Part(rb"[^%b\n]*+" % re.escape(stop), f"{name}, up to {stop.decode('latin-1')!r}")


def _clf_time_next(behind: Sequence[Token]) -> bool:
    if len(behind) < 2 or not isinstance(behind[0], Literal) or not isinstance(behind[1], Field):
        return False
    return behind[0].text == b" [" and behind[1].time == "clf"
