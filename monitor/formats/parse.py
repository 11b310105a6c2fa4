"""What the user says of the format: ``auto``, a preset's name, or a server's directive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from monitor.formats.grammar import Format, FormatError
from monitor.formats.jsonlog import JSON
from monitor.formats.names import COLUMNS, column_named
from monitor.formats.presets import PRESETS


def parse(
    text: str,
    json_keys: Sequence[str] = (),
    nginx_conf: str | None = None,
    apache_conf: str | None = None,
    log: str = "",
) -> Format | None:
    """The format of a name or a directive; None: to be found out. Raises FormatError.

    ``json_keys``: ``status=code`` says that the status stands under ``code``. ``nginx_conf``, ``apache_conf``: what
    stands in a server's configuration; the format of the log named ``log`` is found there, and with ``text`` ``auto``
    it is the answer.
    """
    keys = tuple(_key(each) for each in json_keys)
    form: Format | None
    if nginx_conf is not None or apache_conf is not None:
        form = _configured(nginx_conf, apache_conf, log)
    elif text == "auto":
        form = JSON if keys else None
    elif text in PRESETS:
        form = PRESETS[text]
    else:
        form = _directive(text)
    if not keys or form is None:
        return form
    if form.kind != "json":
        raise FormatError(f"format: --json-key is for JSON logs, and this is {form.name}")
    return replace(form, keys=tuple(dict((*form.keys, *keys)).items()))


def _configured(nginx_conf: str | None, apache_conf: str | None, log: str) -> Format:
    from monitor.formats import conf  # here, as below: most runs have no directive to read

    return conf.find_nginx(nginx_conf, log) if nginx_conf is not None else conf.find_apache(apache_conf or "", log)


def _directive(text: str) -> Format:
    from monitor.formats import apache, nginx

    if nginx.is_directive(text):
        return nginx.compile_directive(text)
    if apache.is_directive(text):
        return apache.compile_directive(text)
    raise FormatError.at(text, 0, f"a directive has a % or a $; else it is auto or one of {', '.join(PRESETS)}")


def _key(text: str) -> tuple[str, str]:
    column, sign, name = text.partition("=")
    known = column_named(column)
    if not known or not sign or not name:
        raise FormatError.at(text, 0, f"expected COLUMN=KEY, the column one of {', '.join(COLUMNS)}")
    return known, name
