"""The reader: which format it finds, when it turns to another, what it says, and that cuts leave no trace."""

import pickle

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from monitor.formats import Reader, State, parse
from monitor.formats.batch import Columns
from monitor.formats.lines import Header, LineParser, Read
from monitor.formats.merge import EMPTY, merge
from monitor.formats.parsers import Parsers
from monitor.formats.reader import MANY, PIECE, RUN_TOLD, TOLD, TURNED
from tests.monitor.formats.twins import blocks, mutated

COMMON = b'h - - [07/Feb/2019:21:12:36 +0000] "GET /a/b HTTP/1.1" 200 5\n'
VHOST = b"v:80 " + COMMON
JSON = b'{"time":1549573956,"status":200,"method":"GET","uri":"/a/b"}\n'
W3C = b"#Fields: date time c-ip cs-method cs-uri-stem sc-status\n"
W3C_LINE = b"2019-02-07 21:12:36 h GET /a/b 200\n"
CSV = b"date,remotehost,request,status\n"
CSV_LINE = b"1549573956,h,GET /a/b HTTP/1.1,200\n"
JUNK = b"junk\n"
ALL = [line.rstrip(b"\n") for line in (COMMON, VHOST, JSON, W3C, W3C_LINE, CSV, CSV_LINE, JUNK)]


def counts(reader: Reader, data: bytes) -> tuple[int, int, int]:
    """Hits, malformed, comments."""
    batch = reader.read(data)
    return len(batch.times), batch.malformed, batch.comments


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (COMMON, "common/combined"),
        (VHOST, "vhost_common/vhost_combined"),
        (JSON, "JSON"),
        (W3C + W3C_LINE, "W3C extended"),
        (CSV + CSV_LINE, "CSV"),
    ],
)
def test_the_first_line_that_fits_decides_and_the_reader_says_so(data: bytes, name: str) -> None:
    reader = Reader(None)
    reader.read(JUNK + data)
    assert reader.description == f"{name} (found by its lines)"
    told = reader.messages(before=1000)
    assert told[0].startswith("line 1001: fits no known format; nearest is ")
    assert told[1] == f"line 1002: read as {name}: the first line that fits a known format"
    assert reader.messages() == []


def test_a_format_that_is_given_is_not_left() -> None:
    reader = Reader(parse("common"))
    assert counts(reader, VHOST * 500) == (0, 500, 0)
    assert reader.description == "common/combined (as given)"


def test_where_nothing_fits_everything_is_malformed_and_the_reason_is_told_once() -> None:
    reader = Reader(None)
    batch = reader.read(JUNK * 500)
    assert (len(batch.times), batch.malformed, len(batch.samples)) == (0, 500, 5)
    assert reader.description.startswith("fits no known format; nearest is ")
    assert len(reader.messages()) == 1


@pytest.mark.parametrize("other", [VHOST, JSON])
def test_a_file_that_turns_into_something_else_is_read_as_that_after_a_hundred_lines(other: bytes) -> None:
    reader = Reader(None)
    assert counts(reader, COMMON + other * TURNED + other * 7) == (1 + 7, TURNED, 0)
    assert any("the last 100 lines fit only this" in text for text in reader.messages())


def test_a_line_of_the_format_in_between_keeps_it() -> None:
    reader = Reader(None)
    data = COMMON + (VHOST * (TURNED - 1) + COMMON) * 3
    assert counts(reader, data) == (4, 3 * (TURNED - 1), 0)


def test_blank_lines_and_junk_in_between_do_not_keep_it() -> None:
    reader = Reader(None)
    assert counts(reader, COMMON + (VHOST + b"\n" + JUNK) * TURNED + VHOST)[0] == 1 + 1


def test_a_directive_line_turns_a_file_at_once() -> None:
    reader = Reader(None)
    assert counts(reader, COMMON + W3C + W3C_LINE) == (2, 0, 1)
    assert counts(reader, W3C_LINE) == (1, 0, 0)


def test_a_csv_header_in_another_file_is_kept_in_mind_until_its_lines_have_shown() -> None:
    reader = Reader(None)
    assert counts(reader, COMMON + CSV + CSV_LINE * (TURNED - 1) + CSV_LINE) == (2, TURNED, 0)


def test_files_that_turn_to_and_fro_are_read() -> None:
    data = (COMMON * 150 + VHOST * 150) * 40
    hits, malformed, _ = counts(Reader(None), data)
    assert (hits, malformed) == (len(data.splitlines()) - 79 * TURNED, 79 * TURNED)


def test_a_run_of_misses_is_told_with_its_line_its_column_and_what_was_expected() -> None:
    reader = Reader(parse("common"))
    reader.read(COMMON * 3 + COMMON.replace(b" 200", b" two hundred") * RUN_TOLD)
    reader.read(JUNK * 100)
    assert reader.messages() == [
        "line 13: 10 lines in a row do not fit common/combined: column 56: expected the status: three digits or -"
    ]


def test_a_format_that_is_given_and_never_fits_is_told_at_the_first_line() -> None:
    reader = Reader(parse("squid"))
    reader.read(b"\n" + COMMON * 50)
    assert reader.messages() == ["line 2: does not fit Squid native: column 1: expected the time: seconds.milliseconds"]


