"""The full-screen presenter: holds the person's choices, paints when it is time, never blocks."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import FrameType, TracebackType
from typing import Any

from monitor.engine.snapshot import AlertRecord, Interval, Scope, Snapshot, Summary, Transition, View
from monitor.errors import TaplineError
from monitor.formats.batch import Malformed
from monitor.output.plain import Plain
from monitor.output.text import Times, message, safe
from monitor.output.tui.frame import Frame
from monitor.output.tui.painter import Painter
from monitor.output.tui.picture import Picture, Source
from monitor.output.tui.state import Command, Mode, Quit, State, press
from monitor.output.tui.terminal import HangupError, Input, Mouse, Screen
from monitor.output.tui.theme import ASCII, CONSOLE, UNICODE, Theme
from monitor.output.tui.views import layout, render

FRAME = 0.25  # s: at most four pictures a second, unless a key or an alert asks for one at once
NOTE = 20.0  # s that a message stays in the last line
MAX_NOTES = 1000  # messages kept for standard error; the oldest go first

Handler = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None


def ascii_only(environ: Mapping[str, str]) -> bool:
    """Whether the locale asked for knows nothing beyond ASCII; Python itself turns a plain C into C.UTF-8."""
    asked = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    if asked.upper() == "C.UTF-8" and not environ.get("LC_ALL") and environ.get("LANG") in ("C", "POSIX"):
        return True
    codeset = asked.partition(".")[2].partition("@")[0].upper().replace("-", "")
    return asked in ("C", "POSIX") or codeset not in ("", "UTF8")


def pause(cost: float) -> float:
    """Return the s from one picture to the next, so that adding up takes at most a tenth of the time."""
    return max(FRAME, 10 * cost)


class _Stderr(io.TextIOBase):
    """Stands in for standard error: what is written becomes messages, a line each."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._rest = ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            if line.strip():
                self._tell(line.strip())
        return len(text)


