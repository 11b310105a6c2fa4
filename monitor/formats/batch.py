"""The seam between reading and counting: a block of lines as columns. No objects per line."""

from __future__ import annotations

import enum
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass


class Columns(enum.Flag):
    """The columns beyond the basic ones; a reader fills only those asked for."""

    NONE = 0
    DURATION = enum.auto()
    VHOST = enum.auto()
    REFERER = enum.auto()
    AGENT = enum.auto()
    ALL = DURATION | VHOST | REFERER | AGENT


class Encoded(Sequence[bytes]):
    """A column of texts that counts itself, without an object a row. Made of large blocks only (``plain``).

    Whoever counts asks for this class: the one that is made of arrays is loaded only where there are any.
    """

    __slots__ = ()

    @abstractmethod
    def distinct(self) -> Iterable[bytes]:
        """Return each text that occurs, at least once."""

    @abstractmethod
    def counts(self) -> Mapping[bytes, int]:
        """Return the hits of each text."""

    @abstractmethod
    def amounts(
        self, statuses: Encoded, sizes: Sequence[int], errors: tuple[bytes, ...]
    ) -> Iterator[tuple[bytes, int, int, int]]:
        """Yield each text with its hits, bytes and errors (statuses that begin so)."""

    @abstractmethod
    def beside(
        self, keys: Sequence[bytes], statuses: Sequence[bytes], sizes: Sequence[int]
    ) -> tuple[Encoded, Encoded, Sequence[int]]:
        """Return those rows of other columns of the batch in which this one is not empty."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that fits no format.

    ``line`` counts from 1 within the block it stood in (whoever adds blocks up adds the lines before them); ``text``
    is the beginning of the line, at most 200 bytes; ``reason`` names the column and what was expected there.
    """

    line: int
    text: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Columns of equal length, a row a hit, in the order of the lines.

    ``lines == len(times) + malformed + blank + comments`` always holds.
    """

    lines: int
    blank: int
    comments: int
    # How many rows stand before each malformed line: [0, 3, 3] is one before the first row, two before the fourth.
    malformed_at: Sequence[int]
    samples: tuple[Malformed, ...]  # the first few malformed lines of the block

    times: Sequence[int]  # epoch seconds, UTC
    hosts: Sequence[bytes]  # remote host, as logged
    # b"" where the request is none: such a row is in no section and under no method.
    methods: Sequence[bytes]
    # With the virtual host in front where the log has one. b"" with a method is a section too: "GET ?a HTTP/1.1".
    sections: Sequence[bytes]
    statuses: Sequence[bytes]  # three digits, or b"-"
    sizes: Sequence[int]  # bytes; 0 for "-"

    # Each is None unless it was asked for and the format carries it.
    durations: Sequence[int] | None = None  # microseconds; -1 where the line has none
    vhosts: Sequence[bytes] | None = None  # b"" where the line has none, likewise below
    referers: Sequence[bytes] | None = None
    agents: Sequence[bytes] | None = None

    @property
    def malformed(self) -> int:
        """How many lines of the block fit no format."""
        return len(self.malformed_at)
