"""Plain lines of the Common Log Format's family, cut many at a time.

Nearly all lines of a log look alike. Of a large block, those are told here by where their blanks and quotes stand, and
become columns without an object a row; whatever is unusual in any way, however slightly, is left to the exact pattern,
line by line. So a line is read as the exact pattern reads it, or not here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

from monitor.formats.arrays import Bools, Bytes, Ints, Words, np
from monitor.formats.batch import Batch
from monitor.formats.encoded import FIRST, LARGEST, WORD, Dictionary, Numbers, Texts
from monitor.formats.request import is_method
from monitor.formats.times import Times

# Fields end at blanks and quotes. They are looked for with all that is below them in ASCII: where one of those (a
# control character, an exclamation mark) stands among them, the line is odd.
_LAST_MARK = 34  # the quote
_BLANK, _LINE_FEED, _QUOTE = b' \n"'
# host ident user [time zone] "method target protocol" status size "referer" "agent"
#     0     1    2     3     45      6      7        8 9      10  11 12
_HEAD = b'     "  '
_COMMON = b'"  \n'
_COMBINED = b'"   "'
_TOLD_BY = 16  # marks from its first that a line is told by; near the block's end there are not so many
_TIME = 26  # bytes

ODD = 8  # where more than one of so many lines is odd, a block is not read here
NEW = 8  # where all but one of so many lines have a host or a section never seen, it had better not been
BUSY = 500  # lines a minute; of fewer, intervals have so few lines that columns do not pay
FULL = 4  # where more than one of so many bytes is a mark, it would cost more than it saves
_WORDS = 8  # of sections that are looked through many at a time; the rest of a long one would keep the others waiting
_FEW = 32  # different methods or statuses of a block; the lines of others are odd
_LONGEST_SIZE = len(str(LARGEST))


def _word(text: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(text, "little"))


_END_OF_SECTION = re.compile(rb"[/?#]")
_ONE = np.uint64(1)
_ONES = _word(b"\x01" * WORD)
_HIGH = _word(b"\x80" * WORD)
_NIBBLES = _word(b"\xf0" * WORD)
_OVER = _word(b"\x06" * WORD)  # added to a digit above 9, it changes the high nibble
_ZEROS = _word(b"0" * WORD)
# A time's words, as far as they tell its minute: of ``10/Oct/2000:13:55:36 -0700`` all but the 36.
_MINUTE = ((0, FIRST[8]), (8, FIRST[8]), (16, FIRST[2]), (18, ~FIRST[2]))


@dataclass(frozen=True, slots=True)
class Plain:
    """The plain lines of a block as columns, and the others."""

    count: int  # of all lines
    odd: list[tuple[int, int, bytes]]  # index, how many plain ones before it, text without its end
    times: Ints
    hosts: Texts
    methods: Texts
    sections: Texts
    statuses: Texts
    sizes: Ints
    worth: bool  # texts came again, and lines were many a minute: to read them so has saved something


@dataclass(frozen=True, slots=True)
class _Places:
    """Where in the block the fields of lines are, a row a line; ``_end`` is behind the last byte."""

    line: Ints  # its index
    host: Ints
    host_end: Ints
    time: Ints
    method: Ints
    method_end: Ints
    target_end: Ints  # the target begins behind the method's blank
    status: Ints
    size: Ints
    size_end: Ints

    def only(self, rows: Bools) -> _Places:
        """These lines alone."""
        return self if rows.all() else _Places(*(getattr(self, field.name)[rows] for field in fields(self)))


class PlainLines:
    """Reads them. Its dictionaries stay from block to block."""

    def __init__(self) -> None:
        self._hosts = Dictionary()
        self._sections = Dictionary()
        self._checked = 0  # hosts looked at so far
        self._lists: list[int] = []  # the hosts that are none, for there is a comma in them
        self._marks = np.empty(0, np.bool_)

    def read(self, data: bytes, times: Times) -> Plain | None:
        """Read a block of whole lines, the last with its end, and without a BOM; None: too many of them are odd."""
        if self._hosts.full:
            self._hosts, self._checked, self._lists = Dictionary(), 0, []
        if self._sections.full:
            self._sections = Dictionary()
        text = np.frombuffer(data, np.uint8)
        if len(self._marks) < len(text):
            self._marks = np.empty(len(text), np.bool_)
        marks = np.less_equal(text, _LAST_MARK, out=self._marks[: len(text)]).nonzero()[0]
        if len(marks) > len(text) // FULL:
            return None
        kinds = text[marks]
        ends = (kinds == _LINE_FEED).nonzero()[0]
        most = len(ends) // ODD
        words = _words(data)
        places = _find(marks, kinds, ends)
        places = places.only(_has_right_letters(places, text, words))
        if b"\\" in data:
            escapes = (text == ord("\\")).nonzero()[0]
            escaped = np.zeros(len(ends), np.bool_)
            escaped[np.searchsorted(marks[ends], escapes)] = True
            places = places.only(~escaped[places.line])
        if len(ends) - len(places.line) > most:
            return None
        plain = self._columns(data, text, words, places, times, marks[ends])
        return plain if len(plain.odd) <= most else None

    def batch(self, plain: Plain, places: Sequence[int], others: Batch) -> Batch | None:
        """Put plain rows between the others: before each of those so many. None: a size is too large."""
        if max(others.sizes, default=0) > LARGEST:
            return None

        def with_others(column: Texts, texts: Sequence[bytes], code: Callable[[bytes], int]) -> Texts:
            return Texts(_inserted(column.codes, places, [code(text) for text in texts]), column.keys)

        return replace(
            others,
            times=_inserted(plain.times, places, others.times).tolist(),
            hosts=with_others(plain.hosts, others.hosts, self._hosts.code),
            methods=with_others(plain.methods, others.methods, _coder(plain.methods.keys)),
            sections=with_others(plain.sections, others.sections, self._sections.code),
            statuses=with_others(plain.statuses, others.statuses, _coder(plain.statuses.keys)),
            sizes=Numbers(_inserted(plain.sizes, places, others.sizes)),
        )

    def _columns(self, data: bytes, text: Bytes, words: Words, places: _Places, times: Times, ends: Ints) -> Plain:
        """Cut the columns; ``ends``: where lines end."""
        seconds, is_time, minutes = _seconds(data, text, words, places.time, times)
        sizes, is_size = _sizes(text, words, places.size_end, places.size_end - places.size)
        length = places.method_end - places.method
        methods, method_keys = _few(words[places.method] & FIRST[np.minimum(length, WORD)])
        statuses, status_keys = _few(words[places.status] & FIRST[3])
        good = is_time & is_size & (length <= WORD)
        good &= _are(methods, method_keys, is_method)
        good &= _are(statuses, status_keys, bytes.isdigit)
        host_codes = self._hosts.codes(data, words, places.host, places.host_end - places.host)
        for code, host in enumerate(self._hosts.keys[self._checked :], self._checked):
            if b"," in host:
                self._lists.append(code)
        new_hosts, self._checked = len(self._hosts.keys) - self._checked, len(self._hosts.keys)
        if self._lists:
            good &= ~np.isin(host_codes, self._lists)
        target = places.method_end + 1
        end = _section_ends(data, words, target + 1, places.target_end)
        sections = len(self._sections.keys)
        section_codes = self._sections.codes(data, words, target, end - target)
        new = max(new_hosts, len(self._sections.keys) - sections)
        line = places.line
        if not good.all():
            line, seconds, sizes = line[good], seconds[good], sizes[good]
            host_codes, section_codes = host_codes[good], section_codes[good]
            methods, statuses = methods[good], statuses[good]
        return Plain(
            len(ends),
            _odd(data, ends, line),
            seconds,
            Texts(host_codes, self._hosts.keys),
            Texts(methods, method_keys),
            Texts(section_codes, self._sections.keys),
            Texts(statuses, status_keys),
            sizes,
            worth=new * NEW <= len(places.line) * (NEW - 1) and minutes * BUSY <= len(places.line) + BUSY,
        )


def _odd(data: bytes, ends: Ints, line: Ints) -> list[tuple[int, int, bytes]]:
    """All lines but those: index, how many of those before it, text."""
    is_odd = np.ones(len(ends), np.bool_)
    is_odd[line] = False
    found = is_odd.nonzero()[0].tolist()
    starts = [int(ends[index - 1]) + 1 if index else 0 for index in found]
    return [
        (index, index - number, data[start : int(ends[index])])
        for number, (index, start) in enumerate(zip(found, starts, strict=True))
    ]


def _inserted(column: Ints, places: Sequence[int], others: Sequence[int]) -> Ints:
    return np.insert(column, places, others) if places else column


def _coder(keys: list[bytes]) -> Callable[[bytes], int]:
    """Texts to numbers; new ones are put behind the others."""
    known = {key: code for code, key in enumerate(keys)}

    def code(text: bytes) -> int:
        if text not in known:
            known[text] = len(keys)
            keys.append(text)
        return known[text]

    return code


def _words(data: bytes | Bytes) -> Words:
    """The eight bytes from each place of ``data``, except from the last seven."""
    return np.ndarray((max(0, len(data) - WORD + 1),), np.dtype("<u8"), data, strides=(1,))


def _find(marks: Ints, kinds: Bytes, ends: Ints) -> _Places:
    """The lines whose marks stand as they should; the block's last one is never among them.

    ``marks``: where in the block they are; ``kinds``: which byte each is; ``ends``: which of them end lines.
    """
    firsts = np.empty(len(ends), np.int64)  # marks of lines
    firsts[:1] = 0
    firsts[1:] = ends[:-1] + 1
    firsts = firsts[: min(len(ends) - 1, int(np.searchsorted(firsts, len(marks) - _TOLD_BY, "right")))]
    words = _words(kinds)
    following = words[firsts + WORD]
    common = following & FIRST[4] == _word(_COMMON)
    combined = following & FIRST[5] == _word(_COMBINED)
    line = ((words[firsts] == _word(_HEAD)) & (common | combined)).nonzero()[0]
    first, common = firsts[line], common[line]
    at = [marks[first + number] for number in range(13)]
    good = (at[3] == at[2] + 22) & (at[4] == at[2] + 29) & (at[5] == at[2] + 30)
    good &= (at[8] == at[7] + 9) & (at[9] == at[8] + 1) & (at[10] == at[8] + 5)
    good &= common | ((at[12] == at[11] + 1) & _has_tail(marks, kinds, ends[line], first + 12))
    host = np.where(line == 0, 0, marks[first - 1] + 1)
    places = (line, host, at[0], at[2] + 2, at[5] + 1, at[6], at[7], at[8] + 2, at[10] + 1, at[11])
    return _Places(*places).only(good)


def _has_tail(marks: Ints, kinds: Bytes, end: Ints, referer: Ints) -> Bools:
    """Whether a quoted referer and agent follow, and then the line's end, or a blank and anything."""
    quotes = (kinds == _QUOTE).nonzero()[0]
    if not len(quotes):
        return np.zeros(len(end), np.bool_)
    number = np.searchsorted(quotes, referer)
    closing, agent, last = (quotes[np.minimum(number + count, len(quotes) - 1)] for count in (1, 2, 3))
    good: Bools = (agent == closing + 2) & (kinds[np.minimum(closing + 1, len(kinds) - 1)] == _BLANK)
    good &= (marks[agent] == marks[closing] + 2) & (last > agent) & (last < end)
    behind = np.minimum(last + 1, len(kinds) - 1)
    good &= marks[behind] == marks[last] + 1
    good &= (kinds[behind] == _LINE_FEED) | (kinds[behind] == _BLANK)
    return good


