"""Python before 3.11.5, Debian 12's among them, keeps what the failed last round of a possessive group took."""

import re

import pytest

from monitor.formats.directive import _LIST
from monitor.formats.request import FAST, FAST_TARGET
from monitor.formats.times import ISO


@pytest.mark.parametrize(
    ("pattern", "text", "read"),
    [
        (FAST, b"GET http/x HTTP/1.1", None),
        (FAST, b"GET https:/x HTTP/1.1", None),
        (FAST, b"GET http://h/x/y HTTP/1.1", b"GET http://h/x/y HTTP/1.1"),
        (FAST_TARGET, b"http/x", None),
        (_LIST, b'a, b, "', b"a, b"),
        (_LIST, b"a : b : , c", b"a : b"),
        (ISO, b"2019-02-07T21:12:36+01 x", b"2019-02-07T21:12:36"),
        (ISO, b"2019-02-07T21:12:36.5+01:00", b"2019-02-07T21:12:36.5+01:00"),
    ],
)
def test_what_a_failed_round_took_is_given_back(pattern: bytes, text: bytes, read: bytes | None) -> None:
    match = re.match(pattern, text)
    assert (match and match[0]) == read
