"""What the user says of the format: ``auto``, a preset's name, or a server's directive."""

from __future__ import annotations

from monitor.formats.clf import FAMILY, TRAEFIK, VHOST_FAMILY
from monitor.formats.grammar import Format, FormatError

PRESETS = {
    "common": FAMILY,
    "combined": FAMILY,
    "combinedio": FAMILY,
    "vhost_common": VHOST_FAMILY,
    "vhost_combined": VHOST_FAMILY,
    "traefik": TRAEFIK,
}


def parse(text: str) -> Format | None:
    """The format of a name or a directive; None: to be found out. Raises FormatError."""
    if text == "auto":
        return None
    if text in PRESETS:
        return PRESETS[text]
    raise FormatError.at(text, 0, f"neither auto nor one of {', '.join(PRESETS)}")
