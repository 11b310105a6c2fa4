"""Whole frames against whole text, and that any snapshot at any size gives a frame of exactly that size.

``UPDATE_GOLDEN=1 pytest tests/monitor/test_screen_frames.py`` writes the frames anew: look at the difference.
"""

import os
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.engine.snapshot import AlertRecord, Quantiles, Row, Scope, Snapshot, Sort, View
from monitor.engine.snapshot import State as AlertState
from monitor.formats.batch import Malformed
from monitor.output.text import Times
from monitor.output.tui.frame import Style, line_width
from monitor.output.tui.painter import cells
from monitor.output.tui.picture import Picture, Source
from monitor.output.tui.state import Mode, SetFilter, State, Tab
from monitor.output.tui.theme import ASCII, CONSOLE, UNICODE, Theme
from monitor.output.tui.views import layout, render
from monitor.units import Threshold
from tests.monitor.output_made import PATHS, START, record, snapshot, traffic, transition

GOLDEN = Path(__file__).parent / "golden"
THEME = Theme(UNICODE, Times(utc=True))
SOURCE = Source("/var/log/nginx/access.log", "combined")
PAST, NOW = record(at=START + 206), record(recovered=False, at=START + 396)


def quiet() -> Snapshot:
    return snapshot(alerts=(PAST,))


def alert() -> Snapshot:
    return snapshot(alert=NOW, alerts=(PAST, NOW), average=Fraction(151, 10))


def draw(shown: Snapshot, width: int, height: int, state: State | None = None, theme: Theme = THEME) -> str:
    return render(Picture(SOURCE, shown, shown), state or State(), width, height, theme).text()


