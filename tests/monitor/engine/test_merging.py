"""How far a log has come among several, row by row."""

from __future__ import annotations

from monitor.engine.merging import Course
from tests.monitor.engine.traffic import MALFORMED, Line, batch

START = 1_700_000_000


def loaded(*lines: Line) -> Course:
    course = Course(120)
    course.load(batch(lines))
    return course


def test_malformed_lines_before_the_first_row_count_at_once_and_those_behind_a_row_with_it() -> None:
    course = Course(120)
    before = course.load(batch([MALFORMED, MALFORMED, START, MALFORMED, START + 1]))
    assert before is not None
    assert (before.malformed, len(before.times)) == (2, 0)
    part = course.take(None, 0)
    assert (part.malformed, list(part.times)) == (1, [START, START + 1])


def test_a_last_line_far_ahead_waits_for_the_next_or_for_the_end() -> None:
    course = loaded(START, START + 5000)
    assert list(course.take(None, 0).times) == [START]
    assert course.key is None
    assert course.load(batch([START + 1])) is None
    assert (course.key, list(course.take(None, 0).times)) == (START, [START + 5000, START + 1])
    course.load(batch([START + 9000]))
    assert course.key is None
    course.load(None)
    assert (course.key, course.ended, list(course.take(None, 0).times)) == (START + 9000, True, [START + 9000])


def test_at_its_end_a_log_has_no_more_rows() -> None:
    course = loaded(START)
    course.take(None, 0)
    assert course.load(None) is None
    assert (course.key, course.ended) == (None, True)


def test_rows_of_one_second_are_taken_in_the_order_of_the_logs() -> None:
    lines = (START, START + 1, START + 1, START + 2)
    assert list(loaded(*lines).take((START + 1, 1), 0).times) == [START, START + 1, START + 1]
    assert list(loaded(*lines).take((START + 1, 0), 1).times) == [START]
