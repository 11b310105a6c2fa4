"""Further rules held against their windows, by the engine and by the slowest and plainest reading of a rule."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.engine.engine import Engine
from monitor.engine.series import Series
from monitor.engine.snapshot import Transition, View
from monitor.formats.batch import Batch
from monitor.rules import Metric, Rule, parse
from tests.monitor.engine.traffic import MALFORMED, Line, batch, chunks, rule, run

RULES = (
    "hits > 2/s over 5s",
    "hits > 2/s over 5s recover 1/s",
    "hits > 2/s over 5s for 3s",
    "hits < 1/s over 4s",
    "hits < 1/s over 4s for 2s recover 2/s",
    "hits > 1/s over 6s in /s1",
    "bytes > 9B/s over 5s",
    "errors > 0.5/s over 4s",
    "4xx > 0.5/s over 4s",
    "5xx > 0.1/s over 4s",
    "clients > 3 over 5s",
    "clients < 2 over 5s in /s2",
    "malformed > 0.4/s over 5s",
)


def told(watched: Rule, events: Sequence[object]) -> list[tuple[int, str, int]]:
    return [
        (event.at, event.state.value, event.hits)
        for event in events
        if isinstance(event, Transition) and event.rule == watched.name
    ]


def test_a_rule_looks_at_a_block_once_however_many_lines_are_late(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    values = Series.values

    def counting(self: Series, one: Batch) -> Sequence[object]:
        looked.append(len(one.times))
        return values(self, one)

    monkeypatch.setattr(Series, "values", counting)
    late = [second for at in range(100, 200) for second in (at, at - 10)]
    run(Engine(rule(), [parse("errors > 1/s over 5s")]), [batch(late)])
    assert looked == [len(late)]


def value(watched: Rule, lines: Sequence[tuple[int, Line, Batch]], second: int) -> int:
    """What the window held, row by row."""
    rows = [(line, one) for at, line, one in lines if second - watched.window < at <= second]
    if watched.metric is Metric.MALFORMED:
        return sum(line == MALFORMED for line, _ in rows)
    hits = [one for line, one in rows if line != MALFORMED]
    hits = [one for one in hits if watched.section in (None, one.sections[0])]
    match watched.metric:
        case Metric.HITS:
            return len(hits)
        case Metric.BYTES:
            return sum(one.sizes[0] for one in hits)
        case Metric.CLIENTS:
            return len({one.hosts[0] for one in hits})
        case Metric.CLIENT_ERRORS:
            return sum(one.statuses[0][:1] == b"4" for one in hits)
        case Metric.SERVER_ERRORS:
            return sum(one.statuses[0][:1] == b"5" for one in hits)
        case _:
            return sum(one.statuses[0][:1] in b"45" for one in hits)


def plainly(watched: Rule, lines: Sequence[Line]) -> list[tuple[int, str, int]]:
    """Every second from the first hit's to the last one's, one after the other."""
    placed: list[tuple[int, Line, Batch]] = []
    for line in lines:
        if isinstance(line, int):
            placed.append((line, line, batch([line])))
        else:
            placed.append((placed[-1][0], line, batch([])))
    on, since, found = False, None, []
    first, last = placed[0][0], placed[-1][0]
    for second in range(first, last + 1):
        held = value(watched, placed, second)
        exact = Fraction(held, watched.window) if watched.metric.is_rate else Fraction(held)
        if on:
            if watched.recovered(exact):
                on = False
                found.append((second, "recovered", held))
            continue
        if not watched.beyond(exact) or not (watched.above or second >= first + watched.window - 1):
            since = None
            continue
        since = second if since is None else since
        if second >= since + watched.hold:
            on, since = True, None
            found.append((second, "raised", held))
    return found


steps = st.lists(st.tuples(st.sampled_from([0, 0, 0, 0, 1, 1, 2, 9]), st.booleans()), min_size=1, max_size=60)


@settings(max_examples=150, deadline=None)
@given(steps, st.lists(st.integers(1, 7), min_size=1, max_size=4), st.sampled_from(RULES))
def test_every_rule_is_judged_second_by_second_whatever_the_size_of_reads(
    course: list[tuple[int, bool]], sizes: list[int], text: str
) -> None:
    lines: list[Line] = [1000]
    second = 1000
    for step, whole in course:
        second += step
        lines.append(second if whole or step else MALFORMED)
    watched = parse(text)
    engine = Engine(rule("1000000", 20), (watched,), interval=10, lateness=3)
    assert told(watched, run(engine, chunks(lines, sizes))) == plainly(watched, lines)


def test_a_break_begins_the_time_to_hold_anew() -> None:
    watched = parse("hits > 2/s over 2s for 5s")
    lines: list[Line] = [1000 + second for second in (0, 1, 2, 7, 8, 9, 10, 11, 12, 13) for _ in range(5)]
    events = run(Engine(rule("1000000", 20), (watched,)), chunks(lines, [3]))
    assert told(watched, events) == plainly(watched, lines) == [(1012, "raised", 10)]


def test_the_peak_of_a_rule_turned_round_is_the_least() -> None:
    watched = parse("hits < 2/s over 2s")
    engine = Engine(rule("1000000", 20), (watched,))
    run(engine, [batch([1000] * 2 + [1001] + [1002] + [1003, 1003] + [1004] * 3 + [1005] * 3)])
    (alert,) = engine.summary().alerts
    assert (alert.raised.at, alert.raised.hits, alert.peak, alert.peak_at) == (1001, 3, 2, 1002)
    assert (alert.recovered and alert.recovered.at) == 1004


def timed(second: int, *durations: int) -> Batch:
    return replace(batch([second] * len(durations)), durations=durations)


@pytest.mark.parametrize(("text", "times"), [("p95 > 100ms over 5s", 95_000), ("p99 > 100ms over 5s", 95_000)])
def test_response_times_are_judged_by_their_quantile(text: str, times: int) -> None:
    watched = parse(text)
    engine = Engine(rule("1000000", 20), (watched,))
    events = run(engine, [timed(1000, *[times] * 19), timed(1001, 300_000, 300_000, -1), timed(1030, 1000, -1)])
    ((raised, _, slow), (recovered, _, _)) = told(watched, events)
    assert (raised, recovered) == (1001, 1006)
    assert abs(slow - 300_000) < 300_000 // 32


def test_two_rules_of_the_same_series_do_not_disturb_each_other() -> None:
    both = (parse("clients > 2 over 5s"), parse("clients > 2 over 5s for 1s"))
    lines: list[Line] = [1000, 1000, 1001, 1002, 1003, 1003, 1004, 1020, 1020]
    events = run(Engine(rule("1000000", 20), both), chunks(lines, [1]))
    for each in both:
        assert told(each, events) == plainly(each, lines)


def test_a_snapshot_says_how_every_rule_stands() -> None:
    watched = parse("hits > 2/s over 5s")
    engine = Engine(rule("1000000", 20), (watched,))
    engine.feed(batch([1000] * 20 + [1006, 1007]))
    first, second = engine.present().rules
    assert (first.name, first.alert, second.name, second.average) == ("", None, watched.name, 4)
    assert second.alert is not None
    assert engine.snapshot(View()).alert == second.alert


def test_an_alert_of_a_rule_that_was_on_before_a_live_start_is_told() -> None:
    watched = parse("hits > 2/s over 5s")
    engine = Engine(rule("1000000", 20), (watched,), live=True)
    events = engine.warm([batch([900, *([1000] * 20), 1006])], whole=True, age=0, now=50.0)
    assert told(watched, events) == [(1000, "raised", 20)]


def test_alerts_of_several_rules_are_kept_in_the_order_of_time() -> None:
    watched = parse("hits > 2/s over 2s")
    engine = Engine(rule("3", 10), (watched,))
    run(engine, [batch([1000] * 5 + [1010] * 40 + [1030] * 6 + [1040])])
    raised = [each.raised.at for each in engine.summary().alerts]
    assert len(raised) > 2
    assert raised == sorted(raised)


@pytest.mark.parametrize("sizes", [[1], [100]])
@pytest.mark.parametrize(
    ("text", "lines", "found"),
    [
        # It has to hold for 3 s, and the second in which that is over has no line: it is told all the same.
        ("hits > 2/s over 10s for 3s", [1000] * 30 + [1006], [(1003, "raised", 30)]),
        ("hits > 2/s over 10s for 3s", [1000] * 30 + [1012], [(1003, "raised", 30), (1010, "recovered", 0)]),
        ("malformed > 0.4/s over 5s", [1000, *[MALFORMED] * 3, 1009], [(1000, "raised", 3), (1005, "recovered", 0)]),
        ("4xx > 0.5/s over 5s", [1000, 1004, 1004, 1020], [(1004, "raised", 3), (1005, "recovered", 2)]),
        ("errors > 0.3/s over 5s in /s1", [1000, 1000, 1004, 1020], [(1000, "raised", 2), (1005, "recovered", 0)]),
    ],
)
def test_a_rule_tells(text: str, lines: list[Line], found: list[tuple[int, str, int]], sizes: list[int]) -> None:
    watched = parse(text)
    assert told(watched, run(Engine(rule("1000000", 20), (watched,)), chunks(lines, sizes))) == found


def test_a_time_to_hold_that_is_over_in_silence_is_told_when_it_is_over() -> None:
    watched = parse("hits > 2/s over 20s for 3s")
    engine = Engine(rule("1000000", 20), (watched,), live=True)
    engine.feed(batch([1000] * 50), now=0.0)
    assert told(watched, engine.tick(8.0)) == []
    assert told(watched, engine.tick(9.0)) == [(1003, "raised", 50)]


def test_a_line_that_comes_late_counts_for_a_rule_in_its_own_second_from_the_clocks_on() -> None:
    watched = parse("errors > 0.5/s over 10s")
    lines: list[Line] = [*[1000] * 5, 1009, 1000, 1010]  # with the late one they are 6, when 1004 is evaluated
    for sizes in ([1], [8]):
        found = told(watched, run(Engine(rule("1000000", 20), (watched,)), chunks(lines, sizes)))
        assert found == [(1004, "raised", 6), (1010, "recovered", 0)]


def test_a_rule_of_a_virtual_host_counts_its_hits_and_none_where_a_log_names_no_hosts() -> None:
    watched = parse("hits > 1/s over 2s host a")
    named = replace(batch([1000] * 6), vhosts=[b"a", b"b", b"a", b"b", b"a", b""])
    engine = Engine(rule("1000000", 20), (watched,))
    assert told(watched, run(engine, [named, batch([1001] * 9 + [1005])])) == [
        (1000, "raised", 3),
        (1002, "recovered", 0),
    ]


def test_a_lone_line_from_the_future_is_no_malformed_one() -> None:
    watched = parse("malformed > 0.1/s over 5s")
    engine = Engine(rule("1000000", 20), (watched,))
    assert told(watched, run(engine, [batch([1000, 90_000, 1001, 1002])])) == []
    assert (engine.summary().late, engine.summary().malformed) == (1, 0)
