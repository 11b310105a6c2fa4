"""Families of user agents: browsers, bots, tools. A dozen names that a person knows, not versions or devices."""

from __future__ import annotations

import re
from functools import cache, lru_cache

# The first that matches: what calls itself something else comes before what it calls itself.
_FAMILIES = (
    (rb"googlebot|google-inspectiontool|adsbot-google|apis-google|googleother", b"Googlebot"),
    (rb"bingbot|bingpreview|adidxbot", b"Bingbot"),
    (rb"gptbot|chatgpt-user|oai-searchbot", b"OpenAI"),
    (rb"claudebot|claude-web|anthropic-ai", b"Anthropic"),
    (rb"ahrefsbot", b"AhrefsBot"),
    (rb"semrushbot", b"SemrushBot"),
    (rb"yandex\w*bot|yandexbot", b"YandexBot"),
    (rb"baiduspider", b"Baiduspider"),
    (rb"applebot", b"Applebot"),
    (rb"facebookexternalhit|meta-externalagent", b"Facebook"),
    (rb"bot\b|bot[/;_-]|crawl|spider|slurp|archiver|scan|nikto|sqlmap|nmap|masscan|zgrab", b"other bots"),
    (rb"uptime|pingdom|monitor|check_http|kube-probe|healthcheck|prometheus|blackbox", b"monitors"),
    (rb"^curl/", b"curl"),
    (rb"^wget/", b"Wget"),
    (rb"python-requests|python-urllib|aiohttp|httpx|^python|scrapy", b"Python"),
    (rb"go-http-client|^go ", b"Go"),
    (rb"okhttp|java/|apache-httpclient|jersey", b"Java"),
    (rb"postmanruntime|insomnia|axios|node|libwww-perl|ruby|php|guzzle|apachebench|hey/|wrk", b"other tools"),
    (rb"edg(?:e|a|ios)?/", b"Edge"),
    (rb"opr/|opera", b"Opera"),
    (rb"samsungbrowser", b"Samsung Internet"),
    (rb"firefox/|fxios/", b"Firefox"),
    (rb"chrome/|chromium/|crios/", b"Chrome"),
    (rb"safari/|applewebkit", b"Safari"),
    (rb"msie |trident/", b"Internet Explorer"),
)
SEEN = 512  # bytes of an agent that are looked at


@lru_cache(maxsize=10_000)
def family(agent: bytes) -> bytes:
    """Return an agent's family; b"" where there is none."""
    if agent in (b"", b"-"):
        return b""
    text = agent[:SEEN].lower()
    for pattern, name in _rules():
        if pattern.search(text):
            return name
    return b"others"


@cache
def _rules() -> tuple[tuple[re.Pattern[bytes], bytes], ...]:
    return tuple((re.compile(pattern), name) for pattern, name in _FAMILIES)
