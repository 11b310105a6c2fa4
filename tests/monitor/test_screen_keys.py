"""What keys make of the choices: pure, so tested as a script of keys."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.engine.snapshot import OTHER, Row, Scope, Snapshot, Sort, Table
from monitor.output.text import Times
from monitor.output.tui.frame import line_width
from monitor.output.tui.overlays import HELP_LINES
from monitor.output.tui.picture import Picture, Source
from monitor.output.tui.state import (
    MAX_TYPED,
    ClearFilter,
    Command,
    MalformedLines,
    Mode,
    Quit,
    RawLines,
    SetFilter,
    SetThreshold,
    State,
    Tab,
    found,
    press,
    selection,
)
from monitor.output.tui.theme import UNICODE, Theme
from monitor.output.tui.views import render
from tests.monitor.output_made import record, rows, snapshot

SHOWN = snapshot(alerts=(record(), record(recovered=False)))


def picture(shown: Snapshot) -> Picture:
    return Picture(Source("log", "common"), shown, shown)


def play(*keys: str, state: State | None = None, shown: Snapshot = SHOWN, page: int = 5) -> tuple[State, list[Command]]:
    state = state or State()
    commands: list[Command] = []
    for key in keys:
        state, asked = press(state, key, picture(shown), page)
        commands += asked
    return state, commands


def selected(state: State, shown: Snapshot = SHOWN) -> bytes:
    found, at = selection(state, shown)
    return found[at].key


def test_quit() -> None:
    assert play("q")[1] == [Quit()]


def test_quit_works_before_anything_was_counted() -> None:
    assert press(State(), "q", None, 5)[1] == [Quit()]
    assert press(State(), "j", None, 5) == (State(), [])


@pytest.mark.parametrize(
    "keys", [("j", "j"), ("down", "down"), ("G", *["k"] * 6), ("page_down", *["up"] * 3), ("row:2",)]
)
def test_arrows_vi_keys_pages_and_clicks_move_the_selection(keys: tuple[str, ...]) -> None:
    assert selected(play(*keys)[0]) == b"/images"


def test_the_selection_stays_with_its_row_when_rows_trade_places() -> None:
    state, _ = play("j", "j")
    turned = snapshot(table=SHOWN.rows[::-1])
    assert selected(state, turned) == b"/images"
    assert play("enter", state=state, shown=turned)[1] == [SetFilter(Table.SECTIONS, b"/images")]


def test_where_the_selected_row_is_gone_the_one_in_its_place_is_selected() -> None:
    state, _ = play("j", "j")
    without = tuple(row for row in SHOWN.rows if row.key != b"/images")
    assert selected(state, snapshot(table=without)) == without[2].key
    assert selected(state, snapshot(table=without[:1])) == without[0].key


def test_at_the_top_the_first_row_is_selected_whichever_it_is() -> None:
    state, _ = play("j", "k")
    assert selected(state, snapshot(table=SHOWN.rows[::-1])) == SHOWN.rows[-1].key


def test_scrolling_always_asks_for_more_rows_than_it_shows() -> None:
    many = snapshot(table=rows(*((b"/%d" % n, 1000 - n) for n in range(200))))
    state, _ = play("G", shown=many)
    assert state.view.limit >= 300


@pytest.mark.parametrize(("key", "scope"), [("i", Scope.INTERVAL), ("w", Scope.WINDOW), ("a", Scope.TOTAL)])
def test_a_key_each_for_the_stretches_of_time(key: str, scope: Scope) -> None:
    assert play(key)[0].view.scope is scope


def test_sorting_by_letter_and_in_turn() -> None:
    assert [play(key)[0].sort for key in "BEPH"] == [Sort.SIZE, Sort.ERRORS, Sort.P95, Sort.HITS]
    assert [play(*["s"] * n)[0].sort for n in (1, 2, 3, 4)] == [Sort.SIZE, Sort.ERRORS, Sort.P95, Sort.HITS]


def test_sorting_by_times_that_there_are_not_says_so() -> None:
    without = replace(SHOWN, rows=rows((b"/api", 9)))
    for keys in ("P", "sss"):
        assert play(*keys, shown=without)[0].message == "this log has no response times to sort by"
        assert not play(*keys)[0].message
    assert play("P", "2")[0].message == "response times are known of sections alone"
    assert not play("P", "2", "1")[0].message
    assert not play("P", "8")[0].message


def test_tables_by_number_and_in_turn() -> None:
    assert [play(str(n))[0].tab for n in range(1, 9)] == list(Tab)
    assert play("tab")[0].tab is Tab.CLIENTS
    assert play("shift_tab")[0].tab is Tab.ALERTS
    assert play("4")[0].view.table is Table.METHODS


def test_left_and_right_go_through_the_intervals_kept() -> None:
    assert play("left", "h", "right")[0].view.back == 1
    assert play("l")[0].view.back == 0
    assert play(*["left"] * 99)[0].view.back == len(SHOWN.points) - 1
    assert play("w", "left")[0].view.scope is Scope.INTERVAL


def test_enter_filters_and_escape_goes_back() -> None:
    state, commands = play("2", "enter", "escape")
    assert commands == [SetFilter(Table.CLIENTS, b"/api"), ClearFilter()]
    assert state.filter is None


def test_escape_undoes_one_thing_at_a_time() -> None:
    state, commands = play("j", "enter", "left", "left", "j", "/", *"a", "enter", "j")
    assert (state.search, state.back, state.filter, selected(state)) == ("a", 2, commands[0], b"/images")
    seen = []
    for _ in range(4):
        state, asked = press(state, "escape", picture(SHOWN), 5)
        seen.append((state.search, state.filter, state.back, state.key is None, asked))
    assert seen == [
        ("", commands[0], 2, False, []),
        ("", None, 2, True, [ClearFilter()]),
        ("", None, 0, True, []),
        ("", None, 0, True, []),
    ]
    assert selected(play("j", "escape")[0]) == b"/api"


def test_rows_that_stand_for_many_can_not_be_filtered_by() -> None:
    shown = snapshot(table=(Row(OTHER, 5, 5, 0),))
    state, commands = play("enter", shown=shown)
    assert commands == []
    assert "(other)" in state.message


def test_search_narrows_the_table_while_it_is_typed() -> None:
    state, _ = play("/", *"IMG", "backspace", "backspace", *"MA", "enter")
    assert [row.key for row in found(SHOWN.rows, state.search)] == [b"/images"]
    assert play("enter", state=state)[1] == [SetFilter(Table.SECTIONS, b"/images")]
    assert play("escape", state=state)[0].search == ""


def test_letters_typed_are_no_commands() -> None:
    state, commands = play("/", *"qpt?")
    assert commands == []
    assert state.typed == "qpt?"


@pytest.mark.parametrize("leave", ["escape", "^c"])
def test_what_is_typed_can_be_left_without_leaving_the_program(leave: str) -> None:
    state, commands = play("/", *"log", "enter", "t", "5", leave)
    assert (state.mode, state.typed, state.search, commands) == (Mode.NORMAL, "", "log", [])
    assert play("/", *"log", leave)[0].search == ""


def test_typing_has_a_bound_and_takes_characters_alone() -> None:
    assert play("/", "page_up", "\x01", "wheel_up", "é", "up")[0].typed == "é"
    assert play("/", *"x" * 200)[0].typed == "x" * MAX_TYPED


def test_keys_that_mean_nothing_change_nothing() -> None:
    for key in ("z", "9", "0", "f5", "^x"):
        assert play("j", key) == play("j")
    assert play("8", "/")[0].mode is Mode.NORMAL  # alerts are not searched


def test_the_threshold_is_edited_from_what_it_is() -> None:
    state, commands = play("t", "5", "enter")
    assert [command.threshold.text for command in commands if isinstance(command, SetThreshold)] == ["105/s"]
    assert state.mode is Mode.NORMAL


@pytest.mark.parametrize("typed", ["x", "0", "", "5MB/s"])
def test_a_threshold_that_makes_no_sense_is_explained_and_not_set(typed: str) -> None:
    state, commands = play("t", "^u", *typed, "enter")
    assert commands == []
    assert state.message
    assert state.mode is Mode.THRESHOLD


def test_raw_and_malformed_lines_are_asked_of_the_app() -> None:
    assert play("j", "r")[1] == [RawLines(Table.SECTIONS, b"/")]
    assert play("e")[1] == [MalformedLines()]


def test_what_covers_the_tables_is_scrolled_and_closed() -> None:
    state, commands = play("?", "j", "page_down")
    assert (state.mode, state.offset) == (Mode.HELP, 6)
    assert [play(key, state=state)[0].mode for key in ("escape", "q", "enter")] == [Mode.NORMAL] * 3
    end, _ = play("G", "k", state=state)
    assert end.offset == HELP_LINES - 5 - 1
    assert commands == []


def test_every_alert_is_reached() -> None:
    assert play("8", "j")[0].selected == 1
    assert play("8", "G", "j", "j")[0].selected == 1
    assert play(*["J"] * 9)[0].offset == 3
    assert play("8", "enter")[1] == []


def test_pause_and_go_on() -> None:
    assert play("p")[0].paused
    assert not play("p", " ")[0].paused


_KEYS = [*"qp?e/tr iwasHBEPhjklgGJK12345678", "enter", "escape", "tab", "shift_tab", "left", "right", "up", "down"]
_KEYS += [
    "page_up",
    "page_down",
    "home",
    "end",
    "backspace",
    "^u",
    "^d",
    "^f",
    "^b",
    "^c",
    "wheel_up",
    "wheel_down",
    "row:3",
]


@given(
    st.lists(st.tuples(st.sampled_from(_KEYS), st.integers(0, 9), st.integers(0, 30)), max_size=40), st.integers(1, 50)
)
@example([("h", 0, 2), ("?", 0, 0), ("l", 0, 0)], 1)
def test_any_keys_over_changing_rows_leave_something_to_show(script: list[tuple[str, int, int]], page: int) -> None:
    state = State()
    for key, size, count in script:
        shown = snapshot(table=SHOWN.rows[:size], count=count)
        travels = state.mode is Mode.NORMAL and key in ("left", "right", "h", "l")
        state, commands = press(state, key, picture(shown), page)
        assert all(isinstance(command, Command) for command in commands)
        frame = render(picture(shown), state, 80, 24, Theme(UNICODE, Times()))
        assert [line_width(line) for line in frame.lines] == [80] * 24
        assert not travels or 0 <= state.view.back <= max(0, count - 1)


def test_an_empty_table_takes_every_key() -> None:
    for key in ("j", "k", "G", "enter", "r", "left", "8", "J", "row:7"):
        play(key, "j", shown=snapshot(table=(), count=0))
