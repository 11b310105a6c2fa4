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
_IDENT = Part(rb'[^ "\[\n]++', "the ident: no blank, quote or [")
# Up to the first ` [time] "`: no blank at either end and no bare - among words.
_WORD = rb'(?:[^ "\\\n]|\\["\\]?+)++'
_TIME_NEXT = rb"\[" + CLF + rb'\] "'
USER = Part(
    rb'""(?= )|'
    + (_WORD + rb"(?= " + _TIME_NEXT + rb")|")
    + (rb"(?!- )" + _WORD + rb"(?: ++(?!" + _TIME_NEXT + rb")(?!- )" + _WORD + rb")*+"),
    "the user, then [dd/Mon/yyyy:HH:MM:SS +hhmm] and a quoted request",
    fast=rb'[^ "\n]++',
)
TIME = Part(CLF, TIME_EXPECTED, "time", rb".{26}")
REQUEST = Part(QUOTED, "the request, up to a closing quote", "request", FAST)
_REFERER = Part(QUOTED, "the referer, up to a closing quote", "referer", FAST_QUOTED)
_AGENT = Part(QUOTED, "the user agent, up to a closing quote", "agent", FAST_QUOTED)

_BLANK = literal(b" ")
_HEAD = (
    *(HOST, _BLANK, _IDENT, _BLANK, USER, Part(rb" \[", TIME_EXPECTED), TIME),
    *(Part(rb'\] "', TIME_EXPECTED), REQUEST, Part(rb'" ', "a blank behind the request's quote")),
    *(STATUS, _BLANK, SIZE),
)
_COMBINED = (
    *(Part(rb' "', "a quoted referer"), _REFERER, Part(rb'" "', "a quoted user agent"), _AGENT),
    Part(rb'"', "a quote behind the user agent"),
)
_TRAEFIK = (
    *(Part(rb" \d++ ", "the number of requests"), Part(rb'"[^"\n]*+" "[^"\n]*+" ', "a quoted router and server")),
    *(Part(rb"\d{1,15}+", "the duration in milliseconds", "duration"), literal(b"ms")),
)
_VHOST = Part(rb'[^ ,"\n]++', "the virtual host: no blank, comma or quote", "vhost")

FAMILY = Format("common/combined", "line", _HEAD, (_COMBINED,), loose=True)
VHOST_FAMILY = Format("vhost_common/vhost_combined", "line", (_VHOST, _BLANK, *_HEAD), (_COMBINED,), loose=True)
TRAEFIK = Format("Traefik's common/combined", "line", _HEAD, (_COMBINED, _TRAEFIK), loose=True, tick=1000)
TRAEFIK_ALONE = Format("Traefik's", "line", (*_HEAD, *_COMBINED, *_TRAEFIK))  # tells it from the others
