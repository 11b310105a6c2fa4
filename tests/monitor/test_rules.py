"""Alert rules: what is one, what it means, and where a wrong one is wrong."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.rules import Metric, Rule, parse


def test_every_clause_of_a_rule_is_read() -> None:
    rule = parse("hits > 10/s over 3m in /x host y for 30s recover 8/s")
    assert (rule.metric, rule.above, rule.threshold.rate, rule.threshold.text) == (Metric.HITS, True, 10, "10/s")
    assert (rule.window, rule.hold, rule.recovery) == (180, 30, 8)
    assert (rule.section, rule.host) == (b"/x", b"y")
    assert rule.name == "hits > 10/s over 3m in /x host y for 30s recover 8/s"


def test_a_rule_needs_no_more_than_metric_comparison_and_threshold() -> None:
    rule = parse("hits>10")
    assert (rule.window, rule.hold, rule.recovery, rule.section, rule.host) == (120, 0, 10, None, None)


def test_clauses_stand_in_any_order() -> None:
    assert parse("hits > 10 recover 8 for 5s in /x over 1m").hold == 5


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("hits > 600/min", Fraction(10)),
        ("errors > 10 / min", Fraction(1, 6)),
        ("bytes > 5MB/s", Fraction(5_000_000)),
        ("clients > 500", Fraction(500)),
        ("p95 > 500ms", Fraction(500_000)),
        ("p99 > 1.5s", Fraction(1_500_000)),
        ("malformed < 0.5/s", Fraction(1, 2)),
    ],
)
def test_a_threshold_is_in_the_unit_of_its_metric(text: str, rate: Fraction) -> None:
    assert parse(text).threshold.rate == rate


def test_clients_and_times_are_of_the_whole_window_all_else_is_a_second() -> None:
    assert {metric for metric in Metric if not metric.is_rate} == {Metric.CLIENTS, Metric.P95, Metric.P99}


def test_equality_neither_raises_nor_recovers() -> None:
    for rule in (parse("hits > 10"), parse("hits < 10")):
        assert not rule.beyond(Fraction(10))
        assert not rule.recovered(Fraction(10))


def test_between_recovery_and_threshold_nothing_changes() -> None:
    rule = parse("hits > 10 recover 8")
    assert not rule.beyond(Fraction(9))
    assert not rule.recovered(Fraction(9))
    assert rule.recovered(Fraction(7))


def test_below_is_the_mirror_of_above() -> None:
    rule = parse("hits < 10 recover 12")
    assert rule.beyond(Fraction(9))
    assert not rule.recovered(Fraction(11))
    assert rule.recovered(Fraction(13))


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("", 1, "one of hits, bytes"),
        ("hitz > 1", 1, "one of hits, bytes"),
        ("hits", 5, "> or <"),
        ("hits >= 10", 6, "> or <"),
        ("hits >", 7, "a rate above 0"),
        ("hits > 0", 8, "a rate above 0"),
        ("hits > over 2m", 8, "a rate above 0"),
        ("hits > 10 ovr 2m", 11, "one of over, in, host, for, recover"),
        ("hits > 10 over", 15, "a whole number of seconds"),
        ("hits > 10 over 2 weeks", 18, "one of over"),
        ("hits > 10 over 1.5s", 16, "a whole number of seconds"),
        ("hits > 10 over 2d", 16, "at most a day"),
        ("hits > 10 over 2m over 3m", 19, "'over' only once"),
        ("hits > 10 in", 13, "a section"),
        ("hits > 10 in host y", 14, "a section"),
        ("hits > 5MB/s", 8, "a rate of hits, not of bytes"),
        ("clients > 5/s", 11, "a number of clients"),
        ("p95 > 5", 7, "a response time"),
        ("p95 > 0ms", 7, "more than 0"),
        ("malformed > 1/s in /x", 20, "neither 'in' nor 'host'"),
        ("hits > 10 recover 11", 19, "at most the threshold"),
        ("hits < 10 recover 9", 19, "at least the threshold"),
    ],
)
def test_a_wrong_rule_is_pointed_at(text: str, at: int, expected: str) -> None:
    with pytest.raises(ValueError, match="expected") as error:
        parse(text)
    assert f"character {at} (" in str(error.value)
    assert f"expected {expected}" in str(error.value)
    assert "\n" not in str(error.value)


WORDS = st.sampled_from(
    [
        "hits",
        "p95",
        "clients",
        ">",
        "<",
        "10",
        "5ms",
        "10/s",
        "over",
        "2m",
        "in",
        "/x",
        "host",
        "for",
        "recover",
        " ",
        "é",
    ]
)


@settings(max_examples=200)
@given(st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=12).map(" ".join)))
def test_anything_is_a_rule_or_a_value_error(text: str) -> None:
    try:
        rule = parse(text)
    except ValueError:
        return
    assert isinstance(rule, Rule)
    assert parse(rule.name) == rule
