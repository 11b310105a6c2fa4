"""What a message begins with, RFC 9112 sections 3 and 4, as sent by whoever: the patterns of first lines.

Knows nothing of what came before, nor of what follows.
"""

from __future__ import annotations

import enum
import re

# RFC 9110 section 5.6.2
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
# RFC 9112 section 3, lenient: blanks within the target are kept and it may be missing, as servers see such lines too.
# Possessive ("++"): no line, however made, takes more than linear time
REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb"+)[ \t]++(?:([^\n]*[^ \t\n])[ \t]++)?(HTTP/\d\.\d)[ \t]*\r?\n")
_PARTIAL = re.compile(rb"(?:" + _TOKEN + rb"|HTTP/\d\.\d)(?:[ \t]|$)")
# HTTP/0.9 had only GET, and no version
_OLD_LINE = re.compile(rb"GET[ \t]+(/[^ \t\r\n]*|[A-Za-z][A-Za-z0-9+.-]*://[^ \t\r\n]*)[ \t]*\r?\n")
# RFC 9112 section 4; the reason phrase may be missing, or the blank before it. ICY: how SHOUTcast says it
_STATUS_LINE = re.compile(rb"(?:HTTP/\d\.\d|ICY)[ \t]+([1-9]\d\d)(?:[^\d\n][^\n]*)?\r?\n")
BINARY = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
# A client's greeting to a SOCKS proxy (RFC 1928; version 4), as far as it came: what follows may well be HTTP
SOCKS = re.compile(rb"\x05(?:[\x01-\x0a]|\Z)|\x04(?:[\x01\x02]|\Z)")
# What a proxy puts in front of a connection that it hands on (PROXY protocol, versions 1 and 2); of version 2 as far as
# it came, with the length of what follows if that did
PROXIED = re.compile(
    rb"PROXY (?:TCP4|TCP6|UNKNOWN)[^\n]{0,95}\n"
    rb"|\x00\r\nQUIT\n[\x20\x21].(..)|\x00(?:\r(?:\n(?:Q(?:U(?:I(?:T(?:\n(?:[\x20\x21].{0,2})?)?)?)?)?)?)?)?\Z",
    re.DOTALL,
)
# Where a message may begin after something was lost: behind an empty line, with a method in capitals, since the end of
# a body may stand before it; a response anywhere if a field follows
REQUEST_BEHIND = re.compile(rb"\n\r?\n(?=[A-Z][A-Z-]* [^ \n]+ HTTP/1\.[01]\r?\n)")
RESPONSE_AHEAD = re.compile(rb"HTTP/1\.[01] [1-5]\d\d(?: [^\n]{0,200})?\r?\n" + _TOKEN + rb":")
# What of the former may still come; its line may be long
REQUEST_OPEN = re.compile(rb"\n\r?\n(?=[A-Z][A-Z-]* [^ \n]*(?: [^ \n]*)?\Z)")
# ... or where a segment does: so much is asked for, since bodies hold text, too; and what may still become that
BEGINS = re.compile(rb"[A-Z][A-Z-]{2,24} (?:/|[a-z]{1,20}://|\*)|CONNECT [^ /]|HTTP/1\.[01] ")
# A method that is in use (RFC 9110 section 9, RFC 4918, RFC 3253, UPnP), or a response
KNOWN = re.compile(
    rb"(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|TRACE|CONNECT|PROPFIND|PROPPATCH|MKCOL|COPY|MOVE|LOCK|UNLOCK|REPORT"
    rb"|SEARCH|M-SEARCH|NOTIFY) |HTTP/1"
)
MAY_BEGIN = re.compile(rb"(?:[A-Z][A-Z-]{0,24}|[A-Z][A-Z-]{2,24} (?:[a-z]{1,20}(?::/?)?)?|HTTP/(?:1(?:\.[01]?)?)?)\Z")


class Role(enum.Enum):
    """What a direction carries; known by content, never by port."""

    UNKNOWN = "unknown"
    REQUESTS = "requests"
    RESPONSES = "responses"


# Looked up for each head: attributes of an enum cost several times what a name does.
_, _REQUESTS, _RESPONSES = Role


def may_begin(data: bytes, begin: int, scanned: int, role: Role) -> bool:
    """Whether a first line may still come of what has come of it; up to ``scanned`` that was asked before."""
    if role is _RESPONSES:
        return b"HTTP/".startswith(data[begin : begin + 5]) or b"ICY ".startswith(data[begin : begin + 4])
    return not BINARY.search(data, scanned) or bool(_PARTIAL.match(data, begin))


def first_line(data: bytes, begin: int, stop: int, role: Role) -> tuple[bytes, bytes, bytes, int] | None:
    """Return method, target, protocol and status; None if it is neither a request nor a status line."""
    if role is not _REQUESTS and (match := _STATUS_LINE.match(data, begin, stop)):
        return b"", b"", b"", int(match[1])
    if role is not _RESPONSES:
        if (match := REQUEST_LINE.match(data, begin, stop)) and match[1] != b"PRI":  # RFC 9113 section 3.4
            return match[1], match[2] or b"", match[3], 0
        if match := _OLD_LINE.match(data, begin, stop):
            return b"GET", match[1], b"", 0
    return None
