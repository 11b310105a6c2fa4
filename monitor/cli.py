"""The monitor's command line: options, files of options, exit statuses, last words. The work is in ``app``."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from monitor import __version__
from monitor.config import DEFAULT_LOGS, OPTIONS, Settings, combine, from_toml
from monitor.errors import TaplineError, UsageError, nearest

DESCRIPTION = """\
Tails web access logs, shows every 10 seconds which sections get the hits, and raises an alert when the traffic of the
past 2 minutes exceeds a threshold on average. Reads any server's log, live or replayed."""

EPILOG = """\
examples:
  monitor                                    the sniffer's log, or this machine's web server's
  monitor /var/log/nginx/access.log          one log, on the full screen
  monitor '/var/log/apache2/*access.log'     several, new ones as they come
  monitor --threshold 600/min --alert '5xx > 1/s over 1m'
  monitor --replay access.log.gz             an old log in its own time, then exit
  monitor --replay --output json *.log | jq 'select(.type == "alert")'
  ssh web1 tail -F access.log | monitor -    whatever comes on standard input

alert rules:
  METRIC > THRESHOLD [over TIME] [in SECTION] [host NAME] [for TIME] [recover THRESHOLD], with > or <
  METRIC: hits, bytes, errors, 4xx, 5xx, malformed (THRESHOLD: an average per second, as --threshold); clients (a
  number); p95, p99 (a response time: 500ms). SECTION and NAME as the tables show them. docs/alerts.md tells more.
  The command of --on-alert runs without a shell, with TAPLINE_MESSAGE, TAPLINE_STATE, TAPLINE_RULE ... in its
  environment. It and --webhook are told of a replay's alerts, too.

configuration:
  Every option is a key of the same name in $XDG_CONFIG_HOME/tapline/monitor.toml (or --config FILE):
      logs = ["/var/log/nginx/access.log"]
      threshold = "600/min"
  $TAPLINE_LOG names the log that is watched when none is given.

exit status:
  0 done; 1 an error, told in one line; 2 wrong usage; 130 interrupted.
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]  # one line, as for every other error
        raise UsageError(message + _meant(message))


def _meant(message: str) -> str:
    """Say which option was meant, where argparse complains of one that there is not."""
    wrong = re.match(r"unrecognized arguments: (--[a-z-]+)", message)
    near = nearest(wrong[1], [f"--{option.name}" for option in OPTIONS]) if wrong else ""
    return f"; did you mean {near}?" if near else ""


def _converter(convert: object) -> object:
    def run(text: str) -> object:
        try:
            return convert(text)  # type: ignore[operator]
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return run


def parser() -> argparse.ArgumentParser:
    """Build the parser from the table of options; what is not given stays out of the result."""
    top = _Parser(
        prog="monitor",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    top.add_argument(
        "logs", nargs="*", metavar="LOG", help="files, quoted globs, compressed files, - for standard input"
    )
    top.add_argument("--config", metavar="FILE", type=Path, help="read options from this TOML file")
    top.add_argument("--version", action="version", version=f"monitor (tapline) {__version__}")
    groups: dict[str, argparse._ArgumentGroup] = {}
    for option in OPTIONS:
        group = groups.setdefault(option.group, top.add_argument_group(option.group))
        if option.convert is None:
            group.add_argument(f"--{option.name}", action="store_true", help=option.help)
        else:
            group.add_argument(
                f"--{option.name}",
                metavar=option.metavar,
                type=_converter(option.convert),  # type: ignore[arg-type]
                action="append" if option.many else "store",
                help=option.help,
            )
    return top


def settings_from(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Read the command line, the configuration file and ``$TAPLINE_LOG``. Raises UsageError, or TaplineError."""
    end = arguments.index("--") if "--" in arguments else len(arguments)  # argparse intermixed knows it not
    given = vars(parser().parse_intermixed_args(arguments[:end]))
    given["logs"] = (*given.get("logs", ()), *arguments[end + 1 :])
    if not given["logs"]:
        del given["logs"]
    for option in OPTIONS:
        if option.many and option.field in given:
            given[option.field] = tuple(given[option.field])
    path = given.pop("config", None)
    settings = combine(_configuration(path, environment), given)
    if settings.logs:
        return settings
    return combine(_configuration(path, environment), given, {"logs": _default_logs(environment)})


def _configuration(path: Path | None, environment: Mapping[str, str]) -> dict[str, object]:
    # Without a home, expanduser leaves "~", where Path.home would fail: a service may have none.
    folder = environment.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    where = path or Path(folder, "tapline", "monitor.toml")
    try:
        return from_toml(where.read_text("utf-8"), str(where))
    except FileNotFoundError:
        if path is None:
            return {}
        raise UsageError(f"{where}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{where}: {getattr(error, 'strerror', None) or error}") from error


def _default_logs(environment: Mapping[str, str]) -> tuple[str, ...]:
    named = environment.get("TAPLINE_LOG")
    if named:
        return (named,)
    for path in DEFAULT_LOGS:
        if os.path.exists(path):
            return (path,)
    raise UsageError(f"no log named, and none of {', '.join(DEFAULT_LOGS)} exists")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the monitor; return the exit status."""
    if sys.stderr is None:  # closed by who started it: what would be said has nowhere to go
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # until the end
    try:
        settings = settings_from(sys.argv[1:] if arguments is None else arguments, os.environ)
        from monitor.app import run  # here, so that --help needs none of what it imports

        return run(settings)
    except UsageError as error:
        print(f"monitor: {error}", file=sys.stderr)
        return 2
    except TaplineError as error:
        print(f"monitor: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
