"""Which format a line is in. Knows nothing of blocks, and does not decide: see reader.TURNED."""

from __future__ import annotations

from monitor.formats import jsonlog
from monitor.formats.clf import FAMILY, TRAEFIK, TRAEFIK_ALONE
from monitor.formats.delimited import CSV, find_header
from monitor.formats.grammar import explain
from monitor.formats.parsers import Layout, Parsers
from monitor.formats.presets import KNOWN
from monitor.formats.w3c import W3C, is_directive


def find(line: bytes, parsers: Parsers) -> Layout | None:
    """The first known format that a line, its end cut, fits; or that of the lines whose columns it names."""
    for form in KNOWN:
        if parsers.of(form).fits(line, ()):
            # Traefik's lines are combined ones too; its format reads all that the family's does, and the durations.
            if form is FAMILY and line.endswith(b"ms") and parsers.of(TRAEFIK_ALONE).fits(line, ()):
                return Layout(TRAEFIK)
            return Layout(form)
    if is_directive(line):
        return Layout(W3C)
    header = find_header(line)
    return Layout(CSV, header) if header else None


def at_once(layout: Layout) -> bool:
    """Whether one line settles it: none but these logs has a directive line."""
    return layout.form is W3C


def nearest(line: bytes) -> str:
    """The known format that fits the longest beginning of a line that fits none, and where it stops to fit."""
    if line.startswith(b"{"):
        return f"fits no known format; nearest is JSON: {jsonlog.take(jsonlog.JSON, line, ())}"
    lines = [form for form in KNOWN if form.kind == "line"]
    misfit, name = max(((explain(form, line), form.name) for form in lines), key=lambda each: each[0].reached)
    return f"fits no known format; nearest is {name}, {misfit.reason}"
