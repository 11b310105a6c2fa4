"""The full screen over made-up counts, for tests of the terminal alone: ``python -m tests.monitor.screen_stub``.

Its clock stands still: whatever is painted was urgent.
"""

import os
import select
import sys
from fractions import Fraction

from monitor.output.text import Times
from monitor.output.tui import MalformedLines, Quit, RawLines, SetFilter, SetThreshold, Source, Tui
from tests.monitor import output_made as made

NOW = 0.0  # s


def main() -> None:
    bell = os.pipe()
    past, now = made.record(at=made.START + 206), made.record(recovered=False, at=made.START + 396)
    average, filtered = Fraction(84, 10), None
    tui = Tui(Source("/var/log/nginx/access.log", "combined"), Times(utc=True), lambda: bool(os.write(bell[1], b"\0")))
    with tui:
        while True:
            for command in tui.poll():
                match command:
                    case Quit():
                        tui.summary(made.summary((past,)), "combined")
                        return
                    case SetThreshold(threshold):
                        tui.note(f"now {threshold.text}")
                        sys.stderr.write("a library\x1b[2J speaks\n")
                    case SetFilter(_, key):
                        filtered = made.snapshot(view=tui.view, table=made.rows((key, 77)))
                    case RawLines(_, key):
                        tui.show_raw([b'1.2.3.4 "GET %s"' % key, b"\x1b]0;owned\x07"])
                    case MalformedLines():
                        raise RuntimeError("a defect")
            if tui.due(NOW):
                on = now if average > 10 else None
                whole = made.snapshot(on, (past,), view=tui.view, average=average)
                tui.show(whole, filtered, NOW)
                if tui.view.back == 2 and average < 10:
                    average = Fraction(151, 10)
                    tui.transition(now.raised, now)
                    continue
            ready, _, _ = select.select([tui.keyboard, bell[0]], [], [], 60)
            if bell[0] in ready:
                os.read(bell[0], 100)


if __name__ == "__main__":
    main()
