"""The full screen on a terminal: entering, leaving, signals, sizes, colours. Counts are made up."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest

from monitor.output.tui.screen import ascii_only, pause
from monitor.output.tui.terminal import MAX_PENDING
from tests.pseudo_terminal import Session
from tests.requires import need
from tests.waiting import eventually

STUB = [sys.executable, "-m", "tests.monitor.screen_stub"]


@pytest.fixture
def session() -> Iterator[Session]:
    with Session(STUB) as made:
        yield made


def ready(session: Session) -> list[object]:
    """Wait for the first picture; the line settings by then."""
    session.until("/api")
    return session.settings()


def left(session: Session) -> bool:
    """Whether all that was switched on was switched off behind the last picture."""
    end = session.raw[session.raw.rindex(b"\x1b[?1049l") - 60 :]
    wanted = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?1006l", b"\x1b[?7h", b"\x1b[8h", b"\x1b[?2026l")
    return all(sequence in end for sequence in wanted)


def is_cooked(settings: list[object]) -> bool:
    import termios

    flags = settings[3]
    assert isinstance(flags, int)
    return bool(flags & termios.ECHO and flags & termios.ICANON)


def test_q_leaves_the_terminal_as_it_was_and_tells_the_whole(session: Session) -> None:
    assert not is_cooked(ready(session))
    session.press("q")
    assert session.ended() == 0
    assert left(session)
    after = session.raw[session.raw.rindex(b"\x1b[?1049l") :]
    assert b"Summary  2019-02-07 21:12:30" in after
    assert b"Traffic recovered - hits = 1198" in after


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_leaves_the_terminal_as_it_was(session: Session, number: int) -> None:
    ready(session)
    os.kill(session.pid, number)
    assert session.ended() == 0
    assert left(session)


def test_a_defect_leaves_the_terminal_as_it_was(session: Session) -> None:
    ready(session)
    session.press("e")
    assert session.ended() == 1
    assert left(session)
    said = re.sub(rb"\x1b\[[0-9;]*m", b"", session.raw[session.raw.rindex(b"\x1b[?1049l") :])  # 3.13 colours it
    assert b"RuntimeError: a defect" in said


def test_ctrl_c_leaves_the_terminal_as_it_was(session: Session) -> None:
    ready(session)
    session.press("\x03")
    assert session.ended() != 0
    assert left(session)


def test_suspended_the_terminal_is_the_shells_and_afterwards_ours_again() -> None:
    need(shutil.which("bash"), "bash")
    script = f"set -m; {shlex.join(STUB)}; stty -a; echo suspended; read line; fg >/dev/null; echo ended"
    with Session(["bash", "-c", script]) as session:
        session.until("/api")
        session.press("\x1a")
        session.until("suspended")
        assert left(session)
        assert " icanon" in session.text()
        assert "/api" not in session.text()
        session.press("\n")
        session.until("/api")
        session.press("q")
        session.until("ended")
        assert left(session)


def test_a_resize_redraws_at_the_new_size(session: Session) -> None:
    ready(session)
    for columns, lines in ((132, 43), (61, 16), (20, 5), (100, 30)):
        session.resize(columns, lines)
        session.until(lambda text, size=(columns, lines): shown_size(text, *size))


def shown_size(text: str, columns: int, lines: int) -> bool:
    rows = text.split("\n")
    if lines < 15:
        return "OK" in rows[0] and "60x15 needed" in text
    return len(rows) == lines and rows[0].endswith("21:22:37") and len(rows[0]) == columns - 1 and "q quit" in rows[-1]


def test_keys_reach_the_tables_and_what_covers_them(session: Session) -> None:
    ready(session)
    session.press("?")
    session.until("Ctrl-C")
    session.press("\x1b")
    session.until(lambda text: "Ctrl-C" not in text)
    session.press("\x1b[B\x1bOBr")  # down, in both modes of the cursor keys
    session.until('1.2.3.4 "GET /images"')
    assert "\\x1b]0;owned\\x07" in session.text()
    session.press("\x1b")
    session.until("▸ /images")
    session.press("\r")
    session.until("only /images")


def test_what_is_no_key_is_passed_over(session: Session) -> None:
    ready(session)
    session.press(
        "\x1b[99~\x1b[<35;9;9M\x1b]" + "x" * (MAX_PENDING + 9)
    )  # unknown, a mouse that only moves, an answer without end
    session.press("\x1b\\?")
    session.until("Ctrl-C")


def test_ctrl_l_draws_everything_anew(session: Session) -> None:
    ready(session)
    session.screen.reset()  # as if another program had cleared it
    session.press("\x0c")
    session.until("/api")


def test_the_mouse_selects_rows_and_its_wheel_moves(session: Session) -> None:
    ready(session)
    row = next(y for y, line in enumerate(session.text().split("\n")) if "/login" in line)
    session.press(f"\x1b[<0;10;{row + 1}M\x1b[<0;10;{row + 1}m")
    session.until("▸ /login")
    session.press("\x1b[<65;10;5M")
    session.until("▸ /feed.xml")


def test_an_alert_is_painted_at_once(session: Session) -> None:
    ready(session)
    session.press("hh")  # the stub's clock stands still: no picture is due but for the alert
    session.until("▲ ALERT  since 21:19:06")


def test_messages_from_inside_show_in_a_line_and_again_on_standard_error(session: Session) -> None:
    ready(session)
    session.press("t\x7f\x7f7\r")
    session.until("a library\\x1b[2J speaks")
    session.press("q")
    assert session.ended() == 0
    after = session.raw[session.raw.rindex(b"\x1b[?1049l") :]
    assert b"monitor: now 7/s\r\nmonitor: a library\\x1b[2J speaks" in after


def colours(raw: bytes) -> set[bytes]:
    return {code for codes in re.findall(rb"\x1b\[([0-9;]*)m", raw) for code in codes.split(b";")}


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({"TERM": "xterm"}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "vt100"}, False), ({"TERM": "linux"}, True)],
)
def test_colours_are_the_terminals_own_and_only_where_wanted(environ: Mapping[str, str], coloured: bool) -> None:
    with Session(STUB, environ=environ) as session:
        session.until("/api")
        assert "OK" in session.text()
        used = {int(code) for code in colours(session.raw) if code}
        assert any(30 <= code <= 37 for code in used) is coloured
        assert used <= {0, 1, 2, 7, *range(30, 38)}
        assert b"\x1b[7m" in session.raw


def test_an_ascii_locale_gets_ascii_alone() -> None:
    with Session(STUB, lines=40, environ={"LC_ALL": "C"}) as session:
        session.until("q quit")
        assert session.raw.isascii()
        assert "/caf\\xc3\\xa9" in session.text()


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"LANG": "de_DE.UTF-8"}, False),
        ({"LANG": "de_DE.ISO-8859-1"}, True),
        ({"LANG": "C.UTF-8"}, False),
        ({"LC_ALL": "C", "LANG": "de_DE.UTF-8"}, True),
        ({"LC_CTYPE": "C.UTF-8", "LANG": "C"}, True),
        ({"LC_CTYPE": "C.UTF-8"}, False),
        ({}, False),
    ],
)
def test_the_locale_is_read_as_it_was_asked_for(environ: Mapping[str, str], expected: bool) -> None:
    assert ascii_only(environ) is expected


def test_pictures_come_four_times_a_second_and_rarely_where_they_are_dear() -> None:
    assert pause(0.0) == pause(0.025) == 0.25
    assert pause(1.5) == 15.0


WHY_NOT = [sys.executable, "-c", "import os; from monitor.output.tui import why_not; print(why_not(os.environ))"]


@pytest.mark.parametrize(
    ("kind", "reason"), [("dumb", "a terminal of kind 'dumb' can't move its cursor"), ("xterm", "None")]
)
def test_a_terminal_that_can_not_move_its_cursor_is_none(kind: str, reason: str) -> None:
    with Session(WHY_NOT, environ={"TERM": kind}) as session:
        assert session.ended() == 0
        assert reason in session.text()


def test_without_a_terminal_there_is_a_reason() -> None:
    done = subprocess.run(WHY_NOT, capture_output=True, text=True, check=True, start_new_session=True)
    assert done.stdout == "standard output is not a terminal\n"


def test_without_a_keyboard_there_is_a_reason() -> None:
    command = f"setsid --wait {shlex.join(WHY_NOT)} < /dev/null"  # of a session of its own, that has no terminal
    with Session(["sh", "-c", command]) as session:
        assert session.ended() == 0
        assert "there is no keyboard: standard input is not a terminal, and none is attached" in session.text().replace(
            "\n", ""
        )


def test_keys_come_from_the_terminal_where_a_log_is_piped_in() -> None:
    with Session(["sh", "-c", f"echo line | {shlex.join(STUB)}"]) as session:
        session.until("/api")
        session.press("?")
        session.until("Ctrl-C")
        session.press("\x1b\x1bq")
        assert session.ended() == 0
        assert left(session)


def test_a_terminal_that_goes_away_ends_the_program() -> None:
    with Session(STUB) as session:
        session.until("/api")
        session.hang_up()
        assert eventually(lambda: os.waitpid(session.pid, os.WNOHANG)[0] == session.pid)
        session.status = 0
