"""Rows of a picture on several threads: the kernel leaves the lock of the interpreter alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from codec.networks import patience

STRIP_PX = 2**22
"""Pixels of a strip, if that makes a row of it: after each one, patience is asked for."""
THREADS_VARIABLE = "OMP_NUM_THREADS"
"""Environment variable that limits threads, as it does those of torch."""


def available_threads() -> int:
    """How many threads may run."""
    wanted = os.environ.get(THREADS_VARIABLE, "")
    if wanted.isdecimal() and int(wanted):
        return int(wanted)
    return os.cpu_count() or 1


class Bands:
    """Runs a function on rows that do not overlap, on several threads."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Bands:
        if self._threads > 1:
            self._pool = ThreadPoolExecutor(self._threads)
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def run(self, function: Callable[[int, int], Any], rows: int, most: int) -> None:
        """Calls function(first, last) for bands of `most` rows at most, as many for each thread.

        Raises:
            LimitExceeded: there is no more patience.
        """
        rounds = -(-rows // (self._threads * max(1, most)))
        size = -(-rows // (self._threads * rounds))
        bands = [(first, min(first + size, rows)) for first in range(0, rows, size)]
        if self._pool is None or len(bands) == 1:
            for band in bands:
                patience.check()
                function(*band)
        else:
            for done in [self._pool.submit(function, *band) for band in bands]:
                patience.check()
                done.result()
