"""A request line as method and section. Knows nothing of the line that it stands in.

The rules are those of docs/log-format.md. ``FAST`` reads the requests that nearly every line has; ``split_request`` and
``section_of`` read them all, and agree with it.
"""

from __future__ import annotations

import re

# Between two quotes, both groups cut ready: method and section. Only such closing quotes pass as no backslash stands
# before; those that one does are for the exact rules. It may run over the end of a line when a quote is missing, which
# shows in there being fewer matches than lines.
FAST = (
    rb"(GET|POST|HEAD|[A-Za-z][\w-]*+) "
    rb'((?:/|https?+://[^/?# "\n]++/)[^/?# "\n]*+)'
    rb'(?: HTTP/\d\.\d|[/?#][^"]*+(?<!\\)|(?<!\\))'
)
# Between blanks: section.
FAST_TARGET = rb"((?:/|https?+://[^/?# \t\r\n]++/)[^/?# \t\r\n]*+)[^ \t\r\n]*+"
NO_REQUEST = (b"", b"")
CACHED_SECTIONS = 65_536  # pairs of virtual host and section
CACHED_LENGTH = 1_000  # bytes; longer ones are hostile, and would fill memory

_METHOD = re.compile(rb"([A-Za-z][A-Za-z0-9_-]*+) ")
_PROTOCOL = re.compile(rb" HTTP/\d(?:\.\d)?\Z")
_PROTOCOL_LENGTH = len(b" HTTP/1.1")
_END_OF_PATH = re.compile(rb"[?#]")


def split_request(request: bytes) -> tuple[bytes, bytes]:
    """Method and section of a request line; two empty ones if it is none.

    Without a protocol it is HTTP/0.9 (RFC 1945 section 4.1), and the target must look like one.
    """
    method = _METHOD.match(request)
    if not method:
        return NO_REQUEST
    # The protocol's blank may be the one behind the method: "GET HTTP/1.1" has no target and is no request.
    protocol = _PROTOCOL.search(request, max(len(request) - _PROTOCOL_LENGTH, method.end()))
    target = request[method.end() : protocol.start() if protocol else None]
    if not target:
        return NO_REQUEST
    if not protocol and not (target.startswith(b"/") or target == b"*" or b"://" in target):
        return NO_REQUEST
    return method[1], section_of(target)


def is_method(text: bytes) -> bool:
    """Whether ``text`` may stand in front of a request's target."""
    return _METHOD.fullmatch(text + b" ") is not None


def section_of(target: bytes) -> bytes:
    """What is before the second ``/`` of the target's path; query and fragment are cut first, nothing is decoded."""
    end = _END_OF_PATH.search(target)
    path = target[: end.start()] if end else target
    if not path.startswith(b"/"):
        authority, found, rest = path.partition(b"://")
        if not found or b"/" in authority:
            return path.split(b"/", 1)[0]  # "a/b", "*", and CONNECT's "h:443"
        host, _, rest = rest.partition(b"/")
        return authority + b"://" + host + b"/" + rest.split(b"/", 1)[0]
    second = path.find(b"/", 1)
    return path if second < 0 else path[:second]


class Sections(dict[tuple[bytes, bytes], bytes]):
    """Virtual host and section to the section with the virtual host in front: in front of a path only."""

    def __missing__(self, key: tuple[bytes, bytes]) -> bytes:
        vhost, section = key
        joined = vhost + section if section.startswith(b"/") and vhost != b"-" else section
        if len(self) < CACHED_SECTIONS and len(joined) <= CACHED_LENGTH:
            self[key] = joined
        return joined
