"""What the painter sends, seen through an emulator."""

import unicodedata

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.output.text import Times, safe
from monitor.output.tui.frame import Frame, Line, Span, Style, both_ends, clip, fit, fit_line, right, width_of
from monitor.output.tui.painter import BEGIN, END, Painter, cells
from monitor.output.tui.picture import Picture, Source
from monitor.output.tui.state import State, Tab
from monitor.output.tui.theme import ASCII, UNICODE, Theme, meter, spark
from monitor.output.tui.views import render
from tests.monitor.output_made import snapshot

NAMES = {Style.BAD: "\x1b[31m", Style.SELECTED: "\x1b[7m"}
STYLES = {style: NAMES.get(style, "") for style in Style}


def painter() -> Painter:
    return Painter(STYLES, "\x1b[m", lambda x, y: f"\x1b[{y + 1};{x + 1}H")


class Emulator:
    def __init__(self, width: int, height: int) -> None:
        self.screen = pyte.Screen(width, height)
        self.stream = pyte.Stream(self.screen)
        self.stream.feed("\x1b[?7l")  # no autowrap, as the program has it

    def text(self) -> list[str]:
        return [unicodedata.normalize("NFC", line) for line in self.screen.display]


def lines_of(frame: Frame) -> list[str]:
    return [unicodedata.normalize("NFC", "".join(span.text for span in line)) for line in frame.lines]


def frame_of(*texts: str, width: int = 12, style: Style = Style.TEXT) -> Frame:
    return Frame(width, len(texts), tuple(fit_line([Span(text, style)], width) for text in texts))


# Marks stand on narrow characters alone: the emulator loses them on wide ones.
_texts = st.lists(st.sampled_from(["a", "b", " ", "é", "日", "本", "e\u0301", "\u05d0", "…", "█"]), max_size=14).map(
    "".join
)
_lines = st.lists(st.builds(Span, _texts, st.sampled_from([Style.TEXT, Style.BAD])), max_size=3).map(
    lambda spans: fit_line(spans, 12)
)
_frames = st.lists(_lines, min_size=3, max_size=3).map(lambda lines: Frame(12, 3, tuple(lines)))


@given(st.lists(_frames, min_size=1, max_size=5))
def test_after_every_frame_the_terminal_shows_that_frame(frames: list[Frame]) -> None:
    terminal, paint = Emulator(12, 3), painter()
    for frame in frames:
        terminal.stream.feed(paint.paint(frame))
        assert terminal.text() == lines_of(frame)
        styles = [span.style for span in frame.lines[0] for _ in range(width_of(span.text))]
        drawn = [terminal.screen.buffer[0][x].fg == "red" for x in range(12)]
        assert drawn == [style is Style.BAD for style in styles]


def test_the_same_frame_twice_costs_nothing() -> None:
    paint = painter()
    assert paint.paint(frame_of("one", "two"))
    assert paint.paint(frame_of("one", "two")) == ""


def test_only_what_changed_is_sent_in_one_synchronized_piece() -> None:
    paint = painter()
    paint.paint(frame_of("hits   100", "same"))
    sent = paint.paint(frame_of("hits   101", "same"))
    assert sent.startswith(BEGIN)
    assert sent.endswith(END)
    assert sent.removeprefix(BEGIN).removesuffix(END) == "\x1b[1;10H\x1b[m1\x1b[m"


def test_behind_what_terminals_measure_differently_the_cursor_is_put_anew() -> None:
    sent = painter().paint(frame_of("日本x"))
    assert "日\x1b[1;3H本\x1b[1;5Hx" in sent


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("日本x", "日語x"),
        ("日本", "ab日"),
        ("ab日", "日本"),
        ("日x本y", "日x本z"),
        ("日日日", "a日日"),
        ("e\u0301日", "日e\u0301"),
    ],
)
def test_wide_characters_that_come_and_go_leave_no_half(old: str, new: str) -> None:
    terminal, paint = Emulator(12, 1), painter()
    for text in (old, new, old):
        terminal.stream.feed(paint.paint(frame_of(text)))
        assert terminal.text() == lines_of(frame_of(text))


def test_a_wide_character_whose_style_changes_is_written_once() -> None:
    paint = painter()
    paint.paint(Frame(3, 1, ((Span("日"), Span("x")),)))
    sent = paint.paint(Frame(3, 1, ((Span("日", Style.BAD), Span("x")),)))
    assert sent.removeprefix(BEGIN).removesuffix(END) == "\x1b[1;1H\x1b[m\x1b[31m日\x1b[m"


