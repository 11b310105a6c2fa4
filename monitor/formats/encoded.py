"""Columns as numbers instead of an object a row, to be counted many rows at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from monitor.formats.arrays import Bools, Ints, Words, np
from monitor.formats.batch import Batch, Encoded

LARGEST = 10**11 - 1  # of a number in a column; so sums of a block's are exact even as floats (below 2^53)
MAX_KEYS = 32_768  # keys of a dictionary; above it, or above ...
MAX_HELD = 8 * 1024 * 1024  # ... so many bytes of them, it is begun anew
_CELLS = 8  # so many keys of groups a row may be counted at once
_FEW = 4  # so many keys a row may be looked at; of more, the rows are sorted instead
_SPARSE = 64  # so many keys a row may be looked at for whether they occur

WORD = 8  # bytes
_WORDS = 5  # of a key that is found by comparing words: an IPv6 address has 39 bytes
_BITS = 17  # of a hash that tell where in the table a key is
_PLACES = 32_767  # keys in the table, by numbers of 16 bits
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio (D. Knuth, TAOCP 6.4)
_HALF = np.uint64(32)
_REST = np.uint64(64 - _BITS)
# The first so many bytes of a word, little-endian; more than all are all.
FIRST = np.array([*((1 << 8 * count) - 1 for count in range(WORD)), 2**64 - 1], np.uint64)


class Texts(Encoded):
    """A column of texts as numbers into a list of keys."""

    __slots__ = ("codes", "keys")

    def __init__(self, codes: Ints, keys: list[bytes]) -> None:
        self.codes = codes
        self.keys = keys

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> Texts: ...
    def __getitem__(self, at: int | slice) -> bytes | Texts:
        if isinstance(at, slice):
            return Texts(self.codes[at], self.keys)
        return self.keys[int(self.codes[at])]

    def __iter__(self) -> Iterator[bytes]:
        return map(self.keys.__getitem__, self.codes.tolist())

    def distinct(self) -> Iterable[bytes]:
        """Return each text that occurs, at least once."""
        if len(self.keys) > _SPARSE * len(self.codes):
            return self
        occurs = np.zeros(len(self.keys), np.bool_)
        occurs[self.codes] = True
        return map(self.keys.__getitem__, occurs.nonzero()[0].tolist())

    def counts(self) -> dict[bytes, int]:
        """Return the hits of each text."""
        codes, keys = self.compact(_FEW * len(self.codes))
        hits = np.bincount(codes, minlength=len(keys))
        present = hits.nonzero()[0]
        return dict(zip(map(keys.__getitem__, present.tolist()), hits[present].tolist(), strict=True))

    def amounts(
        self, statuses: Encoded, sizes: Sequence[int], errors: tuple[bytes, ...]
    ) -> Iterator[tuple[bytes, int, int, int]]:
        """Yield each text with its hits, bytes and errors."""
        assert isinstance(statuses, Texts)
        assert isinstance(sizes, Numbers)
        codes, keys = self.compact(_FEW * len(self.codes))
        count = len(keys)
        hits = np.bincount(codes, minlength=count)
        flags = np.array([key.startswith(errors) for key in statuses.keys], bool)[statuses.codes]
        failed = np.bincount(codes[flags], minlength=count)
        sums = np.bincount(codes, sizes.values, minlength=count)  # exact, though floats: see LARGEST
        present = hits.nonzero()[0]
        columns = [column[present].tolist() for column in (hits, sums.astype(np.int64), failed)]
        return zip(map(keys.__getitem__, present.tolist()), *columns, strict=True)

    def beside(
        self, keys: Sequence[bytes], statuses: Sequence[bytes], sizes: Sequence[int]
    ) -> tuple[Texts, Texts, Numbers]:
        """Return those rows of other columns of the batch in which this one is not empty."""
        assert isinstance(keys, Texts)
        assert isinstance(statuses, Texts)
        assert isinstance(sizes, Numbers)
        rows = self.nonempty()
        return (
            Texts(keys.codes[rows], keys.keys),
            Texts(statuses.codes[rows], statuses.keys),
            Numbers(sizes.values[rows]),
        )

    def nonempty(self) -> Bools:
        """Return whether each row has a text."""
        return np.array([*map(bool, self.keys)], np.bool_)[self.codes]

    def compact(self, most: int) -> tuple[Ints, list[bytes]]:
        """The column in keys that occur, if there are more than ``most`` of which some may not."""
        if len(self.keys) <= most:
            return self.codes, self.keys
        present, codes = np.unique(self.codes, return_inverse=True)
        return codes, [self.keys[code] for code in present.tolist()]


class Numbers(Sequence[int]):
    """A column of numbers of at most LARGEST."""

    __slots__ = ("values",)

    def __init__(self, values: Ints) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> Numbers: ...
    def __getitem__(self, at: int | slice) -> int | Numbers:
        if isinstance(at, slice):
            return Numbers(self.values[at])
        return int(self.values[at])

    def __iter__(self) -> Iterator[int]:
        return iter(self.values.tolist())


class Dictionary:
    """Texts to numbers from 0, many rows at a time; what a number means stays until it is begun anew.

    A key of up to 40 bytes is found by its hash, and compared word by word: two keys never get one number. Others, and
    keys whose place is taken, are looked up one by one. Whoever makes hashes collide makes it slow, and nothing else.
    """

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self._codes: dict[bytes, int] = {}
        self._held = 0  # bytes of all keys
        self._table = np.full(1 << _BITS, -1, np.int16)  # code by place
        self._lengths = np.full(_PLACES + 1, -1, np.int64)  # of the keys in the table; the last one is never one
        self._words = [np.zeros(_PLACES + 1, np.uint64) for _ in range(_WORDS)]

    @property
    def full(self) -> bool:
        """Has to be begun anew before more rows are read."""
        return len(self.keys) > MAX_KEYS or self._held > MAX_HELD

    def code(self, key: bytes) -> int:
        """The number of one key."""
        code = self._codes.get(key)
        if code is None:
            code = self._codes[key] = len(self.keys)
            self.keys.append(key)
            self._held += len(key)
        return code

    def codes(self, data: bytes, words: Words, starts: Ints, lengths: Ints) -> Ints:
        """The numbers of the texts that begin at ``starts``; ``words``: the 8 bytes from each place of ``data``."""
        texts, places = self._hashed(words, starts, lengths)
        codes = self._table[places].astype(np.int64)
        same = self._lengths[codes] == lengths  # code -1 is the last place
        for (rows, word), known in zip(texts, self._words, strict=False):
            if rows is None:
                same &= known[codes] == word
            else:
                same[rows] &= known[codes[rows]] == word
        others = (~same).nonzero()[0]
        if len(others):
            found = [
                self.code(data[start : start + length])
                for start, length in zip(starts[others].tolist(), lengths[others].tolist(), strict=True)
            ]
            codes[others] = found
            self._place(texts, lengths, places, others, codes)
        return codes

    @staticmethod
    def _hashed(words: Words, starts: Ints, lengths: Ints) -> tuple[list[tuple[Ints | None, Words]], Ints]:
        """The texts word by word, as far as they are compared (None: of all rows), and each text's place."""
        found: list[tuple[Ints | None, Words]] = []
        hashes = lengths.astype(np.uint64)
        for offset in range(0, min(int(lengths.max(initial=0)), _WORDS * WORD), WORD):
            rows = None if offset < 2 * WORD else (lengths > offset).nonzero()[0]
            at, left = (starts, lengths) if rows is None else (starts[rows], lengths[rows])
            word = words[at + offset] & FIRST[np.clip(left - offset, 0, WORD)]
            mixed = ((hashes if rows is None else hashes[rows]) ^ word) * _FACTOR
            mixed ^= mixed >> _HALF
            if rows is None:
                hashes = mixed
            else:
                hashes[rows] = mixed
            found.append((rows, word))
        return found, (hashes * _FACTOR >> _REST).astype(np.int64)

    def _place(
        self, texts: list[tuple[Ints | None, Words]], lengths: Ints, places: Ints, others: Ints, codes: Ints
    ) -> None:
        """Put keys where they are found next time; of several that want one place the last one gets it."""
        fits = others[(lengths[others] <= _WORDS * WORD) & (codes[others] < _PLACES)]
        self._table[places[fits]] = codes[fits]
        self._lengths[codes[fits]] = lengths[fits]
        chosen = np.zeros(len(codes), bool)
        chosen[fits] = True
        for (rows, word), known in zip(texts, self._words, strict=False):
            if rows is None:
                known[codes[fits]] = word[fits]
            else:
                among = chosen[rows]
                known[codes[rows[among]]] = word[among]


