"""What servers and people call the columns, where a log names its fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction

# Preferred ones first. A dot goes into an object: "request.method".
KNOWN: dict[str, tuple[str, ...]] = {
    "time": (
        *(
            "StartUTC",
            "time_iso8601",
            "time_local",
            "msec",
            "@timestamp",
            "timestamp",
            "ts",
            "time",
            "datetime",
            "date",
        ),
        *("StartLocal", "request_time_utc", "start_time", "date_time", "when", "epoch", "epoch_ms", "timestamp_ms"),
        *("epoch_time", "unix_time", "unixtime", "unix_timestamp", "event_time", "EdgeStartTimestamp", "started_at"),
    ),
    "host": (
        *("remote_addr", "request.client_ip", "request.remote_ip", "ClientHost", "client_ip", "clientip", "remote_ip"),
        *("remotehost", "remote_host", "client", "client_addr", "client_address", "c-ip", "src_ip", "ip", "h"),
        *("remote_address", "source_ip", "httpRequest.remoteIp", "request.remote_addr", "downstream_remote_address"),
        *("x_forwarded_for", "http_x_forwarded_for", "client.ip", "source.ip", "req.remoteAddress"),
    ),
    "request": ("request", "request_line", "r"),
    "method": (
        *("request.method", "request_method", "RequestMethod", "method", "http_method", "verb", "cs-method", "m"),
        *("httpRequest.requestMethod", "http.request.method", "req.method", "ClientRequestMethod"),
    ),
    "target": (
        *("request.uri", "request_uri", "RequestPath", "uri", "url", "path", "target", "request_url", "request_path"),
        *("uri_path", "url_path", "cs-uri-stem", "cs-uri", "U", "httpRequest.requestUrl", "url.original", "url.path"),
        *("req.url", "ClientRequestURI"),
    ),
    "status": (
        *(
            "status",
            "DownstreamStatus",
            "status_code",
            "statusCode",
            "response_code",
            "http_status",
            "code",
            "response",
        ),
        *("http_status_code", "response_status", "sc-status", "s", "httpRequest.status", "http.response.status_code"),
        *("response.status", "res.statusCode", "EdgeResponseStatus"),
    ),
    "size": (
        *("body_bytes_sent", "size", "DownstreamContentSize", "bytes_sent", "bytes", "response_size", "bytes_out"),
        *("body_size", "response_length", "response_bytes", "content_length", "sc-bytes", "b"),
        *("httpRequest.responseSize", "http.response.body.bytes", "response.size", "response_body_size"),
        "EdgeResponseBytes",
    ),
    "duration": (
        *("request_time", "duration", "Duration", "duration_ms", "request_time_ms", "latency_ms", "response_time_ms"),
        *("duration_us", "response_time", "upstream_response_time", "latency", "time-taken", "time_taken", "D"),
    ),
    "vhost": (
        *("request.host", "RequestHost", "vhost", "virtual_host", "host", "http_host", "server_name", "cs-host"),
        *("cs(Host)", "v", "url.domain", "ClientRequestHost"),
    ),
    "referer": (
        *("http_referer", "referer", "referrer", "http_referrer", "Referer", "request_Referer", "cs(Referer)"),
        "request.headers.Referer",
    ),
    "agent": (
        *("http_user_agent", "user_agent", "userAgent", "useragent", "agent", "User-Agent", "request_User-Agent"),
        *("cs(User-Agent)", "request.headers.User-Agent", "user_agent.original", "ClientRequestUserAgent"),
    ),
}
COLUMNS = tuple({"host": "client", "size": "bytes"}.get(name, name) for name in KNOWN)  # as users call them
ALIASES = {"client": "host", "bytes": "size", "path": "target", "uri": "target", "user_agent": "agent", "site": "vhost"}

# Microseconds of the number 1 in a duration, by the field's name; seconds where it says nothing.
_TICKS = {"time-taken": Fraction(1000), "time_taken": Fraction(1000), "D": Fraction(1), "Duration": Fraction(1, 1000)}
_WHOLE = ("time-taken", "time_taken")  # whole milliseconds (IIS); with a fraction seconds (CloudFront)
_TICKS_BY_END = {"_ms": Fraction(1000), "_us": Fraction(1), "_ns": Fraction(1, 1000)}
_NUMBER = re.compile(rb"(\d{1,18})(?:\.(\d{1,18}))?(?:[eE]([+-]\d{1,2}))?")
_SECOND = 10**6  # microseconds
_WITH_PORT = {"request.remote_addr", "downstream_remote_address"}  # Caddy before 2.5; Envoy
_PORT = re.compile(rb":\d{1,5}\Z")


def microseconds(name: str, text: bytes) -> bytes:
    """A duration in the field ``name`` as a whole number of microseconds; as it stands if it is no number."""
    match = _NUMBER.fullmatch(text)
    if not match:
        return text
    tick = _TICKS.get(name) or _TICKS_BY_END.get(name[-3:]) or Fraction(_SECOND)
    if name in _WHOLE and match[2]:
        tick = Fraction(_SECOND)
    fraction = match[2] or b""
    number = Fraction(int(match[1] + fraction), 10 ** len(fraction)) * Fraction(10) ** int(match[3] or b"0")
    return b"%d" % int(number * tick)


def whole(text: bytes) -> bytes:
    """A number without the fraction of nought that some languages write: ``200.0``."""
    return text.removesuffix(b".0")


def address(name: str, text: bytes) -> bytes:
    """The client in the field ``name``, without its port where one is known to stand there."""
    return _PORT.sub(b"", text).strip(b"[]") if name in _WITH_PORT else text


def alike(name: str) -> str:
    """What names that differ in case, blanks and strokes alone have in common: ``Status Code``, ``status_code``."""
    return re.sub(r"[\s_-]+", "", name).lower()


_ALIKE = {column: tuple(alike(name) for name in names if len(name) > 1) for column, names in KNOWN.items()}


def find_columns(fields: Iterable[str], chosen: Mapping[str, str]) -> dict[str, str]:
    """Column to field: the chosen ones, else the first known name that is there, as it is or one alike.

    One field fills one column. A time of day beside a date gives "date", too, which is no column: see ``records``.
    """
    there = {name: name for name in fields}
    similar = {alike(name): name for name in reversed(there)}
    found = {column: name for column, name in chosen.items() if name in there}
    for column in KNOWN:
        if column not in chosen:
            taken = set(found.values())
            known = [there[name] for name in KNOWN[column] if name in there]
            known += [similar[name] for name in _ALIKE[column] if name in similar]
            if name := next((name for name in known if name not in taken), None):
                found[column] = name
    if "host" not in found and alike(found.get("vhost", "")) == "host":
        found["host"] = found.pop("vhost")  # a lone "host" is the client
    if "date" in similar and "time" not in chosen and found.get("time") == similar.get("time"):
        found["date"] = similar["date"]
    if "request" in found and "target" in found:
        del found["request" if "method" in found and "request" not in chosen else "target"]
    return found


def enough(columns: Iterable[str]) -> bool:
    """Whether a hit can be told from them: a time, and something of the request or the answer."""
    names = set(columns)
    return "time" in names and bool(names & {"request", "target", "status"})


def column_named(name: str) -> str | None:
    """The column that a user means by ``name``: ``status``, ``bytes``, ``client`` ..."""
    return ALIASES.get(name, name if name in KNOWN else None)
