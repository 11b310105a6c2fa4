"""All targets by name."""

from __future__ import annotations

from collections.abc import Callable

from fuzz import logs, screen, settings, wire

TARGETS: dict[str, Callable[[bytes], None]] = {
    "frames": wire.frames,
    "flows": wire.flows,
    "messages": wire.messages,
    "lines": logs.lines,
    "plain": logs.plain,
    "directives": settings.directives,
    "options": settings.options,
    "rules": settings.rules,
    "screen": screen.screen,
}
