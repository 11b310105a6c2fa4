"""Slow, obvious readings of single lines, written without a regular expression or a look at the parsers."""

from __future__ import annotations

import calendar
import datetime
import itertools
from collections.abc import Callable, Iterable

import hypothesis.strategies as st

from monitor.formats import Batch, Format, Reader
from monitor.formats.batch import Columns

Row = tuple[int, bytes, bytes, bytes, bytes, int]  # time, host, method, section, status, size

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = b"0123456789"


def digits(text: bytes) -> bool:
    return text != b"" and all(byte in DIGITS for byte in text)


def clf_time(text: bytes) -> int | None:
    """dd/Mon/yyyy:HH:MM:SS +hhmm."""
    if len(text) != 26:
        return None
    marks = [text[at : at + 1] for at in (2, 6, 11, 14, 17, 20)]
    if marks != [b"/", b"/", b":", b":", b":", b" "] or text[21:22] not in (b"+", b"-"):
        return None
    numbers = [text[0:2], text[7:11], text[12:14], text[15:17], text[18:20], text[22:24], text[24:26]]
    if not all(digits(number) for number in numbers) or text[3:6].decode("latin-1") not in MONTHS:
        return None
    day, year, hour, minute, second, zone_hours, zone_minutes = map(int, numbers)
    month = MONTHS.index(text[3:6].decode()) + 1
    if not 1 <= year <= 9999 or not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    if hour > 23 or minute > 59 or second > 60 or zone_hours > 23 or zone_minutes > 59:
        return None
    offset = (zone_hours * 60 + zone_minutes) * 60 * (-1 if text[21:22] == b"-" else 1)
    epoch = calendar.timegm((year, month, day, hour, minute, 0)) + second - offset
    if not calendar.timegm((1, 1, 2, 0, 0, 0)) <= epoch < calendar.timegm((9999, 12, 31, 0, 0, 0)):
        return None
    return epoch


def request(text: bytes) -> tuple[bytes, bytes]:
    """Method and section."""
    method, blank, rest = text.partition(b" ")
    if not blank or not method or method[0] not in LETTERS:
        return b"", b""
    if any(byte not in LETTERS + DIGITS + b"-_" for byte in method):
        return b"", b""
    target, protocol = rest, False
    for length in (len(b" HTTP/1"), len(b" HTTP/1.1")):
        tail = b" " + rest if len(rest) == length - 1 else rest[-length:]  # the method's blank will do
        if len(tail) != length or not tail.startswith(b" HTTP/") or tail[6] not in DIGITS:
            continue
        if length == 9 and (tail[7:8] != b"." or tail[8] not in DIGITS):
            continue
        if len(rest) < length:
            continue
        target, protocol = rest[:-length], True
    if target == b"":
        return b"", b""
    if not protocol and not (target[:1] == b"/" or target == b"*" or b"://" in target):
        return b"", b""
    return method, section(target)


def section(target: bytes) -> bytes:
    path = target.split(b"?")[0].split(b"#")[0]
    if path[:1] == b"/":
        return b"/" + path[1:].split(b"/")[0]
    words = path.split(b"/")
    if len(words) >= 3 and words[0].endswith(b":") and words[1] == b"":
        return b"/".join(words[:3]) + b"/" + (words[3] if len(words) > 3 else b"")
    return words[0]


def quoted(text: bytes) -> tuple[bytes, bytes] | None:
    """What stands up to the closing quote, and what is behind it."""
    at = 0
    while at < len(text):
        if text[at : at + 1] == b"\\":
            at += 1
        elif text[at : at + 1] == b'"':
            return text[:at], text[at + 1 :]
        at += 1
    return None


def word(text: bytes, barred: bytes) -> tuple[bytes, bytes] | None:
    """What stands up to the first blank, without any barred byte, and what is behind the blank."""
    found, blank, rest = text.partition(b" ")
    if not found or not blank or any(byte in barred for byte in found):
        return None
    return found, rest


def user_and_time(text: bytes) -> tuple[bytes, int, bytes] | None:
    """The user, the time, and what is behind the request's opening quote."""
    for at in range(len(text)):
        if text[at : at + 2] == b" [" and text[at + 28 : at + 31] == b'] "':
            time = clf_time(text[at + 2 : at + 28])
            if time is not None:
                return text[:at], time, text[at + 31 :]
    return None


def clf_line(line: bytes, vhost: bool = False) -> Row | None:
    front = b""
    if vhost:
        found = word(line, b',"')
        if not found:
            return None
        front, line = found
    host = word(line, b',"')
    ident = word(host[1], b'"[') if host else None
    user = user_and_time(ident[1]) if ident else None
    if not host or not user:
        return None
    name, time, rest = user
    words = name.split(b" ")
    if name != b'""':
        escaped = name.replace(b"\\\\", b"").replace(b'\\"', b"")
        if not name or b'"' in escaped or name[:1] == b" " or name[-1:] == b" " or (len(words) > 1 and b"-" in words):
            return None
    asked = quoted(rest)
    if not asked or asked[1][:1] != b" ":
        return None
    status, blank, rest = asked[1][1:].partition(b" ")
    if not blank or not (status == b"-" or (digits(status) and len(status) == 3)):
        return None
    size, blank, rest = rest.partition(b" ")
    if not (size == b"-" or (digits(size) and len(size) <= 19 and int(size) < 2**63)):
        return None
    if blank:
        referer = quoted(rest[1:]) if rest[:1] == b'"' else None
        agent = quoted(referer[1][2:]) if referer and referer[1][:2] == b' "' else None
        if not agent or agent[1][:1] not in (b"", b" "):
            return None
    method, cut = request(asked[0])
    if cut[:1] == b"/" and front != b"-":
        cut = front + cut
    return time, host[0], method, cut, status, 0 if size == b"-" else int(size)


