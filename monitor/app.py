"""Puts the rooms together by the settings: who reads, who counts, who is told.

A room is imported where it is built: a replay into a pipe is to be done before a screen's libraries would be there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.config import Settings
from monitor.errors import TaplineError
from monitor.formats import Columns, Format, parse
from monitor.interrupt import Interrupt
from monitor.output.delivery import GRACE
from monitor.output.outlets import Outlets
from monitor.output.presenter import Presenter
from monitor.output.text import Times, safe
from monitor.session import Session

if TYPE_CHECKING:
    from monitor.console import Console
    from monitor.output.tui import Tui

PATIENCE = 1.0  # s of waiting at the end before a person is told why


def run(settings: Settings) -> int:
    """Run the monitor by its settings; return the exit status. Raises TaplineError."""
    try:
        with ExitStack() as stack:
            return _replay(settings, stack) if settings.replay else _follow(settings, stack)
    except BrokenPipeError:
        # Whoever read has left: nothing more is to be said, and Python shall not try when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _follow(settings: Settings, stack: ExitStack) -> int:
    """Run live."""
    from monitor.input.follow import Followers
    from monitor.input.state import State
    from monitor.input.waker import Waker
    from monitor.live import Live

    state = State(settings.state) if settings.state else None
    waker = stack.enter_context(closing(Waker(poll=settings.poll)))
    followers = stack.enter_context(closing(Followers(settings.logs, state.saved if state else None)))
    interrupt = Interrupt(waker.wake)
    stack.enter_context(interrupt.caught())
    session, console = _session(settings, stack, waker.wake, interrupt)
    Live(session, followers, waker, interrupt, console, state).run()
    return interrupt.status


def _session(
    settings: Settings, stack: ExitStack, wake: Callable[[], None], interrupt: Interrupt
) -> tuple[Session, Console | None]:
    """Make a session and all who are told; the screen, if there is one, is taken over."""
    times = Times(utc=settings.utc)
    form_of = _form_of(settings)
    screen = _screen(settings, times, wake)
    presenter = screen or _stream(settings, times)
    outlets = stack.enter_context(_outlets(settings, times, interrupt))
    detail = screen is not None or outlets.wants_tables
    columns = Columns.ALL if detail else Columns.DURATION
    if any(rule.host is not None for rule in settings.alert):
        columns |= Columns.VHOST
    session = Session(settings, form_of, columns, [presenter], outlets, detail=detail)
    if not screen:
        return session, None
    from monitor.console import Console

    stack.enter_context(screen)
    return session, Console(session, screen)


@contextmanager
def _outlets(settings: Settings, times: Times, interrupt: Interrupt) -> Iterator[Outlets]:
    """Have the others told until the end; what they could not be told at the very end is said when nobody shows it."""
    outlets = Outlets(settings, times)
    try:
        yield outlets
    finally:
        try:
            with interrupt.last_wait():
                outlets.hurry()
                if slow := outlets.wait(PATIENCE):
                    told = f"{' and '.join(slow)}: still being told, for at most {GRACE:g} s; Ctrl-C ends it"
                    sys.stderr.write(f"monitor: {told}\n")
                outlets.close()
        except KeyboardInterrupt:
            outlets.hurry(0)
            outlets.close()
            raise
        finally:
            for text in outlets.messages():
                sys.stderr.write(f"monitor: {safe(text)}\n")


def _form_of(settings: Settings) -> Callable[[str], Format | None]:
    """Return what gives a log's format. What can be wrong about it is said at once. Raises UsageError, TaplineError."""
    nginx_conf, apache_conf = _text(settings.nginx_conf), _text(settings.apache_conf)

    def form_of(log: str) -> Format | None:
        return parse(settings.format, settings.json_key, nginx_conf, apache_conf, log)

    for log in settings.logs:
        form_of(log)
    return form_of


def _text(path: Path | None) -> str | None:
    try:
        return None if path is None else path.read_text("utf-8", "surrogateescape")
    except OSError as error:
        raise TaplineError(f"{path}: {(error.strerror or str(error)).lower()}") from error


def _screen(settings: Settings, times: Times, wake: Callable[[], None]) -> Tui | None:
    """Make the screen, if it is wanted: unless another output is, or the log is run through at full speed."""
    asked = settings.output == "tui"
    if not asked and (settings.output or (settings.replay and settings.speed is None)):
        return None
    from monitor.output.tui import Source, Tui, why_not

    unable = why_not(os.environ)
    if not unable:
        return Tui(Source(", ".join(settings.logs), "", settings.replay), times, wake)
    if asked:
        raise TaplineError(f"--output tui: {unable}")
    return None


def _stream(settings: Settings, times: Times) -> Presenter:
    """Make who shows what is told where there is no screen."""
    output = settings.output or "plain"
    if output in ("json", "plain") and sys.stdout is None:
        raise TaplineError("standard output is closed")
    if output == "json":
        from monitor.output.jsonl import JsonLines

        sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]  # a text stream at start
        return JsonLines(sys.stdout, sys.stderr, times)
    if output == "plain":
        from monitor.output.plain import Plain

        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        return Plain(sys.stdout, sys.stderr, times, settings.replay)
    from monitor.output.quiet import Quiet

    return Quiet(sys.stderr)


def _replay(settings: Settings, stack: ExitStack) -> int:
    """Run through logs once."""
    from monitor.input.archive import matching
    from monitor.playback import Playback

    settings = replace(settings, logs=matching(settings.logs))
    interrupt = Interrupt()
    stack.enter_context(interrupt.caught())
    session, console = _session(settings, stack, lambda: None, interrupt)
    Playback(session, interrupt, console).run()
    return interrupt.status
