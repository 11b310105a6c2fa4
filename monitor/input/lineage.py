"""Which files have been one log: those that are known, and how those that were missed are found.

A file is known by device and inode as long as it begins as it did; a copy or a compressed one by how it begins and how
long it is. Knows nothing of the order of reading.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Container

from monitor.errors import TaplineError
from monitor.input.file import HEAD, File, Position, Print
from monitor.input.packed import Packed
from monitor.input.siblings import Sibling, by_identity, siblings

MAX_KNOWN = 256  # files remembered, so that they are not read again under another name or packed


class Lineage:
    """The files of the log at ``path``. ``foreign``: path names that are logs of their own."""

    def __init__(self, path: str, foreign: Container[str] = ()) -> None:
        self.path = path
        self._foreign = foreign
        self._known: dict[tuple[int, int], Position] = {}

    @property
    def known(self) -> tuple[Position, ...]:
        """The files read to their end or older than the following, the latest last."""
        return tuple(self._known.values())

    def remember(self, position: Position) -> None:
        """Know a file from now on."""
        self._known.pop(position.identity, None)
        self._known[position.identity] = position
        while len(self._known) > MAX_KNOWN:
            del self._known[next(iter(self._known))]

    def remember_present(self) -> None:
        """Know all rotated files that there are now: they are older than what is followed."""
        for sibling in siblings(self.path)[-MAX_KNOWN:]:
            try:
                head, _ = sibling.head()
            except (OSError, TaplineError):
                continue
            self.remember(_whole(sibling, head))

    def begin(self, descriptor: int) -> File:
        """Read a file that the log's name stands for now: where it was left if it is known, else from its beginning."""
        file = File(descriptor)
        known = self._known.get(file.identity)
        if known and holds(descriptor, known):
            file.begin(known.offset)
        return file

    def reopen(self, position: Position) -> File | Packed | None:
        """Find the file of ``position``, whatever it is called, or a copy of it, and go on where it was left."""
        path = by_identity(self.path).get(position.identity)
        if path and (file := _plain(path, position)):
            return file
        for sibling in siblings(self.path):
            try:
                head, packed = sibling.head()
            except (OSError, TaplineError):
                continue
            if packed and position.head.begins(head):
                return Packed(sibling, head, position.offset, position.mark)
            if not packed and position.head.length and (file := _plain(sibling.path, position)):
                return file
        return None

    def missed(
        self, since: int, reading: Collection[File | Packed], truncated: File | None = None
    ) -> list[File | Packed]:
        """Open what was written to since ``since`` (ns) and neither is being read nor known, oldest first.

        Of a copy of the file that was ``truncated`` only what was not yet read.
        """
        candidates = []
        held = {source.identity for source in reading}
        for order, sibling in enumerate(siblings(self.path)):
            if sibling.modified < since or sibling.identity in held or sibling.path in self._foreign:
                continue
            try:
                head, packed = sibling.head()
            except (OSError, TaplineError):  # gone on to its next name, or not yet wholly packed
                continue
            if head:
                candidates.append((bool(packed), order, sibling, head))
        found: list[tuple[int, File | Packed]] = []
        others = [source for source in reading if source is not truncated]
        for is_packed, order, sibling, head in sorted(candidates, key=lambda candidate: candidate[:2]):
            if source := self._missed(sibling, head, is_packed, others, truncated):
                found.append((order, source))
                self.remember(_whole(sibling, head))
        return [source for _, source in sorted(found, key=lambda pair: pair[0])]

    def _missed(
        self, sibling: Sibling, head: bytes, packed: bool, reading: Collection[File | Packed], truncated: File | None
    ) -> File | Packed | None:
        known = self._known.get(sibling.identity)
        if known and known.head.begins(head):
            return None
        if truncated and truncated.head and head.startswith(truncated.head):
            self.remember(_whole(sibling, head))
            if packed:
                return Packed(sibling, head, truncated.handed, truncated.mark)
            return _continued(sibling.path, truncated)
        if any(source.beginning().startswith(head) for source in reading):  # a copy that is being made
            return None
        for position in self._known.values():
            whole = position.head.length == min(HEAD, len(head)) and position.head.begins(head)
            if whole and (packed or sibling.size == position.offset):
                self.remember(_whole(sibling, head))
                return None
        if packed:
            return Packed(sibling, head)
        try:
            return File(os.open(sibling.path, os.O_RDONLY | os.O_CLOEXEC))
        except OSError:
            return None


def holds(descriptor: int, position: Position) -> bool:
    """Tell whether an open file has the same bytes as that of ``position`` at its beginning and before the offset."""
    mark = os.pread(descriptor, position.mark.length, max(0, position.offset - position.mark.length))
    head = os.pread(descriptor, position.head.length, 0)
    return Print.of(head) == position.head and Print.of(mark) == position.mark


def _plain(path: str, position: Position) -> File | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    if holds(descriptor, position):
        return File(descriptor, position.offset)
    os.close(descriptor)
    return None


def _continued(path: str, truncated: File) -> File | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    if truncated.stands_in(descriptor):
        return File(descriptor, truncated.handed)
    os.close(descriptor)
    return None


def _whole(sibling: Sibling, head: bytes) -> Position:
    return Position(*sibling.identity, Print.of(head), sibling.size, Print.of(b""))