@dataclass(frozen=True, slots=True)
class Divided:
    """Rows of a batch counted by group, a value a group."""

    sizes: list[int]
    hosts: list[int]  # distinct
    statuses: list[dict[bytes, int]]
    methods: list[dict[bytes, int]]
    sections: list[list[tuple[bytes, int, int, int]]]  # those with most hits: hits, bytes, errors; ties by key


def divide(batch: Batch, bounds: Sequence[int], top: int, errors: tuple[bytes, ...]) -> Divided | None:
    """Count the rows from each of ``bounds`` to the next; ``top`` sections (0: all). The batch's columns are encoded.

    None: there are so many keys for so few rows a group that it is better done one group after the other.
    """
    rows = slice(bounds[0], bounds[-1])
    hosts, methods, sections, statuses = batch.hosts, batch.methods, batch.sections, batch.statuses
    assert isinstance(hosts, Texts)
    assert isinstance(methods, Texts)
    assert isinstance(sections, Texts)
    assert isinstance(statuses, Texts)
    assert isinstance(batch.sizes, Numbers)
    groups, most = len(bounds) - 1, _CELLS * (bounds[-1] - bounds[0])
    codes, keys = sections[rows].compact(most // groups)
    count = len(keys)
    if groups * max(count, len(methods.keys), len(statuses.keys)) > most:
        return None
    group = np.repeat(np.arange(groups), np.diff(bounds))
    sizes = batch.sizes.values[rows]
    failed = np.array([key.startswith(errors) for key in statuses.keys], np.bool_)[statuses.codes[rows]]
    cells = group * count + codes
    shown = sizes
    if b"" in methods.keys:  # no request: a hit in no section
        there = methods[rows].nonempty()
        cells, failed, shown = cells[there], failed[there], sizes[there]
    sums = np.bincount(cells, shown, minlength=groups * count).astype(np.int64)  # exact, though floats: see LARGEST
    hits, bad = (np.bincount(each, minlength=groups * count) for each in (cells, cells[failed]))
    hits, sums, bad = (column.reshape(groups, count) for column in (hits, sums, bad))
    return Divided(
        np.add.reduceat(sizes, np.array(bounds[:-1]) - bounds[0]).tolist(),
        _distinct(group, hosts.codes[rows], groups),
        _by_group(group, statuses[rows], groups),
        _by_group(group, methods[rows], groups),
        [_largest(keys, hits[at], sums[at], bad[at], top) for at in range(groups)],
    )


def _largest(keys: list[bytes], hits: Ints, sizes: Ints, errors: Ints, top: int) -> list[tuple[bytes, int, int, int]]:
    """The keys with most hits, ties by key."""
    least = int(np.partition(hits, -top)[-top]) if 0 < top < len(hits) else 0
    first = (hits >= max(least, 1)).nonzero()[0]
    columns = [column[first].tolist() for column in (hits, sizes, errors)]
    rows = zip([keys[code] for code in first.tolist()], *columns, strict=True)
    return sorted(rows, key=lambda row: (-row[1], row[0]))[: top or None]


def _by_group(group: Ints, column: Texts, groups: int) -> list[dict[bytes, int]]:
    count = len(column.keys)
    hits = np.bincount(group * count + column.codes, minlength=groups * count).reshape(groups, count)
    return [{key: n for key, n in zip(column.keys, row, strict=True) if n} for row in hits.tolist()]


def _distinct(group: Ints, codes: Ints, groups: int) -> list[int]:
    """How many different codes each group has."""
    step = int(codes.max()) + 1
    both = np.sort(group * step + codes)
    different = both[np.concatenate(([True], both[1:] != both[:-1]))]
    counts: list[int] = np.bincount(different // step, minlength=groups).tolist()
    return counts
