"""Where a live start begins so that the last window is known: read back from the end, into the predecessors if need be.

Whether it is far enough is asked of the caller, who can read the lines. Knows nothing of time.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from monitor.errors import TaplineError
from monitor.input.block import MAX_LINE
from monitor.input.file import File
from monitor.input.lines import CHUNK
from monitor.input.packed import Packed
from monitor.input.siblings import Sibling

BUDGET = 256 * 1024 * 1024  # bytes read back at most, all logs together
PACKED_KEPT = 64 * 1024 * 1024  # bytes of a compressed predecessor's end that are looked at
PACKED_SIZE = 64 * 1024 * 1024  # bytes a compressed predecessor may have: its end is behind all the rest
_STEP = CHUNK  # bytes of a step back: blocks as small as when a log is followed, for which no arrays are loaded


def warmed(
    sources: Sequence[File | Packed], older: Iterable[Sibling], enough: Callable[[bytes], bool], budget: int
) -> tuple[list[File | Packed], bool]:
    """Set ``sources`` back, and put predecessors before them, until the lines they begin with are ``enough``.

    ``enough`` is handed blocks of whole lines, each the one before the last; it says whether to stop there. Return also
    whether it, or the very first line, ended the way back; False: there are lines before that cannot be had.
    """
    begun: list[File | Packed] = []
    free = True
    for source in _backwards(sources, older):
        if source is None:
            free = False
            break
        end = source.offset
        if isinstance(source, Packed):
            try:
                low, kept = _end_of(source, min(budget, PACKED_KEPT))
            except TaplineError:  # damaged: what can be read of it is not next to what was read
                if source not in sources:
                    source.close()
                free = False
                break
            reached = _back(_fetcher(kept, low), low, low + len(kept), enough, budget)
        else:
            reached = _back(partial(_pread, source.descriptor), 0, end, enough, budget)
        until = max(source.until, end)
        source.begin(reached.start)
        source.until = until
        begun.insert(0, source)
        budget -= reached.spent
        if reached.enough:
            break
        if budget <= 0 or reached.start > 0:
            free = False
            break
    return [*(source for source in sources if source not in begun), *begun], free


@dataclass(frozen=True, slots=True)
class _Reached:
    start: int  # where the lines handed to ``enough`` begin
    spent: int  # bytes
    enough: bool


def _back(
    fetch: Callable[[int, int], bytes], low: int, end: int, enough: Callable[[bytes], bool], budget: int
) -> _Reached:
    """Hand on whole lines from ``end`` backwards, step by step. ``fetch(offset, length)``; ``low``: its first."""
    start = end
    size = _STEP
    while start > low and end - start < budget:
        at = max(low, start - min(size, budget - (end - start)))
        data = fetch(at, start - at)
        if at:
            cut = data.find(b"\n") + 1
            if cut in (0, len(data)):  # no line begins in it but the last one
                if size > MAX_LINE or at == low:
                    break
                size *= 4
                continue
            data, at = data[cut:], at + cut
        start = at
        if enough(data):
            return _Reached(start, end - start, True)
        size = _STEP
    return _Reached(start, end - start, False)


def _pread(descriptor: int, offset: int, length: int) -> bytes:
    return os.pread(descriptor, length, offset)


def _fetcher(kept: bytes, low: int) -> Callable[[int, int], bytes]:
    return lambda offset, length: kept[offset - low : offset - low + length]


def _end_of(source: Packed, room: int) -> tuple[int, bytes]:
    """Unpack what lies before the source's offset; return where its last ``room`` bytes begin, and them."""
    kept: deque[bytes] = deque()
    passed = size = 0
    for chunk in source.unpacked():
        piece = chunk[: source.offset - passed]
        kept.append(piece)
        passed += len(piece)
        size += len(piece)
        while kept and size - len(kept[0]) >= room:
            size -= len(kept.popleft())
        if len(piece) < len(chunk):
            break
    return passed - size, b"".join(kept)


def _backwards(sources: Sequence[File | Packed], older: Iterable[Sibling]) -> Iterator[File | Packed | None]:
    """Go from the newest source to the oldest and on to the predecessors; each begins where its lines end.

    None: there is a further one that cannot be read; what lies before it would not be next to what was read.
    """
    yield from reversed(sources)
    for sibling in older:
        try:
            descriptor, head, packed = sibling.open()
            if not packed:
                file = File(descriptor)
                file.begin(file.end_of_lines())
                yield file
            elif sibling.size <= PACKED_SIZE:
                yield Packed(sibling, descriptor, head, sys.maxsize)
            else:
                os.close(descriptor)
                yield None
        except (OSError, TaplineError):
            yield None
