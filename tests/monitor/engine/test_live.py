"""Live only: lateness that adapts, several logs, the window read back before the start."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.engine import tally
from monitor.engine.engine import Engine
from monitor.engine.snapshot import Note, State, Transition
from monitor.rules import parse
from tests.monitor.engine.traffic import MALFORMED, batch, intervals, rule, told

START = 1_700_000_000


def live() -> Engine:
    return Engine(rule("1"), live=True)


def test_a_log_that_comes_in_bursts_raises_the_lateness_to_its_largest_delay() -> None:
    engine, notes = live(), []
    for burst in range(6):
        seconds = [START + 30 * burst + second for second in range(30)]
        events = engine.feed(batch([seconds[-1], *seconds[:-1]]), now=30.0 * burst)
        notes += [event.text for event in events if isinstance(event, Note)]
    assert notes == ["lateness 29 s: this log comes in bursts"]


def test_a_few_late_lines_do_not() -> None:
    engine = live()
    seconds = [START + second for second in range(200)]
    events = engine.feed(batch([*seconds, *seconds[100:140]]), now=200.0)
    assert [event for event in events if isinstance(event, Note)] == []


def test_a_log_that_stops_does_not_hold_up_the_others() -> None:
    engine = live()
    engine.feed(batch([START]), 0, now=0.0)
    for second in range(30):
        engine.feed(batch([START + second]), 1, now=float(second))
    assert engine.clock == START + 29


def test_the_clock_is_the_slowest_log_that_is_not_idle() -> None:
    engine = live()
    engine.feed(batch([START]), 0, now=0.0)
    engine.feed(batch([START + 60]), 1, now=0.0)
    assert engine.clock == START
    engine.feed(batch([START + 3]), 0, now=3.0)
    assert engine.clock == START + 3
    assert engine.summary().late == 0


def test_the_clock_is_never_more_than_the_window_behind_the_fastest() -> None:
    engine = live()
    engine.feed(batch([START]), 0, now=0.0)
    engine.feed(batch([START + 500, START + 500]), 1, now=0.0)
    assert engine.clock == START + 380


def test_silent_intervals_are_told_one_by_one() -> None:
    engine = live()
    engine.feed(batch([START]), now=0.0)
    found = intervals([event for second in range(40) for event in engine.tick(float(second))])
    assert [(one.start - START, one.traffic.hits) for one in found] == [(0, 1), (10, 0), (20, 0)]


def test_an_alert_that_was_on_before_the_start_is_shown_with_its_real_beginning() -> None:
    engine = live()
    lines = [START + second for second in range(0, 300, 2)] + [START + second for second in range(200, 300)] * 3
    events = engine.warm([batch(sorted(lines))], whole=False, age=0.0, now=0.0)
    assert told(events) == [(State.RAISED, START + 220, 123)]
    assert engine.warm_enough
    assert engine.summary().traffic.hits == 0


def test_an_alert_already_on_in_the_oldest_second_is_said_to_be_since_before() -> None:
    engine = live()
    lines = [START + second for second in range(130)] * 3
    (raised,) = engine.warm([batch(sorted(lines))], whole=False, age=0.0, now=0.0)
    assert raised.since_before  # type: ignore[union-attr]
    assert not engine.warm_enough


def test_what_was_read_back_counts_in_the_first_evaluation_of_a_live_start() -> None:
    engine = live()
    engine.warm([batch([START + 100] * 115)], whole=True, age=0.0, now=0.0)
    events = engine.feed(batch([START + 101] * 6), now=1.0) + engine.tick(7.0)
    assert told(events) == [(State.RAISED, START + 101, 121)]


def test_an_alert_after_a_calm_second_has_its_real_beginning_although_little_was_read_back() -> None:
    engine = live()
    calm = [START + second for second in range(0, 140, 2)]
    engine.warm([batch(calm)], whole=False, age=0.0, now=0.0)
    assert engine.warm_enough
    (raised,) = engine.feed(batch([START + 141] * 300), now=1.0) + engine.tick(8.0)
    assert told([raised]) == [(State.RAISED, START + 141, 359)]
    assert not raised.since_before  # type: ignore[union-attr]


def burst(engine: Engine, at: int, length: int) -> list[str]:
    """Lines of so many seconds that come at once, the newest first; what is said of them."""
    seconds = [START + at - length + second for second in range(1, length + 1)]
    events = engine.feed(batch([seconds[-1], *seconds[:-1]]), now=float(at))
    return [event.text for event in events if isinstance(event, Note)]


def test_the_lateness_rises_to_half_the_window_and_no_further() -> None:
    engine = live()
    notes = [text for turn in range(1, 7) for text in burst(engine, 100 * turn, 100)]
    assert notes == ["lateness 60 s: this log comes in bursts"]
    assert engine.present().lateness == 60
    events = engine.feed(batch([START + 700, *[START + 620] * 60]), now=700.0)
    assert [event for event in events if isinstance(event, Note)] == []
    assert engine.present().lateness == 60


def test_the_lateness_falls_back_when_ten_minutes_were_without_a_burst() -> None:
    engine = live()
    for turn in range(1, 7):
        burst(engine, 30 * turn, 30)
    assert engine.present().lateness == 29
    assert [event for event in engine.tick(180.0 + 599) if isinstance(event, Note)] == []
    (note,) = [event for event in engine.tick(180.0 + 600) if isinstance(event, Note)]
    assert (note.text, note.at, engine.present().lateness) == ("lateness 5 s again", START + 780, 5)


def test_where_nothing_but_malformed_lines_was_read_back_the_first_line_begins_all() -> None:
    engine = live()
    assert engine.warm([batch([MALFORMED, MALFORMED])], whole=True, age=0.0, now=0.0) == []
    assert (engine.clock, engine.summary().lines) == (None, 0)
    engine.feed(batch([START]), now=1.0)
    assert (engine.clock, engine.summary().lines) == (START, 1)


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.lists(st.sampled_from([-90, -40, -9, -3, 0, 0, 1, 2]))), max_size=30),
    st.lists(st.integers(1, 60), min_size=1, max_size=5),
    st.integers(1, 2),
)
def test_how_much_is_read_at_once_leaves_no_trace_while_the_lateness_rises(
    arrivals: list[tuple[int, list[int]]], sizes: list[int], logs: int
) -> None:
    """Bursts of lines that come late or in time: at once, or line by line."""
    whole, line_by_line = live(), live()
    now, told_whole, told_singly = 0, [], []
    for number, (gap, moves) in enumerate(arrivals):
        now += gap
        seconds = [START + now + move for move in moves for _ in range(sizes[number % len(sizes)])]
        log = number % logs
        told_whole += whole.feed(batch(seconds), log, now=float(now))
        told_singly += line_by_line.tick(float(now))
        for second in seconds:
            told_singly += line_by_line.feed(batch([second]), log, now=float(now))
    assert told_whole + whole.finish() == told_singly + line_by_line.finish()
    assert whole.summary() == line_by_line.summary()


def test_a_backlog_is_read_at_once_when_the_lateness_has_risen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A monitor that was stopped reads thousands of late lines: one by one it would never keep up."""
    engine = live()
    engine.feed(batch([START]), now=0.0)
    counted: list[int] = []
    count = tally.count
    monkeypatch.setattr(
        "monitor.engine.engine.count",
        lambda rows, *others: counted.append(len(rows.times)) or count(rows, *others),
    )
    backlog = [START + second // 100 for second in range(100, 8000)]
    events = engine.feed(batch(backlog), now=80.0)
    assert "lateness" in "".join(event.text for event in events if isinstance(event, Note))
    assert sum(counted) == len(backlog)
    assert len(counted) < 120


def stopped(first: str, *others: str, seconds: list[int], ended: bool) -> list[tuple[State, int, int]]:
    engine = Engine(rule(first, 10), [parse(other) for other in others], live=True)
    events = engine.feed(batch([START, *seconds]), now=0.0)
    return [
        (event.state, event.at, event.hits)
        for event in [*events, *engine.finish(ended=ended)]
        if isinstance(event, Transition)
    ]


def test_a_stop_tells_no_recovery_that_lines_still_to_come_would_undo() -> None:
    busy = [START + second for second in range(12) for _ in range(2)]
    seconds = [*busy, START + 12]  # the second line of this second is still to come
    raised = (State.RAISED, START + 4, 11)
    assert stopped("1", seconds=seconds[:-3], ended=False) == [raised]
    assert stopped("1.9", seconds=seconds, ended=False) == [(State.RAISED, START + 9, 21)]
    assert stopped("1.95", seconds=[*seconds, START + 13], ended=True)[-1] == (State.RECOVERED, START + 12, 19)
    assert stopped("1.95", seconds=[*seconds, START + 13], ended=False)[-1] == (State.RAISED, START + 9, 21)


def test_a_stop_tells_an_alert_that_lines_still_to_come_can_only_make_worse() -> None:
    seconds = [START + second for second in range(12) for _ in range(1 + 9 * (second > 10))]
    assert stopped("1.5", seconds=seconds, ended=False) == [(State.RAISED, START + 11, 19)]


def test_a_stop_raises_no_alert_of_too_little_while_lines_may_still_come() -> None:
    seconds = [START + second for second in range(12) for _ in range(2)]
    little = "hits < 2/s over 3s"
    assert stopped("100", little, seconds=[*seconds, START + 12], ended=True) == [(State.RAISED, START + 12, 5)]
    assert stopped("100", little, seconds=[*seconds, START + 12], ended=False) == []
