"""Tails access logs, counts what they tell, raises alerts, shows it all.

The way of the data: bytes -> lines -> columns -> counts -> windows -> alerts -> snapshot -> screen.

- log: a path name (or standard input), seen as one perpetual source of lines whatever files stand behind it in turn.
- block: whole lines of one log, as read.
- batch: a block's lines as columns, one row a hit.
- hit: a line that was understood.
- section: what is before the second ``/`` of a hit's path (docs/log-format.md).
- interval: ten seconds of log time, aligned to the epoch.
- window: the past two minutes of log time, moving by a second.
- snapshot: everything a screen may want to show, frozen.

Shares nothing with ``sniffer`` but the format of a line (docs/log-format.md).
"""

__version__ = "0.1.0"
