"""Numpy, loaded as it is needed here, and the kinds of array that columns are made of."""

from __future__ import annotations

import os

_THREADS = "OPENBLAS_NUM_THREADS"

# No linear algebra is done here. Its threads would be for nothing, and a process with threads is not safely forked.
_set = _THREADS in os.environ
os.environ.setdefault(_THREADS, "1")
import numpy as np  # noqa: E402  # behind what it reads when it is loaded
from numpy.typing import NDArray  # noqa: E402

if not _set:
    del os.environ[_THREADS]  # what is run from here shall not inherit it

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]  # eight bytes each, the first byte lowest
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]

__all__ = ["Bools", "Bytes", "Ints", "Words", "np"]
