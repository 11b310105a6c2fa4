"""Which files have been one log: those that are known, and how those that were missed are found.

A file is known by device and inode as long as it begins as it did; a copy or a compressed one by how it begins and how
long it is. Knows nothing of the order of reading.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Container, Iterator
from dataclasses import dataclass

from monitor.errors import TaplineError
from monitor.input.file import HEAD, File, Position, Print, holds
from monitor.input.packed import Packed
from monitor.input.siblings import Sibling, by_identity, siblings

MAX_KNOWN = 512  # files remembered, so that they are not read again under another name or packed
SETTLED_KNOWN = 64  # of them, those kept on when nothing has been rotated for a while
SETTLE = 5.0  # s in which names are still changing, or a copy is being made, after a change
MAX_LOST = MAX_KNOWN  # places of which the rest is looked for in copies
LISTINGS = 50  # tried until no rotation comes between: it renames every file, which takes it a moment


@dataclass(frozen=True, slots=True)
class _Candidate:
    order: int  # of writing
    sibling: Sibling
    descriptor: int
    head: bytes
    packed: bool


class Lineage:
    """The files of the log at ``path``. ``foreign``: path names that are logs of their own."""

    def __init__(self, path: str, foreign: Container[str] = ()) -> None:
        self.path = path
        self.unsettled = False  # names changed during the last search, or a file was being made: search again
        self.floor = 0  # ns; what was last written to before is older than anything that could be missed
        self.lost: list[Position] = []  # places whose file is gone; what follows them may be in a copy
        self._foreign = foreign
        self._moved = False  # a name had gone on to another file when it was opened
        self._next_floor = 0
        self._raised = 0.0  # when the floor was
        # Several may have the same identity: the system gives it to the next file when one was deleted.
        self._known: dict[tuple[tuple[int, int], Print], Position] = {}

    @property
    def known(self) -> tuple[Position, ...]:
        """The files read to their end or older than the following, the latest last."""
        return tuple(self._known.values())

    def remember(self, position: Position) -> None:
        """Know a file from now on."""
        self._known.pop((position.identity, position.head), None)
        self._known[position.identity, position.head] = position
        while len(self._known) > MAX_KNOWN:
            del self._known[next(iter(self._known))]

    def remember_present(self) -> None:
        """Know all rotated files that there are now: they are older than what is followed."""
        names = self._siblings()
        self.floor = self._next_floor = max((sibling.modified for sibling in names), default=-1) + 1
        for sibling in names[-SETTLED_KNOWN:]:
            head = b""
            try:
                descriptor, head, _ = sibling.open()
                os.close(descriptor)
            except (OSError, TaplineError):
                pass
            self.remember(_whole(sibling, head))

    def settle(self, modified: int, now: float) -> None:
        """Note that the current file, last written to at ``modified`` (ns), was read to its end."""
        if now > self._raised + 2 * SETTLE:  # late, because a search may find a file only when names have settled
            self.floor = max(self.floor, self._next_floor)
            self._next_floor, self._raised = modified, now
            for key, position in list(self._known.items())[:-SETTLED_KNOWN]:
                if position.modified < self.floor:
                    del self._known[key]

    def lose(self, position: Position) -> None:
        """Look for what follows ``position`` in copies from now on; of a file that was not read all of it is new."""
        if position.head.length:
            self.lost = [*self.lost, position][-MAX_LOST:]

    def begin(self, descriptor: int) -> File:
        """Read a file that the log's name stands for now: where it was left if it is known, else from its beginning."""
        file = File(descriptor)
        for known in self.known:
            if known.identity == file.identity and file.is_of(known):
                file.begin(known.offset)  # the last one that fits was known last
        return file

    def reopen(self, position: Position) -> File | None:
        """Find the file of ``position``, whatever it is called now, and go on where it was left."""
        path = by_identity(self.path).get(position.identity)
        if not path or not position.head.length:  # of one that nothing was read of only the number is known
            return None
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return None
        if holds(descriptor, position):
            return File(descriptor, position.offset)
        os.close(descriptor)
        return None

    def older(self, reading: Collection[File | Packed]) -> Iterator[Sibling]:
        """Find the log's predecessors before those that are being read, the latest first.

        What is neither known nor older than anything missed only escaped the search, while names changed: it is new.
        """
        held = {source.identity for source in reading}
        known = {identity for identity, _ in self._known}
        return (
            sibling
            for sibling in reversed(self._siblings())
            if sibling.identity not in held and (sibling.modified < self.floor or sibling.identity in known)
        )

    def missed(self, reading: Collection[File | Packed], current: File | None = None) -> list[File | Packed]:
        """Open the files that are neither being read nor known, and copies that go on where a place was lost.

        They come in the order of writing. ``current`` is what the log's name stands for, and may be being copied.
        """
        # A file that this search leaves out comes after files that were written later; and what a former run had read
        # of it is known at the start only.
        for attempt in range(LISTINGS):
            self.unsettled = self._moved = False
            names = self._siblings()
            candidates = list(self._candidates(names, {source.identity for source in reading}))
            # A listing may leave out a file that is renamed meanwhile, without a sign of it.
            if _names_of(names) != _names_of(self._siblings()):
                self.unsettled = self._moved = True
            if not self._moved or attempt + 1 == LISTINGS:
                break
            for candidate in candidates:
                os.close(candidate.descriptor)
        found: list[tuple[int, File | Packed]] = []
        for candidate in sorted(candidates, key=lambda candidate: (candidate.packed, candidate.order)):
            source = self._source(candidate, [*reading, *(source for _, source in found)], current)
            if source:
                found.append((candidate.order, source))
            else:
                os.close(candidate.descriptor)
        if _names_of(names) != _names_of(self._siblings()):
            self.unsettled = True
        return [source for _, source in sorted(found, key=lambda pair: pair[0])]

    def _siblings(self) -> list[Sibling]:
        return [sibling for sibling in siblings(self.path) if sibling.path not in self._foreign]

    def _candidates(self, names: list[Sibling], held: Container[tuple[int, int]]) -> Iterator[_Candidate]:
        heads: dict[tuple[int, int], list[Print]] = {}
        for identity, head in self._known:
            heads.setdefault(identity, []).append(head)
        for order, sibling in enumerate(names):
            known = heads.get(sibling.identity)
            if sibling.identity in held or not sibling.size or sibling.modified < self.floor:
                continue
            try:
                descriptor, beginning, packed = sibling.open()
            except (OSError, TaplineError) as error:  # gone on to its next name, or not yet wholly packed
                self.unsettled = True
                self._moved = self._moved or isinstance(error, FileNotFoundError)
                continue
            if known and any(head.begins(beginning) for head in known):
                os.close(descriptor)
            else:
                yield _Candidate(order, sibling, descriptor, beginning, packed)

    def _source(
        self, candidate: _Candidate, reading: Collection[File | Packed], current: File | None
    ) -> File | Packed | None:
        sibling, head = candidate.sibling, candidate.head
        for position in self.lost:
            if not position.head.begins(head):
                continue
            shorter = not candidate.packed and sibling.size < position.offset  # more was read than was copied
            if shorter or candidate.packed or holds(candidate.descriptor, position):
                self.lost.remove(position)
                self.remember(_whole(sibling, head))
                return None if shorter else _opened(candidate, position.offset, position.mark)
        for source in reading:
            same = source.beginning().startswith(head)
            if same or (source.head and head.startswith(source.head)):
                # Perhaps its copy, not yet whole, or the source was truncated just now: the next read will notice.
                if same and candidate.packed and source is not current:
                    self.remember(_whole(sibling, head))
                else:
                    self.unsettled = True
                return None
        for position in self._known.values():
            whole = position.head.length == min(HEAD, len(head)) and position.head.begins(head)
            if whole and (candidate.packed or sibling.size == position.offset):
                self.remember(_whole(sibling, head))
                return None
        self.remember(_whole(sibling, head))
        return _opened(candidate, 0, None)


def _names_of(siblings: list[Sibling]) -> list[tuple[str, tuple[int, int]]]:
    return [(sibling.path, sibling.identity) for sibling in siblings]


def _opened(candidate: _Candidate, offset: int, mark: Print | None) -> File | Packed:
    if candidate.packed:
        return Packed(candidate.sibling, candidate.descriptor, candidate.head, offset, mark)
    return File(candidate.descriptor, offset)


def _whole(sibling: Sibling, head: bytes) -> Position:
    return Position(*sibling.identity, Print.of(head), sibling.size, Print.of(b""), sibling.modified)
