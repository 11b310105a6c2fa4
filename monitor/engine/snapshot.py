"""What the engine tells: frozen values for every presenter. Knows nothing of how they are shown.

Keys (sections, clients, statuses ...) are bytes as logged; presenters decode and escape them (``output/text.py``).
Times are epoch seconds, UTC.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from monitor.formats.batch import Malformed
from monitor.units import Threshold

OTHER = b"(other)"  # where keys beyond a bound are counted together


class State(enum.Enum):
    """What a transition says."""

    RAISED = "raised"
    RECOVERED = "recovered"


class Scope(enum.Enum):
    """Which stretch of time a table is of."""

    INTERVAL = "interval"  # one kept interval: the newest told, or the one that the view names
    WINDOW = "window"  # the intervals that touch the past two minutes
    TOTAL = "total"  # since the start


class Table(enum.Enum):
    """The tables a view may ask for."""

    SECTIONS = "sections"
    CLIENTS = "clients"
    STATUSES = "statuses"
    METHODS = "methods"
    HOSTS = "hosts"  # virtual hosts
    REFERERS = "referers"
    AGENTS = "agents"  # families


class Sort(enum.Enum):
    """What a table is sorted by, largest first; ties by key."""

    HITS = "hits"
    SIZE = "bytes"
    ERRORS = "errors"
    P95 = "p95"


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Response times in microseconds."""

    median: int
    p95: int
    p99: int


TIME_BOUNDS = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000)  # ms; those of Prometheus' client libraries


