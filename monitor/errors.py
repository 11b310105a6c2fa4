"""The errors that a user is told in one line. Anything else that escapes is a defect."""

from __future__ import annotations

from collections.abc import Iterable


class TaplineError(Exception):
    """A named error: the message is the one line that the user sees. The exit status is 1."""


class UsageError(TaplineError):
    """The command line or the configuration is wrong. The exit status is 2."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that was perhaps meant, or ""."""
    import difflib  # here: who mistypes nothing need not wait for it

    return next(iter(difflib.get_close_matches(word, list(known), 1)), "")
