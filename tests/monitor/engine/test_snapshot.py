"""What a screen is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.engine.agents import family
from monitor.engine.engine import Engine
from monitor.engine.ledger import Ledger
from monitor.engine.snapshot import Scope, Sort, State, Table, View
from monitor.engine.times import Times
from monitor.units import Threshold
from tests.monitor.engine.traffic import batch, rule, told

START = 1_700_000_000


def shown(*seconds: int) -> Engine:
    engine = Engine(rule("1"), detail=True, live=True)
    engine.feed(batch([START + second for second in seconds]), now=0.0)
    return engine


def test_before_the_first_line_there_is_nothing_but_the_settings() -> None:
    snapshot = Engine(rule("1"), detail=True, live=True).snapshot(View())
    assert (snapshot.clock, snapshot.start, snapshot.points, snapshot.rows) == (None, None, (), ())


def test_the_points_hold_silent_intervals_too() -> None:
    snapshot = shown(0, 1, 35, 50).snapshot(View())
    assert [(point.start - START, point.hits) for point in snapshot.points] == [(0, 2), (10, 0), (20, 0), (30, 1)]


def test_a_view_can_go_back_to_a_kept_interval() -> None:
    engine = shown(0, 1, 12, 50)
    snapshot = engine.snapshot(View(back=3))
    assert (snapshot.start, snapshot.end, snapshot.traffic.hits) == (START, START + 10, 2)
    assert engine.snapshot(View(back=2)).traffic.hits == 1


def test_a_view_of_an_interval_does_not_add_up_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = shown(0, 1, 12, 50)

    def added_up(*_: object) -> None:
        raise AssertionError  # with a hundred thousand clients it takes more than a second, four times a second

    monkeypatch.setattr(Ledger, "whole", added_up)
    assert engine.snapshot(View()).lines == 4


def test_the_window_holds_told_and_open_intervals() -> None:
    assert shown(0, 1, 12, 50, 55).snapshot(View(scope=Scope.WINDOW)).traffic.hits == 5


def test_every_table_counts_every_hit_that_has_a_key() -> None:
    for table in (Table.CLIENTS, Table.STATUSES, Table.METHODS):
        snapshot = shown(0, 1, 12, 50).snapshot(View(scope=Scope.TOTAL, table=table))
        assert sum(row.hits for row in snapshot.rows) == 4


def test_a_lone_line_from_the_future_is_in_every_table_and_in_the_response_times() -> None:
    engine = Engine(rule("1"), detail=True)
    engine.feed(replace(batch([START, START + 10_000, START + 1]), durations=[1000, 2000, 3000]))
    for table in (Table.SECTIONS, Table.CLIENTS, Table.STATUSES):
        snapshot = engine.snapshot(View(scope=Scope.TOTAL, table=table))
        assert sum(row.hits for row in snapshot.rows) == 3
    assert snapshot.traffic.histogram is not None
    assert sum(snapshot.traffic.histogram.counts) == 3


def test_a_table_is_sorted_by_what_is_asked_for() -> None:
    rows = shown(*range(40), 4, 4, 4).snapshot(View(Scope.TOTAL, Table.CLIENTS, Sort.ERRORS)).rows
    assert [row.errors for row in rows] == sorted([row.errors for row in rows], reverse=True)


def test_rows_carry_their_trend_and_their_latest_hit() -> None:
    (row, *_) = shown(0, 3, 12, 30, 50).snapshot(View(Scope.TOTAL)).rows
    assert len(row.trend) == 4
    assert row.last is not None


def test_a_new_threshold_holds_from_the_next_closed_second_on() -> None:
    engine = Engine(rule("100"), live=True)
    assert told(engine.feed(batch([START] * 200), now=0.0)) == []
    engine.tick(6.0)
    engine.set_threshold(Threshold.parse("1"))
    found = told(engine.feed(batch([START + 7]), now=7.0) + engine.tick(20.0))
    assert found == [(State.RAISED, START + 7, 201)]


def test_quantiles_are_within_their_stated_error() -> None:
    times = Times()
    times.add([duration * 100 for duration in range(1, 10_001)], [b"/"] * 10_000)
    found = times.quantiles([b"/"])[b"/"]
    for value, exact in ((found.median, 500_000), (found.p95, 950_000), (found.p99, 990_000)):
        assert abs(value - exact) <= exact / 32


def test_times_by_fixed_bounds_are_exact() -> None:
    times = Times()
    times.add([5_000, 5_001, 20_000_000, -1], [b"/"] * 4)
    histogram = times.histogram()
    assert histogram is not None
    assert (histogram.counts[0], histogram.counts[1], histogram.counts[-1]) == (1, 1, 1)
    assert histogram.total == 20_010_001


def test_response_times_reach_the_intervals_and_the_summary() -> None:
    engine = Engine(rule("1"), detail=True)
    one = batch([START] * 100)
    engine.feed(replace(one, durations=list(range(1000, 101_000, 1000))))
    engine.finish()
    times = engine.summary().traffic.times
    assert times is not None
    assert abs(times.median - 50_000) <= 50_000 / 32


def test_agents_are_told_by_what_they_are() -> None:
    firefox = b"Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"
    google = b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    assert (family(firefox), family(google), family(b"curl/8.1"), family(b"-")) == (
        b"Firefox",
        b"Googlebot",
        b"curl",
        b"",
    )
