"""The real program on a pseudo-terminal: keys, sizes, a hostile log."""

import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.pseudo_terminal import Session

MONITOR = [sys.executable, "-m", "monitor", "--output", "tui", "--utc"]
# Everything that the program itself may send: modes, cursor, colours, and nothing else that begins with an escape.
OWN = re.compile(
    rb"\x1b\[\?(?:1049|25|12|7|1000|1006|2026)[hl]|\x1b\[8[hl]|\x1b\[\??1[hl]|\x1b\[22;0;0t|\x1b\[23;0;0t"
    rb"|\x1b\[[0-9;]*[mH]|\x1b\[2?J|\x1b\[34[hl]|\x1b\[\?12;25h|\x1b\(B"
)


def line(path: bytes, at: float, status: int = 200, client: bytes = b"192.0.2.7") -> bytes:
    when = datetime.fromtimestamp(at, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000").encode()
    return b'%s - - [%s] "GET %s HTTP/1.1" %d 512\n' % (client, when, path, status)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.touch()
    return path


def append(log: Path, *lines: bytes) -> None:
    with log.open("ab") as end:
        end.write(b"".join(lines))


def busy_minute() -> list[bytes]:
    """Ten hits a second up to now."""
    paths = (b"/api/users", b"/images/a.png", b"/login", b"/")
    now = time.time()
    return [line(paths[n % 7 % 4], now - 60 + n / 10) for n in range(600)]


@pytest.fixture
def start(log: Path) -> Iterator[Callable[..., Session]]:
    """Start the program on the log, and let a busy minute come once it looks."""
    started: list[Session] = []

    def run(*options: str, columns: int = 100, lines: int = 30) -> Session:
        session = Session([*MONITOR, str(log), *options], columns, lines)
        started.append(session)
        session.until("of threshold")
        append(log, *busy_minute())
        session.until("/api")
        return session

    yield run
    for session in started:
        session.__exit__()


def test_a_live_log_is_shown_with_its_alert_and_left_clean(start: Callable[..., Session]) -> None:
    session = start("--threshold", "1")
    session.until("ALERT")
    session.press("q")
    assert session.ended() == 0
    after = session.raw[session.raw.rindex(b"\x1b[?1049l") :]
    assert b"High traffic generated an alert - hits = " in after


def test_what_was_said_stays_in_the_headline_until_a_line_comes(tmp_path: Path, log: Path) -> None:
    (tmp_path / "later.log").mkdir()
    with Session([*MONITOR, str(tmp_path / "later.log"), str(log)], 120, 30) as session:
        session.until(lambda text: text.count("later.log: is a directory") == 2)  # and in the last line
        session.press("w")
        session.until(lambda text: "q quit" in text and "WAIT" in text and "later.log: is a directory" in text)
        append(log, *busy_minute())
        session.until(lambda text: "/api" in text and "is a directory" not in text)


def test_an_alert_that_was_on_when_the_monitor_stopped_is_seen_when_it_is_back(tmp_path: Path, log: Path) -> None:
    alerts = tmp_path / "alerts.jsonl"
    append(log, *busy_minute())
    options = ["--threshold", "1", "--alert-log", str(alerts)]
    with Session([*MONITOR, str(log), *options], 150, 30) as session:
        session.until("ALERT")
        session.press("q")
        assert session.ended() == 0
    began = re.search(r"triggered at (\S+ \S+) ", alerts.read_text())
    assert began
    log.write_bytes(b"")  # what is in it now tells nothing of the end
    with Session([*MONITOR, str(log), *options], 150, 30) as session:
        session.until(lambda text: f"triggered at {began[1]}" in text and "end not seen" in text)
        append(log, line(b"/", time.time()))
        session.until(lambda text: "over since before" in text and "lasted at most" in text)
        assert f"triggered at {began[1]}" in session.text()
        session.press("q")
        assert session.ended() == 0
        assert "no longer kept" not in session.raw.decode()
    assert re.findall(r'"state":"(\w+)"', alerts.read_text()) == ["raised", "recovered"]


def test_new_lines_appear_while_it_runs(start: Callable[..., Session], log: Path) -> None:
    session = start()
    append(log, *(line(b"/brandnew/x", time.time() + 11, 503) for _ in range(50)))
    session.press("a")
    session.until("/brandnew")


def test_a_filter_shows_one_client_alone_and_goes_away(start: Callable[..., Session], log: Path) -> None:
    session = start()
    append(log, *(line(b"/only/here", time.time(), client=b"198.51.100.9") for _ in range(9)))
    session.press("a2")
    session.until("198.51.100.9")
    session.press("/198\r\r")
    session.until("only 198.51.100.9")
    session.press("1")
    session.until(lambda text: "/only" in text and "/login" not in text)
    session.press("\x1b")
    session.until(lambda text: "/login" in text and "only 198" not in text)


def test_raw_lines_of_the_selected_row(start: Callable[..., Session]) -> None:
    session = start()
    session.press("a")
    session.until(" since ")
    session.press("/login\rr")
    session.until('"GET /login HTTP/1.1" 200 512')


def test_keys_typed_ahead_mean_what_they_mean_in_the_pictures_to_come(start: Callable[..., Session]) -> None:
    session = start()
    session.press("a4\r1/login\rr\x1b\x1b\x1b3")
    session.until(lambda text: "Statuses" in text and "only " not in text)
    session.press("4\r1")
    session.until(lambda text: "only GET" in text and "/api" in text)


def test_the_threshold_changes_while_it_runs_and_the_report_says_so(start: Callable[..., Session], log: Path) -> None:
    page = log.parent / "report.html"
    session = start("--threshold", "1000", "--html", str(page))
    session.until("of threshold 1000/s")
    session.press("t" + "\x7f" * 10 + "7/min\r")
    session.until("of threshold 7/min")
    session.press("q")
    assert session.ended() == 0
    assert re.search(r"More than 1000/s of hits .* The threshold was changed: 7/min from ", page.read_text())


def test_every_size_is_taken_at_once(start: Callable[..., Session]) -> None:
    session = start()
    session.press("\x1b")
    for columns, lines in ((60, 15), (211, 57), (80, 24)):
        session.resize(columns, lines)
        session.until(lambda text, end=lines: len(text.split("\n")) == end and "q quit" in text.split("\n")[-1])


def test_no_byte_of_a_hostile_log_reaches_the_terminal_raw(start: Callable[..., Session], log: Path) -> None:
    now = time.time()
    controls = [bytes([n]) for n in (*range(1, 10), *range(11, 32), *range(127, 160))]
    sequences = [b"\x1b[2J", b"\x1b]0;owned\x07", b"\x1bP+q544e\x1b\\", b"\x1b[6n", b"\xc2\x9b31m", b"\x1b[?1049l"]
    others = [
        "\u202egpj.exe",
        "\u2066x\u2069",
        "日本語",
        "e\u0301" * 9,
        "\u05d0\u05d1\u05d2",
        "\U0001f469\u200d\U0001f680",
    ]
    paths = [*controls, *sequences, *(text.encode() for text in others)]
    session = start("--threshold", "1", columns=130, lines=60)
    for name in paths:
        append(log, line(b"/" + name + b"/x", now, client=b"h" + name.replace(b" ", b"")), b"malformed " + name + b"\n")
    session.press("a")
    session.until("since")
    for keys in ("GG", "2", "GG", "1", "r", "\x1b", "e", "\x1b", "/\x1b"):
        session.press(keys)
        session.pump(0.4)
    session.press("q")
    session.until(lambda text: True)
    assert session.ended() == 0
    left = OWN.sub(b"", session.raw).decode()
    foreign = {character for character in left if not (character.isprintable() or character in "\r\n\t\x0f")}
    assert foreign == set()


def test_malformed_lines_are_numbered_through_the_log(start: Callable[..., Session], log: Path) -> None:
    session = start("--threshold", "99")
    for number in (601, 602):
        append(log, b"rubbish %d\n" % number)
        session.until(f" {number} lines")
    session.press("e")
    text = session.until("rubbish 602")
    assert "line 601: " in text
    assert "line 602: " in text


def test_sigterm_leaves_the_terminal_as_it_was(start: Callable[..., Session]) -> None:
    session = start()
    os.kill(session.pid, signal.SIGTERM)
    assert session.ended() == 0
    assert b"\x1b[?25h" in session.raw[session.raw.rindex(b"\x1b[?1049l") - 60 :]


def test_ctrl_c_ends_with_130(start: Callable[..., Session]) -> None:
    session = start()
    session.press("\x03")
    assert session.ended() == 130
    assert b"\x1b[?1049l" in session.raw


def test_an_interval_that_is_looked_at_stays_in_view_while_others_end(log: Path, start: Callable[..., Session]) -> None:
    session = start("--interval", "1")
    session.press("hhh")
    viewed = re.search(r"\S+ → \S+, 3 back", session.until("3 back"))
    assert viewed
    stays = viewed[0].removesuffix("3 back")
    append(log, *(line(b"/x", time.time()) for _ in range(9)))
    shown = session.until(lambda text: bool(re.search(r", [4-9] back|, \d\d back", text)))
    assert stays in shown
