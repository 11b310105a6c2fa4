"""Settings: the command line on top of a TOML file on top of the defaults.

One table of options serves both, so that every option has a key of the same name. Knows nothing of how a setting is
used, and opens no file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from monitor.errors import UsageError, nearest
from monitor.rules import Rule, parse
from monitor.units import Threshold, parse_seconds

DEFAULT_LOGS = (  # the first that exists is watched when none is named
    "/var/log/tapline/access.log",
    "/var/log/nginx/access.log",
    "/var/log/apache2/access.log",
    "/var/log/httpd/access_log",
    "/var/log/caddy/access.log",
)
OUTPUTS = ("tui", "plain", "json", "none")
METRICS = ("hits", "bytes")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a run of the monitor is told. Durations are in seconds."""

    logs: tuple[str, ...] = ()
    format: str = "auto"
    json_key: tuple[str, ...] = ()
    nginx_conf: Path | None = None
    apache_conf: Path | None = None
    replay: bool = False
    speed: Fraction | None = None  # times real time; None: as fast as it goes
    jobs: int = 1
    output: str | None = None  # None: tui on a terminal, else plain
    interval: int = 10  # "every 10 s"
    window: int = 120  # "the past 2 minutes"
    threshold: Threshold = field(default_factory=lambda: Threshold.parse("10"))
    metric: str = "hits"
    lateness: int = 5
    top: int = 10  # rows of a table; 0: all
    alert: tuple[Rule, ...] = ()  # further rules
    utc: bool = False
    alert_log: Path | None = None
    on_alert: str | None = None
    webhook: str | None = None
    metrics: str | None = None
    html: Path | None = None
    state: Path | None = None
    poll: bool = False


MAX_JOBS = 64  # processes; one collects what they counted and is the bottleneck long before


def _whole(least: int, most: int | None = None) -> Callable[[str], int]:
    wanted = f"a whole number from {least}" + (f" to {most}" if most else "")

    def convert(text: str) -> int:
        if not text.isascii() or not text.isdigit() or int(text) < least or (most and int(text) > most):
            raise ValueError(f"{text!r} is not {wanted}")
        return int(text)

    return convert


def _choice(*allowed: str) -> Callable[[str], str]:
    def convert(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"{text!r} is none of {', '.join(allowed)}")
        return text

    return convert


def _seconds_or_zero(text: str) -> int:
    return 0 if text.strip() in {"0", "0s"} else parse_seconds(text)


