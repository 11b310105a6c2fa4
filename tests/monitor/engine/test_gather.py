"""Batches gathered elsewhere: an engine that merges them tells what one tells that reads every line."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.engine.engine import Engine
from monitor.engine.gather import Gathering
from monitor.engine.rows import NO_LINES
from monitor.engine.snapshot import Event
from monitor.engine.tally import Tally
from monitor.formats.batch import Batch
from monitor.rules import Rule, parse
from tests.monitor.engine.test_engine import START, lines_of, steps
from tests.monitor.engine.traffic import MALFORMED, Line, batch, chunks, intervals, rule, run

RULES = [
    parse(text)
    for text in (
        "bytes > 6/s over 20s",
        "clients > 3 over 20s",
        "errors > 0.3/s over 30s",
        "malformed > 0.1/s over 20s",
        "hits < 1/s over 20s",
    )
]


def merged(engine: Engine, batches: Sequence[Batch], parts: Sequence[int]) -> tuple[list[Event], list[Tally]]:
    """Merge these batches, gathered in parts of so many; what cannot be merged is fed. Return what was merged, too."""
    events: list[Event] = []
    tallies: list[Tally] = []
    waiting: list[Batch] = []
    gathering = Gathering(engine.plan)

    def hand_over() -> None:
        nonlocal events, gathering
        tally: Tally = pickle.loads(pickle.dumps(gathering.tally))
        told = engine.merge(tally, gathering.tail)
        if told is None:
            for one in waiting:
                events += engine.feed(one)
        else:
            engine.note(gathering.lines)
            events += told
            tallies.append(tally)
        gathering = Gathering(engine.plan)
        waiting.clear()

    for number, one in enumerate(batches):
        if gathering.add(one):
            waiting.append(one)
        else:
            hand_over()
            events += engine.feed(one)
        if len(waiting) >= parts[number % len(parts)]:
            hand_over()
    hand_over()
    return [*events, *engine.finish()], tallies


@settings(max_examples=400)
@given(
    st.lists(steps, max_size=80),
    st.lists(st.integers(1, 20), min_size=1, max_size=6),
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
    st.sampled_from([3, 20, 120]),
    st.sampled_from([0, 2, 5, 25]),
    st.lists(st.sampled_from(RULES), max_size=3, unique=True),
    st.booleans(),
    st.lists(st.booleans(), min_size=1, max_size=3),
)
def test_gathering_leaves_no_trace(
    moves: list[Line],
    sizes: list[int],
    parts: list[int],
    window: int,
    lateness: int,
    rules: list[Rule],
    detail: bool,
    encode: list[bool],
) -> None:
    lines = lines_of(moves)
    whole, other = (Engine(rule("1", window), rules, lateness=lateness, top=0, detail=detail) for _ in range(2))
    expected = run(whole, [batch(lines)])
    events, _ = merged(other, chunks(lines, sizes, encode), parts)
    assert events == expected
    assert other.summary() == whole.summary()


PARTS: dict[str, list[list[Line]]] = {
    "late in an interval still open, and in one that is over": [[0, 14, 31], [32, 30, 12, 3, 25], [60]],
    "late by the batch before it alone": [[0, 50], [20, 21, 51], [52]],
    "a last line far ahead, and the next agrees": [[0, 500], [501, 502]],
    "a last line far ahead, and the next does not": [[0, 1, 500], [2, 15]],
    "nothing but malformed lines": [[0, 12], [MALFORMED, MALFORMED], [30, MALFORMED], [MALFORMED, 31]],
    "malformed lines before the first row": [[MALFORMED], [MALFORMED, 0, 15], [MALFORMED, 16]],
}


@pytest.mark.parametrize("detail", [False, True])
@pytest.mark.parametrize("name", PARTS)
def test_parts_that_are_merged_tell_what_their_lines_do(name: str, detail: bool) -> None:
    first: list[Line] = [START, START + 1]  # before the first part there is no clock to hold it against
    course = [first] + [[line if line == MALFORMED else START + 40 + line for line in part] for part in PARTS[name]]
    whole, other = (Engine(rule("1"), RULES, top=0, detail=detail) for _ in range(2))
    expected = run(whole, [batch([line for part in course for line in part])])
    events, tallies = merged(other, [batch(part) for part in course], [1, len(course) - 1])
    assert events == expected
    assert other.summary() == whole.summary()
    assert tallies[0].rows


def test_of_an_orderly_log_only_the_intervals_at_the_ends_of_a_part_are_left_to_the_engine() -> None:
    lines: list[Line] = [MALFORMED if not n % 50 else START + n // 4 for n in range(4000)]
    batches = chunks(lines, [100])
    whole, other = (Engine(rule(), top=0) for _ in range(2))
    expected = run(whole, batches)
    events, tallies = merged(other, batches, [10])
    assert events == expected
    assert len(intervals(events)) == 100
    assert len(tallies) == 3  # of four parts: before the first there is no clock to hold it against
    assert all(len(tally.settled) >= 21 and len(tally.intervals) <= 4 for tally in tallies)


def test_an_interval_that_may_hold_more_is_not_merged() -> None:
    """What came before the part reaches into an interval that the part believes to be over."""
    engine = Engine(rule(), top=0)
    engine.feed(batch([START, START + 45]))
    gathering = Gathering(engine.plan)
    assert gathering.add(batch([START, START + 25, START + 60]))
    assert list(gathering.tally.settled) == [START - START % 10 + 20]
    assert engine.merge(gathering.tally, gathering.tail) is None


def test_a_batch_that_goes_back_too_far_is_refused_and_leaves_what_was_gathered() -> None:
    gathering = Gathering(Engine(rule(), top=0).plan)
    assert gathering.add(batch([START + 200]))
    before = gathering.lines
    assert not gathering.add(batch([START]))
    assert not gathering.add(batch([START + 200, START]))
    assert not gathering.add(batch([START + 210, START + 85, START + 211]))  # by its own rows only
    assert (gathering.lines, gathering.tally.rows) == (before, 1)
    assert Gathering(Engine(rule(), top=0).plan).lines == NO_LINES