def test_where_there_is_no_room_for_both_the_right_part_stays() -> None:
    assert both_ends([Span("left")], [Span("right")], 8) == (Span("le…"), Span("right"))
    assert both_ends([Span("left")], [Span("right")], 5) == (Span("right"),)
    assert both_ends([Span("left")], [Span("right")], 4) == (Span("rig…"),)


def test_what_the_views_draw_with_needs_no_cursor_put_anew() -> None:
    assert painter().paint(frame_of("▁▂█─╌▲━·…→")).count("H") == 1


def test_a_mark_stands_with_its_wide_character() -> None:
    assert cells((Span("日\u0301x"),)) == [("日\u0301", Style.TEXT), ("", Style.TEXT), ("x", Style.TEXT)]


def test_a_terminal_of_which_nothing_is_known_is_painted_whole() -> None:
    paint = painter()
    first = paint.paint(frame_of("one"))
    paint.forget()
    assert paint.paint(frame_of("one")) == first


def test_a_frame_of_another_size_is_painted_whole() -> None:
    paint = painter()
    paint.paint(frame_of("one"))
    assert "one" in paint.paint(frame_of("one", width=13))


def test_an_update_of_a_whole_screen_is_small() -> None:
    theme = Theme(UNICODE, Times(utc=True))
    paint = painter()
    first, second = snapshot(), snapshot(clock=1549574558)
    source = Source("log", "common")
    whole = paint.paint(render(Picture(source, first, first), State(), 120, 40, theme))
    update = paint.paint(render(Picture(source, second, second), State(), 120, 40, theme))
    assert len(update.encode()) * 50 < len(whole.encode())


def test_a_click_finds_the_row_the_tab_and_the_key_under_it() -> None:
    shown = snapshot()
    frame = render(Picture(Source("log", ""), shown, shown), State(), 140, 40, Theme(UNICODE, Times(utc=True)))
    texts = lines_of(frame)
    row = next(y for y, text in enumerate(texts) if "/login" in text)
    assert frame.key_at(20, row) == "row:3"
    tabs = next(y for y, text in enumerate(texts) if "2 Clients" in text)
    assert frame.key_at(texts[tabs].index("2 Clients") + 1, tabs) == "2"
    assert frame.key_at(texts[-1].index("help"), 39) == "?"
    assert frame.key_at(0, 0) is None
    assert Tab.CLIENTS.table.value == "clients"


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("abc", 5, "abc  "),
        ("abcdef", 4, "abc…"),
        ("日本語", 4, "日… "),
        ("e\u0301e", 1, "…"),
        ("abc", 0, ""),
        ("x", 1, "x"),
    ],
)
def test_text_that_does_not_fit_ends_in_an_ellipsis(text: str, width: int, shown: str) -> None:
    assert fit(text, width) == shown


@given(st.text(max_size=20).map(safe), st.integers(0, 12), st.sampled_from(["…", "..."]))
def test_fitted_text_is_exactly_as_wide_as_asked(text: str, width: int, ellipsis: str) -> None:
    assert width_of(fit(text, width, ellipsis)) == width
    assert width_of(clip(text, width)) <= width
    assert width_of(right(text, width)) == width


def test_a_figure_without_room_is_no_wrong_figure() -> None:
    assert right("123456", 4) == "####"
    assert right("123456", 0) == ""


def test_whatever_is_above_nothing_is_seen() -> None:
    assert spark((0, 1, 1000), 3, UNICODE) == " ▁█"
    assert meter(1, 10**9, 4, UNICODE) == "▏   "
    assert meter(1, 10**9, 4, ASCII) == "#   "
    assert meter(10, 10, 4, UNICODE) == "████"
    assert spark((), 3, UNICODE) == "   "
    assert meter(0, 10, 4, UNICODE) == meter(5, 0, 4, UNICODE) == "    "


def test_a_cut_line_says_so_where_it_was_cut() -> None:
    line: Line = fit_line([Span("abc"), Span("def", Style.BAD), Span("ghi")], 6)
    assert line == (Span("abc"), Span("de…", Style.BAD))
    assert fit_line([Span("abc"), Span(""), Span("defg", Style.BAD)], 5) == (Span("abc"), Span("d…", Style.BAD))
    assert fit_line([Span("abc"), Span(""), Span("de")], 5) == (Span("abc"), Span("de"))
    assert fit_line([Span("abc")], 0) == ()