def _has_right_letters(places: _Places, text: Bytes, words: Words) -> Bools:
    """Whether what stands around the fields is right: ``host - user [time] "method /target HTTP/1.1" ``."""
    good: Bools = words[places.host_end] & FIRST[3] == _word(b" - ")
    good &= words[places.time - 2] & FIRST[2] == _word(b" [")
    good &= words[places.time + _TIME] & FIRST[3] == _word(b'] "')
    good &= (places.host_end > places.host) & (places.time - places.host_end > 5)
    good &= text[places.method_end + 1] == ord("/")
    protocol = words[places.target_end]
    good &= (protocol & (FIRST[6] | ~FIRST[7])) == _word(b" HTTP/\0.")
    for digit in (text[places.target_end + 6], text[places.target_end + 8]):
        good &= (digit >= ord("0")) & (digit <= ord("9"))
    return good


def _seconds(data: bytes, text: Bytes, words: Words, start: Ints, times: Times) -> tuple[Ints, Bools, int]:
    """Epoch seconds of the times that begin there, whether they are times, and how often the minute changes.

    A minute is read once for all its lines; a leap second is odd.
    """
    changed = np.ones(len(start), np.bool_)
    changed[1:] = False
    for offset, mask in _MINUTE:
        word = words[start + offset] & mask
        changed[1:] |= word[1:] != word[:-1]
    runs = changed.nonzero()[0]
    read = [times[data[at : at + 18] + b"00" + data[at + 20 : at + _TIME]] for at in start[runs].tolist()]
    lengths = np.diff(runs, append=len(start))
    minutes = np.repeat(np.array([0 if minute is None else minute for minute in read], np.int64), lengths)
    good = np.repeat(np.array([minute is not None for minute in read], np.bool_), lengths)
    tens, ones = text[start + 18] - np.uint8(ord("0")), text[start + 19] - np.uint8(ord("0"))
    good &= (tens <= 5) & (ones <= 9)
    return minutes + tens * np.int64(10) + ones, good, len(runs)


