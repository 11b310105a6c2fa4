"""Blocks of lines as batches of columns. Does no I/O and knows nothing of windows, alerts or screens.

- format: how a log's lines are read: a preset, a server's directive, or found out from the lines.
- part: a piece of a line (``grammar``); a format is parts in a row.
- reader: reads the blocks of one log in their order, and turns to another format when the log does.
- batch: a block's lines as columns (``batch``).
"""

from monitor.formats.batch import Batch, Columns, Malformed
from monitor.formats.grammar import Format, FormatError
from monitor.formats.parse import parse
from monitor.formats.reader import Reader, State

__all__ = ["Batch", "Columns", "Format", "FormatError", "Malformed", "Reader", "State", "parse"]
