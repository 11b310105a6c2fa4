"""Alerts of earlier runs: kept on the screen, never twice, and what is said of an end that nobody saw."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.engine.engine import Engine
from monitor.engine.snapshot import AlertRecord, Event, State, Transition, View
from monitor.rules import Rule, parse
from tests.monitor.engine.traffic import batch, rule, run
from tests.monitor.output_made import record

RULE = rule("1", 10)
BURST = 2 * [100] + 20 * [101]  # raised at 101; at 111 the window is empty


def transitions(events: Sequence[Event]) -> list[Transition]:
    return [event for event in events if isinstance(event, Transition)]


def cut_off(lines: Sequence[int], watched: Rule = RULE) -> list[AlertRecord]:
    """The alerts of a run that stopped there, as its alert log has them."""
    engine = Engine(watched)
    run(engine, [batch(lines)])
    return list(engine.summary().alerts)


def back(
    earlier: Sequence[AlertRecord], lines: Sequence[int], watched: Rule = RULE, *, whole: bool = False
) -> tuple[Engine, list[Transition]]:
    """A live run that reads these lines back."""
    engine = Engine(watched, live=True)
    engine.recall(earlier)
    return engine, transitions(engine.warm([batch(lines)], whole=whole, age=0, now=50.0))


def shown(engine: Engine) -> list[tuple[int, int | None, bool]]:
    """Each alert on the screen: raised, recovered, still on."""
    alerts = engine.snapshot(View()).alerts
    return [(each.raised.at, each.recovered.at if each.recovered else None, each.on) for each in alerts]


def test_alerts_of_earlier_runs_are_shown_before_its_own_and_not_counted() -> None:
    engine = Engine(RULE)
    engine.recall((record(), record(recovered=False, at=record().raised.at + 1000)))
    run(engine, [batch([2_000_000_000] * 20 + [2_000_000_015] * 20)])
    first, second, *own = shown(engine)
    assert (first[1:], second[1:]) == ((record().recovered.at, False), (None, False))  # type: ignore[union-attr]
    assert [each[0] for each in own] == [each.raised.at for each in engine.summary().alerts]
    assert engine.summary().transitions == 3


def test_an_end_that_was_read_back_is_told_as_it_was() -> None:
    engine, told = back(cut_off(BURST), [*BURST, 150], whole=True)
    assert [(each.state, each.at, each.since_before) for each in told] == [(State.RECOVERED, 111, False)]
    assert shown(engine) == [(101, 111, False)]
    assert engine.summary().transitions == 1


def test_an_alert_that_was_over_in_all_that_was_read_back_ended_before_that() -> None:
    engine, told = back(cut_off(BURST), [500, 505, 520, 530])
    assert [(each.state, each.since_before) for each in told] == [(State.RECOVERED, True)]
    assert told[0].at == 510  # the first second with a whole window behind it
    assert told[0].record.raised.at == 101
    assert shown(engine) == [(101, 510, False)]


def test_an_alert_that_is_still_on_is_one_alert_with_its_beginning() -> None:
    engine, told = back(cut_off(BURST), sorted(2 * [*range(500, 530)]))
    assert [(each.state, each.at) for each in told] == [(State.RAISED, 101)]
    assert shown(engine) == [(101, None, True)]
    assert [(each.state, each.at, each.record.raised.at) for each in transitions(engine.tick(100.0))] == [
        (State.RECOVERED, 535, 101)
    ]
    assert shown(engine) == [(101, 535, False)]


def test_one_that_was_on_in_all_that_was_read_back_until_it_ended_is_one_alert_too() -> None:
    engine, told = back(cut_off(BURST), [*sorted(2 * [*range(500, 530)]), 560])
    assert [(each.state, each.at, each.since_before) for each in told] == [(State.RECOVERED, 535, False)]
    assert shown(engine) == [(101, 535, False)]


def test_an_alert_whose_beginning_was_seen_later_is_another() -> None:
    engine, told = back(cut_off(BURST), [500, 505, *[520] * 20, 527])
    assert [(each.state, each.since_before) for each in told] == [(State.RECOVERED, True), (State.RAISED, False)]
    assert shown(engine) == [(101, 510, False), (520, None, True)]


def test_what_several_rules_say_at_the_start_is_in_the_order_of_time() -> None:
    watched = (parse("hits > 2/s over 10s"), parse("hits > 1/s over 10s"))
    engine = Engine(rule("1000", 10), watched)
    lines = [*[100] * 25, *[101] * 12]
    run(engine, [batch(lines)])
    again = Engine(rule("1000", 10), watched, live=True)
    again.recall(engine.summary().alerts)
    events = transitions(again.warm([batch([*lines, *[120] * 15, *[122] * 25, 130])], whole=True, age=0, now=50.0))
    assert [(each.at, each.state.value, each.rule[5:8]) for each in events] == [
        (110, "recovered", "> 2"),
        (111, "recovered", "> 1"),
        (120, "raised", "> 1"),
        (122, "raised", "> 2"),
    ]
    assert [each.raised.at for each in again.summary().alerts] == [100, 100, 120, 122]


def test_between_the_thresholds_nothing_is_said_of_the_end() -> None:
    watched = replace(parse("hits > 1/s over 10s recover 0.5/s"), name="")
    engine, told = back(cut_off(BURST, watched), range(500, 540), watched)  # exactly 1/s: it may be on
    assert told == []
    assert shown(engine) == [(101, None, False)]
    eight_in_ten = [second for second in range(500, 530) if second % 5]
    engine, told = back(cut_off(BURST, watched), [*eight_in_ten, *[531] * 20, 540, 600], watched)
    assert [(each.state, each.at, each.record.raised.at) for each in told] == []
    assert shown(engine) == [(101, None, False)]  # the other one began and ended before this run
    engine, told = back(cut_off(BURST, watched), [*eight_in_ten, *[531] * 20, 537], watched)
    assert shown(engine) == [(101, None, False), (531, None, True)]


def test_where_nothing_can_be_read_back_the_first_line_tells() -> None:
    engine, told = back(cut_off(BURST), [])
    assert told == []
    assert shown(engine) == [(101, None, False)]
    events = transitions([*engine.feed(batch([900]), now=51.0), *engine.tick(60.0)])
    assert [(each.state, each.at, each.since_before) for each in events] == [(State.RECOVERED, 900, True)]
    assert shown(engine) == [(101, 900, False)]


def test_a_rule_that_is_watched_no_more_stays_with_its_end_unseen() -> None:
    on = replace(record(recovered=False), raised=replace(record().raised, rule="5xx > 1/s"))
    engine, told = back([on], [2_000_000_000, 2_000_000_100])
    assert told == []
    assert [each[1:] for each in shown(engine)] == [(None, False)]


def test_a_replay_of_what_an_earlier_run_told_shows_each_alert_once_and_in_its_time() -> None:
    lines = [*BURST, *[300] * 20, 310, *[600] * 20]
    earlier = cut_off(lines)
    assert len(earlier) == 3
    engine = Engine(RULE)
    engine.recall(earlier)
    engine.feed(batch(lines[:25]))
    engine.feed(batch(lines[25:43]))
    assert [each[0] for each in shown(engine)] == [101, 300]
    run(engine, [batch(lines[43:])])
    assert engine.snapshot(View()).alerts == tuple(earlier)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([1, 1, 1, 2, 5, 12]), st.integers(1, 4)), min_size=2, max_size=60),
    st.integers(1, 59),
    st.integers(1, 59),
    st.booleans(),
    st.sampled_from(
        (
            "hits > 1/s over 10s",
            "hits < 1/s over 10s",
            "hits < 0.5/s over 10s recover 1.5/s",
            "hits > 1.5/s over 8s recover 0.5/s",
            "hits > 1/s over 10s for 5s",
            "bytes > 20B/s over 10s recover 5B/s",
        )
    ),
)
def test_no_alert_is_lost_told_twice_or_ended_before_it_was(
    course: list[tuple[int, int]], stop: int, again: int, whole: bool, text: str
) -> None:
    watched = replace(parse(text), name="")
    lines, second = [], 1000
    for step, hits in course:
        second += step
        lines += [second] * hits
    seconds = [each for each, _ in groupby(lines)]
    stopped = seconds[min(stop, len(seconds) - 1)]
    restarted = max(stopped, seconds[min(again, len(seconds) - 1)])
    truth = {each.raised.at: each.recovered for each in cut_off(lines, watched)}
    earlier = cut_off([line for line in lines if line <= stopped], watched)
    read = [line for line in lines if line <= restarted and (whole or line > restarted - 20)]
    engine, _ = back(earlier, read, watched, whole=whole)
    engine.feed(batch([line for line in lines if line > restarted]), now=50.0)
    engine.finish()
    alerts = shown(engine)
    raised = [each[0] for each in alerts]
    assert len(set(raised)) == len(raised)
    assert {each.raised.at for each in earlier} <= set(raised)
    for begun, ended, _ in alerts:
        true_end = truth.get(begun)
        if ended is not None and true_end is not None:
            assert ended >= true_end.at
        if ended is not None and begun in truth:
            assert true_end is not None  # what is on to the end is not said to be over


@pytest.mark.parametrize("text", ["hits < 1/s over 10s", "clients > 0.5 over 10s", "p95 > 1ms over 10s"])
def test_rules_of_every_kind_go_on_after_a_restart(text: str) -> None:
    watched = parse(text)
    lines = [100, 200]
    engine = Engine(rule("1000", 10), (watched,))
    run(engine, [replace(batch(lines), durations=[5000] * 2)])
    earlier = engine.summary().alerts
    again = Engine(rule("1000", 10), (watched,), live=True)
    again.recall(earlier)
    again.warm([replace(batch(lines), durations=[5000] * 2)], whole=True, age=10, now=50.0)
    assert shown(again) == [
        (each.raised.at, each.recovered.at if each.recovered else None, each.on) for each in earlier
    ]
