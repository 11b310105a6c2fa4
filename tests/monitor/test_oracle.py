"""The rule in its plainest form, held against the monitor on every sample log."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from monitor.engine.alert import basic
from monitor.engine.engine import Engine
from monitor.formats import Reader
from monitor.units import Threshold
from tests.monitor.engine.traffic import oracle, run, told

SAMPLES = Path(__file__).parents[2] / "sample_logs"
LATENESS = 5  # s
LONGEST = 200_000  # s of log time; the oracle goes through every one, window by window


@pytest.mark.parametrize("threshold", ["1/60s", "0.5", "1", "10", "25"])
@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("*.log")))
def test_the_alerts_of_a_sample_log_are_those_of_the_rule(name: str, threshold: str) -> None:
    batch = Reader(None).read((SAMPLES / name).read_bytes())
    newest, backstep = 0, 0
    for second in batch.times:
        backstep = max(backstep, newest - second)
        newest = max(newest, second)
    found = told(run(Engine(basic(Threshold.parse(threshold))), [batch]))
    if backstep <= LATENESS and max(batch.times) - min(batch.times) <= LONGEST:
        assert found == oracle(batch.times, Fraction(Threshold.parse(threshold).rate))
    else:  # what is later than the lateness has rules of its own; messages still alternate
        states = [state for state, _, _ in found]
        assert all(one is not other for one, other in pairwise(states))
