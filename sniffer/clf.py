"""Transaction -> one line of an access log, in Apache's log format language (mod_log_config).

Every observed byte is escaped: none can end a line or a field, nor reach a terminal as a control sequence.
docs/log-format.md says what each directive means here.
"""

from __future__ import annotations

import binascii
import re
import time
from collections.abc import Callable
from functools import lru_cache

from sniffer.errors import UsageError
from sniffer.memo import Memo
from sniffer.transaction import Transaction, endpoint

COMMON = '%h %l %u %t "%r" %>s %b'
COMBINED = COMMON + ' "%{Referer}i" "%{User-Agent}i"'
FORMATS = {
    "common": COMMON,
    "combined": COMBINED,
    "combinedio": COMBINED + " %I %O",
    "vhost_common": "%v:%p " + COMMON,
    "vhost_combined": "%v:%p " + COMBINED,
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LAST_SECOND = 253_370_764_800  # the beginning of 9999: what a broken capture dates later has no calendar

_DIRECTIVE = re.compile(r"%([<>]?)(?:\{([^}]*)\})?([A-Za-z%])")
_HOST = re.compile(rb"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")  # RFC 9110 section 7.2, no escapes
_PASSWORD = re.compile(rb"((?:://|^CONNECT )[^/?#:\s]*):[^/?#\s]*@")  # to the last @, as browsers read it
_AUTHORITY_PASSWORD = re.compile(rb"^([^/?#:\s]*):[^/?#\s]*@")
_SCHEME = re.compile(rb"[!-~]+(?=[ \t])")

_QUOTED = {byte: b"\\x%02x" % byte for byte in (*range(0x20), *range(0x7F, 0x100))} | {0x22: b'\\"', 0x5C: b"\\\\"}
_BARE = _QUOTED | {byte: b"\\x%02x" % byte for byte in b' "[],'}
_CLEAN_QUOTED = bytes(byte for byte in range(256) if byte not in _QUOTED)
_CLEAN_BARE = bytes(byte for byte in range(256) if byte not in _BARE)

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

Field = Callable[[Transaction], bytes | None]
Part = Callable[[Transaction, tuple[bytes, ...]], bytes | None]
"""Writes a value of an exchange, given what is known by its request's fields; None: there is none."""


def escape(value: bytes, quoted: bool) -> bytes:
    """Escape a value for a place within double quotes, or outside of them."""
    if not value.translate(None, _CLEAN_QUOTED if quoted else _CLEAN_BARE):
        return value
    table = _QUOTED if quoted else _BARE
    return b"".join([table.get(byte) or b"%c" % byte for byte in value])


class LineFormat:
    """A format by name (``FORMATS``) or directive. Raises UsageError, pointing at what it does not know."""

    def __init__(self, directive: str, origin_form: bool = False) -> None:
        text = FORMATS.get(directive, directive)
        if "%" not in text:
            raise UsageError(f"{directive!r} is neither a format ({', '.join(FORMATS)}) nor a directive")
        self._origin_form = origin_form
        self._parts: list[tuple[bytes, Part]] = []  # what stands before it, and what it writes
        self._fields: list[tuple[Field, bool]] = []  # those of them that the request's fields tell alone; quoted
        self._known: Memo[tuple[bytes, ...]] = Memo()  # by the request's fields: Host if usable, then the former
        self._end = self._compile(text)
        self._plain = text == COMMON

    def line(self, transaction: Transaction) -> bytes:
        """Return the line, LF included."""
        request = transaction.request
        fields = request[request.find(b"\n") :]
        known = self._known.young.get(fields) or self._known.get(fields)
        if known is None:
            known = self._known.put(fields, self._look_up(transaction))
        if self._plain:
            return self._common(transaction, *known)
        out = []
        for literal, part in self._parts:
            out.append(literal)
            out.append(b"-" if (value := part(transaction, known)) is None else value)
        out.append(self._end)
        return b"".join(out)

    def _look_up(self, transaction: Transaction) -> tuple[bytes, ...]:
        texts = (_text(field(transaction), quoted) for field, quoted in self._fields)
        return (_host(transaction), *texts)

    def _common(self, transaction: Transaction, host: bytes, user: bytes) -> bytes:
        status, size, target = transaction.status, transaction.size, transaction.target
        if (
            not self._origin_form
            and size
            and status is not None
            and host
            and transaction.protocol
            and transaction.method != b"CONNECT"
            and target[:1] == b"/"
            and b"@" not in target
            and not target.translate(None, _CLEAN_QUOTED)
        ):  # as nearly always: nothing to be escaped, nothing missing
            return b'%b - %b %b "%b http://%b%b %b" %d %d\n' % (
                address(transaction.client),
                user,
                clf_time(transaction.begin // 1_000_000_000),
                transaction.method,
                host,
                target,
                transaction.protocol,
                status,
                size,
            )
        return b'%b - %b %b "%b" %b %b\n' % (
            address(transaction.client),
            user,
            clf_time(transaction.begin // 1_000_000_000),
            self._request(transaction, host, True),
            b"%d" % status if status is not None else b"-",
            b"%d" % size if size else b"-",
        )

    def _request(self, transaction: Transaction, host: bytes, quoted: bool) -> bytes:
        line = transaction.line if self._origin_form else absolute_line(transaction, host)
        return _text(without_password(line), quoted)

    def _compile(self, text: str) -> bytes:
        literal, quoted, at = b"", False, 0
        while at < len(text):
            character = text[at]
            if character == "%":
                match = _DIRECTIVE.match(text, at)
                if not match:
                    raise UsageError(f"--format: no directive at character {at + 1}: {text[at : at + 10]!r}")
                if match[3] == "%":
                    literal += b"%"
                else:
                    self._parts.append((literal, self._part(match[3], match[2], quoted, text, at)))
                    literal = b""
                at = match.end()
                continue
            if character == "\\" and text[at + 1 : at + 2] in ('"', "\\", "t"):  # as they stand in a server's file
                at += 1
                character = "\t" if text[at] == "t" else text[at]
            if character == "\n":
                raise UsageError("--format: a line has no line feed within")
            if character == '"':
                quoted = not quoted
            literal += character.encode(errors="surrogateescape")
            at += 1
        return literal + b"\n"

    def _part(self, letter: str, argument: str | None, quoted: bool, text: str, at: int) -> Part:
        """Return what writes a directive's value."""
        if letter == "r" and argument is None:
            return lambda transaction, known: self._request(transaction, known[0], quoted)
        if (letter == "u" and argument is None) or (letter == "i" and argument and _NAME.fullmatch(argument)):
            self._fields.append((_header(argument.lower().encode(), True) if argument else _user, quoted))
            place = len(self._fields)
            return lambda _, known: known[place]
        field, observed = self._field(letter, argument, text, at)
        if observed:
            return lambda transaction, _: _text(field(transaction), quoted)
        return lambda transaction, _: field(transaction)

    def _field(self, letter: str, argument: str | None, text: str, at: int) -> tuple[Field, bool]:
        """Return how a directive's value is found, and whether it is observed, and so to be escaped."""
        if argument is not None:
            if letter == "o" and _NAME.fullmatch(argument):
                return _header(argument.lower().encode(), False), True
            if letter == "t":
                return _strftime(argument), False
            if letter + argument in _WITH_ARGUMENT:
                return _WITH_ARGUMENT[letter + argument], False
        elif letter in _OBSERVED:
            return _OBSERVED[letter], True
        elif letter in _OWN:
            return _OWN[letter], False
        raise UsageError(f"--format: unknown directive at character {at + 1}: {text[at : at + 10]!r}")


def _text(value: bytes | None, quoted: bool) -> bytes:
    """Return an observed value as it is written."""
    if value is None:
        return b"-"
    return escape(value, quoted) or (b"" if quoted else b'""')


@lru_cache(maxsize=4096)
def address(packed: bytes) -> bytes:
    """Return the address of an endpoint as text."""
    return endpoint(packed)[0].encode()


@lru_cache(maxsize=64)
def clf_time(second: int) -> bytes:
    """Return ``[10/Oct/2026:13:55:36 +0200]`` in the machine's zone."""
    moment = _local(second)
    offset = moment.tm_gmtoff // 60
    return b"[%02d/%b/%04d:%02d:%02d:%02d %c%02d%02d]" % (
        moment.tm_mday,
        _MONTHS[moment.tm_mon - 1].encode(),
        moment.tm_year,
        moment.tm_hour,
        moment.tm_min,
        min(moment.tm_sec, 59),
        b"-" if offset < 0 else b"+",
        abs(offset) // 60,
        abs(offset) % 60,
    )


def _host(transaction: Transaction) -> bytes:
    """Return the Host that was asked for; empty where it is none or no host[:port]."""
    host = transaction.request_field(b"host") or b""
    return host if _HOST.fullmatch(host) else b""


@lru_cache(maxsize=4096)
def _own_authority(server: bytes) -> bytes:
    """Return what stands in for Host: the server's address."""
    name, port = endpoint(server)
    if ":" in name:
        name = f"[{name}]"
    return (name if port == 80 else f"{name}:{port}").encode()


def absolute_line(transaction: Transaction, host: bytes) -> bytes:
    """Return the request line with its target in absolute form (RFC 9112 section 3.2.2)."""
    target = transaction.target
    if target[:1] != b"/" or transaction.method == b"CONNECT":
        return transaction.line
    line = b"%b http://%b%b" % (transaction.method, host or _own_authority(transaction.server), target)
    return b"%b %b" % (line, transaction.protocol) if transaction.protocol else line


def without_password(value: bytes) -> bytes:
    """Take the passwords out of the URLs in a value, and out of the target of a CONNECT line."""
    return _PASSWORD.sub(rb"\1@", value) if b"@" in value else value


def _local(second: int) -> time.struct_time:
    return time.localtime(min(second, _LAST_SECOND))


def _user(transaction: Transaction) -> bytes | None:
    """Return the user of Basic authentication (RFC 7617): what stands before the first colon."""
    scheme, _, credentials = (transaction.request_field(b"authorization") or b"").partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        user, colon, _ = binascii.a2b_base64(credentials.strip()).partition(b":")
    except binascii.Error:
        return None
    return user if colon else None


def _header(name: bytes, request: bool) -> Field:
    def value(transaction: Transaction) -> bytes | None:
        found = transaction.request_field(name) if request else transaction.response_field(name)
        if found and name in (b"authorization", b"proxy-authorization"):
            scheme = _SCHEME.match(found)  # never what proves who someone is
            return scheme[0] if scheme else None
        if found and name == b"host":
            return _AUTHORITY_PASSWORD.sub(rb"\1@", without_password(found))
        return without_password(found) if found else found

    return value


def _strftime(argument: str) -> Field:
    """Read the argument of ``%{...}t``: Apache's words, or a format of strftime in local time."""
    end = argument.startswith("end:")
    layout = argument.removeprefix("begin:").removeprefix("end:")
    units = {"sec": 1_000_000_000, "msec": 1_000_000, "usec": 1000}
    fractions = {"msec_frac": (1_000_000, 1000, b"%03d"), "usec_frac": (1000, 1_000_000, b"%06d")}

    def moment(transaction: Transaction) -> int:
        return transaction.last if end and transaction.last is not None else transaction.begin

    def value(transaction: Transaction) -> bytes | None:
        at = moment(transaction)
        if layout in units:
            return b"%d" % (at // units[layout])
        if layout in fractions:
            unit, modulus, form = fractions[layout]
            return form % (at // unit % modulus)
        return time.strftime(layout, _local(at // 1_000_000_000)).encode(errors="surrogateescape").replace(b"\n", b" ")

    return value


def _number(value: int | None) -> bytes | None:
    return None if value is None else b"%d" % value


def _duration(unit: int) -> Field:
    return lambda t: None if t.last is None else b"%d" % max(0, (t.last - t.begin) // unit)


def _first_byte(transaction: Transaction) -> bytes | None:
    return None if transaction.first is None else b"%d" % max(0, (transaction.first - transaction.begin) // 1000)


def _name(transaction: Transaction) -> bytes:
    return re.sub(rb":[0-9]*$", b"", _host(transaction) or _own_authority(transaction.server))


def _path(transaction: Transaction) -> bytes | None:
    path = without_password(transaction.target.split(b"?", 1)[0])
    return (_AUTHORITY_PASSWORD.sub(rb"\1@", path) if transaction.method == b"CONNECT" else path) or None


def _query(transaction: Transaction) -> bytes:
    _, mark, query = transaction.target.partition(b"?")
    return mark + without_password(query)


def _connection(transaction: Transaction) -> bytes:
    return b"X" if not transaction.whole else b"+" if transaction.lasting else b"-"


_OBSERVED: dict[str, Field] = {
    "m": lambda t: t.method or None,
    "U": _path,
    "q": _query,
    "H": lambda t: t.protocol or b"HTTP/0.9" if t.method else None,
    "v": _name,
    "V": _name,
}
_OWN: dict[str, Field] = {
    "h": lambda t: address(t.client),
    "a": lambda t: address(t.client),
    "A": lambda t: address(t.server),
    "l": lambda t: None,
    "t": lambda t: clf_time(t.begin // 1_000_000_000),
    "s": lambda t: _number(t.status),
    "b": lambda t: _number(t.size or None),
    "B": lambda t: _number(t.size or 0),
    "p": lambda t: _number(endpoint(t.server)[1]),
    "D": _duration(1000),
    "T": _duration(1_000_000_000),
    "I": lambda t: _number(t.received),
    "O": lambda t: _number(t.sent),
    "S": lambda t: _number(t.received + t.sent),
    "X": _connection,
}
_WITH_ARGUMENT: dict[str, Field] = {
    "ac": _OWN["a"],
    "pcanonical": _OWN["p"],
    "plocal": _OWN["p"],
    "premote": lambda t: _number(endpoint(t.client)[1]),
    "Ts": _OWN["T"],
    "Tms": _duration(1_000_000),
    "Tus": _OWN["D"],
    "Tttfb": _first_byte,
}
