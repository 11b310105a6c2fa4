"""What the sniffer writes, the monitor reads: docs/log-format.md held by both. The only test that imports both."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.formats import Columns, Reader, parse
from sniffer.clf import FORMATS, LineFormat
from sniffer.transaction import Transaction

TOKEN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
SECOND = 1_000_000_000

wild = st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b""))
methods = st.text(TOKEN[:52], min_size=1, max_size=8).map(str.encode)
targets = wild.map(lambda raw: b"/" + raw.strip())
addresses = st.one_of(st.binary(min_size=6, max_size=6), st.binary(min_size=18, max_size=18))
statuses = st.one_of(st.none(), st.integers(100, 999))
sizes = st.one_of(st.none(), st.integers(0, 2**62))


@st.composite
def transactions(draw: st.DrawFn) -> Transaction:
    """An exchange with whatever a stranger may have sent in it."""
    if draw(st.booleans()):
        method, target = draw(methods), draw(targets)
        line = b"%b %b HTTP/1.1" % (method, target)
        protocol = b"HTTP/1.1"
    else:
        line, method, target, protocol = draw(wild), b"", b"", b""
    head = b"%b\r\nHost: %b\r\nAuthorization: Basic %b\r\nReferer: %b\r\nUser-Agent: %b\r\n\r\n" % (
        line,
        *(draw(wild) for _ in range(4)),
    )
    begin = draw(st.integers(0, 2**31)) * SECOND
    return Transaction(
        client=draw(addresses),
        server=draw(addresses),
        begin=begin,
        first=begin + SECOND,
        last=begin + 3 * SECOND // 2,
        line=line,
        method=method,
        target=target,
        protocol=protocol,
        request=head,
        response=b"",
        status=draw(statuses),
        size=draw(sizes),
        received=draw(st.integers(0, 2**40)),
        sent=draw(st.integers(0, 2**40)),
        whole=True,
    )


@pytest.mark.parametrize("origin_form", [False, True])
@pytest.mark.parametrize("name", [*FORMATS, '%h %l %u %t "%r" %>s %b %D', "%a %t %m %U%q %s %B"])
def test_every_line_of_the_sniffer_is_a_hit_of_the_monitor(name: str, origin_form: bool) -> None:
    writer = LineFormat(name, origin_form)
    form = parse(name)

    @given(transactions())
    def holds(transaction: Transaction) -> None:
        line = writer.line(transaction)
        assert line.endswith(b"\n")
        assert re.fullmatch(rb"[ -~]+", line[:-1]), "a control byte or a byte above 0x7e"
        batch = Reader(form, Columns.ALL).read(line)
        assert (batch.lines, batch.malformed, batch.blank) == (1, 0, 0), (line, batch.samples)
        assert batch.times == [transaction.begin // SECOND] or tuple(batch.times) == (transaction.begin // SECOND,)
        assert batch.statuses[0] == (b"-" if transaction.status is None else b"%d" % transaction.status)
        assert batch.sizes[0] == (transaction.size or 0)
        if transaction.method:
            assert batch.methods[0] == transaction.method
            assert batch.sections[0].count(b"/") <= (3 if b"://" in batch.sections[0] else 1)

    holds()


@given(st.text(TOKEN, min_size=1, max_size=12), st.text(TOKEN, min_size=1, max_size=12), st.sampled_from(["", ":81"]))
def test_the_section_of_a_sniffed_request_is_its_site_and_first_part(site: str, part: str, port: str) -> None:
    line = f"GET /{part}/more?x=/y HTTP/1.1".encode()
    transaction = Transaction(
        client=bytes(6),
        server=bytes(6),
        begin=0,
        first=None,
        last=None,
        line=line,
        method=b"GET",
        target=f"/{part}/more?x=/y".encode(),
        protocol=b"HTTP/1.1",
        request=line + f"\r\nHost: {site}{port}\r\n\r\n".encode(),
        response=b"",
        status=None,
        size=None,
        received=0,
        sent=0,
        whole=False,
    )
    batch = Reader(parse("auto")).read(LineFormat("common").line(transaction))
    assert list(batch.sections) == [f"http://{site}{port}/{part}".encode()]
    assert list(batch.statuses) == [b"-"]


def test_both_programs_know_the_same_names() -> None:
    assert all(parse(name) for name in FORMATS)
