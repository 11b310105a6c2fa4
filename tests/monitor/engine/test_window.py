"""The window against the sum written out, late lines in any order; the history at its bound."""

from collections import Counter

import hypothesis.strategies as st
import pytest
from hypothesis import given

from monitor.engine.alert import MAX_ALERTS, History
from monitor.engine.window import MAX_OPEN, BagWindow, Window
from tests.monitor.output_made import record

WIDTH = 5
amounts = st.integers(1, 9)
lines = st.lists(st.tuples(st.integers(0, 30), amounts), max_size=12)
lates = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(1, WIDTH + 1), amounts), max_size=12)


@given(lines, lates, st.integers(1, 7))
def test_late_lines_count_in_their_own_second_from_the_first_evaluation_that_may_see_them(
    on_time: list[tuple[int, int]], late: list[tuple[int, int, int, int]], step: int
) -> None:
    window = Window(WIDTH)
    for second, amount in on_time:
        window.add(second, amount)
    told: dict[int, int] = {}
    seen: list[tuple[int, int, int]] = []  # (first evaluation that sees it, second, amount)
    closed = -1
    while closed < 45:
        told |= dict(window.close(closed + step))
        closed += step
        for turn, ahead, back, amount in late:
            if turn == closed // step % 4 and closed < 30:
                first = closed + 1 + ahead
                window.add_late(first, first - back, amount)
                seen.append((first, first - back, amount))
    total = 0
    for at in range(46):
        held = sum(amount for second, amount in on_time if at - WIDTH < second <= at)
        held += sum(amount for first, second, amount in seen if first <= at and at - WIDTH < second <= at)
        total = told.get(at, total)  # where nothing was told, nothing has changed
        assert total == held, at


def test_a_log_set_back_leaves_nothing_in_the_window() -> None:
    for window, amount in ((Window(WIDTH), 3), (BagWindow(WIDTH, len), Counter("abc"))):
        window.add(1, amount)
        window.add(9, amount)
        assert list(window.close(2)) == [(1, 3)]
        window.add_late(4, 2, amount)
        window.clear()
        assert window.total == 0
        window.add(7, amount)
        assert list(window.close(20)) == [(7, 3), (12, 0)]


def test_a_bag_counts_what_is_different_and_forgets_what_left() -> None:
    window = BagWindow(WIDTH, len)
    window.add(1, Counter("ab"))
    window.add(2, Counter("bc"))
    window.add_late(3, 1, Counter("d"))
    assert list(window.close(10)) == [(1, 2), (2, 3), (3, 4), (6, 2), (7, 0)]


def test_at_its_bound_a_bag_leaves_a_second_out_until_others_have_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.engine.window.MAX_BAG", 3)
    window = BagWindow(WIDTH, len)
    for second, keys in ((1, "ab"), (2, "cd"), (3, "e"), (6, "fg"), (20, "hij")):
        window.add(second, Counter(keys))
    assert list(window.close(19)) == [(1, 2), (2, 2), (3, 3), (6, 3), (7, 3), (8, 2), (11, 0)]
    assert list(window.close(30)) == [(20, 3), (25, 0)]


def test_any_number_of_seconds_may_come_at_once() -> None:
    window = Window(WIDTH)
    for second in range(MAX_OPEN + 100):
        window.add(second, 1)
    assert dict(window.close(MAX_OPEN + 99))[MAX_OPEN + 99] == window.total == WIDTH


def test_lone_lines_from_the_future_fill_no_memory() -> None:
    window = Window(WIDTH)
    for second in range(MAX_OPEN + 100):
        window.add_stray(10**9 + 2 * second, 1)
    window.add_stray(10**9, 1)
    assert (len(window._open), window._open[10**9]) == (MAX_OPEN, 2)


def test_at_its_bound_the_history_drops_the_oldest_and_counts_them() -> None:
    history = History()
    records = [record(at=at) for at in range(MAX_ALERTS + 3)]
    for each in records:
        history.open(each)
    assert (history.dropped, history.transitions) == (3, MAX_ALERTS + 3)
    for place in (-1, -2, -3):
        history.change(records[place], ended := record(at=10**6 + place))
        assert history.records()[place] is ended
    assert len(history.records()) == MAX_ALERTS


def test_an_alert_that_is_on_when_the_history_drops_it_ends_without_a_trace_there() -> None:
    history = History()
    records = [record(recovered=False, at=at) for at in range(MAX_ALERTS + 1)]
    for each in records:
        history.open(each)
    history.change(records[0], record(at=0))
    assert list(history.records()) == records[1:]
