"""Capture files of every kind give the same frames; what is cut or broken is told, not raised."""

from __future__ import annotations

import gzip
import os
import random
import struct
from collections.abc import Iterable
from pathlib import Path

import pytest

from sniffer.capture.files import CaptureFile
from sniffer.decode import Frame
from sniffer.errors import CaptureError
from tests.sniffer.wire import Wire, observe, pcap, pcapng, seen

FRAMES = (
    Wire(step=1_001_000).open().ask(b"GET / HTTP/1.1\r\n\r\n").answer(b"HTTP/1.1 200 OK\r\n\r\nhello").close().frames
)
KINDS = {
    "pcap": b"".join(pcap(FRAMES)),
    "pcap, big endian": b"".join(pcap(FRAMES, order=">")),
    "pcap, nanoseconds": b"".join(pcap(FRAMES, nano=True)),
    "pcapng": b"".join(pcapng(FRAMES)),
    "pcapng, big endian, microseconds": b"".join(pcapng(FRAMES, order=">", resolution=6)),
}


def read(path: Path, data: bytes) -> tuple[list[Frame], str | None]:
    path.write_bytes(data)
    capture = CaptureFile(str(path))
    frames = [frame for batch in capture.batches() for frame in batch]
    capture.close()  # once more, as whoever opened several does
    return frames, capture.problem


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_frames_are_read(tmp_path: Path, kind: str, packed: bool) -> None:
    data = gzip.compress(KINDS[kind]) if packed else KINDS[kind]
    assert read(tmp_path / "x", data) == (FRAMES, None)


def test_frames_stand_at_any_place_of_the_blocks_read(tmp_path: Path) -> None:
    frames = [(1_700_000_000_000_000_000 + n * 1000, 1, bytes(n % 1500), n % 1500) for n in range(3000)]
    assert read(tmp_path / "x", b"".join(pcap(frames))) == (frames, None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_file_is_read_as_far_as_it_goes_and_told(tmp_path: Path, kind: str) -> None:
    frames, problem = read(tmp_path / "x", KINDS[kind][:-30])
    assert frames == FRAMES[:-1]
    assert problem


def test_a_cut_gzip_file_is_told(tmp_path: Path) -> None:
    frames, problem = read(tmp_path / "x", gzip.compress(b"".join(pcap(FRAMES * 50)))[:-40])
    assert problem
    assert frames == (FRAMES * 50)[: len(frames)]


def test_of_a_gzip_file_without_its_end_all_frames_are_read(tmp_path: Path) -> None:
    frames, problem = read(tmp_path / "x", gzip.compress(b"".join(pcap(FRAMES * 50)))[:-8])
    assert frames == FRAMES * 50
    assert problem == "broken: Compressed file ended before the end-of-stream marker was reached"


def test_what_comes_through_a_pipe_is_read_when_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    both = os.open(path, os.O_RDWR)  # so that opening waits for nobody
    os.write(both, b"".join(pcap(FRAMES)))
    capture = CaptureFile(str(path))
    batches = capture.batches()
    assert next(batches) == FRAMES
    os.write(both, b"".join(pcap(FRAMES))[24:])
    assert next(batches) == FRAMES
    os.close(both)
    assert list(batches) == []


@pytest.mark.parametrize("kind", KINDS)
def test_any_bytes_changed_raise_nothing_but_named_errors(tmp_path: Path, kind: str) -> None:
    rng = random.Random(1)
    for _ in range(150):
        data = bytearray(KINDS[kind])
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            frames, _ = read(tmp_path / "x", bytes(data))
        except CaptureError:
            continue
        observe(frames)


@pytest.mark.parametrize("data", [b"", b"\xd4", b"no capture at all, but text", b"\x1f\x8b\x08\x00broken"])
def test_what_is_no_capture_is_a_named_error(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(CaptureError, match="x"):
        read(tmp_path / "x", data)


def test_a_missing_file_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="No such file"):
        CaptureFile(str(tmp_path / "none"))


def test_frames_cut_by_the_snap_length_still_give_status_and_bytes(tmp_path: Path) -> None:
    def cut(frames: Iterable[Frame]) -> list[Frame]:
        return [(time, link, data[:140], length) for time, link, data, length in frames]

    wire = Wire().open()
    for _ in range(3):
        wire.ask(b"GET /a HTTP/1.1\r\nHost: h\r\nCookie: " + b"c" * 400 + b"\r\n\r\n")
        wire.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\nServer: " + b"s" * 300 + b"\r\n\r\n" + b"x" * 9000)
    frames, _ = read(tmp_path / "x", b"".join(pcap(cut(wire.close().frames))))
    assert seen(observe(frames)) == [("GET /a HTTP/1.1", 200, 9000)] * 3


def test_packets_without_a_time_have_that_of_the_one_before_them(tmp_path: Path) -> None:
    frames = [(1_700_000_000_000_000_000 + n * 1000, 1, bytes(40), 40) for n in range(3000)]
    simple = struct.pack("<III", 3, 56, 40) + bytes(40) + struct.pack("<I", 56)
    found, problem = read(tmp_path / "x", b"".join(pcapng(frames, snap=1500)) + simple)
    assert (found, problem) == ([*frames, frames[-1]], None)
