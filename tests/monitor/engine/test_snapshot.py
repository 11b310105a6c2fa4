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


def test_every_column_of_a_log_has_its_table() -> None:
    engine = Engine(rule("1"), detail=True)
    columns = {
        Table.HOSTS: [b"a", b"b", b"b"],
        Table.REFERERS: [b"http://x/", b"", b""],
        Table.AGENTS: [b"curl/8.1", b"curl/7.0", b"something else"],
    }
    hosts, referers, agents = columns.values()
    engine.feed(replace(batch([START] * 3), vhosts=hosts, referers=referers, agents=agents))
    found = {table: engine.snapshot(View(Scope.TOTAL, table)).rows for table in columns}
    assert {table: [(row.key, row.hits) for row in rows] for table, rows in found.items()} == {
        Table.HOSTS: [(b"b", 2), (b"a", 1)],
        Table.REFERERS: [(b"http://x/", 1)],
        Table.AGENTS: [(b"curl", 2), (b"others", 1)],
    }


def test_a_table_by_response_times_has_the_slowest_sections_first_however_few_hits_they_have() -> None:
    engine = Engine(rule("1"), detail=True)
    sections, durations = [b"/fast"] * 5 + [b"/slow", b"/untimed"], [20_000] * 5 + [900_000, -1]
    engine.feed(replace(batch([START + 1] * 7), sections=sections, durations=durations))
    view = View(Scope.TOTAL, sort=Sort.P95, limit=2)
    assert [(row.key, row.times is not None) for row in engine.snapshot(view).rows] == [
        (b"/slow", True),
        (b"/fast", True),
    ]
    assert engine.snapshot(replace(view, limit=3)).rows[2].times is None


def test_a_log_whose_lines_have_no_response_time_shows_none_though_its_format_could() -> None:
    engine = Engine(rule("1"), detail=True)
    engine.feed(replace(batch([START + 1] * 3), durations=[-1, -1, -1]))
    told = engine.summary().traffic
    assert (told.hits, told.times, told.histogram) == (3, None, None)


def test_times_below_32_microseconds_are_exact() -> None:
    times = Times()
    times.add([0, 7, 31], [b"/"] * 3)
    found = times.whole()
    assert found is not None
    assert (found.median, found.p95) == (7, 31)


def test_what_a_status_is_not_stands_in_no_class_but_is_a_hit() -> None:
    engine = Engine(rule("1"), detail=True)
    engine.feed(replace(batch([START] * 4), statuses=[b"-", b"000", b"600", b"200"]))
    told = engine.summary().traffic
    assert (told.hits, told.statuses, told.errors) == (4, {"2xx": 1}, 0)
