"""Logs that are read once: whatever they are packed in and however they are cut, the same lines come out."""

import bz2
import gzip
import lzma
import os
import random
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import TaplineError
from monitor.input.archive import chunks, is_binary, open_archive
from monitor.input.block import MAX_LINE
from monitor.input.lines import Lines

LINES = b"".join(b'10.0.0.%d - - [x] "GET /%d HTTP/1.1" 200 %d\n' % (n % 250, n, n * 7) for n in range(20000))


def zst(data: bytes) -> bytes:
    try:
        from compression import zstd
    except ImportError:
        zstd = pytest.importorskip("backports.zstd")
    return bytes(zstd.compress(data))


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zst,
}


@pytest.mark.parametrize("packed", PACKERS)
def test_a_packed_log_reads_as_the_plain_one(tmp_path: Path, packed: str) -> None:
    path = tmp_path / "log.whatever"  # not the name but the content decides
    path.write_bytes(PACKERS[packed](LINES))
    blocks = list(open_archive(str(path)).blocks(10_000))
    assert b"".join(blocks) == LINES
    assert all(block.endswith(b"\n") for block in blocks)
    assert max(map(len, blocks)) < 11_000


@pytest.mark.parametrize("packed", [name for name in PACKERS if name != "plain"])
def test_a_log_of_several_packed_members_is_read_to_its_end(tmp_path: Path, packed: str) -> None:
    path = tmp_path / "log"
    pack = PACKERS[packed]
    path.write_bytes(pack(LINES[:1000]) + pack(LINES[1000:2000]) + pack(LINES[2000:]))
    assert b"".join(open_archive(str(path)).blocks(4096)) == LINES


@pytest.mark.parametrize("packed", [name for name in PACKERS if name != "plain"])
def test_what_a_cut_off_packed_log_still_holds_is_read_and_then_told(tmp_path: Path, packed: str) -> None:
    path = tmp_path / "log"
    data = PACKERS[packed](LINES)
    path.write_bytes(data[:-9])
    read = []
    with pytest.raises(TaplineError, match=f"{path}: the {packed} data ends too soon"):
        read.extend(open_archive(str(path)).blocks(4096))
    assert LINES.startswith(b"".join(read))


@pytest.mark.parametrize("packed", ["gz", "bz2", "xz", "zst"])
def test_a_damaged_packed_log_is_one_clear_line(tmp_path: Path, packed: str) -> None:
    path = tmp_path / "log"
    data = bytearray(PACKERS[packed](LINES))
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(random.Random(1).randbytes(40))
    path.write_bytes(data)
    with pytest.raises(TaplineError, match=r"damaged|too soon") as raised:
        list(open_archive(str(path)).blocks())
    assert "\n" not in str(raised.value)


def test_padding_behind_a_gzip_member_is_not_an_error(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(LINES) + bytes(512))
    assert b"".join(open_archive(str(path)).blocks()) == LINES


def test_a_little_file_that_unpacks_to_very_much_comes_in_small_pieces(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"a" * 50_000_000 + b"\n" + b"b\n"))
    blocks = list(open_archive(str(path)).blocks(65536))
    assert blocks[0] == b"a" * (MAX_LINE + 1) + b"\nb\n"


