"""The terminal itself: entering and leaving the full screen, its size, its keys. The only module that knows blessed."""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import select
import termios
import tty
from collections.abc import Mapping
from typing import Any, NamedTuple

from blessed import Terminal
from blessed.keyboard import get_keyboard_codes, get_keyboard_sequences, resolve_sequence

from monitor.output.tui.frame import Style

ESCAPE_WAIT = 0.05  # s until an escape character is the key of that name and not the beginning of a sequence
MAX_PENDING = 4096  # characters of an unfinished sequence; more is thrown away

# Sent as they are, without asking first: who does not know a private mode ignores it, and an answer that does not come
# would cost seconds. Autowrap off; the terminal's own reordering of right-to-left text off (ECMA-48 BDSM), for it would
# carry digits across columns; mouse clicks and wheel, in SGR coordinates.
_MODES = ("\x1b[?7l\x1b[8l\x1b[?1000h\x1b[?1006h", "\x1b[?1006l\x1b[?1000l\x1b[8h\x1b[?7h")

_TOKEN = re.compile(
    r"\x1b\[<(?P<button>\d{1,4});(?P<x>\d{1,5});(?P<y>\d{1,5})(?P<end>[Mm])"  # mouse, SGR coordinates
    r"|\x1b\[M[\s\S]{3}"  # mouse as old terminals tell it: understood as one thing, and ignored
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1bO[ -~]"  # SS3
    r"|\x1b[\]P^_X][^\x07\x1b]*(?:\x07|\x1b\\)"  # an answer nobody asked for
    r"|(?P<escaped>\x1b[^\[O\]P^_X\x1b])"  # Alt and a key, or Escape and a key
    r"|\x1b(?=\x1b)"
    r"|[^\x1b]"
)
_NAMES = {
    "KEY_UP": "up",
    "KEY_DOWN": "down",
    "KEY_LEFT": "left",
    "KEY_RIGHT": "right",
    "KEY_PGUP": "page_up",
    "KEY_PGDOWN": "page_down",
    "KEY_HOME": "home",
    "KEY_FIND": "home",
    "KEY_END": "end",
    "KEY_SELECT": "end",
    "KEY_ENTER": "enter",
    "KEY_TAB": "tab",
    "KEY_BTAB": "shift_tab",
    "KEY_BACKSPACE": "backspace",
    "KEY_DELETE": "backspace",
    "KEY_ESCAPE": "escape",
    "KEY_EXIT": "escape",
    "KEY_CTRL_C": "^c",
    "KEY_CTRL_U": "^u",
    "KEY_CTRL_D": "^d",
    "KEY_CTRL_F": "^f",
    "KEY_CTRL_B": "^b",
    "KEY_CTRL_L": "^l",
}


class Mouse(NamedTuple):
    """A click or a turn of the wheel over a cell; ``key`` is ``click``, ``wheel_up`` or ``wheel_down``."""

    key: str
    x: int
    y: int


Input = str | Mouse


class HangupError(Exception):
    """The terminal is gone."""


def why_not(environ: Mapping[str, str]) -> str | None:
    """Why there can be no full screen here, or None."""
    if not os.isatty(1):
        return "standard output is not a terminal"
    try:
        os.close(_open_keyboard())
    except OSError:
        return "there is no keyboard: standard input is not a terminal, and none is attached"
    if environ.get("TERM", "") in ("", "dumb", "unknown"):
        return f"a terminal of kind {environ.get('TERM', '') or 'unknown'!r} can't move its cursor"
    return None


def _open_keyboard() -> int:
    """Standard input, or where a log is piped in there, the terminal that the program was started from."""
    return os.dup(0) if os.isatty(0) else os.open("/dev/tty", os.O_RDONLY | os.O_CLOEXEC)


