"""The fuzzers' targets for a moment with every run, and what the fuzzers found, for good."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.targets import TARGETS

EXAMPLES = 150


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "screen"])  # the screen's is a test by itself
def test_nothing_breaks_what_is_claimed(name: str) -> None:
    @settings(max_examples=EXAMPLES, deadline=None)
    @given(st.binary(max_size=300), st.integers(0, 2**32))
    def holds(data: bytes, seed: int) -> None:
        TARGETS[name](data + random.Random(seed).randbytes(seed % 600))

    holds()
