"""The alert: the first tests to read."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.engine.alert import MAX_ALERTS
from monitor.engine.engine import Engine
from monitor.engine.snapshot import AlertRecord, State, Transition
from monitor.engine.window import Window
from tests.monitor.engine.traffic import batch, chunks, oracle, rule, run, told

START = 1_700_000_000  # the beginning of an interval, and not of a window


def steady(rate: int, seconds: int, start: int = START) -> list[int]:
    return [start + second for second in range(seconds) for _ in range(rate)]


def alerts(times: list[int], threshold: str = "10", window: int = 120) -> list[tuple[State, int, int]]:
    return told(run(Engine(rule(threshold, window)), [batch(times)]))


def test_no_alert_under_the_threshold() -> None:
    assert alerts(steady(9, 600)) == []


def test_no_alert_at_exactly_the_threshold() -> None:
    assert alerts(steady(10, 600)) == []


def test_one_hit_over_the_threshold_raises() -> None:
    times = sorted([*steady(10, 600), START + 300])
    assert alerts(times)[0] == (State.RAISED, START + 300, 1201)


def test_equality_does_not_recover() -> None:
    times = sorted([*steady(10, 600), START + 300])
    assert alerts(times) == [(State.RAISED, START + 300, 1201)]


def test_one_hit_under_the_threshold_recovers() -> None:
    times = sorted([*steady(10, 600), START + 300])
    times.remove(START + 450)
    assert alerts(times) == [(State.RAISED, START + 300, 1201), (State.RECOVERED, START + 450, 1199)]


def test_the_divisor_is_the_whole_window_in_the_first_two_minutes_too() -> None:
    assert alerts(steady(100, 12)) == []
    assert alerts([*steady(100, 12), START + 12]) == [(State.RAISED, START + 12, 1201)]


def test_one_message_a_transition_however_long_the_traffic_stays_high() -> None:
    assert len(alerts(steady(30, 3000))) == 1


def test_a_burst_across_the_edge_of_two_intervals_is_seen() -> None:
    times = [START + 9] * 601 + [START + 10] * 600
    assert alerts(times) == [(State.RAISED, START + 10, 1201)]


def test_a_burst_leaves_after_exactly_a_window() -> None:
    times = [START] * 1201 + [START + 119, START + 120]
    assert alerts(times) == [(State.RAISED, START, 1201), (State.RECOVERED, START + 120, 2)]


def test_an_alert_is_told_as_it_stood_whatever_its_block_holds_after_it() -> None:
    lines = [START] * 1201 + [START + 3] * 9 + [START + 119, START + 400]
    raised, recovered = [event for event in run(Engine(rule()), [batch(lines)]) if isinstance(event, Transition)]
    assert raised.record == AlertRecord(raised, None, 1201, START)
    assert (recovered.record.raised, recovered.record.recovered) == (raised, recovered)
    assert (recovered.record.peak, recovered.record.peak_at, recovered.record.duration) == (1211, START + 119, 120)


def test_one_block_may_hold_more_alerts_than_are_kept() -> None:
    engine = Engine(rule("0.5", 1), interval=1)
    found = run(engine, [batch(range(START, START + 2 * MAX_ALERTS + 20, 2))])
    records = [event.record for event in found if isinstance(event, Transition)]
    assert len(records) == engine.summary().transitions == 2 * (MAX_ALERTS + 10) - 1
    assert {record.duration for record in records} == {None, 1}


def test_silence_recovers_live() -> None:
    engine = Engine(rule(), live=True)
    events = engine.feed(batch([START] * 1201), now=50.0)
    events += engine.tick(50.0 + 5)
    assert told(events) == []
    events += engine.tick(50.0 + 6)
    assert told(events) == [(State.RAISED, START, 1201)]
    events += engine.tick(50.0 + 125)
    assert len(told(events)) == 1
    events += engine.tick(50.0 + 126)
    assert told(events)[1:] == [(State.RECOVERED, START + 120, 0)]


def test_no_silence_is_invented_at_the_end_of_a_replay() -> None:
    assert alerts([START] * 1201) == [(State.RAISED, START, 1201)]


def test_a_long_gap_recovers_when_the_window_is_empty_not_when_the_next_line_comes() -> None:
    times = [START] * 1201 + [START + 10_000_000]
    assert alerts(times) == [(State.RAISED, START, 1201), (State.RECOVERED, START + 120, 0)]


def test_two_alerts_are_four_messages_in_order() -> None:
    times = [START] * 1201 + [START + 1000] * 1300 + [START + 2000]
    assert [state for state, _, _ in alerts(times)] == [State.RAISED, State.RECOVERED] * 2


def test_an_alert_keeps_its_peak_and_its_duration() -> None:
    engine = Engine(rule())
    run(engine, [batch([START] * 1201 + [START + 3] * 9 + [START + 119] + [START + 400])])
    (record,) = engine.summary().alerts
    assert (record.peak, record.peak_at, record.duration) == (1211, START + 119, 120)


def test_a_late_line_counts_in_its_own_second_for_the_evaluations_still_to_come() -> None:
    # The clock is at 100, so second 50 is closed; the late line there counts until second 169.
    times = [START] * 1199 + [START + 50, START + 100, START + 50, START + 101]
    assert alerts(times) == [(State.RAISED, START + 95, 1201)]


def test_a_late_line_leaves_the_window_with_its_own_second() -> None:
    times = [START + 60] * 1200 + [START + 100, START + 60, START + 179, START + 180]
    assert alerts(times)[-1] == (State.RECOVERED, START + 180, 3)
    assert alerts(times)[0] == (State.RAISED, START + 95, 1201)


def test_a_line_too_late_for_any_evaluation_to_come_raises_nothing() -> None:
    times = [START] * 1199 + [START + 60, START + 126, START + 126, START, START + 127]
    assert alerts(times) == []


def test_bytes_are_held_against_a_threshold_of_bytes() -> None:
    one = batch([START + 12] * 10)  # START % 13 == 0: twelve bytes each
    size = sum(one.sizes)
    assert told(run(Engine(rule(f"{size}B/120s", metric="bytes")), [one])) == []
    assert told(run(Engine(rule(f"{size - 1}B/120s", metric="bytes")), [one])) == [(State.RAISED, START + 12, size)]


def test_a_threshold_that_no_float_can_hold_is_exact() -> None:
    times = steady(1, 3, START)
    assert alerts(times, "1/3s", window=3) == [(State.RAISED, START + 1, 2)]
    assert alerts([START], "1/3s", window=3) == []


walks = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 30)), min_size=1, max_size=40)


@settings(max_examples=150)
@given(walks, st.sampled_from(["1/7s", "0.5", "1", "3", "10"]), st.sampled_from([1, 7, 30, 120]))
def test_the_rule_holds_on_any_traffic(walk: list[tuple[int, int]], threshold: str, window: int) -> None:
    times, now = [], START
    for gap, hits in walk:
        now += gap
        times += [now] * hits
    limit = rule(threshold, window).threshold.rate
    assert alerts(times, threshold, window) == oracle(times, limit, window)


@settings(max_examples=150)
@given(walks, st.randoms(use_true_random=False), st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_the_rule_holds_in_any_order_within_the_lateness(walk, random, sizes) -> None:  # type: ignore[no-untyped-def]
    times, now = [], START
    for gap, hits in walk:
        now += gap
        times += [now] * hits
    shuffled = sorted(times, key=lambda second: second + random.uniform(0, 5))
    # What comes first sets the clock; keep it, so that no line is before the beginning.
    found = told(run(Engine(rule("1", 30)), chunks(shuffled, sizes)))
    assert found == oracle(times, Fraction(1), 30)


@pytest.mark.parametrize("window", [1, 10, 120])
def test_a_silence_of_a_year_is_a_few_steps(window: int) -> None:
    sums = Window(window)
    sums.add(START, 1000)
    assert list(sums.close(START + 365 * 86400)) == [(START, 1000), (START + window, 0)]
    engine = Engine(rule("1", window), live=True)
    engine.feed(batch([START] * 1000), now=0.0)
    events = engine.tick(365 * 86400.0)
    assert [state for state, _, _ in told(events)] == [State.RAISED, State.RECOVERED]