def test_a_log_without_a_newline_at_its_end_keeps_its_last_line(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\ntwo")
    assert list(open_archive(str(path)).blocks()) == [b"one\n", b"two"]


def test_an_empty_log_has_no_blocks(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.touch()
    assert list(open_archive(str(path)).blocks()) == []
    with open_archive(str(path)).stretches() as stretches:
        assert stretches
        assert list(stretches.cuts(lambda left: 4)) == []


def test_a_named_pipe_is_read_until_its_writer_leaves(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(LINES,))
    archive = open_archive(str(path))
    writer.start()
    assert b"".join(archive.blocks()) == LINES
    writer.join()


@pytest.mark.parametrize("packed", ["plain", "gz"])
def test_standard_input_is_read_plain_or_packed(monkeypatch: pytest.MonkeyPatch, packed: str) -> None:
    reader, writer = os.pipe()
    monkeypatch.setattr("monitor.input.archive.STDIN", reader)
    data = PACKERS[packed](LINES)

    def write() -> None:
        with os.fdopen(writer, "wb") as stream:
            stream.write(data)

    thread = threading.Thread(target=write)
    thread.start()
    assert b"".join(open_archive("-").blocks()) == LINES
    thread.join()
    os.close(reader)


def test_a_missing_file_a_directory_and_a_binary_are_one_line_each(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(random.Random(1).randbytes(5000))
    for path, why in ((tmp_path / "none", "no such file"), (tmp_path, "is a directory"), (binary, "binary")):
        with pytest.raises(TaplineError, match=f"^{path}: {why}"):
            open_archive(str(path))


def test_a_binary_that_was_packed_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(random.Random(1).randbytes(5000)))
    with pytest.raises(TaplineError, match=f"^{path}: binary, not a log$"):
        list(open_archive(str(path)).blocks())


def test_what_is_gone_or_cannot_be_read_any_more_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log"
    path.write_bytes(LINES)
    archive = open_archive(str(path))
    path.unlink()
    with pytest.raises(TaplineError, match=f"^{path}: no such file or directory$"), archive.stretches():
        pass
    folder = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(TaplineError, match=r"^somewhere: is a directory$"):
        list(chunks("somewhere", folder, 1000))
    os.close(folder)


def test_an_unreadable_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch(mode=0)
    user = os.geteuid()
    if user == 0:  # who may read everything
        os.seteuid(65534)
    try:
        with pytest.raises(TaplineError, match=f"^{path}: permission denied"):
            open_archive(str(path))
    finally:
        os.seteuid(user)


def test_odd_bytes_do_not_make_a_log_binary() -> None:
    assert not is_binary(b"\x00\x01\x02" * 20 + b"\n" + LINES[:60])
    assert not is_binary("訪問 - - ".encode("big5") * 100)
    assert not is_binary(bytes(4096) + LINES[:60])
    assert is_binary(b"\x7fELF\x02\x01\x01" + bytes(4000) + b"\1" * 400 + bytes(9))


@given(st.binary(max_size=400), st.integers(1, 99), st.integers(1, 99))
def test_stretches_hold_whole_lines_and_all_of_them(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, length: int, size: int
) -> None:
    path = tmp_path_factory.mktemp("stretches") / "log"
    path.write_bytes(data)
    with open_archive(str(path)).stretches() as stretches:
        if is_binary(data) or stretches is None:
            return
        cuts = list(stretches.cuts(lambda left: length))
        assert [end - start >= length for start, end in cuts[:-1]] == [True] * (len(cuts) - 1)
        blocks = [block for start, end in cuts for block in stretches.blocks(start, end, size)]
    assert b"".join(block for _, block in blocks) == data
    assert all(block.endswith(b"\n") for _, block in blocks[:-1])
    assert all(data[:end].endswith(block) for end, block in blocks)


def test_an_overlong_line_is_cut_in_a_stretch_as_in_the_whole_and_its_end_is_known(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"a" * (2 * MAX_LINE) + b"\nb\n")
    with open_archive(str(path)).stretches() as stretches:
        assert stretches
        blocks = [list(stretches.blocks(start, end, 65536)) for start, end in stretches.cuts(lambda left: 10)]
    line = 2 * MAX_LINE + 1
    assert blocks == [[(line, b"a" * (MAX_LINE + 1) + b"\n")], [(line + 2, b"b\n")]]


def test_a_pipe_and_a_packed_log_have_no_stretches(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "packed").write_bytes(gzip.compress(LINES))
    for name in ("pipe", "packed"):
        with open_archive(str(tmp_path / name)).stretches() as stretches:
            assert stretches is None


@given(st.lists(st.binary(max_size=30)))
def test_lines_come_out_whole_however_they_are_cut(chunks: list[bytes]) -> None:
    lines = Lines()
    blocks = [lines.push(chunk) for chunk in chunks if chunk]
    assert all(block.endswith(b"\n") for block in blocks if block)
    assert lines.length == len(b"".join(chunks)) - len(b"".join(blocks))
    assert b"".join(blocks) + lines.rest() == b"".join(chunks)


@pytest.mark.parametrize("over", [-1, 0, 1, 5_000_000])
def test_an_overlong_line_is_cut_and_the_next_one_is_whole(over: int) -> None:
    lines = Lines()
    text = b"x" * (MAX_LINE + over) + b"\nnext\n"
    blocks = [lines.push(text[at : at + 700_000]) for at in range(0, len(text), 700_000)]
    first, second, _ = b"".join(blocks).split(b"\n")
    assert len(first) == MAX_LINE + min(over, 1)
    assert second == b"next"


def test_without_the_library_for_zst_one_line_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.zst"
    path.write_bytes(zst(LINES))
    if sys.version_info >= (3, 14):
        pytest.skip("it is in the standard library")
    monkeypatch.delattr("backports.zstd")
    monkeypatch.setitem(sys.modules, "backports.zstd", None)
    with pytest.raises(TaplineError, match=r"reading .zst takes Python 3.14 or: pip install 'tapline\[zstd\]'"):
        list(open_archive(str(path)).blocks())
