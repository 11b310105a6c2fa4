"""The errors that a user is told in one line. Anything else that escapes is a defect."""


class SnifferError(Exception):
    """A named error: the message is the one line that the user sees. The exit status is 1."""


class UsageError(SnifferError):
    """The command line is wrong. The exit status is 2."""


class CaptureError(SnifferError):
    """A capture file or an interface can't be read."""
