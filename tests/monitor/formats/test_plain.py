"""Plain lines read many at a time: as the exact pattern reads them, or not at all."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import fields

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from monitor.formats import Batch, Reader, State, encoded, lines, parse, plain
from monitor.formats.arrays import np
from monitor.formats.batch import Encoded
from monitor.formats.encoded import Dictionary, Numbers, Texts
from monitor.formats.plain import PlainLines
from monitor.formats.times import Times
from monitor.input.block import MAX_LINE
from tests.monitor.formats.test_clf import LINES
from tests.monitor.formats.twins import clf_line, mutated, read_in_blocks, read_slowly

WHEN = "[10/Oct/2000:13:55:36 -0700]"
EPOCH = 971211336
FILLER = f'10.0.0.9 - - {WHEN} "GET /filler HTTP/1.1" 200 17 "-" "curl/8"\n'.encode() * 20
COMMON = f'127.0.0.1 - frank {WHEN} "GET /apache_pb.gif HTTP/1.0" 200 2326'
PLAIN = [
    COMMON,
    f'::1 - - {WHEN} "GET /a/b?c=d HTTP/1.1" 404 - "-" "curl/8"',
    f'2001:db8:85a3:8d3:1319:8a2e:370:7348 - - {WHEN} "PROPFIND / HTTP/1.1" 207 12345678901 "http://r/" "A (x) y"',
    f'h - a[b {WHEN} "GET /a-section-that-is-longer-than-the-forty-bytes-compared/x HTTP/1.1" 200 1 "" "" more "x" 2',
    f'h - - {WHEN} "GET /#x HTTP/1.1" 200 123456789 "!" "a!b"',
    f'h - - {WHEN} "GET //x HTTP/1.1" 500 12345678 "-" "-" ',
    'h - - [31/Dec/1999:23:59:59 +0530] "M-_1 /\xff HTTP/2.0" 999 1',
    *(f'h - - {WHEN} "GET /{"long" * 25}{end} HTTP/1.1" 200 1' for end in ("", "/x", "?/x", "s#/")),
]
ODD = {
    "an ident": f'h i - {WHEN} "GET /a HTTP/1.1" 200 1 "-" "-"',
    "a user of two words": f'h - a b {WHEN} "GET /a HTTP/1.1" 200 1 "-" "-"',
    "no user": f'h -  {WHEN} "GET /a HTTP/1.1" 200 1 "-" "-"',
    "no host": f' - - {WHEN} "GET /a HTTP/1.1" 200 1 "-" "-"',
    "a list of hosts": f'h,i - - {WHEN} "GET /a HTTP/1.1" 200 1 "-" "-"',
    "no such day": 'h - - [30/Feb/2000:13:55:36 -0700] "GET /a HTTP/1.1" 200 1 "-" "-"',
    "a leap second": 'h - - [31/Dec/2016:23:59:60 +0000] "GET /a HTTP/1.1" 200 1 "-" "-"',
    "seconds that are letters": 'h - - [31/Dec/2016:23:59:x0 +0000] "GET /a HTTP/1.1" 200 1 "-" "-"',
    "no bracket before the time": 'h - - (10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.1" 200 1 "-" "-"',
    "no bracket behind the time": 'h - - [10/Oct/2000:13:55:36 -0700) "GET /a HTTP/1.1" 200 1 "-" "-"',
    "a long method": f'h - - {WHEN} "PROPPATCH /a HTTP/1.1" 200 1 "-" "-"',
    "no method": f'h - - {WHEN} "G:T /a HTTP/1.1" 200 1 "-" "-"',
    "no path": f'h - - {WHEN} "GET a HTTP/1.1" 200 1 "-" "-"',
    "a blank in the target": f'h - - {WHEN} "GET /a b HTTP/1.1" 200 1 "-" "-"',
    "no protocol": f'h - - {WHEN} "GET /a" 200 1 "-" "-"',
    "another protocol": f'h - - {WHEN} "GET /a HTTQ/1.1" 200 1 "-" "-"',
    "a version of letters": f'h - - {WHEN} "GET /a HTTP/x.1" 200 1 "-" "-"',
    "an exclamation mark": f'h - - {WHEN} "GET /a! HTTP/1.1" 200 1 "-" "-"',
    "no status": f'h - - {WHEN} "GET /a HTTP/1.1" - 1 "-" "-"',
    "a status of letters": f'h - - {WHEN} "GET /a HTTP/1.1" 2x0 1 "-" "-"',
    "a status of two digits": f'h - - {WHEN} "GET /a HTTP/1.1" 20 1 "-" "-"',
    "a size of letters": f'h - - {WHEN} "GET /a HTTP/1.1" 200 1x "-" "-"',
    "a size just above digits": f'h - - {WHEN} "GET /a HTTP/1.1" 200 1: "-" "-"',
    "no size": f'h - - {WHEN} "GET /a HTTP/1.1" 200  "-" "-"',
    "a large size": f'h - - {WHEN} "GET /a HTTP/1.1" 200 123456789012 "-" "-"',
    "a large size of letters": f'h - - {WHEN} "GET /a HTTP/1.1" 200 x123456789 "-" "-"',
    "a large size with a dash in it": f'h - - {WHEN} "GET /a HTTP/1.1" 200 1-2345678 "-" "-"',
    "no quote behind the agent": f'h - - {WHEN} "GET /a HTTP/1.1" 200 1 "-" "-',
    "no agent": f'h - - {WHEN} "GET /a HTTP/1.1" 200 1 "-"',
    "something between referer and agent": f'h - - {WHEN} "GET /a HTTP/1.1" 200 1 "-"x"-"',
    "two blanks between referer and agent": f'h - - {WHEN} "GET /a HTTP/1.1" 200 1 "-"  "-"',
    "something behind the agent": f'h - - {WHEN} "GET /a HTTP/1.1" 200 1 "-" "-"x',
    "something behind the size": f'h - - {WHEN} "GET /a HTTP/1.1" 200 1 x',
    "an escape": f'h - - {WHEN} "GET /a HTTP/1.1" 200 1 "\\"" "-"',
    "a carriage return": f'h - - {WHEN} "GET /a HTTP/1.1" 200 1 "-" "-"\r',
    "a tab behind the agent": f'h - - {WHEN} "GET /a HTTP/1.1" 200 1 "-" "-"\t',
    "nothing": "",
    "no line of a log": "hello",
}


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have blocks of any size read so, and however many lines are odd."""
    monkeypatch.setattr(lines, "LARGE", 0)
    monkeypatch.setattr(lines, "BEFORE", 0)
    monkeypatch.setattr(plain, "ODD", 1)


