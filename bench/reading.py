"""Reading logs: each parser's processor time over that of ``LC_ALL=C grep -c '" 200 '`` on as many combined lines."""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.process import cost
from monitor.formats import Reader, parse
from monitor.formats.batch import Columns

LINES = 200_000
BLOCK = 256 * 1024  # bytes, as a log is read that is followed; an archive's plain lines are in the replays' rows
TRIES = 5  # the best counts: what else the machine does only ever adds
START = 1_700_000_000

_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "curl/8.5.0",
)


def _hits() -> Iterable[tuple[int, str, str, str, int, int, str]]:
    """Second, client, method, target, status, bytes, agent: 50 sections, 5,000 clients, 20 hits a second."""
    chance = random.Random(1)
    clients = [f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}" for _ in range(5000)]
    for number in range(LINES):
        target = f"/s{chance.randrange(50)}" + chance.choice(["", "/1234", f"/a/b/c{chance.randrange(100)}.html?q=1"])
        yield (
            START + number // 20,
            chance.choice(clients),
            chance.choices(["GET", "POST", "HEAD"], [8, 2, 1])[0],
            target,
            chance.choices([200, 304, 404, 500], [80, 10, 10, 2])[0],
            chance.randrange(100_000),
            chance.choice(_AGENTS),
        )


def _clf(at: int) -> str:
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(at))


_FORMATS: dict[str, tuple[str, Callable[[int, str, str, str, int, int, str], str]]] = {
    "combined": (
        "combined",
        lambda at, client, method, target, status, size, agent: (
            f'{client} - - [{_clf(at)}] "{method} {target} HTTP/1.1" {status} {size} "-" "{agent}"'
        ),
    ),
    "common": (
        "common",
        lambda at, client, method, target, status, size, agent: (
            f'{client} - - [{_clf(at)}] "{method} {target} HTTP/1.1" {status} {size}'
        ),
    ),
    "vhost_combined": (
        "vhost_combined",
        lambda at, client, method, target, status, size, agent: (
            f'my.site.com:80 {client} - - [{_clf(at)}] "{method} {target} HTTP/1.1" {status} {size} "-" "{agent}"'
        ),
    ),
    "combined, each with an escape": (
        "combined",
        lambda at, client, method, target, status, size, agent: (
            f'{client} - - [{_clf(at)}] "{method} {target} HTTP/1.1" {status} {size} "-" "\\"{agent}\\""'
        ),
    ),
    "Apache's directive with %D": (
        '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %D',
        lambda at, client, method, target, status, size, agent: (
            f'{client} - - [{_clf(at)}] "{method} {target} HTTP/1.1" {status} {size} "-" "{agent}" 1234'
        ),
    ),
    "W3C extended": (
        "w3c",
        lambda at, client, method, target, status, size, agent: (
            f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(at))} {client} {method} {target} {status} {size}"
        ),
    ),
    "nginx's JSON": (
        "json",
        lambda at, client, method, target, status, size, agent: json.dumps(
            {
                "time_local": _clf(at),
                "remote_addr": client,
                "request": f"{method} {target} HTTP/1.1",
                "status": status,
                "body_bytes_sent": size,
                "http_user_agent": agent,
            }
        ),
    ),
}


def _blocks(data: bytes) -> list[bytes]:
    blocks, start = [], 0
    while start < len(data):
        end = data.find(b"\n", min(start + BLOCK, len(data) - 1)) + 1
        blocks.append(data[start:end])
        start = end
    return blocks


def _best(seconds: Callable[[], float]) -> float:
    return min(seconds() for _ in range(TRIES))


def _read(name: str, blocks: list[bytes], columns: Columns) -> float:
    """Processor seconds."""
    reader = Reader(parse(name), columns)
    began = time.process_time()
    hits = sum(len(reader.read(block).times) for block in blocks)
    seconds = time.process_time() - began
    if hits != LINES:
        raise RuntimeError(f"{name}: {hits} hits of {LINES} lines")
    return seconds


def rows() -> Iterable[tuple[str, float, str]]:
    """Yield (what, ratio, note)."""
    hits = list(_hits())
    with tempfile.TemporaryDirectory() as folder:
        grep = 0.0
        for what, (name, line) in _FORMATS.items():
            header = b"#Fields: date time c-ip cs-method cs-uri-stem sc-status sc-bytes\n" if name == "w3c" else b""
            data = header + "".join(line(*hit) + "\n" for hit in hits).encode()
            if not grep:
                path = Path(folder, "log")
                path.write_bytes(data)
                grep = min(cost(["grep", "-c", '" 200 ', str(path)]).processor for _ in range(TRIES))
            blocks = _blocks(data)
            for columns in (Columns.NONE, Columns.ALL) if what == "combined" else (Columns.NONE,):
                seconds = _best(lambda: _read(name, blocks, columns))  # noqa: B023
                more = " (all columns)" if columns else ""
                yield f"reading {what}{more} / grep -c", seconds / grep, f"{LINES / seconds / 1000:.0f}k lines/s"
