"""Counts as the frozen values that presenters show."""

from __future__ import annotations

from monitor.engine.counts import Counts, largest
from monitor.engine.snapshot import Row, Traffic


def traffic(counts: Counts, top: int) -> Traffic:
    """Return the statistics of a stretch of time with its ``top`` sections by hits (0: all)."""
    sections = counts.sections()
    codes = counts.codes()
    statuses: dict[str, int] = {}
    for code, hits in sorted(codes.items()):
        if code[:1] in _CLASSES:
            name = _CLASSES[code[:1]]
            statuses[name] = statuses.get(name, 0) + hits
    rows = []
    for section, hits in largest({section: row[0] for section, row in sections.items()}, top):
        _, errors, size = sections[section]
        rows.append(Row(section, hits, size, errors, counts.last.get(section)))
    return Traffic(
        hits=counts.hits,
        size=counts.size,
        clients=len(counts.clients),
        clients_exact=counts.clients.exact,
        statuses=statuses,
        codes=codes,
        methods=counts.methods(),
        sections=tuple(rows),
        sections_exact=counts.exact,
        malformed=counts.malformed,
        late=counts.late,
    )


_CLASSES = {b"%d" % digit: f"{digit}xx" for digit in range(1, 6)}