def _speed(text: str) -> Fraction:
    try:
        speed = Fraction(text)
    except (ValueError, ZeroDivisionError):
        speed = Fraction(0)
    if speed <= 0:
        raise ValueError(f"{text!r} is not a speed such as 1, 60 or 0.5")
    return speed


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its name on the command line (``--name``) and in the file (``name = ...``)."""

    name: str
    group: str
    help: str
    convert: Callable[[str], object] | None = None  # raises ValueError; None: a switch
    metavar: str = ""
    many: bool = False  # may be given several times; a list in the file

    @property
    def field(self) -> str:
        """The field of Settings that it sets."""
        return self.name.replace("-", "_")


OPTIONS = (
    Option(
        "format",
        "reading",
        "auto (default), a preset (common, combined, combinedio, vhost_common, vhost_combined, w3c, caddy, traefik, "
        "json, haproxy, squid, alb, csv), or what stands in a server's configuration: Apache's LogFormat or nginx's "
        "log_format",
        str,
        "FORMAT",
    ),
    Option("json-key", "reading", "in JSON logs, which key holds a column: status=resp.code", str, "COLUMN=KEY", True),
    Option("nginx-conf", "reading", "find the log's format in this nginx configuration", Path, "FILE"),
    Option("apache-conf", "reading", "find the log's format in this Apache configuration", Path, "FILE"),
    Option("state", "reading", "remember in FILE how far was read, and go on there at the next start", Path, "FILE"),
    Option("poll", "reading", "do not rely on file events: look twice a second (network file systems)"),
    Option("replay", "replay", "read from the beginning to the end in the log's own time, then exit"),
    Option("speed", "replay", "replay at N times real time instead of as fast as it goes", _speed, "N"),
    Option("jobs", "replay", "parse in N processes; the output is the same", _whole(1, MAX_JOBS), "N"),
    Option("interval", "counting", "length of an interval (default 10s)", parse_seconds, "DURATION"),
    Option("window", "counting", "length of the alert's window (default 2m)", parse_seconds, "DURATION"),
    Option(
        "threshold",
        "counting",
        "average over the window above which an alert is raised: 10 (default), 600/min, 5MB/s, 10kB/20s",
        Threshold.parse,
        "RATE",
    ),
    Option("metric", "counting", "what the threshold is of: hits (default) or bytes", _choice(*METRICS), "METRIC"),
    Option(
        "lateness",
        "counting",
        "how long a second stays open for lines that come late (default 5s)",
        _seconds_or_zero,
        "DURATION",
    ),
    Option("alert", "counting", "a further alert rule: '5xx > 1/s over 1m in /api for 30s'", parse, "RULE", True),
    Option("output", "showing", "tui (default on a terminal), plain, json or none", _choice(*OUTPUTS), "KIND"),
    Option("top", "showing", "how many sections are told; 0: all (default 10)", _whole(0), "N"),
    Option("utc", "showing", "show times in UTC instead of local time"),
    Option("html", "showing", "write a report page to FILE at the end", Path, "FILE"),
    Option("alert-log", "telling", "append alerts to FILE as JSON Lines, and read it back at start", Path, "FILE"),
    Option("on-alert", "telling", "run COMMAND at each transition, the alert as JSON on its input", str, "COMMAND"),
    Option("webhook", "telling", "post each transition to URL in Alertmanager's format", str, "URL"),
    Option("metrics", "telling", "serve Prometheus metrics (host: 127.0.0.1)", str, "[HOST:]PORT"),
)


def from_toml(text: str, name: str) -> dict[str, object]:
    """Read a configuration file's ``text`` as fields of Settings. ``name`` is for messages. Raises UsageError."""
    import tomllib  # most runs have no such file

    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{name}: {error}") from error
    known = {option.name: option for option in OPTIONS}
    found: dict[str, object] = {}
    for key, value in table.items():
        if key == "logs":
            found["logs"] = tuple(_strings(value, name, key))
            continue
        option = known.get(key.replace("_", "-"))
        if option is None:
            near = nearest(key, [*known, "logs"])
            raise UsageError(f"{name}: no option {key!r}" + (f"; did you mean {near!r}?" if near else ""))
        found[option.field] = _from_value(option, value, name)
    return found


def _from_value(option: Option, value: object, name: str) -> object:
    if option.convert is None:
        if not isinstance(value, bool):
            raise UsageError(f"{name}: {option.name}: true or false, not {value!r}")
        return value
    try:
        if option.many:
            return tuple(option.convert(text) for text in _strings(value, name, option.name))
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError(f"a text or a number, not {value!r}")
        return option.convert(str(value))
    except ValueError as error:
        raise UsageError(f"{name}: {option.name}: {error}") from error


def _strings(value: object, name: str, key: str) -> list[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
        raise UsageError(f"{name}: {key}: a text or a list of texts, not {value!r}")
    return values


def combine(*layers: Mapping[str, object]) -> Settings:
    """Lay each mapping of fields over the one before it, on top of the defaults. Raises UsageError at a clash."""
    merged: dict[str, object] = {}
    for layer in layers:
        merged.update(layer)
    settings = replace(Settings(), **merged)  # type: ignore[arg-type]  # converted by the table above
    if settings.threshold.in_bytes:
        if merged.get("metric") == "hits":
            raise UsageError(f"--threshold {settings.threshold.text} is of bytes, --metric is hits")
        settings = replace(settings, metric="bytes")
    if settings.speed is not None and not settings.replay:
        raise UsageError("--speed goes with --replay")
    if settings.state is not None and settings.replay:
        raise UsageError("--state is of a live log; a replay always begins at the beginning")
    if settings.nginx_conf and settings.apache_conf:
        raise UsageError("--nginx-conf and --apache-conf exclude each other")
    if (settings.nginx_conf or settings.apache_conf) and settings.format != "auto":
        raise UsageError("--format and a server's configuration exclude each other")
    return settings
