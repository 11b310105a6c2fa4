"""The loops of a run in this process, with a person and wake-ups that are scripts: what they do and in which order."""

from __future__ import annotations

import gzip
import io
import os
import signal
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import monitor.console
import monitor.live
import monitor.playback
from monitor.config import Settings
from monitor.console import Console
from monitor.engine.snapshot import (
    AlertRecord,
    Interval,
    Scope,
    Snapshot,
    Summary,
    Table,
    Transition,
    View,
)
from monitor.errors import TaplineError
from monitor.formats import Columns, Malformed
from monitor.input.follow import Followers
from monitor.input.state import State
from monitor.input.waker import Watched
from monitor.interrupt import Interrupt
from monitor.live import Live
from monitor.output.outlets import Outlets
from monitor.output.text import Times
from monitor.output.tui import ClearFilter, Command, MalformedLines, Quit, RawLines, SetFilter, SetThreshold, Source
from monitor.playback import CLEAR, Playback
from monitor.recent import Kept, Recent
from monitor.session import Session
from monitor.units import Threshold
from tests.monitor.test_recent import line

START = 1_709_640_000  # what test_recent's lines begin with: 5 March 2024, 12:00:00 UTC


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No result depends on how fast the machine is."""
    monkeypatch.setattr(monitor.console, "PORTION", 60)
    monkeypatch.setattr(monitor.live, "LAST_WORDS", 60)


class Person:
    """Who is at the screen: presses what is put down, and keeps what was shown."""

    keyboard = 77
    view = View(Scope.TOTAL)

    def __init__(self, *pressed: Sequence[Command]) -> None:
        self.pressed = list(pressed)
        self.shown: list[tuple[Snapshot, Snapshot | None, bool]] = []
        self.lines: list[bytes] = []
        self.malformed: tuple[Malformed, ...] = ()
        self.source: Source | None = None
        self.patient = False

    def poll(self) -> Sequence[Command]:
        return self.pressed.pop(0) if self.pressed else ()

    def due(self, now: float, cost: float) -> bool:
        return not self.patient

    def show(self, whole: Snapshot, filtered: Snapshot | None, now: float, busy: bool) -> None:
        self.shown.append((whole, filtered, busy))

    def show_raw(self, lines: list[bytes]) -> None:
        self.lines = lines

    def show_malformed(self, samples: tuple[Malformed, ...]) -> None:
        self.malformed = samples


class Listener:
    """Who is told."""

    def __init__(self) -> None:
        self.intervals: list[Interval] = []
        self.transitions: list[Transition] = []
        self.notes: list[str] = []
        self.summaries: list[Summary] = []

    def interval(self, interval: Interval) -> None:
        self.intervals.append(interval)

    def transition(self, transition: Transition, record: AlertRecord) -> None:
        self.transitions.append(transition)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def summary(self, summary: Summary, reading: str) -> None:
        self.summaries.append(summary)


def session(*logs: str, detail: bool = True, **told: Any) -> tuple[Session, Listener]:
    settings, listener = Settings(logs=logs or ("log",), **told), Listener()
    outlets = Outlets(settings, Times(utc=True))
    return Session(settings, lambda _: None, Columns.ALL, [listener], outlets, detail=detail), listener


def console(made: Session, person: Person) -> Console:
    return Console(made, person)  # type: ignore[arg-type]


def count(made: Session, at: Console, data: bytes, log: int = 0, now: float | None = None) -> None:
    """Count a block for the whole and hand it to the console, as a loop does."""
    state = made.reader(log).state
    batch = made.read(log, data)
    made.tell(made.engine.feed(batch, log, now))
    at.take(Kept(log, data, state), batch, now or 0.0)


CLIENT = SetFilter(Table.CLIENTS, b"2.2.2.2")
MIXED = b"".join(line(n, "/a/x", "2.2.2.2" if n % 4 == 0 else "1.1.1.1") for n in range(40))


def test_a_filter_counts_what_passes_of_the_lines_kept_and_of_those_that_come(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = session(replay=True)
    person = Person((), [CLIENT], [], [], [ClearFilter()])
    screen = console(made, person)
    count(made, screen, MIXED)
    assert screen.serve(0.0)
    monkeypatch.setattr(monitor.console, "PORTION", 0)  # no time for it: what comes meanwhile waits in its turn
    assert screen.serve(0.0)
    assert screen.busy
    count(made, screen, MIXED)
    monkeypatch.setattr(monitor.console, "PORTION", 60)
    assert screen.serve(0.0)
    assert not screen.busy
    count(made, screen, MIXED)
    assert screen.serve(0.0)
    assert screen.serve(0.0)
    told = [(whole.traffic.hits, filtered and filtered.traffic.hits, busy) for whole, filtered, busy in person.shown]
    assert told == [(40, None, False), (40, 0, True), (80, 20, False), (120, 30, False), (120, None, False)]
    assert person.source is not None
    assert (person.source.log, person.source.replay) == ("log", True)


def test_a_filter_that_is_taken_away_stops_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = session(replay=True)
    person = Person([CLIENT], [ClearFilter()])
    screen = console(made, person)
    count(made, screen, MIXED)
    monkeypatch.setattr(monitor.console, "PORTION", 0)
    screen.serve(0.0)
    screen.serve(0.0)
    assert not screen.busy
    assert person.shown[-1][1] is None


def test_another_threshold_holds_for_the_whole_and_for_what_a_filter_shows() -> None:
    made, _ = session(replay=True)
    one, two = Threshold.parse("7/min"), Threshold.parse("8/min")
    person = Person([SetThreshold(one)], [CLIENT, SetThreshold(two)])
    screen = console(made, person)
    screen.serve(0.0)
    screen.serve(0.0)
    (first, _, _), (second, filtered, _) = person.shown
    assert filtered is not None
    assert (first.threshold, second.threshold, filtered.threshold) == (one, two, two)


def test_a_filter_reads_a_kept_block_as_it_was_first_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor.console, "Recent", lambda: Recent(1))  # the newest block alone: without the header
    made, _ = session(replay=True)
    person = Person([SetFilter(Table.CLIENTS, b"1.1.1.1")])
    screen = console(made, person)
    count(made, screen, b"#Fields: date time cs-uri-stem c-ip sc-status cs-method\n")
    count(made, screen, b"2024-03-05 12:00:00 /x/y 1.1.1.1 200 GET\n" * 3)
    screen.serve(0.0)
    assert [filtered and filtered.traffic.hits for _, filtered, _ in person.shown] == [3]


def test_nothing_is_added_up_for_a_picture_that_is_not_due() -> None:
    made, _ = session(replay=True)
    person = Person([CLIENT])
    person.patient = True
    screen = console(made, person)
    count(made, screen, MIXED)
    assert screen.serve(0.0)
    assert person.shown == []
    person.patient = False
    screen.serve(0.0)
    assert [filtered and filtered.traffic.hits for _, filtered, _ in person.shown] == [10]


def test_live_the_clock_of_what_a_filter_shows_goes_on_in_silence_too() -> None:
    made, _ = session()
    person = Person([CLIENT])
    screen = console(made, person)
    now = time.monotonic()
    count(made, screen, MIXED, now=now)
    screen.serve(now)
    screen.serve(now + 3600)
    filtered = person.shown[-1][1]
    assert filtered is not None
    assert filtered.clock is not None
    assert filtered.clock >= START + 3600
    assert filtered.traffic.hits == 10


def test_raw_and_malformed_lines_are_shown_as_they_were_written() -> None:
    made, _ = session("a", "b", replay=True)
    person = Person([RawLines(Table.CLIENTS, b"2.2.2.2"), MalformedLines()])
    screen = console(made, person)
    count(made, screen, line(0, host="2.2.2.2") + line(1))
    count(made, screen, b"rubbish\n" + line(2, host="2.2.2.2"), log=1)
    screen.serve(0.0)
    assert person.lines == [line(0, host="2.2.2.2"), line(2, host="2.2.2.2")]
    assert [(sample.line, sample.text) for sample in person.malformed] == [(1, b"rubbish")]
    assert person.source is not None
    assert person.source.log == "2 logs"


def test_who_leaves_is_shown_no_more_and_what_was_pressed_behind_that_is_not_done() -> None:
    made, _ = session(replay=True)
    person = Person([Quit(), SetThreshold(Threshold.parse("1/min"))])
    assert not console(made, person).serve(0.0)
    assert person.shown == []
    assert made.engine.snapshot(View()).threshold == Threshold.parse("10")


# A live run


class Script:
    """Wakes as told: each wait does the next thing, and with the last one comes the wish to stop."""

    def __init__(self, interrupt: Interrupt, *things: Callable[[], object]) -> None:
        self.message: str | None = None
        self.watched: list[Watched] = []
        self._interrupt = interrupt
        self._things = list(things)

    def wait(self, timeout: float, watched: Watched) -> None:
        self.watched.append(watched)
        if self._things:
            self._things.pop(0)()
        if not self._things:
            self._interrupt.signal = signal.SIGTERM


def append(path: Path, *data: bytes) -> Callable[[], object]:
    def write() -> None:
        with path.open("ab") as end:
            end.write(b"".join(data))

    return write


def lived(
    *logs: Path, things: Sequence[Callable[[], object]] = (), person: Person | None = None, state: State | None = None
) -> tuple[Listener, Script]:
    made, listener = session(*map(str, logs), detail=person is not None)
    interrupt = Interrupt()
    script = Script(interrupt, *things)
    followers = Followers(list(map(str, logs)), state.saved if state else None)
    screen = console(made, person) if person else None
    Live(made, followers, script, interrupt, screen, state).run()  # type: ignore[arg-type]
    followers.close()
    return listener, script


def test_what_was_written_before_the_wish_to_stop_is_counted(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    things = [append(log, line(0), line(0)), append(log, b"".join(line(n // 6) for n in range(2, 20_000)))]
    listener, _ = lived(log, things=things)
    (summary,) = listener.summaries
    assert summary.traffic.hits == sum(interval.traffic.hits for interval in listener.intervals) == 20_000


def test_a_backlog_is_read_in_portions_with_the_screen_painted_in_between(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    person = Person()
    things = [append(log, b"".join(line(n // 6) for n in range(20_000))), lambda: None]
    lived(log, things=things, person=person)
    hits = [whole.traffic.hits for whole, _, _ in person.shown]
    assert hits == sorted(hits)
    assert hits[-1] == 20_000
    assert len({*hits} - {0, 20_000}) > 1


def test_a_waker_that_has_something_to_say_is_heard_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    made, listener = session(str(log))
    interrupt = Interrupt()
    script = Script(interrupt)
    script.message = "no notifications here"
    followers = Followers([str(log)])
    Live(made, followers, script, interrupt).run()  # type: ignore[arg-type]
    followers.close()
    assert listener.notes == ["no notifications here"]
    assert script.message is None


def test_with_a_screen_the_keyboard_wakes_and_whoever_leaves_ends_the_run(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    person = Person((), (), [Quit()])
    things = [append(log, line(0)), append(log, line(1)), lambda: None]
    listener, script = lived(log, things=things, person=person)
    assert all(Person.keyboard in watched.descriptors for watched in script.watched)
    assert len(script.watched) == 2
    assert [whole.traffic.hits for whole, _, _ in person.shown] == [0, 1]
    assert listener.summaries[0].traffic.hits == 2


@pytest.mark.parametrize(("person", "waits"), [(None, 1), (Person((), (), (), [Quit()]), 3)])
def test_a_screen_stays_when_every_pipe_has_ended_and_without_one_the_run_ends(
    person: Person | None, waits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, end = os.pipe()
    monkeypatch.setattr("monitor.input.stream.STDIN", begin)
    os.write(end, line(0))
    things = [lambda: os.close(end), *[lambda: None] * 3]
    listener, script = lived(Path("-"), things=things, person=person)
    os.close(begin)
    assert listener.summaries[0].traffic.hits == 1
    assert len(script.watched) == waits


@pytest.mark.parametrize("length", [600, 1400])  # the longer one has to be read back further to be known
def test_a_live_start_reads_as_much_of_all_logs_back_as_it_takes_and_as_one(length: int, tmp_path: Path) -> None:
    logs = [tmp_path / "a", tmp_path / "b"]
    for log in logs:
        log.write_bytes(b"".join(line(second) * (8 if second >= 500 else 1) for second in range(length)))
    listener, _ = lived(*logs)
    (raised,) = listener.transitions
    # Both have 1 a second, then 8 from 500 on: of the past 120 seconds k at 16 and the others at 2 hold over 1,200.
    k = next(k for k in range(120) if 16 * k + 2 * (120 - k) > 1200)
    assert (raised.at, raised.since_before) == (START + 500 + k - 1, False)
    assert listener.summaries[0].traffic.hits == 0


@pytest.mark.parametrize("whole", [True, False])
def test_an_alert_that_was_on_where_reading_back_had_to_end_is_on_since_before(
    whole: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"".join(line(second) * 20 for second in range(2000)))
    size = log.stat().st_size
    monkeypatch.setattr("monitor.input.follow.BUDGET", 2 * size if whole else size // 4)
    listener, _ = lived(log)
    (raised,) = listener.transitions
    assert raised.since_before is not whole
    assert (raised.at <= START + 60) is whole


def test_what_the_run_before_had_not_told_is_told_and_nothing_twice(tmp_path: Path) -> None:
    log, kept = tmp_path / "log", tmp_path / "state"
    log.touch()
    first = append(log, b"".join(line(second) for second in range(34)))

    def ends_without_a_word() -> None:
        raise KeyboardInterrupt  # as a kill would, for all that is kept

    with pytest.raises(KeyboardInterrupt):
        lived(log, things=[first, lambda: None, ends_without_a_word], state=State(kept))
    append(log, b"".join(line(second) for second in range(34, 50)))()
    listener, _ = lived(log, state=State(kept))
    told = {one.start - START: (one.traffic.hits, one.window_hits) for one in listener.intervals}
    assert told == {20: (10, 30), 30: (10, 40), 40: (10, 50)}
    assert listener.summaries[0].traffic.hits == 30


def test_logs_in_which_nothing_stands_yet_are_followed_all_the_same(tmp_path: Path) -> None:
    logs = [tmp_path / "a", tmp_path / "b"]
    for log in logs:
        log.write_bytes(b"rubbish\n")
    listener, _ = lived(*logs, things=[append(logs[0], b"rubbish\n"), append(logs[1], line(0))])
    (summary,) = listener.summaries
    assert (summary.traffic.hits, summary.malformed) == (1, 1)


def test_what_the_logs_have_to_say_is_told(tmp_path: Path) -> None:
    pattern = tmp_path / "*.log"
    listener, _ = lived(pattern)
    assert listener.notes == [f"{pattern}: no file matches yet; waiting for one"]


# A replay


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def played(log: Path, person: Person | None = None, *, stopped: bool = False, **told: Any) -> Listener:
    made, listener = session(str(log), replay=True, **told)
    interrupt = Interrupt()
    if stopped:
        interrupt.signal = signal.SIGINT
    Playback(made, interrupt, console(made, person) if person else None).run()
    return listener


def test_progress_is_written_over_and_over_on_a_terminal_and_is_gone_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr("sys.stdout", io.StringIO())
    log = tmp_path / "log"
    log.write_bytes(MIXED)
    monkeypatch.setattr(monitor.playback, "PROGRESS", 0)
    played(log)
    first, told, end = terminal.getvalue().split(CLEAR)
    assert (first, end) == ("", "")
    assert "lines/s" in told


def test_a_paced_replay_waits_for_each_second_and_ends_when_the_person_leaves(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"".join(map(line, range(100))))
    person = Person((), (), (), [Quit()])
    listener = played(log, person, speed=Fraction(1))  # 100 s, were nobody to leave
    assert 0 < listener.summaries[0].traffic.hits < 100
    assert played(log, speed=Fraction(10_000)).summaries[0].traffic.hits == 100


def test_who_leaves_a_replay_at_full_speed_gets_the_summary_of_what_was_read(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"".join(line(n % 3600) for n in range(30_000)))
    hits = played(log, Person([Quit()])).summaries[0].traffic.hits
    assert 0 < hits < 30_000


def test_an_interrupted_replay_sums_up_what_was_read(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(MIXED)
    assert [summary.lines for summary in played(log, stopped=True).summaries] == [0]


def test_of_a_packed_log_that_is_cut_off_what_can_be_read_is_told_before_the_error(tmp_path: Path) -> None:
    log = tmp_path / "log.gz"
    log.write_bytes(gzip.compress(MIXED * 500)[:-9])
    made, listener = session(str(log), replay=True)
    with pytest.raises(TaplineError, match=r"log\.gz"):
        Playback(made, Interrupt()).run()
    assert listener.summaries[0].traffic.hits > 10_000
