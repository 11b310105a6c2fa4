"""Settings of a run, how people write sizes, durations and modes, and a TOML file of options. Opens no file."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass, field

from sniffer.rotation import Rotation

DEFAULT_LOG = "/var/log/tapline/access.log"

SWITCHES = ("origin-form", "compress")
LISTS = ("interface", "read")
TEXTS = ("write", "filter", "format", "rotate-size", "rotate-every", "keep", "user", "group", "mode")

_SIZES = {"": 1, "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_DURATIONS = {"": 1, "s": 1, "min": 60, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a run of the sniffer is told."""

    interfaces: tuple[str, ...] = ()  # none: all
    captures: tuple[str, ...] = ()  # files to read instead
    log: str = DEFAULT_LOG  # "-": standard output
    format: str = "common"
    origin_form: bool = False
    rotation: Rotation = field(default_factory=Rotation)
    user: str | None = None  # to become; None: the one behind sudo, else nobody
    group: str | None = None  # None: adm where it exists
    mode: int = 0o640
    filter: str | None = None


def arguments_from(text: str) -> list[str]:
    """Read a TOML file's ``text`` as the arguments that it stands for, ``--key=value`` each. Raises ValueError."""
    try:
        table = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("too deep to be read") from error
    arguments: list[str] = []
    words: list[str] = []  # of the filter, which is no option
    for key, value in table.items():
        if key in SWITCHES:
            if not isinstance(value, bool):
                raise ValueError(f"{key}: true or false, not {value!r}")
            arguments += [f"--{key}"] * value
        elif key in LISTS or key in TEXTS:
            many = value if isinstance(value, list) and key in LISTS else [value]
            if any(isinstance(one, bool) or not isinstance(one, str | int) for one in many):
                raise ValueError(f"{key}: a text or a number, not {value!r}")
            if key == "filter":
                words = [f" {value}"]  # the blank: not an option, whatever it begins with
            else:
                arguments += [f"--{key}={one}" for one in many]
        else:
            near = difflib.get_close_matches(key, (*LISTS, *SWITCHES, *TEXTS), 1)
            raise ValueError(f"no option {key!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    return arguments + words


def parse_size(text: str) -> int:
    """Read ``100MB``, ``64KiB`` or ``1000`` as bytes; 0 for none. Raises ValueError."""
    return _amount(text, _SIZES, "a size such as 100MB or 64KiB")


def parse_every(text: str) -> int:
    """Read ``1d``, ``12h``, ``10m`` or ``30`` as seconds; 0 for never. Raises ValueError."""
    return _amount(text, _DURATIONS, "a time such as 1d, 12h or 10m")


def _amount(text: str, units: dict[str, int], what: str) -> int:
    match = re.fullmatch(r"(\d+)\s*([A-Za-z]*)", text.strip(), re.ASCII)
    if not match or match[2] not in units:
        raise ValueError(f"{text!r} is not {what}")
    return int(match[1]) * units[match[2]]


def parse_mode(text: str) -> int:
    """Read an octal mode such as ``0640``, with which the sniffer itself can write. Raises ValueError."""
    if not re.fullmatch(r"0?[0-7]{3}", text) or int(text, 8) & 0o600 != 0o600:
        raise ValueError(f"{text!r} is not a mode such as 0640, readable and writable for the owner")
    return int(text, 8)


def parse_keep(text: str) -> int:
    """Read how many rotated files stay, at least one. Raises ValueError."""
    if not re.fullmatch(r"[1-9]\d{0,5}", text, re.ASCII):
        raise ValueError(f"{text!r} is not a number of files, at least 1")
    return int(text)
