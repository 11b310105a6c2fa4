"""The counts of a stretch of time: mergeable, picklable, bounded. Knows nothing of clocks or of what is shown."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence

from monitor.engine.distinct import Distinct
from monitor.engine.snapshot import OTHER

MAX_KEY = 1000  # bytes; longer ones count in (other)
MAX_KINDS = 60_000  # (section, status, method) held before they are folded by section
MAX_SECTIONS = 40_000  # sections folded so far; above it ...
KEEP_SECTIONS = 20_000  # ... the ones with most hits stay, the others go into (other)
MAX_NAMES = 1_000  # methods and statuses; a server knows a dozen, an attacker may invent any

Kind = tuple[bytes, bytes, bytes]  # section, status, method


class Counts:
    """Hits by section, status and method, bytes by section, distinct clients."""

    __slots__ = ("clients", "exact", "folded", "hits", "kinds", "last", "late", "malformed", "size", "sizes")

    def __init__(self) -> None:
        self.hits = 0
        self.size = 0  # bytes
        self.late = 0
        self.malformed = 0
        self.kinds: Counter[Kind] = Counter()
        self.sizes: dict[bytes, int] = {}  # bytes by section, of what is in ``kinds``
        self.last: dict[bytes, int] = {}  # the latest hit by section; only where it is asked for
        self.clients = Distinct()
        self.exact = True  # False: sections were put into (other) because there were too many
        self.folded: Folded | None = None

    def add(
        self,
        hosts: Sequence[bytes],
        methods: Sequence[bytes],
        sections: Sequence[bytes],
        statuses: Sequence[bytes],
        sizes: Sequence[int],
    ) -> None:
        """Count rows."""
        self.hits += len(hosts)
        self.size += sum(sizes)
        by_section = self.sizes
        for section, size in zip(sections, sizes, strict=True):
            if section in by_section:
                by_section[section] += size
            else:
                by_section[section] = size
        if b"" in by_section:  # a section like any other where the request is one; else of no section
            by_section[b""] -= sum(size for size, method in zip(sizes, methods, strict=True) if not method)
        self.kinds.update(zip(sections, statuses, methods, strict=True))
        self.clients.update(hosts)
        if len(self.kinds) > MAX_KINDS or max(map(len, by_section)) > MAX_KEY:
            self.fold()

    def note_last(self, times: Sequence[int], sections: Sequence[bytes]) -> None:
        """Keep the latest hit of each section."""
        pairs = sorted(zip(times, sections, strict=True))
        for section, second in {section: second for second, section in pairs}.items():
            if second > self.last.get(section, second - 1):
                self.last[section] = second

    def merge(self, other: Counts) -> None:
        """Count what another has counted."""
        self.hits += other.hits
        self.size += other.size
        self.late += other.late
        self.malformed += other.malformed
        self.exact = self.exact and other.exact
        kinds, count = self.kinds, self.kinds.get
        for kind, hits in other.kinds.items():
            kinds[kind] = count(kind, 0) + hits
        sizes, weigh = self.sizes, self.sizes.get
        for section, size in other.sizes.items():
            sizes[section] = weigh(section, 0) + size
        for section, second in other.last.items():
            if second > self.last.get(section, second - 1):
                self.last[section] = second
        self.clients.merge(other.clients)
        if other.folded:
            self.fold()
            assert self.folded
            self.folded.merge(other.folded)
        if len(kinds) > MAX_KINDS:
            self.fold()

    def fold(self) -> None:
        """Give up which section had which status by which method, to bound the memory."""
        if self.folded is None:
            self.folded = Folded()
        self.folded.add(self.kinds, self.sizes)
        self.kinds.clear()
        self.sizes.clear()
        if self.folded.bound():
            self.exact = False
            for section in self.last.keys() - self.folded.sections.keys():
                self.last[OTHER] = max(self.last.get(OTHER, 0), self.last.pop(section))

    def sections(self) -> dict[bytes, tuple[int, int, int]]:
        """Return hits, errors and bytes by section."""
        hits: dict[bytes, int] = {}
        errors: dict[bytes, int] = {}
        for (section, status, method), count in self.kinds.items():
            if not method:
                continue
            hits[section] = hits.get(section, 0) + count
            if status[:1] in _ERRORS:
                errors[section] = errors.get(section, 0) + count
        sizes = self.sizes
        rows = {section: (count, errors.get(section, 0), sizes[section]) for section, count in hits.items()}
        if self.folded:
            for section, row in self.folded.sections.items():
                if not row[0]:
                    continue
                held = rows.get(section, (0, 0, 0))
                rows[section] = (held[0] + row[0], held[1] + row[1], held[2] + row[2])
        return rows

    def codes(self) -> dict[bytes, int]:
        """Return hits by status."""
        found = dict(self.folded.codes) if self.folded else {}
        for (_, status, _), count in self.kinds.items():
            found[status] = found.get(status, 0) + count
        return found

    def methods(self) -> dict[bytes, int]:
        """Return hits by method, requests that are none left out."""
        found = dict(self.folded.methods) if self.folded else {}
        for (_, _, method), count in self.kinds.items():
            found[method] = found.get(method, 0) + count
        found.pop(b"", None)
        return found


_ERRORS = (b"4", b"5")


class Folded:
    """Counts by section, by status and by method, each for itself."""

    __slots__ = ("codes", "methods", "sections")

    def __init__(self) -> None:
        self.sections: dict[bytes, list[int]] = {}  # hits, errors, bytes
        self.codes: Counter[bytes] = Counter()
        self.methods: Counter[bytes] = Counter()

    def add(self, kinds: Mapping[Kind, int], sizes: Mapping[bytes, int]) -> None:
        """Take over what was counted by kind."""
        sections = self.sections
        for section, size in sizes.items():
            self._row(section)[2] += size
        for (section, status, method), hits in kinds.items():
            self.codes[status] += hits
            self.methods[method] += hits
            if not method:
                continue
            row = sections[section] if section in sections else self._row(section)
            row[0] += hits
            if status[:1] in _ERRORS:
                row[1] += hits

    def merge(self, other: Folded) -> None:
        """Count what another has counted."""
        for section, (hits, errors, size) in other.sections.items():
            row = self._row(section)
            row[0] += hits
            row[1] += errors
            row[2] += size
        self.codes.update(other.codes)
        self.methods.update(other.methods)

    def bound(self) -> bool:
        """Put what is too much into (other); return whether sections were."""
        for names in (self.codes, self.methods):
            if len(names) > MAX_NAMES:
                kept = dict(largest(names, MAX_NAMES // 2))
                kept[OTHER] = kept.get(OTHER, 0) + names.total() - sum(kept.values())
                names.clear()
                names.update(kept)
        if len(self.sections) <= MAX_SECTIONS:
            return False
        hits = {section: row[0] for section, row in self.sections.items() if section != OTHER}
        stay = dict(largest(hits, KEEP_SECTIONS))
        other = self._row(OTHER)
        for section in hits.keys() - stay.keys():
            for column, amount in enumerate(self.sections.pop(section)):
                other[column] += amount
        return True

    def _row(self, section: bytes) -> list[int]:
        key = section if len(section) <= MAX_KEY else OTHER
        return self.sections.setdefault(key, [0, 0, 0])


def largest(counts: Mapping[bytes, int], limit: int) -> list[tuple[bytes, int]]:
    """Return the ``limit`` keys with the highest counts, highest first, ties by key; 0: all of them."""
    if limit and limit < len(counts):
        # nlargest compares (count, key) pairs, so ties need a second look: all keys at the lowest count that gets in.
        floor = min(heapq.nlargest(limit, counts.values()))
        counts = {key: count for key, count in counts.items() if count >= floor}
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    return rows[:limit] if limit else rows
