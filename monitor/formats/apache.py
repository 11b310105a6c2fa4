"""Apache's LogFormat directives. https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats."""

from __future__ import annotations

import re
from dataclasses import replace

from monitor.formats.directive import Field, Literal, Token, build
from monitor.formats.grammar import Format, FormatError
from monitor.formats.times import STRFTIME

# %, then status codes that it is for, < or > (the original or the final request), {argument}, the letter.
_DIRECTIVE = re.compile(r"%(?:!?\d{3}(?:,\d{3})*)?([<>]?)(?:\{((?:\\.|[^}\\])*)\})?(\^[A-Za-z]{2}|[A-Za-z%])?")
_ESCAPES = {'"': b'"', "\\": b"\\", "n": b"\n", "t": b"\t", "r": b"\r"}
WORD = re.compile(r""""((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|(\S+)""", re.DOTALL)  # of a configuration
_STATEMENT = re.compile(r"\s*(LogFormat|CustomLog)\s+", re.IGNORECASE)

_PLAIN = {  # letter: kind, rank
    "a": ("host", 1),
    "A": ("text", 0),
    "b": ("size", 0),
    "B": ("size", 1),
    "D": ("duration", 0),
    "f": ("text", 0),
    "h": ("host", 0),
    "H": ("text", 0),
    "I": ("number", 0),
    "k": ("number", 0),
    "l": ("ident", 0),
    "L": ("text", 0),
    "m": ("method", 0),
    "O": ("size", 2),
    "p": ("number", 0),
    "P": ("text", 0),
    "q": ("query", 0),
    "r": ("request", 0),
    "R": ("text", 0),
    "s": ("status", 1),
    "S": ("number", 0),
    "T": ("duration", 1),
    "u": ("user", 0),
    "U": ("target", 0),
    "v": ("vhost", 0),
    "V": ("vhost", 1),
    "X": ("text", 0),
    "^FB": ("number", 0),
}
_WITH_ARGUMENT = {"a", "h", "p", "P", "T", "t", "i", "o", "e", "C", "n", "c", "x", "^ti", "^to"}
_HEADERS = {
    "referer": ("referer", 0),
    "user-agent": ("agent", 0),
    "host": ("vhost", 2),
    "x-forwarded-for": ("host", 3),
    "x-real-ip": ("host", 4),
    "true-client-ip": ("host", 4),
    "cf-connecting-ip": ("host", 4),
}
_UNITS = {"s": (0, 10**6), "ms": (0, 10**3), "us": (0, 1), "ttfb": (2, 1)}  # rank, tick; ttfb is the sniffer's
_TIMES = {"sec": "s", "msec": "ms", "usec": "us"}


def is_directive(text: str) -> bool:
    """Whether the text looks like one."""
    return "%" in text


def compile_directive(text: str) -> Format:
    """The format of a directive, or of a whole LogFormat or CustomLog statement. Raises FormatError."""
    start, end = 0, len(text)
    if match := _STATEMENT.match(text):
        start, end = _argument(text, match.end(), match[1].lower() == "customlog")
    return build(text, _tokens(text, start, end), f"Apache's {' '.join(text[start:end].split())[:60]}")


def _argument(text: str, start: int, behind_a_path: bool) -> tuple[int, int]:
    """Where the directive among a statement's arguments begins and ends, its quotes not counted."""
    words = list(WORD.finditer(text, start))[behind_a_path:]  # a path may hold % too: of a pipe to rotatelogs
    if not words or "%" not in words[0][0]:
        raise FormatError.at(text, start, "expected a directive in quotes")
    word = words[0]
    if word[3] and word[3][0] in "\"'":
        raise FormatError.at(text, word.start(), "this quote is not closed")
    return word.span(word.lastindex or 0)


def _tokens(text: str, start: int, end: int) -> list[Token]:
    tokens: list[Token] = []
    at = start
    while at < end:
        if text[at] == "\\" and text[at + 1 : at + 2] in _ESCAPES and at + 1 < end:
            tokens.append(Literal(_ESCAPES[text[at + 1]]))
            at += 2
        elif text[at] != "%":
            tokens.append(Literal(text[at].encode("utf-8", "surrogateescape")))
            at += 1
        else:
            match = _DIRECTIVE.match(text, at, end)
            if not match or not match[3]:
                raise FormatError.at(text, match.end() if match else at, "expected the letter of a directive after %")
            tokens.append(_token(text, match))
            at = match.end()
    return _with_ports(tokens)


def _token(text: str, match: re.Match[str]) -> Token:
    which, argument, letter = match.groups()
    position = match.start()
    name = match[0]
    if letter == "%":
        return Literal(b"%")
    if argument is not None and letter not in _WITH_ARGUMENT:
        raise FormatError.at(text, match.start(2), f"%{letter} has no argument")
    if letter == "t":
        return _time(name, position, argument)
    if letter == "T" and argument is not None:
        if argument not in _UNITS:
            raise FormatError.at(text, match.start(2), f"the unit of %T is one of {', '.join(_UNITS)}")
        rank, tick = _UNITS[argument]
        return Field("duration", name, position, rank, tick=tick)
    if letter in ("i", "^ti") and argument:
        kind, rank = _HEADERS.get(argument.lower(), ("text", 0)) if letter == "i" else ("text", 0)
        return Field(kind, name, position, rank)
    if letter in _PLAIN and argument is None:
        kind, rank = _PLAIN[letter]
        if letter == "s" and which == ">":
            rank = 0
        return Field(kind, name, position, rank, tick=10**6 if letter == "T" else 1)
    if letter in ("a", "h"):
        return Field("host", name, position, 2)  # {c}: the peer, where a proxy stands in front
    if letter in _WITH_ARGUMENT and argument is not None:
        return Field("number" if letter == "p" else "text", name, position)
    reason = "needs an argument, as in %{name}" + letter if letter in _WITH_ARGUMENT else "is none that is known"
    raise FormatError.at(text, position, f"%{letter} {reason}")


def _time(name: str, position: int, argument: str | None) -> Field:
    form = re.sub(r"^(begin|end):?", "", argument or "")
    if not form:
        return Field("time", name, position, time="clf")
    if form in ("msec_frac", "usec_frac"):
        return Field(form, name, position)
    return Field("time", name, position, time=_TIMES.get(form) or STRFTIME + form)


def _with_ports(tokens: list[Token]) -> list[Token]:
    """A time's brackets as literals; a virtual host and its port, ``%v:%p``, as one field."""
    joined: list[Token] = []
    for token in tokens:
        if isinstance(token, Field) and token.time == "clf":
            joined += [Literal(b"["), token, Literal(b"]")]
        elif _is_port(token) and joined[-1:] == [Literal(b":")] and _is_vhost(joined[-2:-1]):
            host = joined[-2]
            assert isinstance(host, Field)
            joined[-2:] = [replace(host, name=f"{host.name}:%p")]
        else:
            joined.append(token)
    return joined


def _is_port(token: Token) -> bool:
    return isinstance(token, Field) and token.name.endswith("p")


def _is_vhost(tokens: list[Token]) -> bool:
    return bool(tokens) and isinstance(tokens[0], Field) and tokens[0].kind == "vhost"
