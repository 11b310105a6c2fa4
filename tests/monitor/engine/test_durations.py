"""Response times of a window: the quantile against all times sorted, and what becomes of it at the bound."""

from collections import Counter
from collections.abc import Iterator, Sequence

import hypothesis.strategies as st
import pytest
from hypothesis import given

from monitor.engine import durations
from monitor.engine.durations import TimesWindow
from monitor.engine.window import BagWindow

WIDTH = 5
times = st.lists(st.integers(0, 40) | st.integers(0, 10**7), max_size=6)
course = st.lists(st.tuples(times, st.lists(st.tuples(st.integers(1, WIDTH + 1), times), max_size=2)), max_size=30)
Course = Sequence[tuple[list[int], list[tuple[int, list[int]]]]]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durations, "MAX_BAG", 12)
    monkeypatch.setattr(durations, "AMPLE", 4)


def quantile(held: list[int], per_cent: int) -> int:
    """The nearest rank, as it is worded."""
    return sorted(held)[-(-len(held) * per_cent // 100) - 1] if held else 0


def played(watched: TimesWindow, course: Course) -> Iterator[tuple[int, list[int]]]:
    """What the window says after each second, and what it holds."""
    seen: list[tuple[int, int]] = []
    for second, (on_time, late) in enumerate(course):
        watched.add(second, Counter(on_time))
        seen += [(second, time) for time in on_time]
        for back, each in late:  # of a second before, for the evaluations from this one on
            watched.add_late(second, second - back, Counter(each))
            seen += [(second - back, time) for time in each]
        list(watched.close(second))
        yield watched.total, [time for at, time in seen if second - WIDTH < at <= second]


@given(course, st.sampled_from([50, 95, 99]))
def test_a_quantile_is_the_nearest_rank_of_all_times_in_the_window(course: Course, per_cent: int) -> None:
    for told, held in played(TimesWindow(WIDTH, per_cent), course):
        assert told == quantile(held, per_cent)


@pytest.mark.parametrize("per_cent", [50, 95, 99])
def test_times_that_several_seconds_hold_count_as_often_as_they_are_held(per_cent: int) -> None:
    course: Course = [([7] * n + [90_000, 1000 * n] * 3 + [90_001] * (9 - n), [(2, [7, 90_000])]) for n in range(10)]
    for told, held in played(TimesWindow(WIDTH, per_cent), course):
        assert told == quantile(held, per_cent)


@pytest.mark.usefixtures("small")
def test_after_a_log_was_set_back_the_times_are_exact_and_those_of_before_are_gone() -> None:
    watched = TimesWindow(WIDTH, 95)
    watched.add(1, Counter(range(1000, 1020)))
    list(watched.close(1))
    assert watched.total != 1018  # the time stands for its bucket
    watched.clear()
    watched.add(2, Counter([1003]))
    assert dict(watched.close(2)) == {2: 1003}


@pytest.mark.usefixtures("small")
def test_beyond_the_bound_a_quantile_is_within_a_thirty_second_and_then_exact_again() -> None:
    crowd = [([1000 * second + 7 * n for n in range(5)], []) for second in range(10, 20)]
    calm = [([], [])] * WIDTH + [([1003], []), ([2003], [])]
    rough = 0
    for told, held in played(TimesWindow(WIDTH, 95), [*crowd, *calm]):
        exact = quantile(held, 95)
        assert abs(told - exact) <= exact / 32
        rough += told != exact
    assert rough > 0
    assert told == exact == 2003


@pytest.mark.usefixtures("small")
@given(course)
def test_beyond_the_bound_nothing_is_left_over_however_late_it_came(course: Course) -> None:
    watched = TimesWindow(WIDTH, 95)
    for told, held in played(watched, [*course, *[([], [])] * WIDTH]):
        assert abs(told - quantile(held, 95)) * 32 <= quantile(held, 95)
    assert told == 0
    assert watched._pairs == 0
    watched.clear()


def test_late_keys_that_a_second_has_already_do_not_use_up_the_bound() -> None:
    watched = BagWindow(WIDTH, len)
    for second in range(50):
        watched.add(second, Counter("ab"))
        list(watched.close(second))
        for _ in range(3):
            watched.add_late(second + 1, second, Counter("ab"))
    list(watched.close(100))
    assert (watched.total, watched._pairs) == (0, 0)
