"""What the person at the keyboard has chosen, and what each key makes of it. Pure: keys in, values out."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from monitor.engine.snapshot import OTHER, AlertRecord, Row, Scope, Snapshot, Sort, Table, View
from monitor.formats.batch import Malformed
from monitor.output.text import decode, rate
from monitor.output.tui.overlays import HELP_LINES
from monitor.output.tui.picture import Picture
from monitor.units import Threshold

MORE_ROWS = 100  # rows asked for beyond the selected one, so that scrolling always finds the next
MAX_TYPED = 100  # characters of a search or a threshold


class Tab(enum.Enum):
    """The tables, and the alerts as one more."""

    SECTIONS = "sections"
    CLIENTS = "clients"
    STATUSES = "statuses"
    METHODS = "methods"
    HOSTS = "hosts"
    REFERERS = "referers"
    AGENTS = "agents"
    ALERTS = "alerts"

    @property
    def table(self) -> Table:
        """The engine's table behind the tab."""
        return Table.SECTIONS if self is Tab.ALERTS else Table(self.value)


TABS = tuple(Tab)


class Mode(enum.Enum):
    """What the keys mean now."""

    NORMAL = enum.auto()
    SEARCH = enum.auto()  # typing
    THRESHOLD = enum.auto()  # typing
    HELP = enum.auto()
    RAW = enum.auto()
    MALFORMED = enum.auto()


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave."""


@dataclass(frozen=True, slots=True)
class SetThreshold:
    """Alert from now on at another average."""

    threshold: Threshold


@dataclass(frozen=True, slots=True)
class SetFilter:
    """Show everything of the hits with this key alone."""

    table: Table
    key: bytes


@dataclass(frozen=True, slots=True)
class ClearFilter:
    """Show all hits again."""


@dataclass(frozen=True, slots=True)
class RawLines:
    """Hand over the newest raw lines with this key."""

    table: Table
    key: bytes


@dataclass(frozen=True, slots=True)
class MalformedLines:
    """Hand over the last malformed lines."""


Command = Quit | SetThreshold | SetFilter | ClearFilter | RawLines | MalformedLines


@dataclass(frozen=True, slots=True)
class State:
    """All choices. ``key`` is the selected row's: the selection stays with it while rows trade places."""

    tab: Tab = Tab.SECTIONS
    scope: Scope = Scope.INTERVAL
    sort: Sort = Sort.HITS
    back: int = 0  # told intervals before the newest
    selected: int = 0
    key: bytes | None = None
    paused: bool = False
    mode: Mode = Mode.NORMAL
    typed: str = ""
    search: str = ""
    filter: SetFilter | None = None
    offset: int = 0  # first line shown of an overlay; alerts skipped in the small history
    message: str = ""  # the answer to the last key, if it needs one
    raw: tuple[bytes, ...] = ()
    malformed: tuple[Malformed, ...] = ()

    @property
    def view(self) -> View:
        """What to ask the engine for."""
        limit = (self.selected // MORE_ROWS + 2) * MORE_ROWS
        return View(self.scope, self.tab.table, self.sort, limit, self.back if self.scope is Scope.INTERVAL else 0)


def found(rows: tuple[Row, ...], search: str) -> tuple[Row, ...]:
    """The rows whose key holds what was searched for, whatever the case."""
    wanted = search.casefold()
    return tuple(row for row in rows if wanted in decode(row.key).casefold()) if wanted else rows


def selection(state: State, snapshot: Snapshot) -> tuple[tuple[Row, ...], int]:
    """The rows in view and which of them is selected (0 if there are none)."""
    rows = found(snapshot.rows, state.search)
    if state.key is not None:
        for at, row in enumerate(rows):
            if row.key == state.key:
                return rows, at
    return rows, max(0, min(state.selected, len(rows) - 1))


def selected_alert(state: State, alerts: tuple[AlertRecord, ...]) -> int:
    """Which alert is selected, counted from the newest."""
    return max(0, min(state.selected, len(alerts) - 1))


_SCOPES = {"i": Scope.INTERVAL, "w": Scope.WINDOW, "a": Scope.TOTAL}
_SORTS = {"H": Sort.HITS, "B": Sort.SIZE, "E": Sort.ERRORS, "P": Sort.P95}
_NEXT_SORT = dict(zip(Sort, (*list(Sort)[1:], Sort.HITS), strict=True))
COVERS = (Mode.HELP, Mode.RAW, Mode.MALFORMED)


def _steps(page: int) -> dict[str, int]:
    far = 10**9
    return {
        "down": 1,
        "j": 1,
        "wheel_down": 3,
        "up": -1,
        "k": -1,
        "wheel_up": -3,
        "page_down": page,
        "^f": page,
        "page_up": -page,
        "^b": -page,
        "^d": max(1, page // 2),
        "^u": -max(1, page // 2),
        "home": -far,
        "g": -far,
        "end": far,
        "G": far,
    }


def press(state: State, key: str, picture: Picture | None, page: int) -> tuple[State, list[Command]]:
    """What a key makes of the choices, and what it asks of the app. ``page`` is how many rows are in view."""
    state = replace(state, message="")
    if state.mode in (Mode.SEARCH, Mode.THRESHOLD):
        return _type(state, key, picture)
    if key in ("q", "^c"):
        if state.mode in COVERS:
            return replace(state, mode=Mode.NORMAL, offset=0), []
        return state, [Quit()]
    if state.mode in COVERS:
        return _read(state, key, page), []
    if key == "?":
        return replace(state, mode=Mode.HELP, offset=0), []
    if key in ("p", " "):
        return replace(state, paused=not state.paused), []
    if key == "e":
        return state, [MalformedLines()]
    if key == "escape":
        return _back(state)
    if picture is None:
        return state, []
    if key == "t":
        return replace(state, mode=Mode.THRESHOLD, typed=picture.whole.threshold.text.removesuffix("/s")), []
    if key in ("enter", "r"):
        return _ask(state, key, picture.shown)
    return _choose(state, key, picture, page), []


def _choose(state: State, key: str, picture: Picture, page: int) -> State:
    """Keys that change what is shown."""
    steps = _steps(page)
    if key in steps:
        return _move(state, steps[key], picture)
    if key.startswith("row:"):
        return _select(state, int(key[4:]), picture)
    if key in _SCOPES:
        return replace(state, scope=_SCOPES[key], back=0)
    if key in _SORTS or key == "s":
        sort = _SORTS.get(key, _NEXT_SORT[state.sort])
        return _timed(replace(state, sort=sort, selected=0, key=None), picture)
    if key in ("left", "h", "right", "l"):
        return _travel(state, 1 if key in ("left", "h") else -1, picture.shown)
    if key in ("tab", "shift_tab"):
        turn = 1 if key == "tab" else -1
        return _timed(_show_tab(state, TABS[(TABS.index(state.tab) + turn) % len(TABS)]), picture)
    if key.isdigit() and 1 <= int(key) <= len(TABS):
        return _timed(_show_tab(state, TABS[int(key) - 1]), picture)
    if key in ("J", "K"):
        offset = state.offset + (1 if key == "J" else -1)
        return replace(state, offset=max(0, min(offset, 2 * len(picture.whole.alerts) - 1)))
    if key == "/" and state.tab is not Tab.ALERTS:
        return replace(state, mode=Mode.SEARCH, typed=state.search)
    return state


def _show_tab(state: State, tab: Tab) -> State:
    return replace(state, tab=tab, selected=0, key=None, search="", offset=0)


def _timed(state: State, picture: Picture) -> State:
    """Say so where there are no response times to sort by; rows then come by their keys."""
    shown = picture.shown
    if state.sort is not Sort.P95 or state.tab is Tab.ALERTS:
        return state
    if shown.traffic.hits and shown.traffic.times is None and not any(row.times for row in shown.rows):
        return replace(state, message="this log has no response times to sort by")
    if state.tab is not Tab.SECTIONS:
        return replace(state, message="response times are known of sections alone")
    return state


def _move(state: State, step: int, picture: Picture) -> State:
    if state.tab is Tab.ALERTS:
        return _select(state, selected_alert(state, picture.whole.alerts) + step, picture)
    _, at = selection(state, picture.shown)
    return _select(state, at + step, picture)


def _select(state: State, at: int, picture: Picture) -> State:
    if state.tab is Tab.ALERTS:
        return replace(state, selected=max(0, min(at, len(picture.whole.alerts) - 1)))
    rows, _ = selection(state, picture.shown)
    at = max(0, min(at, len(rows) - 1))
    # At the top nothing is held: the first row stays selected, whichever it is.
    return replace(state, selected=at, key=rows[at].key if at and rows else None)


def _travel(state: State, step: int, snapshot: Snapshot) -> State:
    kept = len(snapshot.points)
    back = max(0, min((state.back if state.scope is Scope.INTERVAL else 0) + step, kept - 1))
    return replace(state, scope=Scope.INTERVAL, back=back)


def _back(state: State) -> tuple[State, list[Command]]:
    """Escape undoes one thing: the search, the filter, the journey in time, the selection."""
    if state.search:
        return replace(state, search=""), []
    if state.filter:
        return replace(state, filter=None, selected=0, key=None), [ClearFilter()]
    if state.back:
        return replace(state, back=0), []
    return replace(state, selected=0, key=None, offset=0), []


def _ask(state: State, key: str, snapshot: Snapshot) -> tuple[State, list[Command]]:
    """Enter and ``r``: of the selected row."""
    if state.tab is Tab.ALERTS:
        return state, []
    rows, at = selection(state, snapshot)
    if not rows:
        return state, []
    table, chosen = state.tab.table, rows[at].key
    if chosen == OTHER:
        return replace(state, message="(other) stands for many: it can't be told apart"), []
    if key == "r":
        return state, [RawLines(table, chosen)]
    filtered = SetFilter(table, chosen)
    return replace(state, filter=filtered, selected=0, key=None, search=""), [filtered]


def _read(state: State, key: str, page: int) -> State:
    """Keys while help, raw lines or malformed lines cover the screen."""
    if key in ("escape", "enter", "?", "r", "e"):
        return replace(state, mode=Mode.NORMAL, offset=0)
    last = max(0, _overlay_length(state) - page)  # the offset that shows the end
    return replace(state, offset=max(0, min(min(state.offset, last) + _steps(page).get(key, 0), last)))


def _overlay_length(state: State) -> int:
    lengths = {Mode.RAW: len(state.raw), Mode.MALFORMED: 2 * len(state.malformed), Mode.HELP: HELP_LINES}
    return max(1, lengths.get(state.mode, 1))


def _type(state: State, key: str, picture: Picture | None) -> tuple[State, list[Command]]:
    """Keys while a search or a threshold is typed."""
    if key in ("escape", "^c"):
        return replace(state, mode=Mode.NORMAL, typed="", search="" if state.mode is Mode.SEARCH else state.search), []
    if key == "enter":
        if state.mode is Mode.SEARCH:
            return replace(state, mode=Mode.NORMAL, search=state.typed, selected=0, key=None), []
        return _set_threshold(state, picture)
    typed = state.typed
    if key == "backspace":
        typed = typed[:-1]
    elif key == "^u":
        typed = ""
    elif len(key) == 1 and key.isprintable() and len(typed) < MAX_TYPED:
        typed += key
    state = replace(state, typed=typed)
    return (replace(state, search=typed, selected=0, key=None) if state.mode is Mode.SEARCH else state), []


def _set_threshold(state: State, picture: Picture | None) -> tuple[State, list[Command]]:
    try:
        threshold = Threshold.parse(state.typed)
    except ValueError as error:
        return replace(state, message=str(error)), []
    if picture is not None and threshold.in_bytes and picture.whole.metric != "bytes":
        return replace(state, message="this alert counts hits: a threshold such as 10 or 600/min"), []
    told = f"threshold {threshold.text} ({rate(threshold.rate)} per second)"
    return replace(state, mode=Mode.NORMAL, typed="", message=told), [SetThreshold(threshold)]
