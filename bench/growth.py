"""How each cost grows: ten times the lines, the sections, the flows. Drawn as docs/img/growth.svg."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import captures
from bench.process import cost
from bench.replay import make

Curve = tuple[str, list[tuple[int, float]]]  # what grows; how much of it, seconds
LINES = (20_000, 200_000, 2_000_000)
SECTIONS = (100, 1000, 10_000, 100_000)
SECTION_LINES = 200_000
FRAMES = (10_000, 100_000, 1_000_000)

PICTURE = Path(__file__).parent.parent / "docs" / "img" / "growth.svg"
_WIDTH, _HEIGHT, _LEFT, _TOP = 230, 150, 46, 34


def _replay(log: Path) -> float:
    return cost([sys.executable, "-m", "monitor", "--replay", str(log), "--output", "json"], runs=2).seconds


def _curves() -> Iterator[Curve]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "made")
        taken = []
        for lines in LINES:
            make(path, lines)
            taken.append((lines, _replay(path)))
        yield "lines", taken
        taken = []
        for sections in SECTIONS:
            path.write_text(
                "".join(
                    f"192.0.2.1 - - [14/Nov/2023:22:{n * 40 // SECTION_LINES + 10}:{n % 60:02} +0000] "
                    f'"GET /s{n * 7919 % sections}/x HTTP/1.1" 200 5\n'
                    for n in range(SECTION_LINES)
                )
            )
            taken.append((sections, _replay(path)))
        yield f"sections ({SECTION_LINES // 1000}k lines)", taken
        taken = []
        for frames in FRAMES:
            made = captures.make(path, frames)
            seconds = cost([sys.executable, "-m", "sniffer", "-r", str(path), "-w", "-"]).seconds
            taken.append((len(made.exchanges) // captures.EXCHANGES, seconds))
        yield "flows (sniffer -r)", taken


def draw(curves: list[Curve]) -> str:
    """Return the curves as SVG: both axes in powers of ten, the dotted line is proportional growth."""
    from math import log10

    parts = []
    for place, (what, points) in enumerate(curves):
        left = place * (_WIDTH + _LEFT) + _LEFT
        x0, x1 = log10(points[0][0]), log10(points[-1][0])
        low = min(log10(seconds) for _, seconds in points) - 0.3
        span = max(x1 - x0, max(log10(seconds) for _, seconds in points) - low + 0.3)

        def at(amount: float, seconds: float, *, left: int = left, x0: float = x0, x1: float = x1, low: float = low,
               span: float = span) -> str:  # fmt: skip
            x = left + (log10(amount) - x0) / (x1 - x0) * _WIDTH
            return f"{x:.1f},{_TOP + _HEIGHT - (log10(seconds) - low) / span * _HEIGHT:.1f}"

        first, last = points[0], points[-1]
        top = min(last[0] / first[0] * first[1], 10 ** (low + span))
        parts.append(f'<rect x="{left}" y="{_TOP}" width="{_WIDTH}" height="{_HEIGHT}" class="frame"/>')
        parts.append(f'<text x="{left}" y="{_TOP - 12}">seconds by {what}</text>')
        parts.append(f'<polyline points="{at(*first)} {at(top / first[1] * first[0], top)}" class="ideal"/>')
        parts.append(f'<polyline points="{" ".join(at(*point) for point in points)}" class="line"/>')
        for amount, seconds in points:
            x, y = at(amount, seconds).split(",")
            parts.append(f'<circle cx="{x}" cy="{y}" r="3"/>')
            parts.append(f'<text x="{x}" y="{float(y) - 7:.1f}" class="small">{seconds:.2g}</text>')
            parts.append(f'<text x="{x}" y="{_TOP + _HEIGHT + 14}" class="small">{amount:,}</text>')
    width, height = len(curves) * (_WIDTH + _LEFT) + _LEFT, _TOP + _HEIGHT + 28
    style = (
        "text{font:12px sans-serif;fill:#777}.small{font-size:10px;text-anchor:middle}.frame{fill:none;stroke:#9998}"
        ".line{fill:none;stroke:#0a8;stroke-width:2}.ideal{fill:none;stroke:#999;stroke-dasharray:2 3}circle{fill:#0a8}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"<title>Seconds by lines, sections and flows</title><style>{style}</style>{''.join(parts)}</svg>\n"
    )


def rows() -> Iterator[tuple[str, float, str]]:
    """Yield (what, ratio, note); draw the picture."""
    curves = list(_curves())
    for what, points in curves:
        (few, short), (many, long) = points[-2:]
        note = f"{few:,} to {many:,}: {short:.2f} s to {long:.2f} s"
        yield f"ten times the {what}: times as long", long / short, note
    PICTURE.write_text(draw(curves))