def odd(line: str) -> list[int]:
    """Which lines of a block with this one in front are odd."""
    read = PlainLines().read(line.encode("latin-1") + b"\n" + FILLER, Times("clf"))
    assert read
    assert read.count == 21
    return [index for index, *_ in read.odd]


@pytest.mark.parametrize("line", PLAIN)
def test_plain_lines_are_found(line: str) -> None:
    assert odd(line) == [20]  # the last one always is


@pytest.mark.parametrize("why", ODD)
def test_odd_lines_are_left_to_the_exact_pattern(why: str) -> None:
    assert odd(ODD[why]) == [0, 20]


def test_the_block_may_be_short() -> None:
    for data in (b"\n", b'"\n', COMMON.encode() + b"\n", b"\n" * 30):
        assert PlainLines().read(data, Times("clf")) is None
    read = PlainLines().read(b"\n" + (COMMON.encode() + b"\n") * 20, Times("clf"))
    assert read
    assert read.odd[0] == (0, 0, b"")
    assert read.odd[-1] == (20, 19, COMMON.encode())


@pytest.mark.parametrize("why", ["a long method", "a large size", "no such day", "an ident"])
def test_a_block_of_odd_lines_is_left_whole_to_the_exact_pattern(why: str) -> None:
    data = (ODD[why] + "\n").encode() * 20 + FILLER
    assert PlainLines().read(data, Times("clf")) is None


def test_of_too_many_odd_lines_none_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LARGE", 0)
    monkeypatch.setattr(lines, "BEFORE", 0)
    tried: list[bytes] = []
    monkeypatch.setattr(PlainLines, "read", lambda self, data, times: tried.append(data))
    reader = Reader(parse("combined"))
    for _ in range(2 * (lines.SKIPPED + 1) + 1):
        reader.read(FILLER)
    assert len(tried) == 3


def test_where_nearly_every_line_has_texts_never_seen_the_next_blocks_are_not_read_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "LARGE", 0)
    monkeypatch.setattr(lines, "BEFORE", 0)
    reader = Reader(parse("combined"))
    made = [f'h - - {WHEN} "GET /{n} HTTP/1.1" 200 1\n' for n in range(9 * (lines.SKIPPED + 2))]
    blocks = ["".join(made[start : start + 9]).encode() for start in range(0, len(made), 9)]
    encoded = [isinstance(reader.read(block).sections, Encoded) for block in blocks]
    assert encoded == [True, *[False] * lines.SKIPPED, True]


def test_a_block_full_of_marks_is_not_read() -> None:
    line = f'10.0.0.9 - - {WHEN} "GET /filler HTTP/1.1" 200 17 "-" "{"! " * 50}"\n'.encode()
    assert PlainLines().read(line * 20, Times("clf")) is None


