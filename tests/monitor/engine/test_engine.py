"""Batches in, events out: intervals, late lines, a clock that is set back, chunks that leave no trace."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.engine.engine import Engine
from monitor.engine.rows import noted
from monitor.engine.snapshot import Note, Scope, State, Table, View
from monitor.engine.tally import count
from tests.monitor.engine.traffic import MALFORMED, Line, batch, chunks, intervals, rule, run, told

START = 1_700_000_000


def engine(**options: int) -> Engine:
    return Engine(rule("1", options.pop("window", 120)), top=0, **options)  # type: ignore[arg-type]


def test_intervals_are_aligned_to_the_epoch_and_silent_ones_are_left_to_the_presenter() -> None:
    found = intervals(run(engine(), [batch([START + 3, START + 12, START + 55])]))
    assert [(one.start, one.end, one.traffic.hits) for one in found] == [
        (START, START + 10, 1),
        (START + 10, START + 20, 1),
        (START + 50, START + 60, 1),
    ]


def test_an_interval_is_told_when_its_last_second_is_closed() -> None:
    one = engine()
    assert intervals(one.feed(batch([START, START + 14]))) == []
    (found,) = intervals(one.feed(batch([START + 15])))
    assert (found.start, found.traffic.hits) == (START, 1)


def test_an_interval_tells_what_the_window_held_at_its_end() -> None:
    found = intervals(run(engine(window=20), [batch([START, START + 9, START + 10, START + 21, START + 60])]))
    assert [one.window_hits for one in found] == [2, 3, 2, 1]


def test_a_line_within_the_lateness_counts_in_its_own_interval() -> None:
    found = intervals(run(engine(), [batch([START + 9, START + 12, START + 8])]))
    assert [(one.traffic.hits, one.traffic.late) for one in found] == [(2, 0), (1, 0)]


def test_a_late_line_counts_in_its_own_interval_until_that_is_told_then_in_the_clocks() -> None:
    found = intervals(run(engine(), [batch([START, START + 14, START + 3, START + 30, START + 4])]))
    assert [(one.start - START, one.traffic.hits, one.traffic.late) for one in found] == [
        (0, 2, 1),
        (10, 1, 0),
        (30, 2, 1),
    ]


def test_malformed_lines_count_in_the_interval_of_the_clock() -> None:
    found = intervals(run(engine(), [batch([MALFORMED, START, MALFORMED, START + 10, MALFORMED, START + 30])]))
    assert [one.traffic.malformed for one in found] == [2, 1, 0]


def test_a_lone_line_far_ahead_is_only_late() -> None:
    one = engine()
    found = intervals(run(one, [batch([START, START + 10_000, START + 1, START + 12])]))
    assert [(each.start - START, each.traffic.hits) for each in found] == [(0, 3), (10, 1)]
    assert one.summary().late == 1
    assert one.summary().last == START + 10_000


def test_a_line_far_ahead_moves_the_clock_if_the_end_agrees() -> None:
    found = intervals(run(engine(), [batch([START, START + 10_000])]))
    assert [each.start - START for each in found] == [0, 10_000]


def test_two_old_lines_are_late() -> None:
    one = engine()
    found = intervals(run(one, [batch([START, START - 5000, START - 5000, START + 1])]))
    assert [each.traffic.hits for each in found] == [4]
    assert one.summary().late == 2


def test_three_old_lines_in_a_row_set_the_clock_back() -> None:
    one = engine()
    events = run(one, [batch([START, START - 5000, START - 4990, START - 5000, START - 4900])])
    assert [each.start - START for each in intervals(events)] == [0, -5000, -4990, -4900]
    assert one.summary().late == 0
    assert [type(event) for event in events].count(Note) == 1


def test_three_old_lines_that_are_not_within_a_window_do_not() -> None:
    one = engine()
    found = intervals(run(one, [batch([START, START - 5000, START - 4000, START - 3000, START + 1])]))
    assert [each.start - START for each in found] == [0]
    assert one.summary().late == 3


def test_after_the_clock_is_set_back_no_recovery_is_told_until_a_window_has_passed() -> None:
    back = START - 5000
    lines = [START] * 200 + [back, back, back, back + 60, back + 118, back + 119, back + 125, back + 200]
    found = told(run(engine(), [batch(lines)]))
    assert found == [(State.RAISED, START, 200), (State.RECOVERED, back + 119, 6)]


@pytest.mark.parametrize("sizes", [[1], [9]])
def test_where_the_clock_is_set_back_seconds_within_the_lateness_are_open_too(sizes: list[int]) -> None:
    back = START - 5000
    lines: list[Line] = [START, back + 10, back + 10, back + 10, back + 8, back + 21, back + 9, back + 40]
    one = engine()
    found = intervals(run(one, chunks(lines, sizes)))
    assert [(each.start - back, each.traffic.hits, each.traffic.late) for each in found] == [
        (5000, 1, 0),
        (0, 1, 0),
        (10, 3, 0),
        (20, 2, 1),
        (40, 1, 0),
    ]


def test_nothing_fed_is_nothing_told() -> None:
    one = engine()
    assert run(one, [batch([])]) == []
    assert (one.summary().first, one.summary().traffic.hits, one.clock) == (None, 0, None)


def test_the_busiest_second_is_the_first_of_its_size() -> None:
    one = engine()
    run(one, [batch([START, START, START + 5, START + 5, START + 900])])
    assert one.summary().busiest == (START, 2)


def test_only_malformed_lines_still_end_in_a_summary() -> None:
    one = engine()
    run(one, [batch([MALFORMED] * 5)])
    assert (one.summary().lines, one.summary().malformed) == (5, 5)


steps = st.one_of(
    st.integers(0, 3), st.integers(-12, 12), st.integers(-40, 40), st.integers(-400, 400), st.just(MALFORMED)
)


def lines_of(moves: list[Line]) -> list[Line]:
    """Lines that go on, jitter, leap and fall back."""
    lines, now = [], START
    for move in moves:
        if isinstance(move, int):
            now += move
            lines.append(now)
        else:
            lines.append(move)
    return lines


@settings(max_examples=400)
@given(
    st.lists(steps, max_size=60),
    st.lists(st.integers(1, 20), min_size=1, max_size=6),
    st.sampled_from([3, 20, 120]),
    st.sampled_from([0, 2, 5, 25]),
    st.lists(st.booleans(), min_size=1, max_size=3),
)
def test_chunks_leave_no_trace(
    moves: list[Line], sizes: list[int], window: int, lateness: int, encode: list[bool]
) -> None:
    lines = lines_of(moves)
    whole, line_by_line, chunked = (engine(window=window, lateness=lateness) for _ in range(3))
    expected = run(line_by_line, chunks(lines, [1]))
    assert run(whole, [batch(lines)]) == expected
    assert run(chunked, chunks(lines, sizes, encode)) == expected
    assert whole.summary() == chunked.summary() == line_by_line.summary()


@settings(max_examples=200)
@given(st.lists(steps, max_size=60), st.sampled_from([3, 20, 120]))
def test_the_intervals_add_up_to_all(moves: list[Line], window: int) -> None:
    one = engine(window=window)
    found = intervals(run(one, [batch(lines_of(moves))]))
    summary = one.summary()
    assert sum(each.traffic.hits for each in found) == summary.parsed == summary.traffic.hits
    assert sum(each.traffic.size for each in found) == summary.traffic.size
    assert sum(each.traffic.late for each in found) == summary.late == summary.traffic.late
    assert summary.traffic.hits == 0 or sum(each.traffic.malformed for each in found) == summary.malformed
    assert sum(row.hits for row in summary.traffic.sections) <= summary.parsed


@settings(max_examples=100)
@given(st.lists(st.integers(-2, 30), min_size=1, max_size=40), st.lists(st.floats(0, 1), max_size=5))
def test_ticks_leave_no_trace_but_of_silence_at_the_end(moves: list[int], offsets: list[float]) -> None:
    lines = lines_of(list(moves))
    quiet, live = engine(), Engine(rule("1"), top=0, live=True)
    expected = run(quiet, [batch(lines)])
    events, now = [], 0.0
    for before, line in zip([START, *lines], lines, strict=False):
        arrival = max(now, float(line - START))  # type: ignore[operator]
        for offset in sorted(offsets):
            events += live.tick(now + offset * (arrival - now))
        now = arrival
        events += live.feed(batch([line]), now=now)
        assert before is not None
    events += live.finish()
    assert told(events) == told(expected)
    assert [one for one in intervals(events) if one.traffic.hits] == intervals(expected)
    assert live.summary() == quiet.summary()


@pytest.mark.parametrize("lateness", [0, 5, 60])
def test_a_shuffled_log_keeps_its_totals(lateness: int) -> None:
    lines: list[Line] = [START + (i * 7919) % 5000 for i in range(3000)]
    one = engine(lateness=lateness)
    found = intervals(run(one, chunks(lines, [100])))
    assert sum(each.traffic.hits for each in found) == 3000


@pytest.mark.parametrize("which", [0, 1])
def test_a_line_that_waits_for_the_next_may_have_columns_that_the_next_has_not_and_lack_some_that_it_has(
    which: int,
) -> None:
    plain = (batch([START]), batch([START + 10_000]), batch([START + 10_000, START + 10_001]))
    rich = [
        replace(
            one,
            durations=[5000] * len(one.times),
            vhosts=[b"v"] * len(one.times),
            referers=[b"r"] * len(one.times),
            agents=[b"curl/8"] * len(one.times),
        )
        for one in plain
    ]
    one = Engine(rule("1"), detail=True)
    run(one, [plain[0], (plain, rich)[which][1], (rich, plain)[which][2]])
    told = one.summary().traffic
    timed = 1 if which else 2
    assert told.hits == 4
    assert told.histogram is not None
    assert sum(told.histogram.counts) == timed
    for table, key in ((Table.HOSTS, b"v"), (Table.REFERERS, b"r"), (Table.AGENTS, b"curl")):
        (row,) = one.snapshot(View(Scope.TOTAL, table)).rows
        assert (row.key, row.hits) == (key, timed)


@pytest.mark.parametrize(
    ("before", "tally", "behind"),
    [
        ([START], [START + 1, START + 2, START + 20], []),
        ([START], [START + 9, START + 4, START + 20], []),
        ([START, START + 10_000], [START + 10_001, START + 10_002], []),  # which confirms what waited
        ([START], [START + 1, START + 2], [START + 5000]),
    ],
)
def test_a_tally_made_elsewhere_counts_as_its_rows_would(
    before: list[int], tally: list[int], behind: list[int]
) -> None:
    expected, one = engine(), engine()
    events = run(expected, [batch(before + tally + behind)])
    found = one.feed(batch(before))
    made = count(batch(tally), one.plan)
    assert made is not None
    merged = one.merge(made, batch(behind) if behind else None)
    assert merged is not None
    assert [*found, *merged, *one.finish()] == events
    one.note(noted(batch(tally + behind)))
    assert one.summary() == expected.summary()


@pytest.mark.parametrize(
    ("before", "tally"),
    [
        ([], [START]),  # nothing came before it
        ([START], []),  # nothing is in it
        ([START], [START + 5000]),  # it may be a lone line
        ([START, START + 10_000], [START + 1]),  # what waited was a lone line
        ([START, START - 5000, START - 5000], [START - 5000]),  # the log is set back
        ([START, START - 5000], [START - 5000, START - 5000]),
        ([START], [START - 121]),
        ([START + 60], [START + 20, START + 10]),  # the late line came at the clock, not at 20
    ],
)
def test_a_tally_whose_meaning_depends_on_what_came_before_is_not_taken(before: list[int], tally: list[int]) -> None:
    one, untouched = engine(), engine()
    for each in (one, untouched):
        each.feed(batch(before))
    made = count(batch(tally), one.plan)
    assert made is not None
    assert one.merge(made, None) is None
    assert one.finish() == untouched.finish()
    assert one.summary() == untouched.summary()
