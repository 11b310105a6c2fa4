"""Rows of texts as a batch: times, sizes, durations and sections. Knows nothing of how a line was cut into texts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from monitor.formats.batch import Batch, Columns, Malformed
from monitor.formats.request import Sections, section_of, split_request
from monitor.formats.times import Times

SAMPLES = 5  # malformed lines kept a block
SAMPLE_LENGTH = 200  # bytes kept of each
LARGEST_SIZE = 2**63 - 1  # bytes; a response of more is a broken line
LONGEST_SIZE = len(str(LARGEST_SIZE))
CACHED_DURATIONS = 65_536  # different texts
TIMES = ("time", "time2", "time3", "time4")  # a time may stand in pieces; they are joined by blanks

UNKNOWN_METHOD = b"-"  # of a request in a log that has the target alone

_METHOD = re.compile(rb"[A-Za-z][A-Za-z0-9_-]*+")
_DECIMAL = re.compile(rb"(\d{1,12})(?:\.(\d{1,9}))?")

Row = tuple[bytes, ...]
Texts = Sequence[Sequence[bytes]]  # by column, in the table's order


def sizes_of(texts: Sequence[bytes]) -> list[int]:
    """Texts of sizes as numbers; ``-`` and nothing are 0."""
    try:
        return list(map(int, texts))
    except ValueError:
        return [int(text) if text.isdigit() else 0 for text in texts]


class Durations(dict[bytes, int]):
    """Texts of durations to microseconds, remembered; -1 where there is none.

    ``tick``: microseconds of the number 1; a number with a fraction is in seconds (IIS writes whole milliseconds where
    CloudFront writes those). Several numbers in a text (nginx: one an upstream; ALB: one a stage) are added up.
    """

    def __init__(self, tick: int) -> None:
        super().__init__()
        self._tick = tick

    def __missing__(self, text: bytes) -> int:
        duration = 0
        for number in text.replace(b",", b" ").replace(b":", b" ").split():
            match = _DECIMAL.fullmatch(number)
            if match:
                tick = 10**6 if match[2] else self._tick
                duration += int(match[1]) * tick + int((match[2] or b"0").ljust(6, b"0")[:6])
            elif number != b"-":
                duration = -1
                break
        if not any(byte in text for byte in b"0123456789"):
            duration = -1
        if len(self) < CACHED_DURATIONS:
            self[text] = duration
        return duration


class Table:
    """Makes batches of rows whose columns stand in one order."""

    def __init__(self, order: Sequence[str], columns: Columns, time: str, tick: int) -> None:
        self._order = order
        self._columns = columns
        self._time_columns = [order.index(name) for name in TIMES if name in order]
        self.times = Times(time)
        self._durations = Durations(tick)
        self._sections = Sections()

    def texts_of(self, rows: Sequence[Row]) -> Texts:
        """Turn rows into columns."""
        return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in self._order]

    def times_of(self, texts: Texts) -> list[int | None]:
        """Epoch seconds of the rows; None where a row's time is none."""
        pieces = [texts[at] for at in self._time_columns]
        whole = pieces[0] if len(pieces) == 1 else map(b" ".join, zip(*pieces, strict=True))
        return list(map(self.times.__getitem__, whole))

    def row(self, found: dict[str, bytes]) -> Row | str:
        """The row of one line's texts, which are written over; or the column (of those found) that cannot be."""
        if self.times[b" ".join([found[self._order[at]] for at in self._time_columns])] is None:
            return "time"
        size = found.get("size", b"")
        if len(size) == LONGEST_SIZE and int(size) > LARGEST_SIZE:
            return "size"
        if "request" in found:
            method, section = split_request(found["request"])
            if not method and found["request"].startswith(b"/") and _METHOD.fullmatch(found.get("method", b"")):
                method, section = found["method"], section_of(found["request"])  # the method has a field of its own
            found["method"], found["section"] = method, section
        elif found.get("target", b"-") not in (b"", b"-") and _METHOD.fullmatch(found.get("method", b"GET")):
            found["section"] = section_of(found["target"])
            found.setdefault("method", UNKNOWN_METHOD)
        else:
            found["method"] = found["section"] = b""
        host = found.get("host", b"")
        if b"," in host:  # of a list of proxies (X-Forwarded-For) the first is the client
            host = host.split(b",", 1)[0]
        found["host"] = host.strip(b" ") or b"-"
        return tuple([found.get(name, b"") for name in self._order])

    def batch(
        self,
        texts: Texts,
        times: Sequence[int | None],
        lines: int,
        blank: int = 0,
        comments: int = 0,
        malformed_at: Sequence[int] = (),
        samples: tuple[Malformed, ...] = (),
    ) -> Batch:
        """A batch of rows whose times are all there."""
        columns = dict(zip(self._order, texts, strict=True))
        count = len(times)
        missing = [b""] * count
        sections = columns.get("section", missing)
        vhosts = columns.get("vhost")
        if vhosts:
            sections = [self._sections[key] for key in zip(vhosts, sections, strict=True)]
        durations = columns.get("duration")
        return Batch(
            lines,
            blank,
            comments,
            malformed_at,
            samples,
            times,  # type: ignore[arg-type]  # none is None here
            columns.get("host") or [b"-"] * count,
            self._methods(columns, missing),
            sections,
            columns.get("status") or [b"-"] * count,
            sizes_of(columns.get("size", missing)),
            None if durations is None else list(map(self._durations.__getitem__, durations)),
            vhosts if Columns.VHOST in self._columns else None,
            columns.get("referer"),
            columns.get("agent"),
        )

    def _methods(self, columns: dict[str, Sequence[bytes]], missing: list[bytes]) -> Sequence[bytes]:
        """A method without a target is no request; a target without a method is one of an unknown method."""
        if "section" not in columns:
            return missing
        return columns["method"] if "method" in columns else [UNKNOWN_METHOD] * len(missing)


OPTIONAL = {"duration": Columns.DURATION, "vhost": Columns.VHOST, "referer": Columns.REFERER, "agent": Columns.AGENT}
ALWAYS = frozenset({"host", *TIMES, "request", "method", "target", "status", "size", "vhost"})


def wanted(columns: Columns) -> frozenset[str]:
    """The names of the columns to cut out of a line; the virtual host is part of the section."""
    return ALWAYS | {name for name, flag in OPTIONAL.items() if flag in columns}
