"""Settings: the command line on top of a TOML file on top of the defaults. Knows nothing of how they are used."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from monitor.units import Threshold

DEFAULT_LOGS = (  # the first that exists is watched when none is named
    "/var/log/tapline/access.log",
    "/var/log/nginx/access.log",
    "/var/log/apache2/access.log",
    "/var/log/httpd/access_log",
    "/var/log/caddy/access.log",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a run of the monitor is told. Durations are in seconds."""

    logs: tuple[str, ...] = ()
    format: str = "auto"
    replay: bool = False
    speed: Fraction | None = None  # None: as fast as it goes
    output: str = "plain"
    interval: int = 10  # the brief's "every 10 s"
    window: int = 120  # "the past 2 minutes"
    threshold: Threshold = field(default_factory=lambda: Threshold.parse("10"))
    metric: str = "hits"
    lateness: int = 5
    top: int = 10  # rows of a table; 0: all
    utc: bool = False
    alert_log: Path | None = None
    on_alert: str | None = None
    webhook: str | None = None
    metrics: str | None = None
    jobs: int = 1
    poll: bool = False
    state: Path | None = None
    html: Path | None = None
    json_keys: tuple[str, ...] = ()
    nginx_conf: Path | None = None
    apache_conf: Path | None = None
    alerts: tuple[str, ...] = ()  # further rules
