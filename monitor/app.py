"""Puts the rooms together by the settings: who reads, who counts, who is told."""

from __future__ import annotations

import os
import sys
from contextlib import closing

from monitor.config import Settings
from monitor.errors import UsageError
from monitor.formats import Columns, Format, parse
from monitor.input.archive import open_archive
from monitor.input.follow import Followers
from monitor.input.waker import Waker
from monitor.interrupt import Interrupt, Interrupted
from monitor.live import Live
from monitor.output.jsonl import JsonLines
from monitor.output.plain import Plain
from monitor.output.presenter import Presenter
from monitor.output.text import Times
from monitor.session import Session


def run(settings: Settings) -> int:
    """Run the monitor by its settings; return the exit status. Raises TaplineError."""
    session = Session(settings, _format(settings), Columns.NONE, [_presenter(settings)], live=not settings.replay)
    try:
        if settings.replay:
            interrupt = Interrupt()
            with interrupt.caught():
                _replay(session, interrupt)
        else:
            interrupt = _follow(session)
    except BrokenPipeError:
        # Whoever read has left: nothing more is to be said, and Python shall not try when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return interrupt.status


def _follow(session: Session) -> Interrupt:
    followers = Followers(session.settings.logs)
    with closing(followers), closing(Waker(poll=session.settings.poll)) as waker:
        interrupt = Interrupt(waker.wake)
        with interrupt.caught():
            Live(session, followers, waker, interrupt).run()
    return interrupt


def _format(settings: Settings) -> Format | None:
    return parse(settings.format)


def _presenter(settings: Settings) -> Presenter:
    times = Times(utc=settings.utc)
    if settings.output == "json":
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]  # a text stream at start
        return JsonLines(sys.stdout, sys.stderr, times)
    if settings.output in (None, "plain"):
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        return Plain(sys.stdout, sys.stderr, times, settings.replay)
    raise UsageError(f"--output {settings.output} is not built")


def _replay(session: Session, interrupt: Interrupt) -> None:
    for log, path in enumerate(session.settings.logs):
        blocks = open_archive(path).blocks()
        while True:
            try:
                with interrupt.waiting():
                    block = next(blocks, None)
            except Interrupted:
                break
            if block is None:
                break
            session.tell(session.engine.feed(session.read(log, block)))
    session.tell(session.engine.finish())
    session.summarize()
