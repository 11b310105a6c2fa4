"""Collects what the page needs over time, and writes the page. Where nothing can be written is told at the start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from monitor.engine.snapshot import Interval, Row, Summary, Table
from monitor.errors import TaplineError
from monitor.output.report.page import Subject, page
from monitor.output.report.timeline import HEAT_SLOTS, SLOTS, Limits, Timeline
from monitor.output.text import Times
from monitor.units import Threshold

PAGE = b"<!doctype html"


def _why_not(path: Path) -> str | None:
    """Why no page can be written there, or none must be; None if it can."""
    try:
        if path.is_dir():
            return "Is a directory"
        if not os.access(path if path.exists() else os.path.join(path.parent, ""), os.W_OK):
            return "cannot be written"
    except OSError as error:  # a folder on the way that may not be entered, a name that is too long
        return error.strerror
    if not _may_be_replaced(path):  # such as the log, by who takes the option for one without a value
        return "there is a file that is no HTML page; it is not overwritten"
    return None


def _may_be_replaced(path: Path) -> bool:
    """Whether it is called a page or is one, is empty or no file; what cannot be read is not ours to judge."""
    if path.suffix.lower() in (".html", ".htm") or not path.is_file():
        return True
    try:
        with path.open("rb") as file:
            start = file.read(len(PAGE)).lower()
    except OSError:
        return True
    return not start or start == PAGE


class Report:
    """The page of one run."""

    def __init__(self, path: Path, subject: Subject, interval: int, times: Times) -> None:
        """``interval`` in seconds. Raises TaplineError when ``path`` cannot be written."""
        self._path = path
        self._subject = subject
        self._times = times
        self._limits = Limits(subject.threshold)
        self._traffic = Timeline(interval, SLOTS, sections=False)
        self._heat = Timeline(interval, HEAT_SLOTS, sections=True)
        if why := _why_not(path):
            raise TaplineError(f"--html {path}: {why}")

    def threshold(self, at: int | None, threshold: Threshold) -> None:
        """Keep that another threshold holds from second ``at`` on; None: from the beginning."""
        self._limits.change(at, threshold)

    def interval(self, interval: Interval) -> None:
        """Keep what the page will show of it."""
        self._traffic.add(interval)
        self._heat.add(interval)

    def summary(self, summary: Summary, reading: str, tables: Mapping[Table, tuple[Row, ...]]) -> None:
        """Write the page; who reads an older one meanwhile reads it whole. Raises TaplineError."""
        text = page(self._subject, summary, reading, tables, self._limits, self._traffic, self._heat, self._times)
        data = text.encode("utf-8", "backslashreplace")
        try:
            if self._path.exists() and not self._path.is_file():  # a pipe, /dev/stdout
                self._path.write_bytes(data)
                return
            beside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
            try:
                beside.write_bytes(data)
                beside.replace(self._path)
            finally:
                beside.unlink(missing_ok=True)
        except OSError as error:
            raise TaplineError(f"--html {self._path}: {error.strerror}") from error
