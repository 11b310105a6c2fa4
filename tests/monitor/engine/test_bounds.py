"""Exact below a bound, bounded above it, and nothing lost from the totals."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from monitor.engine import counts, distinct
from monitor.engine.counts import Counts
from monitor.engine.engine import Engine
from monitor.engine.keyed import Keyed
from monitor.engine.snapshot import OTHER, Table, View
from monitor.engine.tells import table_rows, traffic
from monitor.engine.times import Times
from monitor.formats.table import LARGEST_SIZE
from tests.monitor.engine.traffic import batch, rule

START = 1_700_000_000


def fed(keys: int, block: int = 5000) -> Engine:
    """An engine that has seen so many sections, each by a client of its own."""
    engine = Engine(rule("1"), top=0)
    for first in range(0, keys, block):
        numbers = range(first, min(first + block, keys))
        one = batch([START + first // block] * len(numbers))
        sections, hosts = [b"/%d" % number for number in numbers], [b"c%d" % number for number in numbers]
        engine.feed(replace(one, sections=sections, hosts=hosts, methods=[b"GET"] * len(numbers)))
    engine.finish()
    return engine


def test_20000_sections_and_100000_clients_are_exact() -> None:
    assert fed(20_000).summary().traffic.sections_exact
    whole = fed(100_000).summary().traffic
    assert (whole.clients, whole.clients_exact) == (100_000, True)


def test_above_the_bounds_the_totals_stay_exact_and_the_rest_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "MAX_SECTIONS", 400)
    monkeypatch.setattr(counts, "KEEP_SECTIONS", 200)
    monkeypatch.setattr(distinct, "MAX_DISTINCT", 2_000)
    traffic = fed(30_000, 500).summary().traffic
    assert (traffic.clients_exact, traffic.sections_exact) == (False, False)
    assert abs(traffic.clients - 30_000) < 30_000 * 0.15  # 1.2 / sqrt(1,000) is 4 %
    assert sum(row.hits for row in traffic.sections) == traffic.hits == 30_000
    assert len(traffic.sections) <= 401


@pytest.mark.parametrize("bound", [100, 1_000])
def test_what_a_process_counted_is_the_same_in_another(bound: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct, "MAX_DISTINCT", bound)
    numbers = range(500)
    sections, hosts = [b"/%d" % (number % 70) for number in numbers], [b"c\n%d" % number for number in numbers]
    statuses, sizes = [b"200", b"404"] * 250, [2**62 + number for number in numbers]
    here = Counts()
    here.add(hosts, [b"GET", b""] * 250, sections, statuses, sizes)
    here.add_times(list(numbers), sections)
    here.add_table(Table.CLIENTS, hosts, statuses, sizes)
    here.note_last(numbers, sections)
    here.late, here.malformed, here.exact = 3, 4, False
    there: Counts = pickle.loads(pickle.dumps(here))
    for each in (here, there):  # it is counted on with both
        each.add([b"c\n1", b"new"], [b"PUT"] * 2, [b"/1"] * 2, [b"500"] * 2, [1, 2])
    assert traffic(there, 0) == traffic(here, 0)
    assert table_rows(there, View(table=Table.CLIENTS)) == table_rows(here, View(table=Table.CLIENTS))


def test_the_sections_with_most_hits_survive_the_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "MAX_SECTIONS", 40)
    monkeypatch.setattr(counts, "KEEP_SECTIONS", 20)
    engine = Engine(rule("1"), top=3)
    sections = [b"/busy"] * 50 + [b"/%d" % number for number in range(100)]
    one = batch([START] * len(sections))
    engine.feed(replace(one, sections=sections, methods=[b"GET"] * len(sections)))
    engine.finish()
    assert (b"/busy", 50) in [(row.key, row.hits) for row in engine.summary().traffic.sections]


def test_a_section_of_more_than_1000_bytes_counts_in_other() -> None:
    engine = Engine(rule("1"))
    one = batch([START, START])
    engine.feed(replace(one, sections=[b"/" + b"x" * 1000, b"/" + b"x" * 999], methods=[b"GET"] * 2))
    engine.finish()
    assert {row.key: row.hits for row in engine.summary().traffic.sections} == {OTHER: 1, b"/" + b"x" * 999: 1}


def test_invented_methods_are_bounded() -> None:
    engine = Engine(rule("1"))
    one = batch([START] * 5000)
    engine.feed(replace(one, methods=[b"M%d" % number for number in range(5000)]))
    engine.finish()
    methods = engine.summary().traffic.methods
    assert len(methods) <= counts.MAX_NAMES
    assert sum(methods.values()) == 5000


def test_a_table_of_too_many_keys_keeps_the_busiest_whether_they_are_counted_or_merged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(counts, "MAX_KEYS", 20)
    monkeypatch.setattr(counts, "KEEP_KEYS", 5)

    def made(first: int, keys: int) -> Counts:
        one, names = Counts(), [b"busy", *(b"%d" % number for number in range(first, first + keys))]
        one.add_table(Table.CLIENTS, [*names, b"busy"], [b"200"] * (keys + 2), [1] * (keys + 2))
        return one

    def held(one: Counts) -> tuple[int, int, int]:
        return len(one.tables[Table.CLIENTS]), one.hits_of(Table.CLIENTS, b"busy"), one.hits_of(Table.CLIENTS, OTHER)

    assert held(made(0, 30)) == (6, 2, 26)
    merged = made(0, 15)
    merged.merge(made(15, 15))
    assert held(merged) == (6, 4, 26)


def test_of_too_many_keys_of_a_table_the_busiest_stay_and_nothing_is_lost() -> None:
    keyed = Keyed()
    keys = [b"busy"] * 9 + [b"%d" % number for number in range(50)]
    keyed.add(keys, [b"404"] * len(keys), [10] * len(keys))
    keyed.trim(20, 5)
    keyed.trim(5, 2)
    assert set(keyed) == {(b"busy", 9, 90, 9), (OTHER, 50, 500, 50)}


def test_a_key_of_more_than_1000_bytes_counts_in_other_even_where_it_is_the_busiest_of_too_many() -> None:
    long, keyed = b"x" * 1001, Keyed()
    keys = [long] * 99 + [b"a", b"a", b"b"]
    keyed.add(keys, [b"200"] * len(keys), [0] * len(keys))
    keyed.trim(2, 2)
    assert set(keyed) == {(b"a", 2, 0, 0), (OTHER, 100, 0, 0)}
    assert keyed.add([long, b"x" * 1000], [b"200"] * 2, [0] * 2)
    keyed.trim(9, 9)
    assert set(keyed) == {(b"a", 2, 0, 0), (OTHER, 101, 0, 0), (b"x" * 1000, 1, 0, 0)}


def test_hits_errors_and_bytes_of_a_key_leave_each_other_alone_however_many_they_are() -> None:
    keyed, many = Keyed(), Keyed()
    keyed.add([b"/a"] * 4, [b"404", b"200", b"-", b"599"], [LARGEST_SIZE] * 4)
    for _ in range(16):
        many.merge(keyed)
        keyed.merge(many)
    (row,) = keyed
    times = row[1] // 4
    assert times > 2**20
    assert row == (b"/a", 4 * times, 4 * times * LARGEST_SIZE, 2 * times)
    assert many.hits(b"/b") == 0


def test_response_times_of_too_many_sections_keep_the_busiest_and_the_quantiles_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("monitor.engine.times.MAX_CELLS", 100)
    times = Times()
    times.add([1000] * 60, [b"/busy"] * 60)
    for duration in range(1, 11):  # ten cells a section: 4 more than half of the bound
        times.add([duration] * 10, [b"/%d" % number for number in range(10)])
    assert len(times.cells) <= 100
    assert set(times.quantiles([b"/busy", OTHER, *(b"/%d" % number for number in range(10))])) >= {b"/busy", OTHER}
    whole, kept = times.whole(), {section for section, _ in times.cells}
    assert whole is not None
    assert (times.cells.total(), len(kept) > 2, whole.median) == (160, True, 8)


def test_an_interval_that_is_kept_has_so_many_sections_and_the_others_in_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.engine.kept.FULL", 20)
    monkeypatch.setattr("monitor.engine.kept.FULL_KEEP", 2)
    engine = Engine(rule("1"), detail=True)
    sections = [b"/a"] * 5 + [b"/b"] * 3 + [b"/%d" % number for number in range(40)]
    times = [START] * 8 + [START + number % 9 for number in range(40)]
    engine.feed(replace(batch(sorted(times)), sections=sections, methods=[b"GET"] * 48))
    engine.finish()
    rows = engine.snapshot(View()).rows
    assert [(row.key, row.hits, row.last) for row in rows] == [
        (OTHER, 40, START + 8),
        (b"/a", 5, START),
        (b"/b", 3, START),
    ]
    assert engine.summary().traffic.sections_exact
