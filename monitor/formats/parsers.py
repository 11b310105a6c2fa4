"""What reads which kind of format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from monitor.formats import delimited, jsonlog, w3c
from monitor.formats.batch import Columns
from monitor.formats.grammar import Format
from monitor.formats.lines import Header, LineParser, Read
from monitor.formats.records import RecordParser


class Parser(Protocol):
    """Reads blocks of one format."""

    @property
    def gain(self) -> int:
        """How many times a usual block had better be read at once."""

    def read(self, data: bytes, header: Header) -> tuple[Read, Header]:
        """Read whole lines, the last with its end; the header then in force comes back with them."""

    def fits(self, line: bytes, header: Header) -> bool:
        """Whether a line, its end cut, is one of this format."""

    def reason(self, line: bytes, header: Header) -> str:
        """Say why a line, its end cut, is none of this format."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A format, and the header in force where it has one. A value."""

    form: Format
    header: Header = ()


class Parsers:
    """The parsers of one reader, made when they are first needed."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._made: dict[Format, Parser] = {}

    def of(self, form: Format) -> Parser:
        """The one that reads ``form``."""
        if form not in self._made:
            self._made[form] = _KINDS[form.kind](form, self._columns)
        return self._made[form]


_KINDS: dict[str, Callable[[Format, Columns], Parser]] = {
    "line": LineParser,
    "json": partial(RecordParser, jsonlog.take),
    "w3c": w3c.W3cParser,
    "csv": partial(RecordParser, delimited.take),
}