def test_messages_have_a_bound() -> None:
    reader = Reader(parse("common"))
    reader.read(COMMON)
    for _ in range(TOLD * 2):
        reader.read(JUNK * RUN_TOLD + COMMON)
    assert len(reader.messages()) == TOLD


def test_no_byte_of_a_log_gets_into_a_message() -> None:
    reader = Reader(None)
    reader.read(b"\x1b[2J{0}%s \x07" * 3 + b"\n" + COMMON + b"\x1b{line}\n" * 20)
    fields = b"#Fields: date time \x1b[2J" + b"y" * 9999 + b"\x00 cs-uri-stem sc-status\n"
    reader.read(fields + W3C_LINE[:19] + b"\n")
    nameless = Reader(parse("json"))
    nameless.read(b'{"\\u001b[2J\\udca4":1}\n')
    assert "\\x1b" in nameless.messages()[0]
    assert all(text.isprintable() and len(text) < 200 for text in reader.messages())


def test_columns_of_two_formats_in_a_block_come_together() -> None:
    traefik = COMMON.rstrip() + b' "r" "a" 1 "x" "y" 7ms\n'
    batch = Reader(None, Columns.ALL).read(traefik + W3C + W3C_LINE)
    assert (batch.durations, batch.agents, batch.vhosts) == ([7000, -1], [b"a", b""], None)


def test_blank_lines_before_the_first_that_fits_are_counted_as_such() -> None:
    batch = Reader(None).read(b"\n\r\n" + JUNK + b" \n" + COMMON)
    assert (batch.lines, batch.blank, batch.malformed, len(batch.times)) == (5, 3, 1, 1)


@pytest.mark.parametrize(
    ("name", "header", "line"),
    [
        ("common", b"", COMMON),
        ("json", b"", JSON),
        ("w3c", W3C, W3C_LINE),
        ("csv", CSV, CSV_LINE),
    ],
)
def test_every_parser_fits_what_it_reads_and_says_why_of_the_rest(name: str, header: bytes, line: bytes) -> None:
    form = parse(name)
    assert form
    parser = Parsers(Columns.NONE).of(form)
    _, known = parser.read(header, ())
    for each in (line, JUNK):
        read, _ = parser.read(each, known)
        fits = parser.fits(each.rstrip(b"\n"), known)
        assert fits == bool(read.batch.times) == (each is line)
    assert "expected" in parser.reason(JUNK.rstrip(b"\n"), known)


def test_nothing_is_an_empty_batch() -> None:
    assert Reader(None).read(b"").lines == 0
    assert Reader(parse("common")).read(b"\n\n").blank == 2


@pytest.mark.parametrize("line", [b"\n", JUNK])
def test_of_a_block_of_very_many_lines_few_are_held_at_once(line: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    known = LineParser.read

    def noted(parser: LineParser, data: bytes, header: Header = ()) -> tuple[Read, Header]:
        read.append(len(data))
        return known(parser, data, header)

    monkeypatch.setattr(LineParser, "read", noted)
    data = COMMON + line * MANY + COMMON
    batch = Reader(parse("common")).read(data)
    assert (batch.lines, len(batch.times)) == (MANY + 2, 2)
    assert batch.malformed + batch.blank == MANY
    assert sum(read) == len(data)
    assert max(read) < 2 * PIECE
    read.clear()
    Reader(parse("common")).read(COMMON * 3000)
    assert read == [3000 * len(COMMON)]


log = st.lists(
    st.tuples(
        st.sampled_from([COMMON, VHOST, JSON, W3C, W3C_LINE, CSV, CSV_LINE, JUNK, b"\n"]),
        st.sampled_from([1, 2, 60, 101]),
    ),
    max_size=8,
).map(lambda runs: b"".join(line * count for line, count in runs))


@settings(max_examples=200, deadline=None)
@given(log | mutated(ALL), st.lists(st.integers(0, 400), max_size=4))
def test_the_cut_into_blocks_leaves_no_trace(data: bytes, cuts: list[int]) -> None:
    whole, cut = Reader(None, Columns.ALL), Reader(None, Columns.ALL)
    batches = [cut.read(block) for block in blocks(data, cuts)]
    assert merge([EMPTY, EMPTY, *batches]) == merge([EMPTY, EMPTY, whole.read(data)])
    assert cut.state == whole.state
    assert cut.messages() == whole.messages()


@settings(max_examples=100, deadline=None)
@given(log | mutated(ALL), st.integers(0, 400))
def test_a_part_read_from_an_equal_state_gives_the_same(data: bytes, cut: int) -> None:
    first, *rest = blocks(data, [cut]) or [b""]
    one, other = Reader(None, Columns.ALL), Reader(None, Columns.ALL)
    one.read(first)
    state = pickle.loads(pickle.dumps(one.state))
    assert state == one.state
    assert hash(state) == hash(one.state)
    other.state = state
    assert [one.read(block) for block in rest] == [other.read(block) for block in rest]
    assert one.state == other.state


def test_the_state_of_a_log_of_one_kind_comes_back_after_every_line_that_fits() -> None:
    reader = Reader(None)
    reader.read(COMMON)
    state = reader.state
    reader.read(JUNK * 5 + VHOST * 5 + COMMON)
    assert reader.state == state
    assert reader.state != State()
