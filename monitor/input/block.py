"""What sources hand on. Knows nothing of files or formats."""

from dataclasses import dataclass

MAX_LINE = 4 * 1024 * 1024  # bytes; servers' own limits on a request head are 8 kB to 1 MB


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of one log, in the order in which they stand in it.

    ``data`` ends with LF, unless it is the end of a log that ends without one and nothing more is expected. A line
    of more than ``MAX_LINE`` bytes is cut to ``MAX_LINE + 1`` bytes (and the LF), which a reader must call malformed.
    """

    log: int  # which log, counted from 0 in the order of their joining
    data: bytes
