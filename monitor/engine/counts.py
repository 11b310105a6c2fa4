"""The counts of a stretch of time: mergeable, picklable, bounded. Knows nothing of clocks or of what is shown."""

from __future__ import annotations

import marshal
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import compress, repeat
from operator import add

from monitor.engine.distinct import Distinct
from monitor.engine.snapshot import OTHER, Table
from monitor.engine.tables import Keyed
from monitor.engine.times import Times

MAX_KEY = 1000  # bytes; longer ones count in (other)
MAX_SECTIONS = 40_000  # sections held; above it ...
KEEP_SECTIONS = 20_000  # ... the ones with most hits stay, the others go into (other)
MAX_NAMES = 1_000  # methods and statuses; a server knows a dozen, an attacker may invent any


class Counts:
    """Hits, errors and bytes by section, hits by status and by method, distinct clients.

    A column is counted for itself, so that each is one pass in C and what is counted is small.
    """

    __slots__ = (
        "clients", "codes", "errors", "exact", "hits", "last", "late", "malformed", "methods", "sections", "size",
        "sizes", "tables", "times",
    )  # fmt: skip

    def __init__(self) -> None:
        self.hits = 0
        self.size = 0  # bytes
        self.late = 0
        self.malformed = 0
        self.sections: Counter[bytes] = Counter()
        self.sizes: dict[bytes, int] = {}  # bytes by section
        self.errors: Counter[bytes] = Counter()  # statuses 4xx and 5xx by section
        self.codes: Counter[bytes] = Counter()
        self.methods: Counter[bytes] = Counter()  # b"" is no request
        self.last: dict[bytes, int] = {}  # the latest hit by section; only where it is asked for
        self.clients = Distinct()
        self.times: Times | None = None  # where the format carries response times
        self.tables: dict[Table, Keyed] = {}  # besides the sections; only where they are asked for
        self.exact = True  # False: sections were put into (other) because there were too many

    def __getstate__(self) -> tuple[object, ...]:
        """What travels between processes: packed by marshal, in a third of pickle's time for so many keys."""
        numbers = (self.hits, self.size, self.late, self.malformed, self.exact)
        by_name = [dict(each) for each in (self.sections, self.errors, self.codes, self.methods)]
        return marshal.dumps((numbers, self.sizes, self.last, *by_name), 2), self.clients, self.times, self.tables

    def __setstate__(self, state: tuple[bytes, Distinct, Times | None, dict[Table, Keyed]]) -> None:
        """Unpack."""
        packed, self.clients, self.times, self.tables = state
        numbers, self.sizes, self.last, *by_name = marshal.loads(packed)  # noqa: S302  # from a process of our own
        self.hits, self.size, self.late, self.malformed, self.exact = numbers
        self.sections, self.errors, self.codes, self.methods = map(Counter, by_name)

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
        self.clients.update(hosts)
        self.codes.update(statuses)
        self.methods.update(methods)
        if len(self.codes) > MAX_NAMES or len(self.methods) > MAX_NAMES:
            _bound(self.codes)
            _bound(self.methods)
        if b"" in self.methods:  # no request: a hit in no section
            there = [bool(method) for method in methods]
            sections = list(compress(sections, there))
            statuses = list(compress(statuses, there))
            sizes = list(compress(sizes, there))
        by_section = self.sizes
        for section, size in zip(sections, sizes, strict=True):
            if section in by_section:
                by_section[section] += size
            else:
                by_section[section] = size
        self.sections.update(sections)
        wrong = {code for code in self.codes if code[:1] in ERRORS}
        if wrong:
            self.errors.update(compress(sections, map(wrong.__contains__, statuses)))
        if by_section and (len(by_section) > MAX_SECTIONS or max(map(len, by_section)) > MAX_KEY):
            self._fold()

    def add_times(self, durations: Sequence[int], sections: Sequence[bytes]) -> None:
        """Count response times in microseconds."""
        self.times = self.times or Times()
        self.times.add(durations, sections)

    def add_table(self, table: Table, keys: Sequence[bytes], statuses: Sequence[bytes], sizes: Sequence[int]) -> None:
        """Count rows by another key than the section."""
        self.tables.setdefault(table, Keyed()).add(keys, statuses, sizes)

    def trim(self, most: int, keep: int) -> None:
        """Give up the smaller keys of every table: ``(other)`` is what is left of them."""
        if len(self.sections) > most:
            self._fold(keep)
        for keyed in self.tables.values():
            keyed.trim(most, keep)

    def hits_of(self, table: Table, key: bytes) -> int:
        """Return a key's hits."""
        if table is Table.SECTIONS:
            return self.sections.get(key, 0)
        keyed = self.tables.get(table)
        return keyed.rows.get(key, (0,))[0] if keyed else 0

    def note_last(self, times: Sequence[int], sections: Sequence[bytes]) -> None:
        """Keep the latest hit of each section."""
        pairs = sorted(zip(times, sections, strict=True))
        for section, second in {section: second for second, section in pairs}.items():
            if second > self.last.get(section, second - 1):
                self.last[section] = second

    def merge(self, other: Counts, only: Table | None = None) -> None:
        """Count what another has counted; of its tables ``only`` this one, where the others will not be looked at."""
        self.hits += other.hits
        self.size += other.size
        self.late += other.late
        self.malformed += other.malformed
        self.exact = self.exact and other.exact
        for mine, its in (
            (self.sections, other.sections),
            (self.sizes, other.sizes),
            (self.errors, other.errors),
            (self.codes, other.codes),
            (self.methods, other.methods),
        ):
            _add(mine, its)
        for section, second in other.last.items():
            if second > self.last.get(section, second - 1):
                self.last[section] = second
        self.clients.merge(other.clients)
        if other.times is not None:
            self.times = self.times or Times()
            self.times.merge(other.times)
        for table, keyed in other.tables.items():
            if only is None or table is only:
                self.tables.setdefault(table, Keyed()).merge(keyed)
        if len(self.sections) > MAX_SECTIONS:
            self._fold()
        _bound(self.codes)
        _bound(self.methods)

    def _fold(self, keep: int = 0) -> None:
        """Put what is too long or too rare into (other); ``keep``: how many stay, where that is less than the bound."""
        gone = {section for section in self.sections if len(section) > MAX_KEY}
        if keep or len(self.sections) > MAX_SECTIONS:
            stay = dict(largest(self.sections, keep or KEEP_SECTIONS))
            gone |= self.sections.keys() - stay.keys() - {OTHER}
            self.exact = False
        for counts in (self.sections, self.sizes, self.errors):
            moved = sum([counts.pop(section, 0) for section in gone])
            if moved:
                counts[OTHER] = counts.get(OTHER, 0) + moved
        self.sizes.setdefault(OTHER, 0)
        latest = max([self.last.pop(section, 0) for section in gone], default=0)
        if latest:
            self.last[OTHER] = max(self.last.get(OTHER, 0), latest)


