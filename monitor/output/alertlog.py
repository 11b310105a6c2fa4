"""``--alert-log``: alerts appended to a file as JSON Lines, and read back at the next start.

Each line is ``--output json``'s alert object with what the history needs besides. Nothing in the file is ever changed;
it may be rotated or cut while the monitor runs.
"""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from pathlib import Path

from monitor.engine.snapshot import AlertRecord, State, Transition
from monitor.errors import TaplineError
from monitor.output.jsonl import alert_object, json_line
from monitor.output.text import Times, safe
from monitor.units import Threshold

KEPT = 1000  # alerts read back, the newest
READ = 4 * 1024 * 1024  # bytes of the file's end that are read back for them
BITS = 256  # of a number; what the monitor writes has fewer
_TOLD = 4 * KEPT  # transitions remembered so that none is written twice

_Key = tuple[str, str, int]  # rule, state, second


def _key(transition: Transition) -> _Key:
    return (transition.rule, transition.state.value, transition.at)


class AlertLog:
    """Appends transitions. ``history`` is what the file held at the start, oldest first."""

    def __init__(self, path: Path, times: Times) -> None:
        """Read the file back, and make sure that it can be written. Raises TaplineError."""
        self._path = path
        self._times = times
        self._messages: list[str] = []
        self._told: OrderedDict[_Key, None] = OrderedDict()
        try:
            with path.open("a+b") as file:
                size = file.tell()
                file.seek(max(0, size - READ))
                data = file.read(READ)
        except OSError as error:
            raise TaplineError(f"--alert-log {path}: {error.strerror or error}") from error
        if size > READ:
            data = data.partition(b"\n")[2]
        read = [self._read(line) for line in data.split(b"\n") if line.strip()]
        known = [each for each in read if each is not None]
        if len(known) < len(read):
            left = len(read) - len(known)
            told = (
                f"{left} lines are not alerts; they stay as they are"
                if left > 1
                else "1 line is not an alert; it stays as it is"
            )
            self._messages.append(f"{path}: {told}")
        known = list({_key(each[0]): each for each in known}.values())  # two monitors may have written to it
        for transition, _, _ in known:
            self._remember(transition)
        self.history = tuple(_pair(known))[-KEPT:]
        newest = {record.raised.rule: record for record in self.history}
        self._on = {rule for rule, record in newest.items() if record.recovered is None}

    def transition(self, transition: Transition, record: AlertRecord) -> None:
        """Append the transition, unless the log has it: a restart tells again what is still on."""
        known = transition.state is State.RAISED and transition.since_before and transition.rule in self._on
        if known or _key(transition) in self._told:
            return
        self._remember(transition)
        # A beginning knows no peak but its own: how much came after it depends on how much was read at once.
        peak, peak_at = record.peak, record.peak_at
        if transition.state is State.RAISED:
            peak, peak_at = transition.hits, transition.at
        line = json_line(
            alert_object(transition, self._times)
            | {
                "metric": transition.metric,
                "window": transition.window,
                "threshold_text": transition.threshold.text,
                "peak": peak,
                "peak_at": self._times.iso(peak_at),
            }
        ).encode("utf-8", "backslashreplace")
        try:
            # Opened each time: transitions are rare, and the file may have been rotated away since the last.
            with self._path.open("ab+", buffering=0) as file:
                if file.tell() and _last_byte(file.fileno()) != b"\n":
                    line = b"\n" + line  # the end of a line that a crash cut off
                written = file.write(line)
                if written < len(line):  # a full disk may take a part; what it says of the rest is the reason
                    file.write(line[written:])
        except OSError as error:
            self._messages.append(f"{self._path}: {error.strerror or error}: not written: {transition.state.value}")

    def messages(self) -> list[str]:
        """What a person should know since the last call."""
        told, self._messages = self._messages, []
        return told

    def _remember(self, transition: Transition) -> None:
        self._told[_key(transition)] = None
        if len(self._told) > _TOLD:
            self._told.popitem(last=False)

    def _read(self, line: bytes) -> tuple[Transition, int, int] | None:
        """The transition, its peak and when that was; None for any other line."""
        try:
            told = json.loads(line)
            return _transition(told), _whole(told["peak"]), _second(told["peak_at"])
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError, ZeroDivisionError):
            return None


def _last_byte(descriptor: int) -> bytes:
    return os.pread(descriptor, 1, os.fstat(descriptor).st_size - 1)


def _whole(number: object) -> int:
    """A count as it is written; of text or endless digits it is none. Raises ValueError."""
    if not isinstance(number, int) or number.bit_length() > BITS:
        raise ValueError("not a count")
    return number


def _fraction(number: object) -> Fraction:
    if not isinstance(number, float):
        return Fraction(_whole(number))
    return Fraction(repr(number))  # of text "1e999999999" would take all memory


def _second(text: str) -> int:
    if text.startswith("@"):  # beyond what a date can hold
        return _whole(int(text[1:]))
    return int(datetime.fromisoformat(text).timestamp())


def _transition(told: Mapping[str, object]) -> Transition:
    """Read a line's object. Raises ValueError, KeyError or TypeError."""
    if told["type"] != "alert":
        raise ValueError("not an alert")
    hits, window, metric = _whole(told["hits"]), _whole(told["window"]), safe(str(told["metric"]))
    average = _fraction(told["average"])
    if window <= 0:
        raise ValueError("a window must be above 0")
    if round(Fraction(hits, window), 6) == average:
        average = Fraction(hits, window)  # what six decimals stood for
    threshold = Threshold(_fraction(told["threshold"]), str(told["threshold_text"]), metric == "bytes")
    return Transition(
        state=State(told["state"]),
        at=_second(str(told["at"])),
        hits=hits,
        average=average,
        threshold=threshold,
        window=window,
        metric=metric,
        since_before=bool(told.get("since_before", False)),
        rule=safe(str(told.get("rule", ""))),
    )


def _pair(told: Iterable[tuple[Transition, int, int]]) -> Iterator[AlertRecord]:
    """Put each rule's recovery to its beginning. An alert whose end nobody saw stays without one."""
    records: list[AlertRecord] = []
    on: dict[str, int] = {}  # rule -> place in records
    for transition, peak, peak_at in told:
        if transition.state is State.RAISED:
            on[transition.rule] = len(records)
            records.append(AlertRecord(transition, None, peak, peak_at))
        elif (place := on.pop(transition.rule, None)) is not None:
            records[place] = AlertRecord(records[place].raised, transition, peak, peak_at)
    return iter(records)
