"""The sniffer's command line."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import os
import pwd
import re
import select
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from sniffer import __version__
from sniffer.config import (
    DEFAULT_LOG,
    LISTS,
    SWITCHES,
    TEXTS,
    Settings,
    arguments_from,
    parse_every,
    parse_keep,
    parse_mode,
    parse_size,
)
from sniffer.errors import SnifferError, UsageError
from sniffer.rotation import Rotation

_DESCRIPTION = """\
Observe HTTP on the wire, or in captures, and write every exchange as one line of an access log.

Live it watches the named interfaces, by default all of them, loopback included, until it is interrupted; HTTP is
recognised on any port. With -r it reads captures to their end. The log is written in Apache's formats, so that
monitor and every other reader of access logs can read it; the request is written with its absolute URL."""

_EPILOG = """\
filter:
  As in tcpdump, the words joined by blanks: sniffer -i eth0 tcp port 8080 and host 192.0.2.7. Live, without one: TCP
  but the ports 22 and 443, fragments and VLAN-tagged frames included. With -r, without one: everything.
  A live filter sees packets from the network layer on, VLAN tags already taken off.

formats:
  common          %h %l %u %t "%r" %>s %b
  combined        common, then "%{Referer}i" "%{User-Agent}i"
  combinedio      combined, then %I %O (bytes received and sent)
  vhost_common    %v:%p, then common
  vhost_combined  %v:%p, then combined
  or any string of Apache's directives, such as '%h %t "%r" %>s %b %D'.

privileges:
  Capturing needs root or CAP_NET_RAW: sudo, or sudo setcap cap_net_raw+ep on the Python interpreter, or the systemd
  service. What needs it is opened first; then root and all capabilities are given up for good, before the first
  packet is read. The log's own folder is given to the user that the sniffer goes on as.

signals:
  INT, TERM  write what is open, print the counts on standard error and exit with 0
  USR1       print the counts
  HUP        open the log by its name again (for logrotate)

