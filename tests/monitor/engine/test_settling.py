"""Intervals that lie whole in a block: told as they are told one row after the other."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from monitor.engine import settling
from monitor.engine.engine import Engine
from monitor.engine.gather import Gathering
from monitor.engine.rows import cut
from monitor.engine.tally import Plan
from monitor.formats import encoded
from monitor.formats.batch import Batch
from monitor.formats.encoded import Texts
from tests.monitor.engine.traffic import batch, rule, run
from tests.monitor.engine.traffic import encoded as with_codes

START = 1_700_000_000


def made(rows: int, seconds: int, sections: int, none: bytes = b"") -> Batch:
    """Rows in order, some of which are no requests or of another method; and malformed lines."""
    rng = random.Random(1)
    times = sorted(START + rng.randrange(seconds) for _ in range(rows))
    plain = batch(times)
    methods = [rng.choice([b"GET", b"GET", b"POST", none]) for _ in times]
    malformed_at = sorted(rng.randrange(rows) for _ in range(rows // 50))
    return replace(
        plain,
        lines=rows + len(malformed_at),
        malformed_at=malformed_at,
        methods=methods,
        sections=[b"/s%d" % rng.randrange(sections) if method else b"" for method in methods],
        statuses=[rng.choice([b"200", b"304", b"404", b"500", b"-"]) for _ in times],
        sizes=[rng.randrange(encoded.LARGEST) for _ in times],
    )


@pytest.mark.parametrize("none", [b"", b"PUT"])
@pytest.mark.parametrize("top", [0, 3, 10])
@pytest.mark.parametrize(("rows", "seconds", "sections"), [(900, 60, 5), (900, 300, 40), (300, 3000, 200)])
def test_they_are_told_as_by_rows(rows: int, seconds: int, sections: int, top: int, none: bytes) -> None:
    one = made(rows, seconds, sections, none)
    whole, other, merged = (Engine(rule(), top=top) for _ in range(3))
    told = run(whole, [one])
    assert run(other, [with_codes(one)]) == told
    assert other.summary() == whole.summary()
    head, rest = cut(one, 0, 10), cut(one, 10, rows)
    gathering = Gathering(merged.plan)
    events = merged.feed(head)
    assert gathering.add(with_codes(rest))
    merged.note(gathering.lines)
    of_rest = merged.merge(gathering.tally, gathering.tail)
    assert of_rest is not None
    assert [*events, *of_rest, *merged.finish()] == told
    assert merged.summary() == whole.summary()


def settled(one: Batch) -> int:
    """How many intervals of a batch are settled."""
    return len(settling.settle(one, Plan(), START)[0])


def test_where_a_bound_might_be_met_none_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    one = with_codes(made(900, 100, 5))
    assert settled(one) == 8  # neither the first, nor the last one, which is still open
    assert settled(replace(one, durations=[1] * 900)) == 0
    assert settled(replace(one, statuses=list(one.statuses))) == 0
    for name in ("MAX_SECTIONS", "MAX_NAMES", "MAX_KEY"):
        with monkeypatch.context() as patch:
            patch.setattr(settling, name, 1)
            assert settled(one) == 0


def test_a_key_that_an_earlier_block_had_is_no_reason_to_settle_none() -> None:
    one = with_codes(made(900, 100, 5))
    assert isinstance(one.sections, Texts)
    one.sections.keys.extend([b"/" + b"long" * 1000, *(b"/%d" % n for n in range(settling.MAX_SECTIONS))])
    assert settled(one) == 8


def test_where_keys_are_too_many_for_the_rows_none_is_settled() -> None:
    assert settled(with_codes(made(300, 3000, 200))) == 0
    assert settled(with_codes(made(20, 5, 2))) == 0
    few = made(300, 3000, 2)
    assert settled(with_codes(few))
    many = [b"M%d" % (row % 200) for row in range(300)]
    assert settled(with_codes(replace(few, methods=many))) == 0
    assert settled(with_codes(replace(few, statuses=many))) == 0


def test_a_part_settles_all_but_its_first_two_intervals_and_the_last() -> None:
    gathering = Gathering(Plan(top=0))
    assert gathering.add(with_codes(made(900, 100, 5)))
    first = START - START % 10 + 20
    assert sorted(gathering.tally.settled) == list(range(first, first + 70, 10))
    assert gathering.tally.settled_total.hits == sum(its.hits for its in gathering.tally.settled.values())


@pytest.mark.parametrize(("rows", "itself"), [(300, False), (3000, True)])
def test_of_intervals_that_are_not_settled_only_full_ones_are_counted_by_their_columns(
    rows: int, itself: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = with_codes(made(rows, 60, 5))
    late = replace(one, times=[*one.times[:-1], one.times[-1] - 3])
    asked: list[int] = []
    known = encoded.Texts.counts
    monkeypatch.setattr(encoded.Texts, "counts", lambda column: asked.append(len(column)) or known(column))
    engine, other = (Engine(rule()) for _ in range(2))
    events = run(engine, [late])
    assert bool(asked) == itself
    monkeypatch.undo()
    listed = {name: list(getattr(late, name)) for name in ("hosts", "methods", "sections", "statuses", "sizes")}
    assert events == run(other, [replace(late, **listed)])
    assert engine.summary() == other.summary()
