"""The counts of a stretch of time: mergeable, picklable, bounded. Knows nothing of clocks or of what is shown."""

from __future__ import annotations

import heapq
import marshal
from collections import Counter
from collections.abc import Sequence
from itertools import compress

from monitor.engine.distinct import Distinct
from monitor.engine.keyed import MAX_KEY, Keyed, add_up
from monitor.engine.snapshot import OTHER, Table
from monitor.engine.times import Times
from monitor.formats.batch import Encoded

MAX_SECTIONS = 40_000  # sections held; above it ...
KEEP_SECTIONS = 20_000  # ... the ones with most hits stay, the others go into (other)
MAX_KEYS = 130_000  # keys of another table held; above it ...
KEEP_KEYS = 100_000  # ... likewise
MAX_NAMES = 1_000  # methods and statuses; a server knows a dozen, an attacker may invent any


class Counts:
    """Hits, errors and bytes by section, hits by status and by method, distinct clients."""

    __slots__ = (
        "clients", "codes", "exact", "hits", "last", "late", "malformed", "methods", "sections", "size", "tables",
        "times",
    )  # fmt: skip

    def __init__(self) -> None:
        self.hits = 0
        self.size = 0  # bytes
        self.late = 0
        self.malformed = 0
        self.sections = Keyed()
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
        by_name = (self.sections.rows, self.last, dict(self.codes), dict(self.methods))
        return marshal.dumps((numbers, *by_name), 2), self.clients, self.times, self.tables

    def __setstate__(self, state: tuple[bytes, Distinct, Times | None, dict[Table, Keyed]]) -> None:
        """Unpack."""
        packed, self.clients, self.times, self.tables = state
        self.sections = Keyed()
        numbers, self.sections.rows, self.last, *by_name = marshal.loads(packed)  # noqa: S302  # from a process of our own
        self.hits, self.size, self.late, self.malformed, self.exact = numbers
        self.codes, self.methods = map(Counter, by_name)

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
        self.clients.update(hosts.distinct() if isinstance(hosts, Encoded) else hosts)
        self.codes.update(statuses.counts() if isinstance(statuses, Encoded) else statuses)
        self.methods.update(methods.counts() if isinstance(methods, Encoded) else methods)
        if len(self.codes) > MAX_NAMES or len(self.methods) > MAX_NAMES:
            _bound(self.codes)
            _bound(self.methods)
        if b"" in self.methods and isinstance(methods, Encoded):  # no request: a hit in no section
            sections, statuses, sizes = methods.beside(sections, statuses, sizes)
        elif b"" in self.methods:
            there = [bool(method) for method in methods]
            sections = list(compress(sections, there))
            statuses = list(compress(statuses, there))
            sizes = list(compress(sizes, there))
        too_long = self.sections.add(sections, statuses, sizes)
        if too_long or len(self.sections) > MAX_SECTIONS:
            self._fold(MAX_SECTIONS, KEEP_SECTIONS)

    def add_times(self, durations: Sequence[int], sections: Sequence[bytes]) -> None:
        """Count response times in microseconds."""
        self.times = self.times or Times()
        self.times.add(durations, sections)

    def add_table(self, table: Table, keys: Sequence[bytes], statuses: Sequence[bytes], sizes: Sequence[int]) -> None:
        """Count rows by another key than the section; those without one are left out."""
        keyed = self.tables.setdefault(table, Keyed())
        too_long = keyed.add(keys, statuses, sizes)
        keyed.leave_out(b"")
        if too_long or len(keyed) > MAX_KEYS:
            keyed.trim(MAX_KEYS, KEEP_KEYS)

    def trim(self, most: int, keep: int) -> None:
        """Give up the smaller keys of every table: ``(other)`` is what is left of them."""
        if len(self.sections) > most:
            self._fold(most, keep)
        for keyed in self.tables.values():
            keyed.trim(most, keep)

    def hits_of(self, table: Table, key: bytes) -> int:
        """Return a key's hits."""
        keyed = self.sections if table is Table.SECTIONS else self.tables.get(table)
        return keyed.hits(key) if keyed else 0

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
        self.sections.merge(other.sections)
        add_up(self.codes, other.codes)
        add_up(self.methods, other.methods)
        for section, second in other.last.items():
            if second > self.last.get(section, second - 1):
                self.last[section] = second
        self.clients.merge(other.clients)
        if other.times is not None:
            self.times = self.times or Times()
            self.times.merge(other.times)
        for table, keyed in other.tables.items():
            if only is None or table is only:
                mine = self.tables.setdefault(table, Keyed())
                mine.merge(keyed)
                if len(mine) > MAX_KEYS:
                    mine.trim(MAX_KEYS, KEEP_KEYS)
        if len(self.sections) > MAX_SECTIONS:
            self._fold(MAX_SECTIONS, KEEP_SECTIONS)
        _bound(self.codes)
        _bound(self.methods)

    def _fold(self, most: int, keep: int) -> None:
        """Put the sections that are too long, or too rare where there are more than ``most``, into (other)."""
        self.exact = self.exact and len(self.sections) <= most
        gone = self.sections.trim(most, keep)
        latest = max([self.last.pop(section, 0) for section in gone], default=0)
        if latest:
            self.last[OTHER] = max(self.last.get(OTHER, 0), latest)


def _bound(names: Counter[bytes]) -> None:
    """Put the names that are too many into (other)."""
    if len(names) > MAX_NAMES or max(map(len, names), default=0) > MAX_KEY:
        known = (item for item in names.items() if len(item[0]) <= MAX_KEY)
        kept = dict(heapq.nsmallest(MAX_NAMES // 2, known, key=lambda item: (-item[1], item[0])))
        kept[OTHER] = kept.get(OTHER, 0) + names.total() - sum(kept.values())
        names.clear()
        names.update(kept)