configuration:
  Every option is a key of the same name in .config/tapline/sniffer.toml in the home of the user that runs it (as root:
  root's), or in --config FILE; the command line is on top:
      interface = ["eth0"]
      write = "/srv/web/access.log"
      compress = true
      filter = "tcp port 8080"

environment:
  TAPLINE_LOG  the log where -w is not given

exit status:
  0  done, also by INT or TERM
  1  an error, named in one line on standard error
  2  wrong usage

examples:
  sudo sniffer                                   all interfaces, to /var/log/tapline/access.log
  sudo sniffer -i lo -w - tcp port 8080          one port of the loopback, to standard output
  sudo sniffer -w /srv/web/access.log --format combined --rotate-size 1GB --keep 30 --compress
  sniffer -r morning.pcap -w - | monitor --replay -
  tcpdump -i eth0 -w - tcp | sniffer -r - -w -   what another program captures

see also:
  monitor, tcpdump(1), pcap-filter(7), logrotate(8)"""

Value = TypeVar("Value")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        wrong = re.match(r"unrecognized arguments: (--[a-z-]+)", message)
        near = wrong and difflib.get_close_matches(wrong[1], [f"--{key}" for key in (*LISTS, *SWITCHES, *TEXTS)], 1)
        raise UsageError(message + (f"; did you mean {near[0]}?" if near else " (sniffer --help tells more)"))


class _ListInterfaces(argparse.Action):
    """Like --version: list and exit."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from sniffer.capture.live import interfaces  # scapy is slow to load, and nothing else here needs it

        for one in interfaces():
            state = "up" if one.up else "down"
            sys.stdout.write(f"{one.index:>3}  {one.name:<15}  {state:<4}  {' '.join(one.addresses)}".rstrip() + "\n")
        parser.exit()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sniffer; return the exit status."""
    try:
        settings = settings_from(sys.argv[1:] if arguments is None else arguments)
        from sniffer.app import run  # scapy is slow to load, and --help needs none

        # A terminal's user would wait for something to happen; a log of messages has no use for it.
        run(settings, os.environ, _say, _say if sys.stderr is not None and sys.stderr.isatty() else None)
    except SnifferError as error:
        _say(str(error))
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:  # before the signals were caught: nothing was observed
        return 0
    return 0


def settings_from(arguments: Sequence[str]) -> Settings:
    """Read the command line and the file of options. Raises UsageError."""
    given = vars(build_parser().parse_intermixed_args(arguments))
    return _settings({**_configuration(given), **given})


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = _Parser(
        prog="sniffer",
        usage="sniffer [-i IFACE]... | [-r PCAP]... [-w FILE|-] [option]... [filter]",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,  # what is not given stays out, and the file of options shows through
        allow_abbrev=False,
    )
    source = parser.add_argument_group("what to observe")
    source.add_argument(
        "-i",
        "--interface",
        dest="interfaces",
        metavar="IFACE",
        action="append",
        help="capture live on this interface; repeat for several (default: all)",
    )
    source.add_argument(
        "-r",
        "--read",
        dest="captures",
        metavar="PCAP",
        action="append",
        help="read a capture, pcap or pcapng, gzip'd or not, - for standard input; repeat for several, in order",
    )
    source.add_argument("filter", nargs="*", metavar="filter", help="which packets (see below)")
    log = parser.add_argument_group("the log")
    log.add_argument(
        "-w",
        "--write",
        dest="log",
        metavar="FILE",
        help=f"append to this log; - is standard output (default: $TAPLINE_LOG, else {DEFAULT_LOG})",
    )
    log.add_argument("--format", metavar="NAME|DIRECTIVE", help="see below (default: common)")
    log.add_argument(
        "--origin-form", action="store_true", help="write the request's target as sent, not as a whole URL"
    )
    log.add_argument(
        "--rotate-size",
        type=_valid(parse_size),
        metavar="SIZE",
        help="rotate before the log is larger; 0: never (default: 100MB, with -r 0)",
    )
    log.add_argument(
        "--rotate-every",
        type=_valid(parse_every),
        metavar="TIME",
        help="rotate when a new day, hour ... begins in local time; 0: never (default: 1d, with -r 0)",
    )
    log.add_argument("--keep", type=_valid(parse_keep), metavar="N", help="rotated files to keep (default: 7)")
    log.add_argument("--compress", action="store_true", help="gzip all rotated files but the newest")
    rights = parser.add_argument_group("rights")
    rights.add_argument("--user", help="run as this user (default, as root: the user behind sudo, else nobody)")
    rights.add_argument("--group", help="let this group read the log (default: adm where it exists)")
    rights.add_argument("--mode", type=_valid(parse_mode), metavar="MODE", help="of the log (default: 0640)")
    other = parser.add_argument_group("other")
    other.add_argument("--config", metavar="FILE", help="read options from this TOML file (see below)")
    other.add_argument("--list-interfaces", action=_ListInterfaces, nargs=0, help="list what -i may name, and exit")
    other.add_argument("--version", action="version", version=f"sniffer (tapline) {__version__}")
    return parser


def _valid(parse: Callable[[str], Value]) -> Callable[[str], Value]:
    """Let argparse show what ``parse`` has to say about a wrong value."""

    def checked(text: str) -> Value:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return checked


def _configuration(given: Mapping[str, Any]) -> dict[str, Any]:
    """Read the file of options, without what excludes something ``given``. Raises UsageError."""
    named = given.get("config")
    try:
        # Not where the environment says: with sudo it may be the user's, who is not to tell root where to write.
        path = named or os.path.join(pwd.getpwuid(os.geteuid()).pw_dir, ".config/tapline/sniffer.toml")
    except KeyError:  # a service's user may have no entry, and no home
        return {}
    try:
        with open(path, encoding="utf-8") as file:
            arguments = arguments_from(file.read())
        found = vars(build_parser().parse_intermixed_args(arguments))
    except FileNotFoundError:
        if not named:
            return {}
        raise UsageError(f"{path}: no such file") from None
    except OSError as error:
        raise UsageError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except ValueError as error:  # no UTF-8, no TOML, no such option
        raise UsageError(f"{path}: {error}") from None
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    for one, other in (("interfaces", "captures"), ("captures", "interfaces")):
        if one in given:
            found.pop(other, None)
    return found


def _settings(options: Mapping[str, Any]) -> Settings:
    interfaces, captures = options.get("interfaces", ()), options.get("captures", ())
    if interfaces and captures:
        raise UsageError("-i and -r exclude each other: packets come from interfaces or from captures")
    # A capture that was asked to become a log is not to be thinned out by a limit that nobody named.
    usual = Rotation(0, 0) if captures else Rotation()
    rotation = Rotation(
        options.get("rotate_size", usual.size),
        options.get("rotate_every", usual.every),
        options.get("keep", usual.keep),
        options.get("compress", usual.compress),
    )
    same = {name: options[name] for name in ("format", "origin_form", "user", "group", "mode") if name in options}
    return Settings(
        interfaces=tuple(interfaces),
        captures=tuple("/dev/stdin" if path == "-" else path for path in captures),
        log=options.get("log") or os.environ.get("TAPLINE_LOG") or DEFAULT_LOG,
        rotation=rotation,
        filter=" ".join(options.get("filter", ())).strip() or None,
        **same,
    )


def _say(text: str) -> None:
    """Say a line, unless nobody takes it: a terminal that was stopped, or a full pipe, must not hold up the capture."""
    with contextlib.suppress(OSError, ValueError):  # nobody listens any more
        if sys.stderr is not None and select.select([], [sys.stderr], [], 0)[1]:
            sys.stderr.write(f"sniffer: {text}\n")
            sys.stderr.flush()