ERRORS = (b"4", b"5")  # as a status begins


def _add(mine: dict[bytes, int], its: Mapping[bytes, int]) -> None:
    """Add counts: all in C, past Counter's own ``update``, which is a loop: it comes for every interval told."""
    dict.update(mine, zip(its, map(add, its.values(), map(mine.get, its, repeat(0))), strict=True))


def _bound(names: Counter[bytes]) -> None:
    """Put the names that are too many into (other)."""
    if len(names) > MAX_NAMES or max(map(len, names), default=0) > MAX_KEY:
        kept = dict(largest({name: n for name, n in names.items() if len(name) <= MAX_KEY}, MAX_NAMES // 2))
        kept[OTHER] = kept.get(OTHER, 0) + names.total() - sum(kept.values())
        names.clear()
        names.update(kept)


def largest(counts: Mapping[bytes, int], limit: int) -> list[tuple[bytes, int]]:
    """Return the ``limit`` keys with the highest counts, highest first, ties by key; 0: all of them."""
    if limit and limit < len(counts):
        # Ties need a second look: all keys at the lowest count that gets in. To sort few numbers is faster than a heap.
        floor = sorted(counts.values())[-limit]
        counts = {key: count for key, count in counts.items() if count >= floor}
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    return rows[:limit] if limit else rows
