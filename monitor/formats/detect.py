"""Which format a line is in. Knows nothing of blocks, and does not decide: see reader.TURNED."""

from __future__ import annotations

from monitor.formats.clf import FAMILY, TRAEFIK, TRAEFIK_ALONE, VHOST_FAMILY
from monitor.formats.grammar import explain
from monitor.formats.parsers import Layout, Parsers

KNOWN = (FAMILY, VHOST_FAMILY)


def find(line: bytes, parsers: Parsers) -> Layout | None:
    """The first known format that a line, its end cut, fits."""
    for form in KNOWN:
        if parsers.of(form).fits(line, ()):
            # Traefik's lines are combined ones too; its format reads all that the family's does, and the durations.
            if form is FAMILY and line.endswith(b"ms") and parsers.of(TRAEFIK_ALONE).fits(line, ()):
                return Layout(TRAEFIK)
            return Layout(form)
    return None


def nearest(line: bytes) -> str:
    """The known format that fits the longest beginning of a line that fits none, and where it stops to fit."""
    misfit, name = max(
        ((explain(form, line), form.name) for form in KNOWN if form.kind == "line"), key=lambda each: each[0].reached
    )
    return f"fits no known format; nearest is {name}, {misfit.reason}"
