from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcwidth

from monitor.engine.snapshot import State
from monitor.output.text import (
    Times,
    amount,
    byte_tenths,
    count,
    key_text,
    lasting,
    message,
    microseconds,
    peak_text,
    rate,
    safe,
    tenths,
)
from monitor.rules import parse
from monitor.units import Threshold, format_duration
from tests.monitor.output_made import record, transition

UTC = Times(utc=True)


def test_the_alert_messages_are_word_for_word() -> None:
    assert message(transition(), UTC) == (
        "High traffic generated an alert - hits = 1206, triggered at 2019-02-07 21:12:36 "
        "(10.1/s over 2m, threshold 10/s)"
    )
    assert message(transition(State.RECOVERED, 1198, 1549574043), UTC) == (
        "Traffic recovered - hits = 1198, triggered at 2019-02-07 21:14:03 (9.9/s over 2m, threshold 10/s)"
    )


@pytest.mark.parametrize(("state", "hits", "shown"), [(State.RAISED, 1201, "10.1"), (State.RECOVERED, 1199, "9.9")])
def test_the_average_is_rounded_away_from_the_threshold(state: State, hits: int, shown: str) -> None:
    assert f"({shown}/s over" in message(transition(state, hits), UTC)


def test_an_alert_that_was_on_before_says_so() -> None:
    assert "active since before 2019-02-07 21:12:36 (" in message(transition(since_before=True), UTC)


def test_bytes_are_said_as_bytes() -> None:
    told = transition(hits=600_000_120, metric="bytes", threshold=Threshold.parse("5MB/s"))
    assert "hits = 600000120, triggered at" in message(told, UTC)
    assert "(5.1MB/s over 2m, threshold 5MB/s)" in message(told, UTC)


@given(st.fractions(min_value=0, max_value=10**6))
def test_rounding_never_moves_more_than_a_tenth(value: Fraction) -> None:
    assert Fraction(tenths(value, up=False)) <= value <= Fraction(tenths(value, up=True))
    assert Fraction(tenths(value, up=True)) - Fraction(tenths(value, up=False)) in (0, Fraction(1, 10))


def test_times_are_local_unless_utc_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0")
    time.tzset()
    try:
        assert Times().iso(1549573956) == "2019-02-07T22:12:36+01:00"
        assert UTC.iso(1549573956) == "2019-02-07T21:12:36+00:00"
        assert Times().span(1549580395, 1549580405) == "2019-02-07 23:59:55 - 2019-02-08 00:00:05"
        assert Times().full(253402300799) == "9999-12-31 23:59:59"  # there is no later hour
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_time_that_no_date_can_hold_is_still_shown() -> None:
    assert UTC.iso(10**18) == "@1000000000000000000"


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        (b"/caf\xc3\xa9", "/café"),
        (b"/caf\xe9", "/caf\\xe9"),
        (b"/\x1b[2J", "/\\x1b[2J"),
        (b"/\xc2\x9b2J", "/\\xc2\\x9b2J"),  # CSI as one C1 character
        ("/a\u202eb".encode(), "/a\\xe2\\x80\\xaeb"),
        ("\u0301/x".encode(), "\\xcc\\x81/x"),
        (b"/a\nb\tc\x7f", "/a\\x0ab\\x09c\\x7f"),
    ],
)
def test_a_key_is_shown_without_anything_a_terminal_would_obey(key: bytes, shown: str) -> None:
    assert key_text(key) == shown


@given(st.binary(max_size=60))
def test_whatever_the_bytes_nothing_shown_is_a_control(key: bytes) -> None:
    assert key_text(key).isprintable()
    assert all(wcwidth(character) >= 0 for character in key_text(key))


@given(st.text(max_size=60))
def test_safe_text_is_safe_already(text: str) -> None:
    assert safe(safe(text)) == safe(text)