def _sizes(text: Bytes, words: Words, end: Ints, length: Ints) -> tuple[Ints, Bools]:
    """The numbers that end there, and whether they are numbers; ``-`` is 0."""
    sizes, good = _digits(words[end - WORD], np.minimum(length, WORD))
    longer = (length > WORD).nonzero()[0]
    if len(longer):
        more, are_digits = _digits(words[end[longer] - 2 * WORD], np.minimum(length[longer] - WORD, WORD))
        good[longer] &= are_digits
        sizes[longer] += more * 10**WORD
    good &= (length > 0) & (length <= _LONGEST_SIZE)
    others = (~good).nonzero()[0]
    if len(others):
        good[others] = (length[others] == 1) & (text[end[others] - 1] == ord("-"))
        sizes[others] = 0
    return sizes, good


def _digits(word: Words, count: Ints) -> tuple[Ints, Bools]:
    """The numbers that the last ``count`` bytes of words are, and whether they are digits."""
    others = FIRST[WORD - count]
    word = word & ~others | _ZEROS & others
    good = ((word + _OVER & _NIBBLES) == _ZEROS) & (word & _NIBBLES == _ZEROS)
    word &= ~_NIBBLES
    # Neighbours are added up, each pair as one number twice as wide.
    for shift, mask in ((8, 0x00FF00FF00FF00FF), (16, 0x0000FFFF0000FFFF), (32, 0x00000000FFFFFFFF)):
        word = word * np.uint64(10 ** (shift // 8)) + (word >> np.uint64(shift)) & np.uint64(mask)
    return word.astype(np.int64), good


def _section_ends(data: bytes, words: Words, start: Ints, limit: Ints) -> Ints:
    """Where from ``start`` on the first ``/``, ``?`` or ``#`` is; ``limit`` if there is none before."""
    ends = limit.copy()
    rows, at = np.arange(len(start)), start
    for _ in range(_WORDS):
        word, until = words[at], limit[rows]
        found = np.zeros(len(word), np.uint64)
        for byte in b"/?#":
            other = word ^ _ONES * np.uint64(byte)
            found |= other - _ONES & ~other  # the high bit of the first byte that is 0, and perhaps of some behind it
        found &= _HIGH
        offset = np.bitwise_count(~found & found - _ONE) // WORD  # WORD if there is none
        ends[rows] = np.minimum(at + offset, until)
        more = ((offset == WORD) & (at + WORD < until)).nonzero()[0]
        rows, at = rows[more], at[more] + WORD
    for row, begin, end in zip(rows.tolist(), at.tolist(), limit[rows].tolist(), strict=True):
        match = _END_OF_SECTION.search(data, begin, end)
        ends[row] = match.start() if match else end
    return ends


def _few(words: Words) -> tuple[Ints, list[bytes]]:
    """Words of which few are different as numbers, and what each is; -1 for those that are too many."""
    codes = np.full(len(words), -1, np.int64)
    keys: list[bytes] = []
    rest = np.arange(len(words))
    while len(rest) and len(keys) < _FEW:
        word = words[rest[0]]
        same = words[rest] == word
        codes[rest[same]] = len(keys)
        keys.append(int(word).to_bytes(WORD, "little").rstrip(b"\0"))
        rest = rest[~same]
    return codes, keys


def _are(codes: Ints, keys: list[bytes], right: Callable[[bytes], bool]) -> Bools:
    """Whether the texts are right."""
    return np.array([*map(right, keys), False], np.bool_)[codes]  # -1 is the last
