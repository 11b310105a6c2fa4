"""The README's pictures: screens as SVG, a report as PNG. Usage: python -m docs.screenshots (``make screenshots``)."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from html import escape
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import pyte

from tests.pseudo_terminal import Session

ROOT = Path(__file__).parent.parent
CELL = (9.6, 20)  # px
FONT = "'DejaVu Sans Mono', 'Liberation Mono', Menlo, Consolas, monospace"
DARK = {
    "default": ("#d8dee4", "#15191e"),
    "red": "#ef5f6b",
    "green": "#6cc871",
    "brown": "#d8b55b",
    "blue": "#5c9cf5",
    "magenta": "#c886e8",
    "cyan": "#4fb8c9",
}
LIGHT = {
    "default": ("#24292e", "#fcfcfa"),
    "red": "#c4212f",
    "green": "#1f7f2e",
    "brown": "#8a6500",
    "blue": "#1f5fbf",
    "magenta": "#8a3fb0",
    "cyan": "#0b7285",
}
# Blocks are drawn, not written: fonts leave gaps between them. x, y, width, height in parts of a cell.
BLOCKS = {chr(0x2580 + n): (0.0, 1 - n / 8, 1.0, n / 8) for n in range(1, 9)}
BLOCKS |= {chr(0x2590 - n): (0.0, 0.0, n / 8, 1.0) for n in range(1, 8)}
# Box drawing likewise: strokes in parts of a cell.
STROKES = {
    "─": "M0 .5H1", "━": "M0 .5H1", "╌": "M.1 .5H.4M.6 .5H.9", "│": "M.5 0V1", "┃": "M.5 0V1",
    "╭": "M.5 1V.75Q.5 .5 1 .5", "╮": "M.5 1V.75Q.5 .5 0 .5", "╰": "M.5 0V.25Q.5 .5 1 .5", "╯": "M.5 0V.25Q.5 .5 0 .5",
}  # fmt: skip


def _colours(cell: pyte.screens.Char, palette: dict[str, object]) -> tuple[str, str]:
    front, back = palette["default"]  # type: ignore[misc]
    shown = str(palette.get(cell.fg, front)) if cell.fg != "default" else front
    behind = str(palette.get(cell.bg, back)) if cell.bg != "default" else back
    if cell.reverse:
        shown, behind = behind, shown
    return shown, behind


def svg(screen: pyte.Screen, palette: dict[str, object]) -> str:
    """The screen as an SVG document."""
    wide, high = CELL
    width, height = screen.columns * wide + 24, screen.lines * high + 24
    back = palette["default"][1]  # type: ignore[index]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" font-family="{FONT}" font-size="16">',
        f'<rect width="100%" height="100%" rx="10" fill="{back}"/><g transform="translate(12 12)">',
    ]
    for y in range(screen.lines):
        row = screen.buffer[y]
        cells = [(x, row[x], _colours(row[x], palette), row[x].strikethrough) for x in range(screen.columns)]
        for (_, behind), run in groupby(cells, key=lambda cell: cell[2]):
            columns = [x for x, *_ in run]
            if behind != back:
                parts.append(
                    f'<rect x="{columns[0] * wide:g}" y="{y * high}" width="{len(columns) * wide:g}" '
                    f'height="{high}" fill="{behind}"/>'
                )
        kinds = groupby(
            cells,
            key=lambda cell: (
                cell[2][0],
                cell[1].bold,
                cell[3],
                cell[1].data in BLOCKS or cell[1].data in STROKES,
                cell[1].underscore,
            ),
        )
        for (front, bold, faint, block, underlined), run in kinds:
            columns = list(run)
            faded = ' opacity="0.55"' if faint else ""
            if block:
                for x, cell, *_ in columns:
                    if cell.data in STROKES:
                        weight = 3 if cell.data in "━┃" else 1.3
                        parts.append(
                            f'<path transform="translate({x * wide:g} {y * high}) scale({wide} {high})" '
                            f'd="{STROKES[cell.data]}" fill="none" stroke="{front}" stroke-width="{weight}"'
                            f'{faded} vector-effect="non-scaling-stroke"/>'
                        )
                        continue
                    left, top, across, down = BLOCKS[cell.data]
                    parts.append(
                        f'<rect x="{(x + left) * wide:g}" y="{(y + top) * high:g}" width="{across * wide:g}" '
                        f'height="{down * high:g}" fill="{front}" shape-rendering="crispEdges"/>'
                    )
                continue
            text = "".join(cell.data for _, cell, *_ in columns)
            if not text.strip():
                continue
            style = ' font-weight="bold"' if bold else ""
            style += ' text-decoration="underline"' if underlined else ""
            parts.append(
                f'<text x="{columns[0][0] * wide:g}" y="{y * high + 15}" textLength="{len(columns) * wide:g}" '
                f'fill="{front}"{style}{faded} xml:space="preserve">{escape(text)}</text>'
            )
    return "".join([*parts, "</g></svg>"]) + "\n"


def report(picture: Path) -> None:
    """Let the monitor replay a sample log into a report; take the picture of its upper part in Chromium."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if not browser:
        raise SystemExit("the picture of the report needs Chromium")
    with TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        command = [sys.executable, "-m", "monitor", "--replay", "two_alerts.log", "--utc", "--output", "none"]
        subprocess.run(  # the monitor
            [*command, "--html", page], cwd=ROOT / "sample_logs", check=True, stderr=subprocess.DEVNULL
        )
        subprocess.run(  # this page
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
             "--hide-scrollbars", "--window-size=1216,1180", f"--user-data-dir={folder}/profile",
             f"--screenshot={picture}", page.as_uri()],
            check=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip


def main() -> None:
    """Let a sample log come while the monitor looks, up to the middle of its second alert; write down what it shows."""
    images = ROOT / "docs" / "img"
    images.mkdir(exist_ok=True)
    report(images / "report.png")
    sample = (ROOT / "sample_logs" / "two_alerts.log").read_bytes()
    with TemporaryDirectory() as folder:
        log = Path(folder) / "access.log"
        log.touch()
        monitor = shlex.join([sys.executable, "-m", "monitor", log.name, "--output", "tui", "--utc"])
        with Session(["sh", "-c", f"cd {folder} && exec {monitor}"], 120, 36) as session:
            session.until("of threshold")
            log.write_bytes(sample[: sample.index(b":12:12:30 ")].rpartition(b"\n")[0] + b"\n")
            session.until("since 12:10:58")
            session.press("w")
            session.until(lambda text: "of the past 2m" in text and "12:12:" in text.split("\n")[0])
            session.pump(0.5)  # the rest of what is being painted
            (images / "alert-dark.svg").write_text(svg(session.screen, DARK))
            session.press("2jj")
            session.until("Clients")
            session.pump(0.5)
            (images / "clients-light.svg").write_text(svg(session.screen, LIGHT))
            session.press("1g")
            session.resize(80, 24)
            session.pump(1)
            (images / "small-dark.svg").write_text(svg(session.screen, DARK))


if __name__ == "__main__":
    main()