class Tui:
    """A presenter that takes over the terminal while it is entered (``with``)."""

    def __init__(
        self, source: Source, times: Times, wake: Callable[[], None], environ: Mapping[str, str] = os.environ
    ) -> None:
        """``wake`` is called from signal handlers, when ``poll`` would have something to do: it must take no lock."""
        self.source = source
        self._times = times
        self._wake = wake
        self._screen = Screen()
        plain = ascii_only(environ)
        glyphs = ASCII if plain else CONSOLE if self._screen.kind.startswith("linux") else UNICODE
        self._theme = Theme(glyphs, times, plain)
        self._painter = Painter(self._screen.styles(), self._screen.normal, self._screen.move)
        self._state = State()
        self._picture: Picture | None = None
        self._frame: Frame | None = None
        self._viewed: View | None = None  # what the picture was asked for with
        self._typed: deque[Input] = deque()  # not yet understood
        self._painted = float("-inf")  # when; monotonic s
        self._urgent = True
        self._stop = False
        self._note = ""
        self._note_until: float | None = None
        self._notes: deque[str] = deque(maxlen=MAX_NOTES)
        self._told: tuple[Summary, str] | None = None
        self._handlers: dict[int, Handler] = {}
        self._stderr = sys.stderr

    # -- the terminal, from entering to leaving

    def __enter__(self) -> Tui:
        """Take the terminal over."""
        self._stderr = sys.stderr
        sys.stderr = _Stderr(self.note)
        try:
            self._catch_signals()
            self._screen.enter()
            self._paint()
        except BaseException:
            self._restore()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the terminal back; then say what was said meanwhile, and the whole if it was told."""
        self._restore()
        with contextlib.suppress(OSError, TaplineError):  # the terminal may be gone
            for note in self._notes:
                sys.stderr.write(f"monitor: {safe(note)}\n")
            if self._told is not None:
                if isinstance(sys.stdout, io.TextIOWrapper):
                    sys.stdout.reconfigure(errors="backslashreplace")
                Plain(sys.stdout, sys.stderr, self._times, self.source.replay).summary(*self._told)

    def _restore(self) -> None:
        self._screen.leave()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        sys.stderr = self._stderr

    def _catch_signals(self) -> None:
        wanted: dict[signal.Signals, Callable[[int, FrameType | None], None]] = {
            signal.SIGWINCH: self._on_resize,
            signal.SIGTSTP: self._on_suspend,
        }
        # Who ends the program in a way of his own keeps it.
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            if signal.getsignal(number) is signal.SIG_DFL:
                wanted[number] = self._on_end
        for number, handler in wanted.items():
            self._handlers[number] = signal.signal(number, handler)

    def _on_resize(self, number: int, frame: FrameType | None) -> None:
        self._urgent = True
        self._wake()

    def _on_end(self, number: int, frame: FrameType | None) -> None:
        self._stop = True
        self._wake()

    def _on_suspend(self, number: int, frame: FrameType | None) -> None:
        self._screen.leave()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)  # here the shell has its turn, until fg
        signal.signal(signal.SIGTSTP, self._on_suspend)
        try:
            self._screen.enter()
        except HangupError:
            self._stop = True
        self._painter.forget()
        self._urgent = True
        self._wake()

    # -- what the app calls

    @property
    def keyboard(self) -> int:
        """The descriptor to wait for: readable when ``poll`` would have keys to take."""
        return self._screen.keyboard

    @property
    def view(self) -> View:
        """What to ask the engine for: all since the start as long as there is no interval to look at."""
        view = self._state.view
        begun = self._picture is None or self._picture.shown.points
        return view if begun else replace(view, scope=Scope.TOTAL)

    def poll(self) -> list[Command]:
        """Take what was pressed since; show what that changes; return what the app is asked to do."""
        commands: list[Command] = []
        try:
            self._typed.extend(self._screen.read())
        except HangupError:
            self._stop = True
        pressed = bool(self._typed)
        # A key means what it means in the picture that the one before it brings about: until then it waits.
        while self._typed and not commands and (self._picture is None or self.view == self._viewed):
            commands += self._press(self._typed.popleft())
        if commands:
            self._viewed = None
        if self._typed:
            self._wake()
        if pressed and self._picture and self._note:  # whoever presses a key has read it
            self._note, self._note_until = "", None
            self._picture = replace(self._picture, note="")
        if (pressed or self._urgent) and self.view == self._viewed:  # of another view there is no picture yet
            self._paint()
        if self._stop:
            commands.append(Quit())
        return commands

    def due(self, now: float, cost: float = 0.0) -> bool:
        """Whether it is time for ``show`` (monotonic s); ``cost``: s that adding up the last picture took."""
        return self._urgent or self.view != self._viewed or now - self._painted >= pause(cost)

    def show(self, whole: Snapshot, filtered: Snapshot | None, now: float, behind: bool = False) -> None:
        """Paint what was counted, all of it and of what passes the filter; a pause keeps the picture as it is.

        ``behind``: the filter has not seen all lines yet.
        """
        self._painted = now
        self._urgent = False
        if self._note_until is None and self._note:
            self._note_until = now + NOTE
        if self._note_until is not None and now > self._note_until:
            self._note, self._note_until = "", None
        if not self._state.paused or self.view != self._viewed or self._picture is None or self._picture.behind:
            self._viewed = self.view
            waiting = self._notes[-1] if whole.clock is None and self._notes else ""
            self._picture = Picture(self.source, whole, filtered or whole, self._note, behind, waiting)
        else:
            self._picture = replace(self._picture, note=self._note)
        self._paint()

    def show_raw(self, lines: Sequence[bytes]) -> None:
        """Cover the tables with the raw lines that were asked for, the newest last."""
        self._state = replace(self._state, mode=Mode.RAW, raw=tuple(lines), offset=max(0, len(lines) - 1))
        self._paint()

    def show_malformed(self, samples: Sequence[Malformed]) -> None:
        """Cover the tables with the malformed lines that were asked for, the newest last."""
        offset = max(0, 2 * len(samples) - 1)
        self._state = replace(self._state, mode=Mode.MALFORMED, malformed=tuple(samples), offset=offset)
        self._paint()

    # -- as a presenter

    def interval(self, interval: Interval) -> None:
        """Keep a past interval in view where it is, now that it is one further back."""
        if self._state.back and self._picture:
            kept = len(self._picture.shown.points)
            self._state = replace(self._state, back=max(1, min(self._state.back + 1, kept - 1)))

    def transition(self, transition: Transition, record: AlertRecord) -> None:
        """Show it at once; in a pause, in the last line."""
        self._urgent = True
        if self._state.paused:  # the picture stands still, but this can't wait
            self._say(message(transition, self._times))

    def note(self, text: str) -> None:
        """Show a message for a while, and keep it for standard error."""
        self._notes.append(text)
        self._say(text)

    def summary(self, summary: Summary, reading: str) -> None:
        """Keep the whole, to be written when the screen is gone."""
        self._told = summary, reading

    # -- inside

    def _say(self, text: str) -> None:
        self._note, self._note_until = text, None
        self._state = replace(self._state, message="")
        self._urgent = True

    def _press(self, key: Input) -> list[Command]:
        if isinstance(key, Mouse):
            there = self._frame.key_at(key.x, key.y) if self._frame else None
            if key.key == "click":
                name = there or ""
            elif there == "8":
                name = "J" if key.key == "wheel_down" else "K"
            else:
                name = key.key
        elif key == "^l":  # something else has written to the terminal
            self._painter.forget()
            name = ""
        else:
            name = key
        page = layout(*self._screen.size()).page(self._state.mode)
        self._state, commands = press(self._state, name, self._picture, page) if name else (self._state, [])
        return commands

    def _paint(self) -> None:
        width, height = self._screen.size()
        frame = render(self._picture, self._state, width, height, self._theme)
        try:
            if self._frame is not None and (self._frame.width, self._frame.height) != (width, height):
                self._painter.forget()
                self._screen.clear()
            self._screen.write(self._painter.paint(frame))
        except HangupError:
            self._stop = True
        self._frame = frame