class Screen:
    """The terminal as a full screen."""

    def __init__(self) -> None:
        """Learn what the terminal can; sends nothing."""
        self.keyboard = _open_keyboard()
        self._out = os.dup(1)
        # Blessed would drop all sequences, the cursor's too, where NO_COLOR is set; and with a stream that is not
        # sys.stdout it asks the terminal nothing, which where no answer comes takes ten seconds.
        no_color = os.environ.pop("NO_COLOR", None)
        try:
            self._terminal = Terminal(stream=os.fdopen(self._out, "w", encoding="utf-8"), force_styling=True)
        finally:
            if no_color is not None:
                os.environ["NO_COLOR"] = no_color
        self.colored = not no_color and self._terminal.number_of_colors >= 8
        self.kind = str(self._terminal.kind)
        self.normal = str(self._terminal.normal)
        self._codes = get_keyboard_codes()
        self._sequences = get_keyboard_sequences(self._terminal)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = ""
        self._saved: list[Any] | None = None

    def styles(self) -> dict[Style, str]:
        """The sequences of every style, from the terminal's own palette and attributes."""
        t = self._terminal
        bold, dim, reverse = str(t.bold), str(t.dim), str(t.reverse)
        plain = {
            Style.TEXT: "",
            Style.DIM: dim,
            Style.STRONG: bold,
            Style.TITLE: bold + reverse,
            Style.GOOD: "",
            Style.BAD: bold,
            Style.WARN: bold,
            Style.CALM: reverse,
            Style.ALARM: bold + reverse,
            Style.BADGE: reverse,
            Style.BAR: "",
            Style.BAR_ALERT: bold,
            Style.LIMIT: bold,
            Style.LIMIT_ON_BAR: reverse,
            Style.LIMIT_ON_ALERT: reverse,
            Style.SELECTED: reverse,
            Style.KEY: reverse,
        }
        if not self.colored:
            return plain
        red, green, cyan, magenta, yellow = (str(c) for c in (t.red, t.green, t.cyan, t.magenta, t.yellow))
        return plain | {
            Style.TITLE: bold + cyan + reverse,
            Style.GOOD: green,
            Style.BAD: bold + red,
            Style.WARN: yellow,
            Style.CALM: bold + green + reverse,
            Style.ALARM: bold + red + reverse,
            Style.BADGE: bold + magenta + reverse,
            Style.BAR: cyan,
            Style.BAR_ALERT: red,
            Style.LIMIT: magenta,
            Style.LIMIT_ON_BAR: cyan + reverse,
            Style.LIMIT_ON_ALERT: red + reverse,
            Style.KEY: bold + cyan,
        }

    def enter(self) -> None:
        """Take the terminal over."""
        t = self._terminal
        self._saved = termios.tcgetattr(self.keyboard)
        tty.setcbreak(self.keyboard, termios.TCSANOW)
        settings = termios.tcgetattr(self.keyboard)
        settings[0] &= ~termios.IXON  # Ctrl-S would stop the counting, too
        termios.tcsetattr(self.keyboard, termios.TCSANOW, settings)
        self.write(f"{t.enter_fullscreen}{t.hide_cursor}{_MODES[0]}{t.normal}{t.clear}")

    def leave(self) -> None:
        """Give the terminal back as it was; twice does no harm."""
        if self._saved is None:
            return
        saved, self._saved = self._saved, None
        t = self._terminal
        with contextlib.suppress(HangupError):
            # A terminal without a second screen keeps what was drawn: clear it away.
            away = str(t.exit_fullscreen) or str(t.clear)
            self.write(f"\x1b[?2026l{t.normal}{_MODES[1]}{away}{t.normal_cursor}")
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self.keyboard, termios.TCSAFLUSH, saved)  # flush: late mouse reports are no commands

    def size(self) -> tuple[int, int]:
        """Columns and lines now."""
        try:
            size = os.get_terminal_size(self.keyboard)
        except OSError:
            return 80, 24
        return (size.columns, size.lines) if size.columns > 0 and size.lines > 0 else (80, 24)

    def move(self, x: int, y: int) -> str:
        """The sequence that puts the cursor at column x of line y."""
        return str(self._terminal.move_yx(y, x))

    def clear(self) -> None:
        """Empty the screen. Raises HangupError."""
        self.write(f"{self.normal}{self._terminal.clear}")

    def write(self, text: str) -> None:
        """Send all of it. Raises HangupError."""
        data = text.encode("utf-8", "backslashreplace")
        try:
            while data:
                data = data[os.write(self._out, data) :]
        except OSError as error:
            raise HangupError from error

    def read(self) -> list[Input]:
        """Keys pressed since, without waiting for more than the rest of a sequence. Raises HangupError."""
        pressed: list[Input] = []
        while self._ready(0):
            self._receive()
            pressed += self._tokens()
        while self._pending:
            if not self._ready(ESCAPE_WAIT):
                # A lone escape is the key; any other beginning never came to its end.
                pressed += ["escape"] if self._pending == "\x1b" else []
                self._pending = ""
                break
            self._receive()
            pressed += self._tokens()
        return pressed

    def _ready(self, timeout: float) -> bool:
        return bool(select.select([self.keyboard], [], [], timeout)[0])

    def _receive(self) -> None:
        try:
            data = os.read(self.keyboard, 4096)
        except OSError as error:
            raise HangupError from error
        if not data:
            raise HangupError
        self._pending += self._decoder.decode(data)

    def _tokens(self) -> list[Input]:
        """What of the characters received is complete."""
        pressed: list[Input] = []
        at = 0
        while match := _TOKEN.match(self._pending, at):
            at = match.end()
            token = match[0]
            if match["escaped"]:  # a slow line brings Escape and the next key together
                pressed.append("escape")
                token = token[1:]
            name = self._mouse(match) if match["button"] else self._name(token)
            if name:
                pressed.append(name)
        self._pending = self._pending[at:]
        if len(self._pending) > MAX_PENDING:
            self._pending = ""
        return pressed

    @staticmethod
    def _mouse(match: re.Match[str]) -> Mouse | None:
        button = int(match["button"]) & ~0b11100  # without Shift, Alt and Ctrl
        key = {0: "click", 64: "wheel_up", 65: "wheel_down"}.get(button)
        if key is None or match["end"] == "m":
            return None
        return Mouse(key, int(match["x"]) - 1, int(match["y"]) - 1)

    def _name(self, token: str) -> str | None:
        key = resolve_sequence(token, self._sequences, self._codes)
        if len(key) != len(token):
            return None
        if key.name in _NAMES:
            return _NAMES[key.name]
        return token if len(token) == 1 and token.isprintable() else None