@dataclass(frozen=True, slots=True)
class Histogram:
    """Response times of the hits that have one, by TIME_BOUNDS."""

    counts: tuple[int, ...]  # up to and with each bound, above the one before; the last: above them all
    total: int  # microseconds


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table. ``errors`` are statuses 4xx and 5xx."""

    key: bytes
    hits: int
    size: int  # bytes
    errors: int
    last: int | None = None  # the latest hit
    times: Quantiles | None = None
    trend: tuple[int, ...] = ()  # hits in the past intervals, oldest first; only in snapshots


@dataclass(frozen=True, slots=True)
class Transition:
    """An alert raised or recovered.

    ``hits`` is what the window held at second ``at`` (bytes, where the metric is bytes). ``since_before``: it was on
    already in the oldest second that a live start could read back, so ``at`` is only the latest it can have begun; or,
    recovered, an alert of an earlier run was over there already, so ``at`` is only the latest it can have ended.
    """

    state: State
    at: int
    hits: int
    average: Fraction  # per second, over the whole window; the value itself of clients and times (microseconds)
    threshold: Threshold
    window: int  # s
    metric: str  # as in rules.Metric
    since_before: bool = False
    rule: str = ""  # the name of the rule where it is not the short form's
    ended: AlertRecord | None = None  # the alert that it ends, as it stood until then; None: it begins one

    @property
    def record(self) -> AlertRecord:
        """The alert as it stood at this second, whatever has become of it since."""
        if self.ended is None:
            return AlertRecord(self, None, self.hits, self.at)
        return replace(self.ended, recovered=self)


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """One alert from its beginning to its end, for the history."""

    raised: Transition
    recovered: Transition | None
    peak: int  # the most that the window held while it was on
    peak_at: int
    earlier: bool = False  # an earlier run told of its beginning; without a recovery its end was not seen

    @property
    def on(self) -> bool:
        """Whether it is on, as far as is known."""
        return self.recovered is None and not self.earlier

    @property
    def duration(self) -> int | None:
        """Seconds from raised to recovered, the most that it can have been; None while that is not known."""
        return None if self.recovered is None else self.recovered.at - self.raised.at


@dataclass(frozen=True, slots=True)
class Traffic:
    """Statistics of a stretch of time."""

    hits: int
    size: int  # bytes
    clients: int  # distinct; see clients_exact
    clients_exact: bool
    statuses: Mapping[str, int]  # by class: "2xx" ...; only classes 1 to 5 that occur
    codes: Mapping[bytes, int]  # by status as logged
    methods: Mapping[bytes, int]  # b"" (no request) is left out
    sections: tuple[Row, ...]  # the top ones by hits
    sections_exact: bool  # False once some were folded into (other)
    malformed: int
    late: int
    times: Quantiles | None = None
    histogram: Histogram | None = None  # only where response times are known

    @property
    def errors(self) -> int:
        """Hits with a status of 4xx or 5xx."""
        return self.statuses.get("4xx", 0) + self.statuses.get("5xx", 0)

    def cut(self, top: int) -> Traffic:
        """Return it with its ``top`` sections only (0: all)."""
        return replace(self, sections=self.sections[:top]) if 0 < top < len(self.sections) else self


@dataclass(frozen=True, slots=True)
class Interval:
    """A told interval: seconds [start, end) of log time."""

    start: int
    end: int
    traffic: Traffic
    window_hits: int  # the alert metric's sum in the window that ends with the interval
    window_average: Fraction  # per second

    @property
    def rate(self) -> Fraction:
        """Hits per second."""
        return Fraction(self.traffic.hits, self.end - self.start)

    def cut(self, top: int) -> Interval:
        """Return it with its ``top`` sections only (0: all): some listeners need more rows than people."""
        traffic = self.traffic.cut(top)
        return self if traffic is self.traffic else replace(self, traffic=traffic)


@dataclass(frozen=True, slots=True)
class Note:
    """Something the engine wants a person to know: lateness raised, the clock re-anchored."""

    at: int
    text: str


Event = Interval | Transition | Note


@dataclass(frozen=True, slots=True)
class Summary:
    """The whole, at the end or at any moment."""

    lines: int
    parsed: int
    malformed: int
    blank: int
    comments: int
    late: int
    first: int | None  # the earliest hit
    last: int | None  # the latest hit
    busiest: tuple[int, int] | None  # second, hits
    traffic: Traffic
    alerts: tuple[AlertRecord, ...]
    transitions: int  # all of them, also those no longer in the bounded history
    samples: tuple[Malformed, ...]  # the first malformed lines, ``line`` counted through the log

    def cut(self, top: int) -> Summary:
        """Return it with its ``top`` sections only (0: all)."""
        return replace(self, traffic=self.traffic.cut(top))


@dataclass(frozen=True, slots=True)
class View:
    """What a screen wants to see."""

    scope: Scope = Scope.INTERVAL
    table: Table = Table.SECTIONS
    sort: Sort = Sort.HITS
    limit: int = 100
    back: int = 0  # how many kept intervals before the newest told one


@dataclass(frozen=True, slots=True)
class Point:
    """One interval of the traffic chart."""

    start: int
    hits: int
    size: int  # bytes
    average: Fraction  # the window's, at the interval's end
    alert: bool  # an alert was on at the interval's end


@dataclass(frozen=True, slots=True)
class RuleState:
    """How a rule stands."""

    name: str  # "" for the short form's
    metric: str
    average: Fraction  # what is compared: per second for rates, clients, microseconds
    threshold: Threshold
    alert: AlertRecord | None  # the one that is on


@dataclass(frozen=True, slots=True)
class Present:
    """How things stand, cheap enough for every second."""

    clock: int | None  # the engine's time; None before the first hit
    lateness: int  # s
    lines: int  # read so far
    malformed: int  # of them
    rules: tuple[RuleState, ...]  # the short form's first


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a screen may want to show at one moment."""

    clock: int | None  # the engine's time; None before the first hit
    interval: int  # s
    window: int  # s
    threshold: Threshold
    metric: str
    lateness: int  # s, as it is now
    window_hits: int  # the metric's sum in the window up to the last closed second
    window_average: Fraction
    rate: Fraction  # hits per second of the last ten closed seconds
    alert: AlertRecord | None  # the one that is on: the short form's, else any other rule's
    alerts: tuple[AlertRecord, ...]  # the history, oldest first; bounded
    alerts_dropped: int  # how many the bound cost
    points: tuple[Point, ...]  # the kept intervals, oldest first, silent ones included
    view: View
    start: int | None  # what the view shows: seconds [start, end)
    end: int | None
    traffic: Traffic
    rows: tuple[Row, ...]  # the view's table
    lines: int  # read so far