def test_quiet_logs_are_not_worth_it() -> None:
    def worth(lines_a_minute: int) -> bool:
        made = [
            f'h - - [10/Oct/2000:13:{minute:02}:00 +0000] "GET / HTTP/1.1" 200 1\n' * lines_a_minute
            for minute in range(10)
        ]
        read = PlainLines().read("".join(made).encode(), Times("clf"))
        return read is not None and read.worth

    assert not worth(plain.BUSY - 100)
    assert worth(plain.BUSY)


def test_how_much_it_asks_for_goes_by_what_it_gains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LARGE", 2 * len(FILLER))
    reader = Reader(parse("combined"))
    asked = []
    for _ in range(lines.BEFORE + 2):
        asked.append(reader.gain)
        reader.read(FILLER * reader.gain)
    assert asked == [*[1] * lines.BEFORE, lines.TRIED, lines.LARGER]
    reader.read(b"junk\n" * 1000)
    assert reader.gain == 1
    assert Reader(parse("json")).gain == Reader(parse("w3c")).gain == Reader(None).gain == 1


def columns(batch: Batch) -> dict[str, object]:
    return {
        field.name: list(value) if isinstance(value, (Encoded, Numbers, list, tuple)) else value
        for field in fields(batch)
        for value in [getattr(batch, field.name)]
    }


def read_both_ways(data: bytes, monkeypatch: pytest.MonkeyPatch) -> Batch:
    told: list[tuple[dict[str, object], list[str], State]] = []
    for large in (MAX_LINE + 1, 0):
        monkeypatch.setattr(lines, "LARGE", large)
        monkeypatch.setattr(lines, "BEFORE", 0)
        reader = Reader(parse("combined"))
        batch = reader.read(data)
        told.append((columns(batch), reader.messages(), reader.state))
    assert told[0] == told[1]
    return batch


@pytest.mark.usefixtures("everything")
def test_all_lines_are_read_as_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [line.encode("latin-1") for line in (*PLAIN, *ODD.values()) if line != ODD["a large size"]]
    rng = random.Random(1)
    for _ in range(5):
        rng.shuffle(made)
        batch = read_both_ways(b"\n".join([COMMON.encode(), *made, b""]) + FILLER, monkeypatch)
        assert isinstance(batch.sections, Encoded)
        assert batch.malformed > 10


@pytest.mark.usefixtures("everything")
def test_sizes_whose_sum_is_no_longer_exact_are_counted_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    large = f'h - - {WHEN} "GET /a HTTP/1.1" 200 {2**63 - 1} "-" "-"\n'
    batch = read_both_ways(FILLER + large.encode(), monkeypatch)
    assert batch.sizes[-1] == 2**63 - 1
    assert not isinstance(batch.sizes, Numbers)


@pytest.mark.usefixtures("everything")
def test_many_methods_and_statuses_are_read_as_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made = "".join(f'h - - {WHEN} "M{n} /{n}/ HTTP/1.1" {n + 100} {n}\n' for n in range(200))
    assert len(set(read_both_ways(made.encode() + FILLER, monkeypatch).methods)) == 201


def test_lines_longer_than_a_line_may_be_are_not_read_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LARGE", 0)
    monkeypatch.setattr(lines, "BEFORE", 0)
    monkeypatch.setattr(lines, "MAX_LINE", 100)
    assert not isinstance(Reader(parse("combined")).read(FILLER).sections, Encoded)


@pytest.mark.usefixtures("everything")
@settings(max_examples=300, deadline=None)
@given(
    mutated([*LINES, *(line.encode("latin-1") for line in PLAIN)]),
    st.lists(st.integers(0, 20), max_size=2),
    st.booleans(),
)
def test_it_reads_what_the_slow_twin_reads(data: bytes, cuts: list[int], more: bool) -> None:
    data += FILLER * more
    assert read_in_blocks(parse("combined"), data, cuts) == read_slowly(data, clf_line)


def test_on_a_machine_of_32_bits_none_is_read_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LARGE", 0)
    monkeypatch.setattr(lines, "BEFORE", 0)
    assert isinstance(Reader(parse("combined")).read(FILLER).sections, Encoded)
    monkeypatch.setattr(lines, "WIDE", False)
    assert not isinstance(Reader(parse("combined")).read(FILLER).sections, Encoded)


def test_sums_of_the_largest_sizes_of_a_block_are_exact_as_floats() -> None:
    shortest = len(b'h i u [10/Oct/2000:13:55:36 -0700] "" - \n') + len(str(encoded.LARGEST))
    assert MAX_LINE // shortest * encoded.LARGEST < 2**53


