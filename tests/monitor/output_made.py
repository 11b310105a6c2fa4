"""Made-up events and snapshots for the tests of what is shown."""

import math
from collections.abc import Mapping
from fractions import Fraction

from monitor.engine.snapshot import (
    AlertRecord,
    Interval,
    Point,
    Quantiles,
    Row,
    Snapshot,
    State,
    Summary,
    Traffic,
    Transition,
    View,
)
from monitor.formats.batch import Malformed
from monitor.units import Threshold

START = 1549573950  # 2019-02-07 21:12:30 UTC
TEN = Threshold.parse("10")


def rows(*hits: tuple[bytes, int], errors: int = 0, times: Quantiles | None = None) -> tuple[Row, ...]:
    return tuple(Row(key, n, n * 512, min(errors, n), START, times, (0, n // 2, n, n // 3)) for key, n in hits)


def traffic(
    hits: int = 60,
    sections: tuple[Row, ...] | None = None,
    statuses: Mapping[str, int] | None = None,
    methods: Mapping[bytes, int] | None = None,
    malformed: int = 0,
    late: int = 0,
    clients: int = 7,
    exact: bool = True,
    times: Quantiles | None = None,
) -> Traffic:
    if sections is None:
        sections = rows((b"/api", hits * 2 // 3), (b"/report", hits - hits * 2 // 3), errors=4) if hits else ()
    return Traffic(
        hits=hits,
        size=hits * 512,
        clients=clients if hits else 0,
        clients_exact=exact,
        statuses=statuses if statuses is not None else ({"2xx": hits - 5, "4xx": 4, "5xx": 1} if hits else {}),
        codes={b"200": max(hits - 5, 0), b"404": 4, b"503": 1} if hits else {},
        methods=methods if methods is not None else ({b"GET": hits - 1, b"POST": 1} if hits else {}),
        sections=sections,
        sections_exact=exact,
        malformed=malformed,
        late=late,
        times=times,
    )


def interval(index: int = 0, hits: int = 60, window_hits: int = 600, **told: object) -> Interval:
    start = START + 10 * index
    return Interval(start, start + 10, traffic(hits, **told), window_hits, Fraction(window_hits, 120))  # type: ignore[arg-type]


def transition(state: State = State.RAISED, hits: int = 1206, at: int = START + 6, **told: object) -> Transition:
    metric = str(told.pop("metric", "hits"))
    threshold = told.pop("threshold", TEN)
    assert isinstance(threshold, Threshold)
    return Transition(state, at, hits, Fraction(hits, 120), threshold, 120, metric, **told)  # type: ignore[arg-type]


def record(recovered: bool = True, at: int = START + 6) -> AlertRecord:
    end = transition(State.RECOVERED, 1198, at + 87) if recovered else None
    return AlertRecord(transition(at=at), end, 1411, at + 30)


def summary(alerts: tuple[AlertRecord, ...] = (), transitions: int | None = None, **told: object) -> Summary:
    if transitions is None:
        transitions = sum(1 if alert.recovered is None else 2 for alert in alerts)
    return Summary(
        lines=64,
        parsed=60,
        malformed=2,
        blank=1,
        comments=1,
        late=3,
        first=START,
        last=START + 3600,
        busiest=(START + 5, 12),
        traffic=traffic(**told),  # type: ignore[arg-type]
        alerts=alerts,
        transitions=transitions,
        samples=(Malformed(17, b"\x1b[2Jbad \xff", "time: no date"),),
    )


def points(count: int = 60, alert: bool = True) -> tuple[Point, ...]:
    """A quiet stretch, a wave over the threshold, a quiet end."""
    hits = []
    for at in range(count):
        wave = max(0.0, math.sin((at - count * 0.4) / count * 6.3)) if at > count * 0.4 else 0.0
        hits.append(55 + (at * 7) % 23 + round(150 * wave))
    made = []
    for at in range(count):
        average = Fraction(sum(hits[max(0, at - 11) : at + 1]), 120)
        made.append(Point(START + 10 * at, hits[at], hits[at] * 900, average, alert and average > 10))
    return tuple(made)


PATHS = (
    b"/api",
    b"/",
    b"/images",
    b"/login",
    b"/static",
    b"/search",
    b"/feed.xml",
    b"/caf\xc3\xa9",
    b"/\xe6\x97\xa5\xe6\x9c\xac",
)


def snapshot(
    alert: AlertRecord | None = None,
    alerts: tuple[AlertRecord, ...] = (),
    table: tuple[Row, ...] | None = None,
    view: View | None = None,
    clock: int | None = START + 607,
    average: Fraction = Fraction(84, 10),
    threshold: Threshold = TEN,
    metric: str = "hits",
    count: int = 60,
    **told: object,
) -> Snapshot:
    if table is None:
        times = Quantiles(12_000, 250_000, 1_200_000)
        table = tuple(
            Row(
                path,
                400 // (n + 1),
                51_200 * (9 - n),
                13 if n == 1 else n % 3,
                START,
                times,
                tuple((7 * n + k * k) % 23 for k in range(40)),
            )
            for n, path in enumerate(PATHS)
        )
    stretch = traffic(1135, **told)  # type: ignore[arg-type]
    return Snapshot(
        clock=clock,
        interval=10,
        window=120,
        threshold=threshold,
        metric=metric,
        lateness=5,
        window_hits=int(average * 120),
        window_average=average,
        rate=Fraction(98, 10),
        alert=alert,
        alerts=alerts,
        alerts_dropped=0,
        points=points(count),
        view=view or View(),
        start=START + 590,
        end=START + 600,
        traffic=stretch,
        rows=table,
        lines=summary(alerts).lines,
    )
