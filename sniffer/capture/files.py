"""Capture files -> batches of frames: pcap and pcapng, either byte order, micro- or nanoseconds, gzip'd or not.

scapy's reader classes open the file, unpack it and know its header and blocks. The records of a classic pcap file are
taken from the reader's stream in blocks, since its own loop costs as much a packet as everything after it.
"""

from __future__ import annotations

import logging
import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from scapy.error import Scapy_Exception
from scapy.utils import RawPcapNgReader

from sniffer.decode import Frame
from sniffer.errors import CaptureError

if TYPE_CHECKING:
    from io import BufferedIOBase

BATCH = 512  # frames; enough to spread the cost of a call, little enough to stay in the cache
_BLOCK = 1 << 18  # bytes read at once
MAX_FRAME = 1 << 20  # bytes; libpcap's limit is 256 KiB: a longer record is a broken file
_READ_ERRORS = (OSError, EOFError, zlib.error, struct.error, Scapy_Exception)


class _Listener(logging.Handler):
    """Keeps the last of scapy's warnings instead of printing them."""

    last: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()


class CaptureFile:
    """One capture file. ``problem`` says after reading how the file is broken, if it is."""

    def __init__(self, path: str) -> None:
        """Open ``path``. Raises CaptureError if it is no capture or can't be read."""
        self.path = path
        self.problem: str | None = None
        self._listener = _Listener()
        log = logging.getLogger("scapy.runtime")
        log.handlers[:], log.propagate = [self._listener], False
        try:
            file = open(path, "rb")  # noqa: SIM115 - the reader closes it
        except OSError as error:
            raise CaptureError(f"{path}: {error.strerror or error}") from error
        try:
            self._reader = RawPcapNgReader(file)  # type: ignore[arg-type]  # takes files too, says open()
        except _READ_ERRORS as error:
            file.close()
            raise CaptureError(f"{path}: {self._listener.last or error}") from error
        self._closed = False

    def batches(self) -> Iterator[list[Frame]]:
        """Read to the end. A file that is cut or broken ends there, and ``problem`` says so."""
        try:
            if isinstance(self._reader, RawPcapNgReader):
                yield from self._blocks()
            else:
                yield from self._records()
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the file, read or not."""
        if not self._closed:  # scapy's reader of a gzip'd file can't be closed twice
            self._closed = True
            self._reader.close()

    def _records(self) -> Iterator[list[Frame]]:
        """Read the records of a classic pcap file."""
        reader = self._reader
        unpack = struct.Struct(reader.endian + "IIII").unpack_from
        link = reader.linktype & 0x03FFFFFF  # the rest tells of frame check sequences
        unit = 1 if reader.nano else 1000
        # What is there, however little: of a pipe the rest may be long in coming, of a cut gzip stream it is an error.
        read = cast("BufferedIOBase", reader.f).read1
        data, at = b"", 0
        frames: list[Frame] = []
        while True:
            try:
                more = read(_BLOCK)
            except _READ_ERRORS as error:
                self.problem = f"broken: {error}"
                more = b""
            if not more:
                break
            data, at, end = data[at:] + more, 0, len(data) - at + len(more)
            while at + 16 <= end:
                seconds, fraction, captured, wire = unpack(data, at)
                following = at + 16 + captured
                if following > end:
                    if captured > MAX_FRAME:
                        self.problem = f"a record of {captured} bytes"
                        yield frames
                        return
                    break
                frames.append((seconds * 1_000_000_000 + fraction * unit, link, data[at + 16 : following], wire))
                at = following
                if len(frames) >= BATCH:
                    yield frames
                    frames = []
            if frames:
                yield frames
                frames = []
        if at < len(data) and self.problem is None:
            self.problem = f"cut: {len(data) - at} bytes of an incomplete record at the end"

    def _blocks(self) -> Iterator[list[Frame]]:
        """Read the packets of a pcapng file; each tells its interface's link type and resolution."""
        read, last = self._reader._read_packet, 0
        frames: list[Frame] = []
        while True:
            try:
                data, meta = read(size=MAX_FRAME)
            except _READ_ERRORS as error:
                if str(error):
                    self._listener.last = str(error)
                break
            if meta.tshigh is not None:  # a simple packet block has no time
                last = (meta.tshigh << 32 | meta.tslow) * 1_000_000_000 // meta.tsresol
            frames.append((last, meta.linktype, data, meta.wirelen))
            if len(frames) >= BATCH:
                yield frames
                frames = []
        self.problem = self._listener.last
        yield frames
