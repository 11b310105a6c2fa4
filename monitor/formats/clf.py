"""The Common Log Format and its family: common, combined, combinedio, the vhost kinds, and Traefik's.

Grammar: docs/log-format.md. Apache: mod_log_config; nginx: the predefined ``combined``.
"""

from __future__ import annotations

from monitor.formats.grammar import FAST_QUOTED, QUOTED, Format, Part, literal
from monitor.formats.request import FAST
from monitor.formats.times import CLF

TIME_EXPECTED = "the time: [dd/Mon/yyyy:HH:MM:SS +hhmm]"
STATUS = Part(rb"\d\d\d|-", "the status: three digits or -", "status")
SIZE = Part(rb"\d{1,19}+|-", "the bytes: digits or -", "size", rb"\d{1,18}+|-")

HOST = Part(rb'[^ ,"\n]++', "the client: no blank, comma or quote", "host")
IDENT = Part(rb'[^ "\[\n]++', "the ident: no blank, quote or [")
_WORD = rb'(?:[^ "\\\n]|\\["\\]?+)++'


def user_before(behind: bytes) -> Part:
    """The user, who ends where `` [time`` and then ``behind`` begins: no blank at either end, no bare - among words."""
    following = rb"\[" + CLF + behind
    return Part(
        rb'""(?= )|'
        + (_WORD + rb"(?= " + following + rb")|")
        + (rb"(?!- )" + _WORD + rb"(?: ++(?!" + following + rb")(?!- )" + _WORD + rb"|)*+"),
        "the user",
        fast=rb'[^ "\n]++',
    )


USER = user_before(rb'\] "')
TIME = Part(CLF, TIME_EXPECTED, "time", rb".{26}")
REQUEST = Part(QUOTED, "the request, up to a closing quote", "request", FAST)
REFERER = Part(QUOTED, "the referer, up to a closing quote", "referer", FAST_QUOTED)
AGENT = Part(QUOTED, "the user agent, up to a closing quote", "agent", FAST_QUOTED)

_BLANK = literal(b" ")
_HEAD = (
    *(HOST, _BLANK, IDENT, _BLANK, USER, Part(rb" \[", TIME_EXPECTED), TIME),
    *(Part(rb'\] "', TIME_EXPECTED), REQUEST, Part(rb'" ', "a blank behind the request's quote")),
    *(STATUS, _BLANK, SIZE),
)
_COMBINED = (
    *(Part(rb' "', "a quoted referer"), REFERER, Part(rb'" "', "a quoted user agent"), AGENT),
    Part(rb'"', "a quote behind the user agent"),
)
_TRAEFIK = (
    *(Part(rb" \d++ ", "the number of requests"), Part(rb'"[^"\n]*+" "[^"\n]*+" ', "a quoted router and server")),
    *(Part(rb"\d{1,15}+", "the duration in milliseconds", "duration"), literal(b"ms")),
)
VHOST = Part(rb'[^ ,"\n]++', "the virtual host: no blank, comma or quote", "vhost")

FAMILY = Format("common/combined", "line", _HEAD, (_COMBINED,), loose=True, plain=True)
VHOST_FAMILY = Format("vhost_common/vhost_combined", "line", (VHOST, _BLANK, *_HEAD), (_COMBINED,), loose=True)
TRAEFIK = Format("Traefik's common/combined", "line", _HEAD, (_COMBINED, _TRAEFIK), loose=True, tick=1000)
TRAEFIK_ALONE = Format("Traefik's", "line", (*_HEAD, *_COMBINED, *_TRAEFIK))  # tells it from the others
