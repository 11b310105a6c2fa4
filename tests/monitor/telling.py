"""A monitor in small, to be killed: counts numbered lines by interval, tells intervals, keeps its state.

``python telling.py LOG STATE OUTPUT``. A line's number is its time: a hundred to the second. Each told interval is a
line of JSON, its numbers included. Ends when it has read the line ``end``.
"""

import json
import sys
import time
from collections import defaultdict
from pathlib import Path

from monitor.input.follow import Followers
from monitor.input.state import State
from monitor.input.waker import Waker

INTERVAL = 10


def main(log: str, state_path: str, output_path: str) -> None:
    state = State(Path(state_path))
    followers = Followers([log], state.saved)
    waker = Waker()
    told = state.saved.told
    intervals: defaultdict[int, list[int]] = defaultdict(list)
    newest = -1
    ended = False

    def count(data: bytes, *, past: bool) -> None:
        nonlocal newest, ended
        for line in data.splitlines():
            if line.startswith(b"end"):
                ended = True
                continue
            number = int(line.split()[0])
            second = number // 100
            if not past or (told is not None and second >= told):
                newest = max(newest, second)
                # A line whose interval was told counts in the interval of the clock.
                intervals[max(second, told or 0) // INTERVAL * INTERVAL].append(number)

    state.fed(followers.positions(), None)
    for block in followers.past(0):
        count(block.data, past=True)
    with Path(output_path).open("a") as output:
        while True:
            for block in followers.read(time.monotonic()):
                count(block.data, past=False)
            state.fed(followers.positions(), newest if newest >= 0 else None)
            for start in sorted(intervals):
                if start + INTERVAL <= newest - INTERVAL or (ended and not followers.more):
                    output.write(json.dumps([start, intervals.pop(start)]) + "\n")
                    output.flush()
                    told = start + INTERVAL
                    state.told(told)
            if ended and not intervals:
                state.finished()
                return
            waker.wait(0.02, followers.watched())


if __name__ == "__main__":
    main(*sys.argv[1:])
