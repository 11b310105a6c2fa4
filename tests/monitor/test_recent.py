"""The newest blocks, read again: for a filter, and for the raw lines behind a row."""

import pytest

from monitor.engine.snapshot import OTHER, Table
from monitor.formats import Columns, Reader, State, parse
from monitor.recent import RAW_LINES, Kept, Recent, Selection


def line(number: int, path: str = "/a/b", host: str = "1.1.1.1", status: int = 200, agent: str = "x/1") -> bytes:
    stamp = f"05/Mar/2024:12:{number // 60 % 60:02}:{number % 60:02} +0000"
    return f'{host} - - [{stamp}] "GET {path} HTTP/1.1" {status} {number} "from {host}" "{agent}"\n'.encode()


def family(agent: bytes) -> bytes:
    return agent.split(b"/")[0]


def reader_of(log: int) -> Reader:
    return Reader(parse("combined"), Columns.ALL)


def recent(*blocks: bytes, limit: int = 10**6) -> Recent:
    kept, reader = Recent(limit), reader_of(0)
    for data in blocks:
        kept.add(Kept(0, data, reader.state))
        reader.read(data)
    return kept


@pytest.mark.parametrize(
    ("table", "key"),
    [
        (Table.SECTIONS, b"/wanted"),
        (Table.CLIENTS, b"2.2.2.2"),
        (Table.STATUSES, b"404"),
        (Table.AGENTS, b"curl"),
        (Table.REFERERS, b"from 2.2.2.2"),
        (Table.METHODS, b"GET"),
    ],
)
def test_a_selection_keeps_the_rows_with_its_key_and_all_their_columns(table: Table, key: bytes) -> None:
    wanted = line(5, "/wanted/x", "2.2.2.2", 404, "curl/8")
    other = line(1) if table is not Table.METHODS else b""
    batch = Selection(table, key, family).apply(reader_of(0).read(other + wanted + b"rubbish\n"))
    assert (batch.lines, batch.blank, batch.comments, batch.malformed) == (1, 0, 0, 0)
    assert (list(batch.sections), list(batch.hosts), list(batch.sizes)) == ([b"/wanted"], [b"2.2.2.2"], [5])
    assert batch.agents is not None
    assert list(batch.agents) == [b"curl/8"]


def test_what_was_folded_together_and_what_a_format_lacks_select_nothing() -> None:
    batch = Reader(parse("common")).read(line(1))
    assert Selection(Table.SECTIONS, OTHER, family).apply(batch).lines == 0
    for table in (Table.HOSTS, Table.REFERERS, Table.AGENTS):
        assert Selection(table, b"h", family).apply(batch).lines == 0


def test_a_selected_virtual_host_is_that_of_the_log() -> None:
    batch = Reader(parse("vhost_combined"), Columns.ALL).read(b"a:80 " + line(1) + b"b:80 " + line(2))
    assert list(Selection(Table.HOSTS, b"b:80", family).apply(batch).sizes) == [2]


def test_the_oldest_blocks_go_when_there_is_too_much_and_the_newest_stays_however_large() -> None:
    blocks = [line(number) * 10 for number in range(5)]
    kept = recent(*blocks, limit=len(blocks[0]) * 2)
    assert [block.data for block in kept] == blocks[3:]
    assert [block.data for block in recent(*blocks, limit=1)] == blocks[4:]


def test_small_blocks_of_a_log_are_kept_as_one_and_cut_where_they_were_none() -> None:
    lines = [line(number) for number in range(100)]
    assert [block.data for block in recent(*lines, limit=10**7)] == [b"".join(lines)]
    kept, state = Recent(10**7), State()
    for log, data in ((0, lines[0]), (1, lines[1]), (1, b"no end"), (1, lines[2])):
        kept.add(Kept(log, data, state))
    assert [(block.log, block.data) for block in kept] == [(0, lines[0]), (1, lines[1] + b"no end"), (1, lines[2])]
    assert max(len(block.data) for block in recent(*lines * 100, limit=10**6)) <= 10**6 / 512


def test_raw_lines_are_the_selected_ones_as_written_newest_last() -> None:
    blocks = [b"".join(line(n, "/wanted" if n % 7 == 0 else "/a") for n in range(k, k + 50)) for k in (0, 50, 100)]
    found = recent(*blocks).lines(Selection(Table.SECTIONS, b"/wanted", family), reader_of)
    assert found == [line(n, "/wanted") for n in range(0, 150, 7)]


def test_raw_lines_are_the_newest_of_very_many() -> None:
    found = recent(b"".join(map(line, range(3000)))).lines(Selection(Table.SECTIONS, b"/a", family), reader_of)
    assert found == [line(n) for n in range(3000 - RAW_LINES, 3000)]


def test_no_more_is_read_again_for_raw_lines_than_can_be_shown_or_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    logs: list[int] = []

    def asked(log: int) -> Reader:
        logs.append(log)
        return reader_of(log)

    kept = Recent()
    for log in range(3):
        kept.add(Kept(log, b"".join(line(n) for n in range(RAW_LINES)), State()))
    assert len(kept.lines(Selection(Table.SECTIONS, b"/a", family), asked)) == RAW_LINES
    assert logs == [2]
    logs.clear()
    monkeypatch.setattr("monitor.recent.RAW_READ", 1)
    assert kept.lines(Selection(Table.SECTIONS, b"/nowhere", family), asked) == []
    assert logs == [2]


def test_a_block_is_read_again_in_the_state_that_it_was_first_read_in() -> None:
    header = b"#Fields: date time c-ip cs-method cs-uri-stem sc-status\n"
    rows = b"2024-03-05 12:00:00 1.1.1.1 GET /wanted/x 200\n"
    reader, kept = Reader(parse("w3c"), Columns.ALL), Recent()
    for data in (header, rows):
        kept.add(Kept(0, data, reader.state))
        reader.read(data)
    selection = Selection(Table.SECTIONS, b"/wanted", family)
    assert kept.lines(selection, lambda log: Reader(parse("w3c"), Columns.ALL)) == [rows]
    assert State() == Reader(None).state
