"""What a line is made of: parts, and the formats put together from them. Knows nothing of blocks or batches."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from monitor.errors import UsageError

# The inside of a quoted field: a backslash takes the next character with it. As a line is written, and in a block (see
# request.FAST for what the shorter one leaves to the exact one).
QUOTED = rb'[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+'
FAST_QUOTED = rb'(?>[^"]*+(?<!\\)|' + QUOTED + rb")"


class FormatError(UsageError):
    """A format that cannot be read: the message points at the character."""

    @classmethod
    def at(cls, text: str, position: int, reason: str) -> FormatError:
        """Point at ``text[position]`` (or at its end), in one line."""
        before, behind = (" ".join(each.split("\n")) for each in (text[:position], text[position:]))
        lead, trail = "..." * (len(before) > 40), "..." * (len(behind) > 20)
        return cls(f"format: character {position + 1}: {reason}: {lead}{before[-40:]} >>> {behind[:20]}{trail}")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a line.

    ``pattern`` matches it exactly, never a line's end, in linear time. ``fast`` (if any) stands for it in a block's
    pattern and may match less, but nothing else. ``column`` is the column that it fills, or "".
    """

    pattern: bytes
    expected: str  # for messages: "the status: three digits or -"
    column: str = ""
    fast: bytes = b""


@dataclass(frozen=True, slots=True)
class Format:
    """How a log's lines are read. A value: comparable, hashable, picklable."""

    name: str
    kind: str  # what reads it: "line", "json", "w3c", "csv"
    parts: tuple[Part, ...] = ()
    # What may follow, the others only behind the first; ``loose``: behind them, a blank and anything may.
    options: tuple[tuple[Part, ...], ...] = ()
    loose: bool = False
    time: str = "clf"  # which reading of the time column (times.READINGS)
    tick: int = 1  # microseconds that a duration counts in; 0: seconds with a fraction
    plain: bool = False  # nearly all its lines are such as ``plain`` reads
    keys: tuple[tuple[str, str], ...] = ()  # column to the name that the user gave it


def literal(text: bytes) -> Part:
    """A part that stands in every line as it is."""
    return Part(re.escape(text), "a blank" if text == b" " else repr(text.decode("latin-1")))


def pattern_of(form: Format, columns: frozenset[str], fast: bool) -> bytes:
    """The pattern of a whole line without its end."""
    pattern = b"(?: [^\\n]*+|)" if form.loose else b""
    for parts in reversed(form.options[1:]):
        pattern = b"(?:%b|)%b" % (captured(parts, columns, fast), pattern)
    for parts in form.options[:1]:
        pattern = b"(?:%b%b|)" % (captured(parts, columns, fast), pattern)
    return captured(form.parts, columns, fast) + pattern


def captured(parts: Iterable[Part], columns: frozenset[str], fast: bool) -> bytes:
    """The parts' pattern; the wanted columns are named groups, or plain ones where it is for a block."""
    pieces = []
    for part in parts:
        pattern = part.fast if fast and part.fast else part.pattern
        if part.column not in columns:
            pieces.append(b"(?:%b)" % pattern if b"|" in pattern else pattern)
        elif not fast:
            pieces.append(b"(?P<%b>%b)" % (part.column.encode(), pattern))
        elif part.column in ("request", "target"):
            pieces.append(pattern)  # has its own groups
        else:
            pieces.append(b"(%b)" % pattern)
    return b"".join(pieces)


@lru_cache(maxsize=1024)
def _prefix(parts: tuple[Part, ...]) -> re.Pattern[bytes]:
    return re.compile(captured(parts, frozenset(), fast=False))


@dataclass(frozen=True, slots=True)
class Misfit:
    """Where a line stops to fit."""

    reached: int  # bytes that fit
    reason: str


def explain(form: Format, line: bytes) -> Misfit:
    """Say how far ``line``, which does not fit, fits, and what was expected there."""
    parts = tuple(itertools.chain(form.parts, *form.options))
    reached = 0
    for count, part in enumerate(parts):
        match = _prefix(parts[: count + 1]).match(line)
        if not match and part.fast and not part.column:
            # A user who does not end before a time: take the first word, so that it is the time that is missed.
            parts = (*parts[:count], replace(part, pattern=part.fast), *parts[count + 1 :])
            match = _prefix(parts[: count + 1]).match(line)
        if not match:
            ending = " or the end of the line" if count == len(form.parts) else ""
            return Misfit(reached, f"column {reached + 1}: expected {part.expected}{ending}")
        reached = match.end()
    return Misfit(reached, f"column {reached + 1}: expected {'a blank or ' * form.loose}the end of the line")