def hosts(keys: list[bytes], dictionary: Dictionary) -> list[bytes]:
    """The keys, found in a block that they stand in."""
    data = b" ".join(keys) + b" " * 48
    lengths = np.array([len(key) for key in keys], np.int64)
    starts = np.cumsum(lengths + 1) - lengths - 1
    words = np.ndarray((len(data) - 7,), np.dtype("<u8"), data, strides=(1,))
    codes = dictionary.codes(data, words, starts, lengths)
    return list(Texts(codes, dictionary.keys))


def test_a_dictionary_tells_all_keys_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(2)
    keys = [bytes(rng.choice(b"ab") for _ in range(rng.randrange(1, 60))) for _ in range(3000)]
    dictionary = Dictionary()
    for _ in range(3):
        rng.shuffle(keys)
        assert hosts(keys, dictionary) == keys
    assert len(dictionary.keys) == len(set(keys))
    monkeypatch.setattr(encoded, "_BITS", 3)  # eight places: nearly all keys want one that is taken
    monkeypatch.setattr(encoded, "_PLACES", 100)
    monkeypatch.setattr(encoded, "_REST", np.uint64(61))
    crowded = Dictionary()
    for _ in range(3):
        assert hosts(keys[:500], crowded) == keys[:500]


def test_a_dictionary_finds_again_what_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [b"a", b"bb", b"an-address-of-more-than-two-words"]
    dictionary = Dictionary()
    hosts(keys, dictionary)
    monkeypatch.setattr(dictionary, "code", None)  # what looks keys up one by one
    assert hosts(keys, dictionary) == keys


def test_a_dictionary_is_begun_anew_when_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    def block(name: str) -> bytes:
        made = [f'{name}{n},x - - {WHEN} "GET /{name}{n} HTTP/1.1" 200 1\n' for n in range(2)]
        made += [f'{name}{n} - - {WHEN} "GET /{name}{n} HTTP/1.1" 200 1\n' for n in range(50)]
        return "".join(made).encode()

    monkeypatch.setattr(encoded, "MAX_KEYS", 60)
    reader = PlainLines()
    kept = []
    for name in "abc":
        read = reader.read(block(name), Times("clf"))
        assert read
        kept.append((name, read))
    for name, read in kept:  # what was read before is not touched
        assert list(read.hosts) == [b"%b%d" % (name.encode(), n) for n in range(49)]
        assert list(read.sections) == [b"/%b%d" % (name.encode(), n) for n in range(49)]
    monkeypatch.setattr(encoded, "MAX_HELD", 100)
    assert reader.read(block("d"), Times("clf"))
    assert reader._hosts.full


def test_of_the_rows_beside_an_empty_text_none_is_left() -> None:
    methods = Texts(np.array([0, 1, 0, 2, 1], np.int64), [b"GET", b"", b"POST"])
    sections = Texts(np.array([0, 1, 2, 1, 1], np.int64), [b"/a", b"", b"/c"])
    sizes = Numbers(np.arange(5))
    assert [list(column) for column in methods.beside(sections, methods, sizes)] == [
        [b"/a", b"/c", b""],
        [b"GET", b"GET", b"POST"],
        [0, 2, 3],
    ]
    nothing = methods[1:2].beside(sections[1:2], methods[1:2], sizes[1:2])
    assert not list(nothing[0].amounts(nothing[1], nothing[2], (b"4",)))


@pytest.mark.parametrize("unseen", [0, 50, 5000])
def test_a_column_counts_itself(unseen: int) -> None:
    rng = random.Random(3)
    keys = [b"%d" % n for n in range(30 + unseen)]
    texts = [rng.choice(keys[:30]) for _ in range(60)]
    statuses = [rng.choice([b"200", b"404", b"503"]) for _ in texts]
    sizes = [rng.randrange(encoded.LARGEST) for _ in texts]
    column = Texts(np.array([int(text) for text in texts], np.int64), keys)
    assert list(column) == texts
    assert column[3] == texts[3]
    assert list(column[5:9]) == texts[5:9]
    assert column.counts() == Counter(texts)
    assert set(column.distinct()) == set(texts)
    numbers = Numbers(np.array(sizes, np.int64))
    assert (numbers[3], list(numbers[5:9]), len(numbers), sum(numbers)) == (sizes[3], sizes[5:9], 60, sum(sizes))
    names = [b"503", b"200", b"404"]
    codes = Texts(np.array([names.index(status) for status in statuses], np.int64), names)
    rows = list(zip(texts, statuses, sizes, strict=True))
    assert sorted(column.amounts(codes, numbers, (b"4", b"5"))) == sorted(
        (
            key,
            texts.count(key),
            sum(size for text, _, size in rows if text == key),
            sum(text == key and status != b"200" for text, status, _ in rows),
        )
        for key in set(texts)
    )
