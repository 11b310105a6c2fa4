"""Batches made of a few words, and the rule in its slowest and plainest form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from monitor.engine.alert import basic
from monitor.engine.engine import Engine
from monitor.engine.snapshot import Event, Interval, State, Transition
from monitor.formats.arrays import np
from monitor.formats.batch import Batch
from monitor.formats.encoded import Numbers, Texts
from monitor.rules import Rule
from monitor.units import Threshold

MALFORMED = "malformed"
Line = int | str  # a second, or MALFORMED


def rule(threshold: str = "10", window: int = 120, metric: str = "hits") -> Rule:
    return basic(Threshold.parse(threshold), window, metric)


def batch(lines: Sequence[Line], first: int = 0) -> Batch:
    """A batch of hits at these seconds, every column made from the second and the place in the log."""
    times = [line for line in lines if isinstance(line, int)]
    at: list[int] = []
    hits = 0
    for line in lines:
        if isinstance(line, int):
            hits += 1
        else:
            at.append(hits)
    return Batch(
        lines=len(lines),
        blank=0,
        comments=0,
        malformed_at=at,
        samples=(),
        times=times,
        hosts=[b"10.0.0.%d" % (second % 7) for second in times],
        methods=[b"POST" if second % 5 == 0 else b"GET" for second in times],
        sections=[b"/s%d" % (second % 3) if second % 11 else b"" for second in times],
        statuses=[b"404" if second % 4 == 0 else b"200" for second in times],
        sizes=[second % 13 for second in times],
    )


def encoded(plain: Batch) -> Batch:
    """The same rows in columns that are numbers into a list of keys, some of which do not occur."""

    def texts(column: Sequence[bytes]) -> Texts:
        keys = [b"/unseen", *sorted(set(column), reverse=True)]
        return Texts(np.array([keys.index(text) for text in column], np.int64), keys)

    return replace(
        plain,
        hosts=texts(plain.hosts),
        methods=texts(plain.methods),
        sections=texts(plain.sections),
        statuses=texts(plain.statuses),
        sizes=Numbers(np.array(plain.sizes, np.int64)),
    )


def run(engine: Engine, batches: Iterable[Batch]) -> list[Event]:
    events: list[Event] = []
    for one in batches:
        events += engine.feed(one)
    return [*events, *engine.finish()]


def chunks(lines: Sequence[Line], sizes: Sequence[int], encode: Sequence[bool] = (False,)) -> list[Batch]:
    """The lines in batches of these sizes, and whether their columns are encoded, both taken round and round."""
    made, start, turn = [], 0, 0
    while start < len(lines):
        stop = start + max(1, sizes[turn % len(sizes)])
        one = batch(lines[start:stop])
        made.append(encoded(one) if encode[turn % len(encode)] else one)
        start, turn = stop, turn + 1
    return made


def told(events: Iterable[Event]) -> list[tuple[State, int, int]]:
    return [(event.state, event.at, event.hits) for event in events if isinstance(event, Transition)]


def intervals(events: Iterable[Event]) -> list[Interval]:
    return [event for event in events if isinstance(event, Interval)]


def oracle(times: Sequence[int], threshold: Fraction, window: int = 120) -> list[tuple[State, int, int]]:
    """The rule as it is worded, second by second."""
    hits, on, found = Counter(times), False, []
    for t in range(min(times), max(times) + 1):
        n = sum(hits[s] for s in range(t - window + 1, t + 1))
        if not on and n > threshold * window:
            on = True
            found.append((State.RAISED, t, n))
        elif on and n < threshold * window:
            on = False
            found.append((State.RECOVERED, t, n))
    return found