def read_slowly(data: bytes, line_of: Callable[[bytes], Row | None]) -> tuple[list[Row], int, int]:
    """Rows, malformed and blank."""
    rows: list[Row] = []
    malformed = blank = 0
    for line in data.split(b"\n")[: None if data[-1:] not in (b"\n", b"") else -1]:
        text = line.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\t ")
        row = line_of(text) if text else None
        if row:
            rows.append(row)
        malformed += bool(text) and not row
        blank += not text
    return rows, malformed, blank


def blocks(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The data as blocks of whole lines, cut behind the lines that the numbers say."""
    lines = data.split(b"\n")
    lines = [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    edges = [0, *sorted(cut % (len(lines) + 1) for cut in cuts), len(lines)]
    found = [b"".join(lines[start:end]) for start, end in itertools.pairwise(edges)]
    return [block for block in found if block]


def rows_of(batches: Iterable[Batch]) -> list[Row]:
    return [
        row for b in batches for row in zip(b.times, b.hosts, b.methods, b.sections, b.statuses, b.sizes, strict=True)
    ]


def read_in_blocks(
    form: Format | None, data: bytes, cuts: Iterable[int], columns: Columns = Columns.NONE
) -> tuple[list[Row], int, int]:
    """Rows, malformed and blank; holds what must hold of every batch."""
    reader = Reader(form, columns)
    batches = [reader.read(block) for block in blocks(data, cuts)]
    for batch in batches:
        assert batch.lines == len(batch.times) + batch.malformed + batch.blank + batch.comments
        assert list(batch.malformed_at) == sorted(batch.malformed_at)
        assert all(0 <= at <= len(batch.times) for at in batch.malformed_at)
    return rows_of(batches), sum(b.malformed for b in batches), sum(b.blank for b in batches)


def mutated(lines: list[bytes]) -> st.SearchStrategy[bytes]:
    """Logs of these lines, some with bytes put in, taken out or written over, and of plain bytes."""
    pieces = st.sampled_from(
        [b'"', b"\\", b" ", b"\n", b"-", b"[", b"]", b"/", b"?", b",", b"\r", b"\x00", b'" ', b"://"]
    )

    @st.composite
    def line(draw: st.DrawFn) -> bytes:
        text = draw(st.sampled_from(lines))
        for _ in range(draw(st.integers(0, 2))):
            start = draw(st.integers(0, len(text)))
            end = draw(st.integers(start, min(len(text), start + 3)))
            text = text[:start] + draw(pieces | st.binary(max_size=3)) + text[end:]
        return text

    return st.lists(line() | st.sampled_from(lines) | st.binary(max_size=20), max_size=12).map(b"\n".join)


def local(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int | None:
    """Epoch second of a local time."""
    if not 1 <= year <= 9999 or not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    if hour > 23 or minute > 59 or second > 60:
        return None
    try:
        epoch = int(datetime.datetime(year, month, day, hour, minute).timestamp()) + second
    except (ValueError, OverflowError):
        return None
    return epoch if -62135510400 <= epoch < 253402214400 else None


def iso_time(text: bytes, utc: bool = False) -> int | None:
    """yyyy-mm-ddTHH:MM:SS, a fraction, a zone."""
    if len(text) < 19 or [text[at : at + 1] for at in (4, 7, 13, 16)] != [b"-", b"-", b":", b":"]:
        return None
    numbers = [text[0:4], text[5:7], text[8:10], text[11:13], text[14:16], text[17:19]]
    if text[10:11] not in (b"T", b" ") or not all(map(digits, numbers)):
        return None
    rest = text[19:]
    if rest[:1] in (b".", b","):
        fraction = rest[1:]
        for mark in (b"Z", b"+", b"-"):
            fraction = fraction.split(mark)[0]
        if not digits(fraction) or len(fraction) > 9:
            return None
        rest = rest[1 + len(fraction) :]
    year, month, day, hour, minute, second = map(int, numbers)
    if not rest and not utc:
        return local(year, month, day, hour, minute, second)
    if rest in (b"", b"Z"):
        rest = b"+0000"
    zone = rest[1:3] + rest[-2:]
    if (
        rest[:1] not in (b"+", b"-")
        or not digits(zone)
        or not (len(rest) == 5 or (len(rest) == 6 and rest[3:4] == b":"))
    ):
        return None
    if not 1 <= month <= 12:
        return None
    return clf_time(
        b"%b/%b/%b:%b:%b:%b %b%b"
        % (numbers[2], MONTHS[month - 1].encode(), numbers[0], numbers[3], numbers[4], numbers[5], rest[:1], zone)
    )