@given(st.integers(0, 10**17))
def test_amounts_keep_their_width(value: int) -> None:
    assert len(amount(value)) <= 7
    assert len(count(value)) <= 6
    assert len(microseconds(min(value, 10**12))) <= 9
    assert len(rate(Fraction(min(value, 10**9), 100))) <= 8


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (99_949, "99.9 kB"),
        (99_950, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (5 * 10**15, "5.0 PB"),
        (2 * 10**18, "2 EB"),
    ],
)
def test_an_amount_is_in_the_unit_that_leaves_few_digits(size: int, shown: str) -> None:
    assert amount(size) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (99_999, "99999"),
        (100_000, "100k"),
        (999_499, "999k"),
        (999_500, "1.0M"),
        (9_949_999, "9.9M"),
        (9_950_000, "10M"),
        (10**15, "1P"),
    ],
)
def test_a_count_is_exact_while_it_has_room(value: int, shown: str) -> None:
    assert count(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (999, "999 us"),
        (1000, "1.0 ms"),
        (9_949, "9.9 ms"),
        (9_950, "10 ms"),
        (999_499, "999 ms"),
        (999_500, "1.0 s"),
        (99_949_000, "99.9 s"),
        (99_950_000, "100 s"),
    ],
)
def test_a_response_time_is_in_the_unit_that_leaves_few_digits(value: int, shown: str) -> None:
    assert microseconds(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0", "0.0"),
        ("0.05", "0.05"),
        ("0.5", "0.50"),
        ("1", "1.0"),
        ("9.94", "9.9"),
        ("99.9", "99.9"),
        ("100.4", "100"),
    ],
)
def test_a_rate_shows_what_is_small_too(value: str, shown: str) -> None:
    assert rate(Fraction(value)) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (59, "59 s"),
        (60, "1 m 00 s"),
        (3599, "59 m 59 s"),
        (3600, "1 h 00 m"),
        (86_399, "23 h 59 m"),
        (86_400, "1 d 00 h"),
        (97_200, "1 d 03 h"),
    ],
)
def test_how_long_it_lasted_is_said_in_two_units(seconds: int, shown: str) -> None:
    assert lasting(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(20, "20s"), (60, "1m"), (90, "90s"), (120, "2m"), (3600, "1h"), (86_400, "1d"), (0, "0s")]
)
def test_a_windows_length_is_in_the_largest_unit_that_is_whole(seconds: int, shown: str) -> None:
    assert format_duration(seconds) == shown


@pytest.mark.parametrize(
    ("value", "down", "up"),
    [("999.91", "999.9B", "1000.0B"), ("1234", "1.2kB", "1.3kB"), ("5e9", "5.0GB", "5.0GB")],
)
def test_bytes_are_rounded_in_their_unit(value: str, down: str, up: str) -> None:
    assert (byte_tenths(Fraction(value), False), byte_tenths(Fraction(value), True)) == (down, up)


@pytest.mark.parametrize(
    ("metric", "peak", "shown"),
    [("hits", 1411, "1411 hits"), ("5xx", 7, "7 5xx"), ("bytes", 1_500_000, "1.5 MB"), ("p95", 620_000, "p95 620 ms")],
)
def test_a_peak_is_said_in_the_unit_of_its_metric(metric: str, peak: int, shown: str) -> None:
    assert peak_text(replace(record(), raised=transition(metric=metric), peak=peak)) == shown


def test_a_brief_time_has_its_date_only_on_another_day() -> None:
    assert (UTC.brief(1549573956, 1549573999), UTC.time(1549573956), UTC.minute(1549573956)) == (
        "21:12:36",
        "21:12:36",
        "21:12",
    )
    assert UTC.brief(1549573956, 1549663999) == "2019-02-07 21:12:36"


def test_a_rules_message_says_its_metric_its_value_and_itself() -> None:
    slow = parse("p95 > 500ms over 1m")
    told = replace(transition(hits=620_000), metric="p95", window=60, average=Fraction(620_000))
    told = replace(told, threshold=slow.threshold, rule=slow.name)
    assert message(told, UTC) == (
        "Rule p95 > 500ms over 1m generated an alert - p95 = 620.0 ms, triggered at 2019-02-07 21:12:36 "
        "(over 1m, threshold 500ms)"
    )


@pytest.mark.parametrize(
    ("limit", "held", "shown"),
    [("1.5s", 1_500_100, "1.6 s"), ("1.5s", 1_499_900, "1.4 s"), ("20ms", 20_001, "20.1 ms"), ("90us", 91, "91 us")],
)
def test_a_time_is_rounded_away_from_its_threshold_too(limit: str, held: int, shown: str) -> None:
    slow = parse(f"p99 > {limit}")
    told = replace(transition(hits=held), metric="p99", threshold=slow.threshold, rule=slow.name)
    assert f"p99 = {shown}, triggered" in message(told, UTC)


def test_the_average_of_a_rule_turned_round_is_rounded_away_from_its_threshold_too() -> None:
    quiet = parse("hits < 10/s")
    told = replace(transition(hits=1199), threshold=quiet.threshold, rule=quiet.name)
    assert "(9.9/s over 2m, threshold 10/s)" in message(told, UTC)
    told = replace(transition(State.RECOVERED, hits=1201), threshold=quiet.threshold, rule=quiet.name)
    assert "Rule hits < 10/s recovered - hits = 1201" in message(told, UTC)
    assert "(10.1/s over 2m" in message(told, UTC)
