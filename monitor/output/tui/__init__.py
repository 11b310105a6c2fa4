"""The full screen: pure views from a snapshot to a frame, one painter, one module that knows the terminal."""

from monitor.output.tui.picture import Source
from monitor.output.tui.screen import Tui
from monitor.output.tui.state import ClearFilter, Command, MalformedLines, Quit, RawLines, SetFilter, SetThreshold
from monitor.output.tui.terminal import why_not

__all__ = [
    "ClearFilter",
    "Command",
    "MalformedLines",
    "Quit",
    "RawLines",
    "SetFilter",
    "SetThreshold",
    "Source",
    "Tui",
    "why_not",
]
