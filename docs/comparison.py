"""Tapline and its peers on the same input, side by side: ``python -m docs.comparison`` (``make comparison``).

Writes the tables of comparison.md between their marks. What counts as right is written down here for each input, not
taken from any of the programs, and each runs with the options that help it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from tests.pseudo_terminal import Session
from tests.sniffer.captures.make import FOLDER

PAGE = Path(__file__).parent / "comparison.md"
ABSENT = "not installed"
FAILS = "fails"
MONITOR = [sys.executable, "-m", "monitor"]
SNIFFER = [sys.executable, "-m", "sniffer"]
START = 3  # s that a program has to read what is there
NOTICED = 1.5  # s between two events: each program has looked at the log meanwhile
ENOUGH = 5  # s without a further line counted: nothing more is coming
FIRST = 10  # lines there before a live run begins


def _line(
    number: int = 1, host: str = "", user: str = "-", request: str = "", agent: str = "x", referer: str = "-"
) -> bytes:
    host, request = host or f"192.0.2.{number % 200 + 1}", request or f"GET /p/{number} HTTP/1.1"
    when = datetime.now().astimezone().strftime("%d/%b/%Y:%H:%M:%S %z")
    return f'{host} - {user} [{when}] "{request}" 200 10 "{referer}" "{agent}"\n'.encode("latin-1")


# What stands in the log, and how many of its lines are hits.
LINES: dict[str, tuple[list[bytes], int]] = {
    "plain combined lines": ([_line(n) for n in range(10)], 10),
    r"`\"` in request, referer and agent": (
        [_line(request=r"GET /a\"b HTTP/1.1"), _line(referer=r"http://a/\""), _line(agent=r"say \"hi\"")],
        3,
    ),
    "no request: `-`, empty, a TLS hello": ([_line(request="-"), _line(), _line(request=r"\x16\x03\x01")], 3),
    "HTTP/0.9: `GET /old`": ([_line(request="GET /old"), _line(request="GET /older")], 2),
    "blanks inside the target": ([_line(request="GET /a b c HTTP/1.1"), _line(request="GET /a  b HTTP/1.1")], 2),
    'a user with blanks, an empty one (`""`)': ([_line(user="John Q Public"), _line(user='""')], 2),
    "IPv6 and host names as clients": ([_line(host="2001:db8::7"), _line(host="dialup7.example.net")], 2),
    "raw Latin-1, NUL and ESC bytes": ([_line(request="GET /caf\xe9 HTTP/1.1"), _line(agent="\x00\x1b[2J")], 2),
    "lines of 9 kB and of 1 MB": ([_line(agent="x" * 9_000), _line(request=f"GET /{'y' * 10**6} HTTP/1.1")], 2),
    "CRLF at the ends": ([_line(n).replace(b"\n", b"\r\n") for n in range(3)], 3),
    "cut off, and two run together: no hits": ([_line()[:60] + b"\n", _line()[:70] + _line(), _line()], 1),
}
LINES["no request: `-`, empty, a TLS hello"][0][1] = _line().replace(b"GET /p/1 HTTP/1.1", b"")


def run(command: Sequence[str], folder: Path) -> bytes | None:
    """Return what the command printed; None where it failed."""
    try:
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, env={**os.environ, "HOME": str(folder)}
        )
    except subprocess.TimeoutExpired:
        return None
    return None if done.returncode else done.stdout


# Each takes a log and returns how many hits it counts; None where it fails.
def _monitor(log: Path) -> int | None:
    out = run([*MONITOR, "--replay", "--output", "json", "--top", "0", str(log)], log.parent)
    return None if out is None else int(json.loads(out.splitlines()[-1])["hits"])


def _goaccess(log: Path) -> int | None:
    out = log.with_suffix(".json")
    done = run(
        ["goaccess", str(log), "--log-format=COMBINED", "--no-global-config", "--no-ip-validation", "-o", str(out)],
        log.parent,
    )
    found = re.search(rb'"valid_requests": (\d+)', out.read_bytes()) if out.exists() else None
    return None if done is None or not found else int(found[1])


def _lnav(log: Path) -> int | None:
    out = run(
        ["lnav", "-n", "-c", ";SELECT count(*) AS hits FROM access_log", "-c", ":write-csv-to -", str(log)], log.parent
    )
    found = re.search(rb"^hits\s+(\d+)", out or b"", re.MULTILINE)
    return int(found[1]) if found else None


def _ngxtop(log: Path) -> int | None:
    out = run(["ngxtop", "--no-follow", "-f", "combined", "-l", str(log), "print", "status"], log.parent)
    found = re.search(rb"(\d+) records processed", out or b"")
    return int(found[1]) if found else None


READERS = {"Tapline": (MONITOR[0], _monitor), "GoAccess": ("goaccess", _goaccess), "lnav": ("lnav", _lnav),
           "ngxtop": ("ngxtop", _ngxtop)}  # fmt: skip

# How each is started on a growing log, and where its screen says how many lines it counted.
FOLLOWERS = {
    "Tapline": ([*MONITOR], r"(\d+) lines?\b"),
    "GoAccess": (
        ["goaccess", "--log-format=COMBINED", "--no-global-config", "--no-ip-validation"],
        r"Valid Requests +(\d+)",
    ),
    "ngxtop": (["ngxtop", "-i", "1", "-f", "combined", "-l"], r"(\d+) records processed"),
    "apachetop": (["apachetop", "-d", "1", "-f"], r"2xx: +(\d+)"),
}


def _append(log: Path, *numbers: int) -> None:
    with log.open("ab") as out:
        out.write(b"".join(map(_line, numbers)))


# What happens to the logs, each the same. Returns how many lines were written.
def _grow(logs: Sequence[Path]) -> int:
    for log in logs:
        _append(log, *range(20))
    return 20


def _halves(logs: Sequence[Path]) -> int:
    line = _line(1)
    for part in (line[:40], line[40:]):
        for log in logs:
            with log.open("ab") as out:
                out.write(part)
        time.sleep(NOTICED)
    return 1


def _rename(logs: Sequence[Path]) -> int:
    for log in logs:
        _append(log, *range(10))
        log.rename(f"{log}.1")
        _append(Path(f"{log}.1"), *range(10))  # a server writes on until it is told to reopen
    time.sleep(NOTICED)
    for log in logs:
        _append(log, *range(10))
    return 30


def _truncate(logs: Sequence[Path]) -> int:
    for log in logs:
        _append(log, *range(10))
    time.sleep(NOTICED)
    for log in logs:
        shutil.copy(log, f"{log}.1")
        os.truncate(log, 0)
    time.sleep(NOTICED)
    for log in logs:
        _append(log, *range(10))
    return 20


def _away(logs: Sequence[Path]) -> int:
    for log in logs:
        log.unlink()
    time.sleep(2 * NOTICED)
    for log in logs:
        _append(log, *range(10))
    return 10


LIVE: dict[str, Callable[[Sequence[Path]], int]] = {
    "a log that grows": _grow,
    "a line written in two halves": _halves,
    "renamed, still written to, then made anew": _rename,
    "copied and truncated": _truncate,
    "away for three seconds, then made anew": _away,
}


def follow(programs: Sequence[str], happens: Callable[[Sequence[Path]], int], folder: Path) -> dict[str, str]:
    """Return how many lines of those written meanwhile each program counted on its screen."""
    with ExitStack() as stack:
        sessions: dict[str, Session] = {}
        for name in programs:
            command, _ = FOLLOWERS[name]
            (folder / name).mkdir()
            log = folder / name / "access.log"
            _append(log, *range(FIRST))
            session = Session([*command, str(log)], 120, 40, {"HOME": str(folder)})
            sessions[name] = stack.enter_context(session)

        def counted() -> dict[str, int]:
            for session in sessions.values():
                if session.status is None:
                    session.pump(0.1)
            return {
                name: max((int(number) for number in re.findall(FOLLOWERS[name][1], session.text())), default=0)
                for name, session in sessions.items()
            }

        began = time.monotonic()
        while time.monotonic() - began < START:
            before = counted()
        wanted = happens([folder / name / "access.log" for name in programs])
        best, since = counted(), time.monotonic()
        while time.monotonic() - since < ENOUGH and any(best[name] - before[name] != wanted for name in programs):
            if (now := counted()) != best:
                best, since = now, time.monotonic()
        return {
            name: _of(best[name] - before[name], wanted) if session.status is None else FAILS
            for name, session in sessions.items()
        }


Exchange = tuple[str, str]  # "GET /path", status or "-"


def _tapline_wire(capture: Path) -> list[Exchange] | None:
    out = run([*SNIFFER, "-r", str(capture), "-w", "-", "--origin-form"], capture.parent)
    rows = re.findall(rb'"(.*)" (\S+) \S+$', out or b"", re.MULTILINE)
    return None if out is None else [(_request(line.decode()), status.decode()) for line, status in rows]


def _tshark(capture: Path) -> list[Exchange] | None:
    fields = ["frame.number", "http.request.method", "http.request.uri", "http.response.code", "http.request_in"]
    words = [word for field in fields for word in ("-e", field)]
    able = ["--enable-heuristic", "http_tcp", "-o", "tcp.reassemble_out_of_order:TRUE"]
    out = run(["tshark", "-n", *able, "-r", str(capture), "-Y", "http", "-T", "fields", *words], capture.parent)
    if out is None:
        return None
    rows = [line.split("\t") for line in out.decode(errors="replace").splitlines()]
    answers = {request: status for _, _, _, status, request in rows if request and not status.startswith("1")}
    answers |= {request: status for _, _, _, status, request in rows if request and status == "101"}
    return [(f"{method} {uri}", answers.get(number, "-")) for number, method, uri, *_ in rows if method]


def _httpry(capture: Path) -> list[Exchange] | None:
    out = run(["httpry", "-q", "-r", str(capture)], capture.parent)
    rows = [line.split("\t") for line in (out or b"").decode(errors="replace").splitlines()]
    return None if out is None else [(f"{row[4]} {row[6]}", "") for row in rows if len(row) > 6 and row[3] == ">"]


def _urlsnarf(capture: Path) -> list[Exchange] | None:
    out = run(["urlsnarf", "-n", "-p", str(capture)], capture.parent)
    rows = re.findall(rb'"(\S+) http://[^/ ]+(\S*) \S+" - -', out or b"")
    return None if out is None else [(f"{method.decode()} {target.decode()}", "") for method, target in rows]


WATCHERS = {"Tapline": (SNIFFER[0], _tapline_wire), "tshark": ("tshark", _tshark), "httpry": ("httpry", _httpry),
            "urlsnarf": ("urlsnarf", _urlsnarf)}  # fmt: skip
SHOWN = {
    "browsing.pcap": "keep-alive, chunked, some segments late or twice",
    "without_bodies.pcapng": "HEAD, 204, 304, 100-continue, an upgrade",
    "lost_segments.pcap": "a lost response, a lost request, a hole in a body",
    "picked_up.pcap": "a connection that was open before",
    "old_and_odd.pcap": "HTTP/0.9, bare line feeds, blanks, data in SYN",
    "fragments.pcap": "IP fragments, the last one first",
    "tagged.pcap": "behind VLAN tags and an MPLS label",
}


def _request(line: str) -> str:
    return re.sub(r" HTTP/[\d.]+$", "", line)


def watch(name: str, capture: str) -> str:
    """Return how many exchanges of the capture were found; with the right status, where it tells any."""
    made = [line.split(" ", 3) for line in (FOLDER / capture).with_suffix(".txt").read_text().splitlines()]
    wanted = Counter((_request(line), status) for _, status, _, line in made)
    found = WATCHERS[name][1](FOLDER / capture)
    if found is None:
        return FAILS
    if all(not status for _, status in found):
        wanted = Counter({(line, ""): count for (line, _), count in wanted.items()})
    have = Counter(found)
    wrong = (have - wanted).total()
    return _of((wanted & have).total(), wanted.total()) + (f", {wrong} wrong" if wrong else "")


def _of(found: int | None, wanted: int) -> str:
    if found is None:
        return FAILS
    return "all" if found == wanted else f"{found} of {wanted}"


Table = list[list[str]]


def logs() -> Table:
    """Count the hits in each kind of line."""
    table = [["log", *READERS]]
    for what, (lines, hits) in LINES.items():
        cells = []
        for program, count in READERS.values():
            with tempfile.TemporaryDirectory() as name:
                log = Path(name, "access.log")
                log.write_bytes(b"".join([_line(8), _line(9), *lines, _line(10)]))
                cells.append(_of(count(log), hits + 3) if shutil.which(program) else ABSENT)
        table.append([what, *cells])
    return table


def live() -> Table:
    """Count the lines written while the log is followed."""
    there = [name for name, (command, _) in FOLLOWERS.items() if shutil.which(command[0])]
    table = [["what happens", *FOLLOWERS]]
    for what, happens in LIVE.items():
        with tempfile.TemporaryDirectory() as name:
            found = follow(there, happens, Path(name))
        table.append([what, *(found.get(program, ABSENT) for program in FOLLOWERS)])
    return table


def captures() -> Table:
    """Look for the exchanges of each capture."""
    table = [["capture", *WATCHERS]]
    for capture, what in SHOWN.items():
        cells = [watch(name, capture) if shutil.which(program) else ABSENT for name, (program, _) in WATCHERS.items()]
        table.append([what, *cells])
    return table


TABLES = {"logs": logs, "live": live, "captures": captures}


def markdown(table: Table) -> str:
    """Return the table as Markdown."""
    rows = ["| " + " | ".join(row) + " |" for row in table]
    return "\n".join([rows[0], "|---" * len(table[0]) + "|", *rows[1:]])


def written(name: str) -> Table:
    """Return the table that the page has."""
    text = PAGE.read_text().partition(f"<!-- {name} -->\n")[2].partition("\n<!-- end -->")[0]
    rows = [re.split(r" \| ", line.strip("| ")) for line in text.splitlines()]
    return rows[:1] + rows[2:]


if __name__ == "__main__":
    page = PAGE.read_text()
    for name, made in TABLES.items():
        before, begin, rest = page.partition(f"<!-- {name} -->\n")
        after = rest.partition("<!-- end -->")[2]
        page = f"{before}{begin}{markdown(made())}\n<!-- end -->{after}"
    PAGE.write_text(page)
