"""A log that is read once from its beginning to its end: plain, .gz, .bz2, .xz, .zst, standard input, a named pipe.

What a file is goes by its first bytes, not by its name. Knows nothing of rotation or of what a line says.
"""

from __future__ import annotations

import bz2
import glob
import lzma
import os
import re
import select
import stat
import sys
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from monitor.errors import TaplineError
from monitor.input.block import MAX_LINE
from monitor.input.lines import CHUNK, Lines

STDIN = 0
HEAD = 4096  # bytes from which a log is told from other things
_MAGIC = ((b"\x1f\x8b", "gz"), (b"BZh", "bz2"), (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "zst"))
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\x1b")) + b"\x7f"
_TEXT_LINE = re.compile(rb"^[ -~]{20,}\r?$", re.MULTILINE)


class Decompressor(Protocol):
    """What the incremental decompressors of the standard library have in common; each raises an error of its own."""

    @property
    def eof(self) -> bool: ...  # noqa: D102
    @property
    def needs_input(self) -> bool: ...  # noqa: D102
    @property
    def unused_data(self) -> bytes: ...  # noqa: D102
    def decompress(self, data: bytes, max_length: int) -> bytes: ...  # noqa: D102


class _Gzip:
    """zlib's decompressor of one gzip member in the shape of the others."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)  # 31: a gzip header and trailer, checksum included
        self._full = False

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail and not self._full

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        out = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self._full = len(out) == max_length  # zlib may hold more although it took in everything
        return out


def compression(head: bytes) -> str:
    """Name what a file that begins with ``head`` is packed with: gz, bz2, xz, zst, or ``""``."""
    return next((name for magic, name in _MAGIC if head.startswith(magic)), "")


def is_binary(head: bytes) -> bool:
    """Tell whether what begins with ``head`` cannot be a log: many control bytes and not one line of plain text."""
    head = head.lstrip(b"\0")  # a log truncated under a writer that does not append begins with a hole
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return controls * 12 > len(head) >= 64 and not _TEXT_LINE.search(head)


def _codec(packed: str) -> tuple[Callable[[], Decompressor], type[Exception]]:
    """Return what unpacks one member, and the error that it raises. Raises TaplineError where it is not installed."""
    if packed == "gz":
        return _Gzip, zlib.error
    if packed == "bz2":
        return bz2.BZ2Decompressor, OSError
    if packed == "xz":
        return lzma.LZMADecompressor, lzma.LZMAError
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        try:
            from backports import zstd
        except ImportError:
            raise TaplineError("reading .zst takes Python 3.14 or: pip install 'tapline[zstd]'") from None
    return zstd.ZstdDecompressor, zstd.ZstdError


Size = int | Callable[[], int]  # bytes to be read at once, always or each time anew


def _now(size: Size) -> int:
    return min(size if isinstance(size, int) else size(), MAX_LINE)


def _unpack(path: str, packed: str, stored: Iterator[bytes], size: Size) -> Iterator[bytes]:
    """Unpack one member after the other, at most ``size`` bytes at a time however well they were packed."""
    new, error_class = _codec(packed)
    member: Decompressor | None = None
    first = True
    for data in stored:
        while data or (member and not member.needs_input):
            if member is None:
                data = data.lstrip(b"\0")  # padding after a member, as of tape blocks
                if not data:
                    break
                member = new()
            try:
                out = member.decompress(data, _now(size))
            except error_class as error:
                what = "is damaged" if first else "is damaged or has something else behind its end"
                raise TaplineError(f"{path}: the {packed} data {what}: {error}") from None
            if out:
                yield out
            data = b""
            if member.eof:
                data, member, first = member.unused_data, None, False
    if member is not None:
        raise TaplineError(f"{path}: the {packed} data ends too soon; what came before it was read")


@dataclass(frozen=True, slots=True)
class Archive:
    """A log to be read once. ``size``: bytes as stored, None for a pipe; ``packed``: gz, bz2, xz, zst or ``""``."""

    path: str
    size: int | None
    packed: str

    def blocks(self, size: Size = CHUNK) -> Iterator[bytes]:
        """Read it in blocks of about ``size`` bytes (at most ``MAX_LINE``), whole lines; the last may lack its LF.

        Raises TaplineError where it cannot be read (on), after everything before that place.
        """
        lines = Lines()
        with _opened(self.path) as descriptor:
            try:
                for chunk in chunks(self.path, descriptor, size):
                    if block := lines.push(chunk):
                        yield block
            except TaplineError:
                if rest := lines.rest():
                    yield rest
                raise
        if rest := lines.rest():
            yield rest

    @contextmanager
    def stretches(self) -> Iterator[Stretches | None]:
        """Open it to be read by several processes; None where its bytes come only one after the other."""
        if self.size is None or self.packed:
            yield None
            return
        with _opened(self.path) as descriptor:
            yield Stretches(self.path, descriptor)


def chunks(path: str, descriptor: int, size: Size) -> Generator[bytes, None, None]:
    """Read an open log, unpacked, in chunks of at most ``size`` bytes; ``path`` is what it is called.

    Raises TaplineError where it cannot be read (on).
    """
    stored = _stored(path, descriptor, size)
    head = next(stored, b"")
    if packed := compression(head):
        stored = _unpack(path, packed, chain((head,), stored), size)
        head = next(stored, b"")
    if is_binary(head[:HEAD]):
        raise TaplineError(f"{path}: binary, not a log")
    if head:
        yield head
    yield from stored


def matching(patterns: Sequence[str]) -> tuple[str, ...]:
    """Return the logs that path names and patterns stand for, each once. Raises TaplineError where nothing matches."""
    found: dict[str, None] = {}
    for pattern in patterns:
        names = [pattern]
        if glob.has_magic(pattern) and not os.path.lexists(pattern):
            names = sorted(name for name in glob.glob(pattern, recursive=True) if not os.path.isdir(name))
            if not names:
                raise TaplineError(f"{pattern}: no file matches")
        found |= dict.fromkeys(names)
    return tuple(found)


def open_archive(path: str) -> Archive:
    """Look at a log to be read once; ``-`` is standard input. Raises TaplineError in one line if it cannot be read."""
    try:
        status = os.fstat(STDIN) if path == "-" else os.stat(path)
    except OSError as error:
        raise unreadable(path, error) from None
    if not stat.S_ISREG(status.st_mode):
        if stat.S_ISDIR(status.st_mode):
            raise TaplineError(f"{path}: is a directory")
        return Archive(path, None, "")  # not opened yet: a named pipe's writer would see its reader go
    with _opened(path) as descriptor:
        try:
            head = os.pread(descriptor, HEAD, os.lseek(descriptor, 0, os.SEEK_CUR))
        except OSError as error:
            raise unreadable(path, error) from None
    packed = compression(head)
    if packed:
        _codec(packed)
    elif is_binary(head):
        raise TaplineError(f"{path}: binary, not a log")
    return Archive(path, status.st_size, packed)


class Stretches:
    """A plain file from where it stands to its end, cut so that several processes can read it, each from its own place.

    Positions are byte offsets in the file. Opened once, it stays the same file whatever becomes of its name.
    """

    def __init__(self, path: str, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self.start = os.lseek(descriptor, 0, os.SEEK_CUR)

    def cuts(self, size: Callable[[int], int], first: int = 0) -> Generator[tuple[int, int], None, None]:
        """Yield (start, end) of one stretch of whole lines after the other.

        Each is of ``size(left)`` bytes, ``left`` being all that follow, and the rest of a line; the first of ``first``,
        if named. Where it cannot be read, whoever reads the last one will find out.
        """
        start, more = self.start, True
        while more:
            left = max(os.fstat(self._descriptor).st_size - start, 0)
            end, more = self._cut(start, first or size(left))
            if end > start:
                yield start, end
            start, first = end, 0

    def _cut(self, start: int, size: int) -> tuple[int, bool]:
        """Return the end of the line that is ``size`` bytes behind ``start``, and whether there may be more."""
        position = start + size - 1
        end = os.fstat(self._descriptor).st_size
        if end <= position:
            return end, False
        try:
            while piece := self._read(position, CHUNK):
                if found := piece.find(b"\n") + 1:
                    return position + found, True
                position += len(piece)
        except TaplineError:
            return position + 1, False
        return position, False

    def blocks(self, start: int, end: int, size: Size = CHUNK) -> Iterator[tuple[int, bytes]]:
        """Read from ``start`` to ``end`` in the blocks of ``Archive.blocks``, each with where it ends.

        Raises TaplineError where it cannot be read (on), after everything before that place.
        """
        lines = Lines()
        while start < end and (chunk := self._read(start, min(_now(size), end - start))):
            start += len(chunk)
            if block := lines.push(chunk):
                yield start - lines.length, block
        if rest := lines.rest():
            yield start, rest

    def _read(self, position: int, size: int) -> bytes:
        try:
            return os.pread(self._descriptor, size, position)
        except OSError as error:
            raise unreadable(self._path, error) from None


def unreadable(path: str, error: OSError) -> TaplineError:
    """Say in one line why a file cannot be read."""
    return TaplineError(f"{path}: {(error.strerror or str(error)).lower()}")


@contextmanager
def _opened(path: str) -> Iterator[int]:
    if path == "-":
        yield STDIN
        return
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise unreadable(path, error) from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _stored(path: str, descriptor: int, size: Size) -> Iterator[bytes]:
    """Read up to ``size`` bytes at a time; of a pipe what is there, without waiting for more than its first byte.

    A file is read from the descriptor's place, which stays: it may be read by others meanwhile.
    """
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            offset = os.lseek(descriptor, 0, os.SEEK_CUR)
            while chunk := os.pread(descriptor, _now(size), offset):
                offset += len(chunk)
                yield chunk
            return
        while chunk := os.read(descriptor, room := _now(size)):
            pieces = [chunk]
            room -= len(chunk)
            while room and chunk and select.select([descriptor], [], [], 0)[0]:
                chunk = os.read(descriptor, room)
                pieces.append(chunk)
                room -= len(chunk)
            yield b"".join(pieces)
    except OSError as error:
        raise unreadable(path, error) from None
