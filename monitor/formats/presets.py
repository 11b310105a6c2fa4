"""The formats that have a name. Knows nothing of how they are found out."""

from __future__ import annotations

from monitor.formats.clf import FAMILY, REQUEST, SIZE, STATUS, TRAEFIK, VHOST_FAMILY
from monitor.formats.delimited import CSV
from monitor.formats.grammar import QUOTED, Format, Part, literal
from monitor.formats.jsonlog import JSON
from monitor.formats.request import FAST_TARGET
from monitor.formats.times import EPOCH, ISO
from monitor.formats.w3c import W3C

_BLANK = literal(b" ")
_METHOD = Part(rb"[^ \n]++", "the method", "method", rb"[A-Za-z][\w-]*+")
_TARGET = Part(rb"[^ \n]++", "the URL", "target", FAST_TARGET)

# HAProxy, "option httplog" (and httpslog, which adds to it): Configuration Manual section 8.2.3. Behind a syslog header
# or without. Times are local. Quotes in a request come as #22, and a long request is cut with its closing quote.
_HAPROXY_CLIENT = rb"[0-9A-Za-z_.:]%b?(?=:\d++ \[)"
_HAPROXY_TIMER = Part(rb"-1|\+?+\d{1,12}+", "a timer in milliseconds")
HAPROXY = Format(
    "HAProxy HTTP",
    "line",
    (
        # Of whatever shape (RFC 3164 or 5424, with a process number or without): it ends where client and time begin.
        Part(
            rb"(?>(?:[^ \n]*+ ++)*?(?=[0-9A-Za-z_.:]*?:\d++ \[\d\d/)|[^\n\[]*+\[\d++\]: |)",
            "a syslog header, or none",
        ),
        Part(_HAPROXY_CLIENT % b"*", "the client and its port", "host", _HAPROXY_CLIENT % b"+"),
        Part(rb":\d++ \[", "the port"),
        Part(rb"\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d\.\d{1,9}+", "[dd/Mon/yyyy:HH:MM:SS.mmm]", "time"),
        *(Part(rb"\] [^ \n]++ ", "the frontend"), Part(rb"[^ /\n]++/[^ \n]++ ", "backend/server")),
        *(part for _ in range(4) for part in (_HAPROXY_TIMER, literal(b"/"))),
        *(Part(rb"\+?+", "the total time"), Part(rb"\d{1,12}+|-1", "the total time", "duration"), _BLANK),
        *(Part(rb"\d\d\d|-(?=1 )", "the status: three digits or -1", "status"), Part(rb"1?+ \+?+", "a blank"), SIZE),
        *(Part(rb" [^ \n]++ [^ \n]++ ", "the captured cookies"), Part(rb"[^ \n]{4} ", "the termination state")),
        *(Part(rb"\d++/\d++/\d++/\d++/\+?+\d++ ", "the connections"), Part(rb"\d++/\d++ ", "the queues")),
        *(Part(rb'(?:\{[^"\n]*+)?+"', "captured headers, then a quote"), REQUEST),
        Part(rb'"|(?=\n|\Z)', "a quote"),
    ),
    loose=True,
    time="haproxy",
    tick=1000,
)

# Squid's native format: time elapsed client code/status bytes method URL user hierarchy/peer type.
SQUID = Format(
    "Squid native",
    "line",
    (
        *(Part(EPOCH, "the time: seconds.milliseconds", "time"), Part(rb" ++", "blanks")),
        *(Part(rb"-?+\d{1,12}+", "the elapsed milliseconds", "duration"), _BLANK),
        *(Part(rb"[^ \n]++", "the client", "host", rb"[^ ,\n]++"), _BLANK, Part(rb"[A-Z_]++/", "the result code")),
        *(STATUS, _BLANK, SIZE, _BLANK, _METHOD, _BLANK, _TARGET, _BLANK),
        *(Part(rb"[^ \n]++ ", "the user"), Part(rb"[^ /\n]++/[^ \n]++ ", "hierarchy/peer")),
        Part(rb"[^\n]++", "the content type"),
    ),
    time="s",
    tick=1000,
)

# AWS application load balancers: the user guide's "Access log entries". Three processing times, in seconds, or -1.
_ALB_TIME = rb"(?:-1|\d{1,9}+\.\d{1,9}+)"
_ALB_CLIENT = rb"[0-9A-Fa-f.:]%b?(?=:\d++ )|\[[0-9A-Fa-f.:]++\](?=:\d++ )"
ALB = Format(
    "AWS ALB",
    "line",
    (
        *(
            Part(rb"(?:https?+|h2|grpcs?+|wss?+) ", "the type: http, https, h2, grpcs, ws or wss"),
            Part(ISO, "the time", "time"),
        ),
        *(
            Part(rb" [^ \n]++ ", "the load balancer"),
            Part(_ALB_CLIENT % b"*", "client:port", "host", _ALB_CLIENT % b"+"),
        ),
        *(Part(rb":\d++ [^ \n]++ ", "the client's port and the target"),),
        Part(_ALB_TIME + rb" " + _ALB_TIME + rb" " + _ALB_TIME, "three times in seconds", "duration"),
        *(_BLANK, STATUS, Part(rb" [^ \n]++ [^ \n]++ ", "the target's status and the received bytes"), SIZE),
        *(Part(rb' "', "a quoted request"), REQUEST, Part(rb'" "', "a quoted user agent")),
        *(Part(QUOTED, "the user agent, up to a closing quote", "agent"), Part(rb'"', "a quote")),
    ),
    loose=True,
    time="iso",
    tick=10**6,
)

# Traefik's lines are combined ones too; see detect.
KNOWN = (FAMILY, VHOST_FAMILY, HAPROXY, SQUID, ALB, JSON)

PRESETS = {
    "common": FAMILY,
    "combined": FAMILY,
    "combinedio": FAMILY,
    "vhost_common": VHOST_FAMILY,
    "vhost_combined": VHOST_FAMILY,
    "traefik": TRAEFIK,
    "json": JSON,
    "caddy": JSON,
    "traefik_json": JSON,
    "nginx_json": JSON,
    "w3c": W3C,
    "iis": W3C,
    "haproxy": HAPROXY,
    "squid": SQUID,
    "alb": ALB,
    "csv": CSV,
}
