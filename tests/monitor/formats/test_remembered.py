"""What is worked out once and remembered: the same beyond the bound as below it, and never more than the bound."""

import pytest

from monitor.formats.request import CACHED_LENGTH, CACHED_SECTIONS, Sections
from monitor.formats.table import CACHED_DURATIONS, Durations
from monitor.formats.times import CACHED_TIMES, Times


def stamp(minute: int) -> bytes:
    day, minute = divmod(minute, 1440)
    return b"%02d/Feb/2019:%02d:%02d:36 +0000" % (day + 1, minute // 60, minute % 60)


@pytest.mark.parametrize("name", ["clf", "s"])
def test_times_are_right_and_bounded_however_many_there_are(name: str) -> None:
    times = Times(name)
    first = 1548979236  # the first of February
    for minute in range(2 * CACHED_TIMES + 5):
        at = first + minute * 60
        assert times[stamp(minute) if name == "clf" else b"%d" % at] == at
        assert len(times) <= CACHED_TIMES
        assert len(times._minutes) <= CACHED_TIMES


def test_every_second_of_a_minute_once_read_is_told_apart() -> None:
    times = Times("clf")
    seconds = [times[stamp(0).replace(b":36 ", b":%02d " % second)] for second in range(62)]
    assert seconds == [*range(1548979200, 1548979261), None]


def test_what_is_no_time_is_counted_each_time_it_comes() -> None:
    times = Times("iso")
    stamps = [b"2019-02-07T21:12:36+24:00", b"2019-02-07T21:12:36-00:60", b"2019-02-07T21:12:36+0060"]
    assert [times[each] for each in stamps * 2] == [None] * 6
    assert (times.failures, dict(times)) == (6, {})


def test_durations_are_right_and_bounded_however_many_there_are() -> None:
    durations = Durations(1000)
    assert [durations[b"%d" % number] for number in range(CACHED_DURATIONS + 5)] == [
        number * 1000 for number in range(CACHED_DURATIONS + 5)
    ]
    assert len(durations) == CACHED_DURATIONS


def test_sections_of_virtual_hosts_are_right_and_bounded_however_many_and_long_they_are() -> None:
    sections = Sections()
    long = b"/" + b"x" * (CACHED_LENGTH - 1)
    assert sections[b"v", long] == b"v" + long
    assert not sections
    assert sections[b"-", long] == long
    for number in range(CACHED_SECTIONS + 5):
        assert sections[b"v", b"/%d" % number] == b"v/%d" % number
    assert len(sections) == CACHED_SECTIONS
