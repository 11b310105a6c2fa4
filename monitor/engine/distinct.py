"""How many distinct keys: exact up to a bound, an estimate above it. Knows nothing of what the keys are."""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Iterator

MAX_DISTINCT = 100_000  # keys held exactly


class Distinct:
    """Distinct keys, mergeable.

    Above the bound only the keys whose hash ends in ``_level`` zero bits are kept (Wegman's adaptive sampling, P.
    Flajolet, 1990): half of them go each time the bound is met. 50,000 to 100,000 stay, so the standard error of the
    estimate is at most 1.2 / sqrt(50,000) = 0.5 %.
    """

    __slots__ = ("_keys", "_level", "_sample")

    def __init__(self) -> None:
        self._keys: set[bytes] = set()
        self._level = -1  # exact
        self._sample: set[int] = set()

    def __getstate__(self) -> bytes:
        """What travels between processes; of a set, marshal would sort the keys."""
        return marshal.dumps((list(self._keys), self._level, list(self._sample)), 2)

    def __setstate__(self, packed: bytes) -> None:
        """Unpack."""
        keys, self._level, sample = marshal.loads(packed)  # noqa: S302  # from a process of our own
        self._keys, self._sample = set(keys), set(sample)

    @property
    def exact(self) -> bool:
        """The count is no estimate."""
        return self._level < 0

    def __len__(self) -> int:
        return len(self._keys) if self._level < 0 else len(self._sample) << self._level

    def update(self, keys: Iterable[bytes]) -> None:
        """Count keys."""
        if self._level >= 0:
            self._update_sample(_hashes(keys))
            return
        self._keys.update(keys)
        if len(self._keys) > MAX_DISTINCT:
            self._level = 0
            held, self._keys = self._keys, set()
            self._update_sample(_hashes(held))

    def merge(self, other: Distinct) -> None:
        """Count what another has counted."""
        self.update(other._keys)
        if other._level >= 0:
            if self._level < 0:
                self._level = 0
                held, self._keys = self._keys, set()
                self._update_sample(_hashes(held))
            self._level = max(self._level, other._level)
            self._update_sample(other._sample)
            self._thin()

    def _update_sample(self, hashes: Iterable[int]) -> None:
        mask = (1 << self._level) - 1
        sample = self._sample
        for value in hashes:
            if not value & mask:
                sample.add(value)
                if len(sample) > MAX_DISTINCT:
                    self._level += 1
                    mask = (1 << self._level) - 1
                    self._thin()
                    sample = self._sample

    def _thin(self) -> None:
        mask = (1 << self._level) - 1
        self._sample = {value for value in self._sample if not value & mask}


def _hashes(keys: Iterable[bytes]) -> Iterator[int]:
    """The same in every process, and not to be steered from outside for less than the work of a search."""
    from hashlib import blake2b  # here: it loads OpenSSL, and few logs have so many clients

    return (int.from_bytes(blake2b(key, digest_size=8).digest(), "big") for key in keys)
