"""A log's format, looked up in its server's configuration. The text is given; includes are not followed."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterable, Sequence

from monitor.formats import apache, nginx
from monitor.formats.grammar import Format, FormatError
from monitor.formats.presets import PRESETS

_NGINX_TOKEN = re.compile(r"""#[^\n]*|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[;{}]|(?:\\.|[^\s;{}'"\\])+""", re.DOTALL)
_APACHE_PREDEFINED = {  # in every httpd.conf that is shipped, and often in a file of their own
    "common": '%h %l %u %t "%r" %>s %b',
    "combined": '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"',
    "vhost_combined": '%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"',
}


def find_nginx(text: str, log: str) -> Format:
    """The format of the log at the path ``log`` in an nginx configuration. Raises FormatError."""
    formats: dict[str, str] = {}
    logs: list[tuple[str, str]] = []  # path, format
    for start, end, words in _nginx_statements(text):
        if words[0] == "log_format" and len(words) > 2:
            formats[words[1]] = text[start:end]
        elif words[0] == "access_log" and len(words) > 1 and words[1] != "off":
            named = [word for word in words[2:] if "=" not in word]
            logs.append((words[1].strip("'\""), named[0] if named else "combined"))
    name = _named(logs, log, formats, "log_format")
    if name in formats:
        return nginx.compile_directive(formats[name])
    if name == "combined":
        return PRESETS["combined"]
    raise FormatError(f"format: the configuration has no log_format {name!r}, which {log} is written in")


def find_apache(text: str, log: str) -> Format:
    """The format of the log at the path ``log`` in an Apache configuration. Raises FormatError."""
    formats = dict(_APACHE_PREDEFINED)
    own: dict[str, str] = {}
    logs: list[tuple[str, str]] = []
    unnamed = "common"  # what TransferLog uses
    for line in re.sub(r"\\\r?\n", "", text).split("\n"):
        words = ["".join(quoted_or_plain) for quoted_or_plain in apache.WORD.findall(line)]
        statement = words[0].lower() if words else ""
        if statement == "logformat" and len(words) > 2:
            own[words[2]] = words[1]
        elif statement == "logformat" and len(words) == 2:
            own[""] = words[1]
            unnamed = ""
        elif statement == "customlog" and len(words) > 2:
            logs.append((words[1], words[2]))
        elif statement == "transferlog" and len(words) > 1:
            logs.append((words[1], unnamed))
    name = _named(logs, log, own, "LogFormat")
    formats |= own
    if name in formats:
        return apache.compile_directive(formats[name])
    if "%" in name:
        return apache.compile_directive(name)
    raise FormatError(f"format: the configuration has no LogFormat {name!r}, which {log} is written in")


def _nginx_statements(text: str) -> Iterable[tuple[int, int, Sequence[str]]]:
    """Where each statement begins and ends, and its words as written."""
    words: list[str] = []
    start = 0
    for match in _NGINX_TOKEN.finditer(text):
        if match[0].startswith("#"):
            continue
        if match[0] in ("{", "}", ";"):
            if words:
                yield start, match.start(), words
            words = []
            continue
        if not words:
            start = match.start()
        words.append(match[0])


def _named(logs: Sequence[tuple[str, str]], log: str, formats: Iterable[str], kind: str) -> str:
    """The name of a log's format: that of its path, else of its file's name, else the only one there is."""
    for same in (_path, posixpath.basename):
        found = {name for path, name in logs if same(path) == same(log) or fnmatch.fnmatch(same(path), same(log))}
        if len(found) == 1:
            return found.pop()
        if len(found) > 1:
            raise FormatError(f"format: the configuration has several formats for {log}: {', '.join(sorted(found))}")
    only = {name for _, name in logs} or set(formats)
    if len(only) == 1:
        return only.pop()
    told = ", ".join(sorted({path for path, _ in logs})[:5]) or f"no {kind} that is used"
    raise FormatError(f"format: {log or 'the log'} is not in the configuration; there is {told}")


def _path(path: str) -> str:
    return posixpath.normpath(path)
