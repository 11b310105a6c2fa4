"""The window against the sum written out, late lines in any order; the history at its bound."""

import hypothesis.strategies as st
from hypothesis import given

from monitor.engine.alert import MAX_ALERTS, History
from monitor.engine.window import Window
from tests.monitor.output_made import record

WIDTH = 5
amounts = st.integers(1, 9)
lines = st.lists(st.tuples(st.integers(0, 30), amounts), max_size=12)
lates = st.lists(st.tuples(st.integers(0, 3), st.integers(1, WIDTH + 1), amounts), max_size=12)


@given(
    lines, st.lists(st.tuples(st.integers(0, 3), st.integers(1, WIDTH + 1), amounts), max_size=12), st.integers(1, 7)
)
def test_late_lines_count_in_their_own_second_from_the_first_evaluation_that_may_see_them(
    on_time: list[tuple[int, int]], late: list[tuple[int, int, int]], step: int
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
        for turn, back, amount in late:
            if turn == closed // step % 4 and closed < 30:
                window.add_late(closed + 1, closed + 1 - back, amount)
                seen.append((closed + 1, closed + 1 - back, amount))
    total = 0
    for at in range(46):
        held = sum(amount for second, amount in on_time if at - WIDTH < second <= at)
        held += sum(amount for first, second, amount in seen if first <= at and at - WIDTH < second <= at)
        total = told.get(at, total)  # where nothing was told, nothing has changed
        assert total == held, at


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
