"""The errors that a user is told in one line. Anything else that escapes is a defect."""


class TaplineError(Exception):
    """A named error: the message is the one line that the user sees. The exit status is 1."""


class UsageError(TaplineError):
    """The command line or the configuration is wrong. The exit status is 2."""
