"""Counts as the frozen values that presenters show."""

from __future__ import annotations

from monitor.engine.counts import Counts, largest
from monitor.engine.snapshot import Row, Traffic


def traffic(counts: Counts, top: int) -> Traffic:
    """Return the statistics of a stretch of time with its ``top`` sections by hits (0: all)."""
    statuses: dict[str, int] = {}
    for code, hits in sorted(counts.codes.items()):
        if code[:1] in _CLASSES:
            name = _CLASSES[code[:1]]
            statuses[name] = statuses.get(name, 0) + hits
    rows = [
        Row(section, hits, counts.sizes[section], counts.errors.get(section, 0), counts.last.get(section))
        for section, hits in largest(counts.sections, top)
    ]
    return Traffic(
        hits=counts.hits,
        size=counts.size,
        clients=len(counts.clients),
        clients_exact=counts.clients.exact,
        statuses=statuses,
        codes=dict(counts.codes),
        methods={method: hits for method, hits in counts.methods.items() if method},
        sections=tuple(rows),
        sections_exact=counts.exact,
        malformed=counts.malformed,
        late=counts.late,
    )


_CLASSES = {b"%d" % digit: f"{digit}xx" for digit in range(1, 6)}