def check(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize(("width", "height"), [(60, 15), (80, 24), (120, 36), (300, 100)])
def test_the_screen_at_four_sizes(width: int, height: int) -> None:
    check(f"screen-{width}x{height}", draw(alert(), width, height))


@pytest.mark.parametrize(
    ("name", "state", "theme"),
    [
        ("help", State(mode=Mode.HELP), THEME),
        ("alerts", State(tab=Tab.ALERTS, selected=1), THEME),
        ("search", State(mode=Mode.SEARCH, typed="LO", search="LO"), THEME),
        ("ascii", State(paused=True), Theme(ASCII, Times(utc=True), ascii_only=True)),
        ("raw", State(mode=Mode.RAW, raw=(b"\x1b[2J\xff /x", b"b" * 300 + b"\n")), THEME),
        ("malformed", State(mode=Mode.MALFORMED, malformed=(Malformed(7, b"\x1b[2J", "no time"),)), THEME),
        ("filter", State(filter=SetFilter(Tab.CLIENTS.table, b"::1"), back=3, scope=Scope.INTERVAL), THEME),
    ],
)
def test_what_the_screen_shows_when_asked(name: str, state: State, theme: Theme) -> None:
    check(f"shown-{name}", draw(replace(alert(), view=state.view), 100, 30, state, theme))


def test_the_alerts_table_says_how_long_it_has_been_on_and_keeps_its_columns() -> None:
    before = replace(NOW, raised=replace(NOW.raised, since_before=True))
    shown = replace(alert(), alert=before, alerts=(PAST, before), clock=before.raised.at + 125)
    lines = draw(shown, 100, 30, State(tab=Tab.ALERTS)).splitlines()
    titles = next(line for line in lines if "recovered" in line and "lasted" in line)
    on, over = (next(line for line in lines if word in line) for word in ("still on", "2019-02-07 21:17:"))
    assert "before 2019-02-07" in on
    assert "2 m 05 s" in on
    at = titles.index("recovered")
    assert on[at:].startswith("still on")
    assert over[at:].startswith("2019-02-07 21:17:")


def test_of_an_end_that_nobody_saw_no_more_is_said_than_is_known() -> None:
    over = replace(PAST, recovered=replace(transition(AlertState.RECOVERED, 12), at=START + 500, since_before=True))
    shown = snapshot(alerts=(replace(NOW, earlier=True), over))
    text = draw(shown, 160, 30)
    assert "  OK     since before 21:20:50" in text
    assert "Traffic recovered - hits = 12, over since before 2019-02-07 21:20:50 (0.1/s over 2m" in text
    assert "lasted at most 4 m 54 s, peak" in text
    assert "peak 1411 hits, end not seen" in text
    assert "alert so far" not in text + draw(snapshot(alerts=(replace(NOW, earlier=True),)), 100, 30)
    for width in range(60, 161):  # what does not fit is left out, but not that
        assert "end not seen" in draw(shown, width, 30)
    table = draw(shown, 120, 30, State(tab=Tab.ALERTS))
    titles, *rows = (line for line in table.splitlines() if "2019-02-07 21:1" in line or "lasted  " in line)
    at = titles.index("recovered")
    assert [line[at : at + 26].rstrip() for line in rows[:2]] == ["before 2019-02-07 21:20:50", "end not seen"]
    assert "still on" not in table


def test_the_selected_row_has_no_hole_beside_its_bars() -> None:
    frame = render(Picture(SOURCE, *[alert()] * 2), State(), 120, 36, THEME)
    row = next(line for line in frame.lines if any(span.style is Style.SELECTED for span in line))
    inside = [span for span in row if span.style in (Style.SELECTED, Style.BAR)]
    assert all(span.style is Style.SELECTED for span in inside if not span.text.strip())
    assert [span for span in inside if span.style is Style.BAR]


def test_a_filter_that_has_not_seen_all_lines_yet_says_so() -> None:
    state = State(filter=SetFilter(Tab.CLIENTS.table, b"::1"))
    behind = render(Picture(SOURCE, *[alert()] * 2, behind=True), state, 80, 24, THEME).text()
    assert "reading back  below only ::1" in behind
    assert "reading back" not in draw(alert(), 80, 24, state)


def test_before_the_first_line_the_screen_waits() -> None:
    empty = replace(snapshot(clock=None, table=(), count=0), start=None, end=None)
    assert "WAIT" in draw(empty, 80, 24)
    assert render(None, State(), 80, 24, THEME).text().startswith(" Tapline")


def ruled(name: str = "5xx > 1/s in /api", at: int = START + 300) -> AlertRecord:
    rule = transition(at=at, hits=47, metric="5xx", threshold=Threshold.parse("1"), rule=name)
    return AlertRecord(rule, None, 47, at)


def test_the_headline_names_the_rule_whose_alert_is_on_and_the_traffic_stays_calm() -> None:
    shown = snapshot(alert=ruled(), alerts=(PAST, ruled()), average=Fraction(57, 10))
    assert " ▲ ALERT  5xx > 1/s in /api  " in draw(shown, 60, 15)
    for width, height in ((80, 24), (120, 36)):
        assert " ▲ ALERT  5xx > 1/s in /api since" in draw(shown, width, height)
    assert "peak 47 5xx" in draw(shown, 120, 36)
    frame = render(Picture(SOURCE, shown, shown), State(), 80, 24, THEME)
    assert "traffic 2m average 5.7/s" in "".join(span.text for span in frame.lines[2])
    assert not [span for span in frame.lines[2] if span.style in (Style.BAD, Style.ALARM)]


def test_the_headline_names_every_rule_or_how_many_more() -> None:
    on = (NOW, ruled(), ruled("clients > 50 over 5m"))
    shown = snapshot(alert=NOW, alerts=(PAST, *on), average=Fraction(151, 10))
    assert "ALERT  traffic, 5xx > 1/s in /api, clients > 50 over 5m, the first since 21:17:30" in draw(shown, 200, 40)
    assert "ALERT  traffic +2, the first since 21:17:30" in draw(shown, 80, 24)
    assert "peak" not in draw(shown, 200, 40).splitlines()[1]  # whose?


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_rate_of_the_moment_stays_however_many_rules_are_on(width: int) -> None:
    on = tuple(ruled(f"5xx > {n}/s over 5m in /a-long-section host www.example.com") for n in range(9))
    shown = snapshot(alert=on[0], alerts=on)
    for state in (State(), State(filter=SetFilter(Tab.CLIENTS.table, b"2001:db8::1"), paused=True)):
        assert "now 9.8/s" in draw(shown, width, 24, state).splitlines()[1]


def test_a_rule_that_is_on_hides_no_other_rules_marks() -> None:
    long = ruled(at=START + 100)
    axis = draw(snapshot(alert=long, alerts=(PAST, long)), 80, 24).splitlines()[7]
    assert axis.endswith("▲━━━━━━━━━▲━━━━━━━━▼" + "━" * 30)


def test_where_a_message_has_no_room_its_gist_names_the_rule() -> None:
    shown = snapshot(alert=ruled(), alerts=(ruled(),))
    assert "▲ 5xx > 1/s in /api, 47 5xx, 2019-02-07 21:17:30" in draw(shown, 60, 15)


def test_with_a_filter_it_is_clear_which_figures_are_of_all() -> None:
    state = State(filter=SetFilter(Tab.CLIENTS.table, b"::1"))
    text = render(Picture(SOURCE, alert(), snapshot()), state, 120, 36, THEME).text()
    for told in ("now 9.8/s in all", "traffic 2m average", "below only ::1", "Alerts of all traffic"):
        assert told in text
    assert "╌ threshold" not in text


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("back", [0, 59])
def test_the_tabs_and_the_mark_stay_whatever_the_table_is_sorted_by(sort: Sort, back: int) -> None:
    rows = tuple(replace(row, times=None) for row in alert().rows)
    shown = replace(alert(), rows=rows)
    state = State(sort=sort, back=back)
    assert "8 Alerts" in draw(replace(shown, view=state.view), 120, 36, state)
    for width in (60, 80, 120):
        assert f"{sort.value}▼" in draw(shown, width, 24, state)


def test_the_windows_table_says_one_thing_however_many_seconds_its_intervals_make() -> None:
    for length in (28, 30):
        shown = replace(quiet(), view=View(Scope.WINDOW), window=20, start=START, end=START + length)
        assert "intervals of the past 20s" in draw(shown, 80, 24)


def test_no_line_yet_beside_what_was_read_back_says_since_when() -> None:
    assert "0 lines since the start" in draw(replace(alert(), lines=0), 80, 24)
    assert " 1 line " in draw(replace(alert(), lines=1), 80, 24)


@pytest.mark.parametrize(("width", "height"), [(60, 15), (80, 24)])
def test_before_the_first_line_the_headline_says_what_is_missing(width: int, height: int) -> None:
    empty = replace(snapshot(clock=None, table=(), count=0), start=None, end=None, lines=0)
    picture = Picture(SOURCE, empty, empty, waiting="nosuch.log: no such file yet")
    assert "WAIT    nosuch.log: no such file yet" in render(picture, State(), width, height, THEME).text()


@pytest.mark.parametrize("theme", [THEME, Theme(ASCII, Times(), True), Theme(CONSOLE, Times())])
def test_the_help_explains_every_mark_of_the_chart(theme: Theme) -> None:
    text = draw(alert(), 80, 64, State(mode=Mode.HELP), theme)
    glyphs = theme.glyphs
    for mark in (glyphs.levels[1:], glyphs.average, glyphs.limit, glyphs.here, f"{glyphs.raised} {glyphs.on}"):
        assert f"\n{glyphs.vertical}   {mark} " in text


def test_a_window_too_small_still_says_how_it_is() -> None:
    assert draw(alert(), 30, 4).splitlines()[0].startswith(" ▲ ALERT  since 21:19:06")
    assert render(None, State(), 30, 4, THEME).text() == "60x15 needed\n\n\n\n"


def test_the_state_is_said_in_words_and_in_a_style_of_its_own() -> None:
    for shown, word, style in ((quiet(), "OK", Style.CALM), (alert(), "ALERT", Style.ALARM)):
        line = render(Picture(SOURCE, shown, shown), State(), 80, 24, THEME).lines[1]
        assert [word in span.text for span in line if span.style is style] == [True]


def test_a_threshold_too_long_for_the_screen_hides_nothing_else() -> None:
    shown = replace(alert(), threshold=Threshold.parse("10." + "0" * 90))
    for width, height in ((60, 15), (60, 18), (100, 24)):
        frame = render(Picture(SOURCE, shown, shown), State(), width, height, THEME)
        assert [line_width(line) for line in frame.lines] == [width] * height
        head = frame.text().splitlines()
        assert " ▲ ALERT " in head[1]
        assert "9.8/s" in head[1]
        assert height < 18 or "average 15.1/s" in head[2]


@pytest.mark.parametrize("key", [b"::1", b"/a-section-of-some-length-and-more"])
@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("behind", [False, True])
def test_the_smallest_window_says_how_it_is_whatever_was_chosen(key: bytes, paused: bool, behind: bool) -> None:
    state = State(filter=SetFilter(Tab.CLIENTS.table, key), paused=paused)
    line = render(Picture(SOURCE, alert(), snapshot(), behind=behind), state, 60, 15, THEME).text().splitlines()[1]
    assert line.startswith(" ▲ ALERT ")
    assert " below only " in line
    assert (" PAUSED" in line) == paused


@pytest.mark.parametrize("height", [15, 18, 20, 24, 28, 32, 60])
@pytest.mark.parametrize("width", [60, 120])
def test_a_page_is_as_many_rows_as_are_in_view(width: int, height: int) -> None:
    many = snapshot(table=tuple(Row(b"/%d" % at, 1000 - at, 1, 0) for at in range(200)))
    plan = layout(width, height)
    frame = render(Picture(SOURCE, many, many), State(), width, height, THEME)
    assert sum(zone.key.startswith("row:") for zone in frame.zones) == plan.page(Mode.NORMAL)
    raw = tuple(b"line %d" % at for at in range(200))
    covered = draw(many, width, height, State(mode=Mode.RAW, raw=raw))
    assert len(re.findall(r"line \d", covered)) == plan.page(Mode.RAW)


def test_what_is_asked_stands_with_what_was_typed_and_what_was_wrong_with_it() -> None:
    def foot(state: State, note: str = "") -> str:
        return render(Picture(SOURCE, quiet(), quiet(), note=note), state, 100, 24, THEME).text().splitlines()[-1]

    assert foot(State(mode=Mode.THRESHOLD, typed="5\u202e")) == (
        " threshold  5\\xe2\\x80\\xae_   an average such as 10, 600/min or 5MB/s; Enter sets it, Esc leaves it"
    )
    assert foot(State(mode=Mode.THRESHOLD, typed="x", message="no threshold")) == " threshold  x_   no threshold"
    assert foot(State(mode=Mode.SEARCH, typed="a")) == " search  a_   Enter keeps it, Esc ends it"
    assert foot(State(), note="log rotated") == " log rotated"
    assert foot(State(message="sorted"), note="log rotated") == " sorted"


def test_an_empty_table_says_why() -> None:
    empty = snapshot(table=())
    assert "nothing matches the search (Esc takes it back)" in draw(empty, 80, 24, State(search="x"))
    assert "this log does not tell its hosts" in draw(empty, 80, 24, State(tab=Tab.HOSTS))
    nothing = replace(empty, traffic=traffic(0), start=None, end=None)
    for width, height in ((80, 24), (120, 36)):
        lines = draw(nothing, width, height)
        assert lines.count("no traffic") >= 1
        assert "no interval told yet" in lines
    assert "none of the lines kept has this key" in draw(empty, 80, 24, State(mode=Mode.RAW))
    assert "no malformed line" in draw(empty, 80, 24, State(mode=Mode.MALFORMED))


def test_a_search_that_is_kept_stands_beside_the_tabs() -> None:
    assert "8 Alerts  /lo" in draw(quiet(), 120, 36, State(search="lo"))
    assert "/lo" not in draw(quiet(), 120, 36, State(mode=Mode.SEARCH, search="lo", typed="")).splitlines()[-2]


def test_response_times_are_among_the_statistics_where_the_log_has_them() -> None:
    shown = snapshot(times=Quantiles(1200, 250_000, 3_000_000), methods={})
    assert "p95 250 ms  p99 3.0 s" in draw(shown, 140, 23)
    text = draw(shown, 120, 36)
    for told in ("median 1.2 ms", "p95 250 ms", "p99 3.0 s"):
        assert told in text
    assert "GET" not in text


@pytest.mark.parametrize(
    ("width", "height"), [(60, 15), (80, 20), (80, 24), (80, 32), (120, 24), (120, 36), (300, 100)]
)
def test_sections_that_are_not_exact_are_said_to_be_on_every_screen(width: int, height: int) -> None:
    assert "smallest sections in (other)" in draw(snapshot(exact=False), width, height)
    assert "smallest" not in draw(snapshot(), width, height)


def test_the_past_is_told_as_such() -> None:
    state = State(back=3)
    assert ", 3 back" in draw(replace(quiet(), view=state.view), 80, 24, state)
    total = State(scope=Scope.TOTAL)
    assert " since 21:22:20 ─" in draw(replace(quiet(), view=total.view), 80, 24, total)
    assert (
        " · replay"
        in render(Picture(Source("a.log", "common", replay=True), quiet(), quiet()), State(), 80, 24, THEME).text()
    )


def test_the_interval_looked_at_is_marked_under_its_own_column() -> None:
    def marked(shown: Snapshot, back: int) -> int:
        return draw(shown, 80, 24, State(back=back)).splitlines()[7].find("◆")

    assert [marked(quiet(), back) for back in (0, 1, 40, 59)] == [-1, 78, 39, 20]
    assert marked(snapshot(count=200), 150) == 8  # the oldest that the chart goes back to
    assert marked(snapshot(count=3), 9) == -1  # of a filter that has fewer intervals
    points = quiet().points
    apart = tuple(replace(point, start=point.start - 86_400) for point in points[:20])  # before a silence of a day
    assert [marked(replace(quiet(), points=apart + points[20:]), back) for back in (10, 50)] == [69, 29]


def test_the_alerts_table_tells_where_there_is_none_and_where_some_are_lost() -> None:
    state = State(tab=Tab.ALERTS)
    for width, height in ((80, 24), (120, 36)):
        assert "    no alert so far" in draw(snapshot(), width, height, state)
    assert "older ones are no longer kept: 7" in draw(replace(alert(), alerts_dropped=7), 120, 36, state)
    assert "older alerts no longer kept: 7" in draw(replace(alert(), alerts_dropped=7), 120, 36)


def test_an_alert_kept_from_before_is_shown_before_the_first_line_comes() -> None:
    before = snapshot(alerts=(NOW,), clock=None)
    assert "  peak 1411 hits" in draw(before, 160, 36)
    assert "on for" not in draw(before, 160, 36)
    line = next(line for line in draw(before, 100, 30, State(tab=Tab.ALERTS)).splitlines() if "still on" in line)
    assert re.search(r"still on +- +1411 hits", line)


def test_an_average_beyond_the_threshold_never_looks_equal_to_it() -> None:
    barely = snapshot(average=Fraction(1201, 120))
    assert "10.1/s" in draw(barely, 80, 24)
    assert "101% of threshold" in draw(barely, 80, 24)


def test_hostile_keys_come_escaped_and_move_no_column() -> None:
    keys = (
        b"/\x1b[2J\x1b]0;x\x07",
        "/\u202eabc".encode(),
        "/\u05d0\u05d1".encode(),
        "/日本語".encode(),
        b"/e\xcc\x81\xcc\x81\xcc\x81\xcc\x81",
    )
    rows = tuple(Row(key, 12345, 10, 1) for key in keys)
    lines = render(Picture(SOURCE, *[snapshot(table=rows)] * 2), State(), 80, 24, THEME).lines
    columns = ["".join(text[:1] or "\0" for text, _ in cells(line)) for line in lines]
    assert [line.index("12345") for line in columns if "12345" in line] == [29] * len(keys)
    assert all(text.isprintable() for line in lines for text, _ in line)


_keys = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from(PATHS),
)
_quantiles = st.none() | st.builds(Quantiles, *[st.integers(0, 10**10)] * 3)
_rows = st.lists(
    st.builds(
        Row,
        _keys,
        st.integers(0, 10**12),
        st.integers(0, 10**18),
        st.integers(0, 10**6),
        st.none(),
        _quantiles,
        st.lists(st.integers(0, 10**6), max_size=12).map(tuple),
    ),
    max_size=12,
).map(tuple)
_states = st.builds(
    State,
    tab=st.sampled_from(Tab),
    scope=st.sampled_from(Scope),
    sort=st.sampled_from(Sort),
    back=st.integers(0, 70),
    selected=st.integers(0, 200),
    paused=st.booleans(),
    mode=st.sampled_from(Mode),
    typed=st.text(max_size=90),
    search=st.sampled_from(["", "a", "日"]),
    filter=st.none() | st.builds(SetFilter, st.just(Tab.CLIENTS.table), _keys),
    offset=st.integers(0, 300),
    message=st.text(max_size=30),
    raw=st.lists(_keys, max_size=3).map(tuple),
    malformed=st.lists(st.builds(Malformed, st.integers(0), _keys, st.text(max_size=20)), max_size=3).map(tuple),
)
_snapshots = st.builds(
    lambda rows, alerts, clock, hits, average, threshold, metric, count: replace(
        snapshot(
            alert=alerts[-1] if alerts and alerts[-1].on else None,
            alerts=alerts,
            table=rows,
            clock=clock,
            average=average,
            threshold=threshold,
            metric=metric,
            count=count,
        ),
        rate=hits,
        start=clock,
        end=clock,
        view=View(),
    ),
    _rows,
    st.lists(st.sampled_from([PAST, NOW, replace(NOW, earlier=True)]), max_size=4).map(tuple),
    st.none() | st.integers(-(10**13), 10**13),
    st.fractions(0, 10**9),
    st.fractions(0, 10**12),
    st.sampled_from(["10", "600/min", "5MB/s", "0.001", "1000000000000"]).map(Threshold.parse),
    st.sampled_from(["hits", "bytes"]),
    st.integers(0, 70),
)


@given(
    _snapshots,
    _states,
    st.integers(1, 300),
    st.integers(1, 100),
    st.sampled_from([Theme(UNICODE, Times()), Theme(CONSOLE, Times(utc=True)), Theme(ASCII, Times(), True)]),
    st.text(max_size=20),
)
def test_any_snapshot_at_any_size_is_a_frame_of_exactly_that_size(
    shown: Snapshot, state: State, width: int, height: int, theme: Theme, log: str
) -> None:
    frame = render(Picture(Source(log, log), shown, shown, log), state, width, height, theme)
    assert (frame.width, frame.height) == (width, height)
    assert [line_width(line) for line in frame.lines] == [width] * height
    assert [len(cells(line)) for line in frame.lines] == [width] * height
    assert all(span.text.isprintable() for line in frame.lines for span in line)
    assert all(span.text.isascii() for line in frame.lines for span in line) or not theme.ascii_only
