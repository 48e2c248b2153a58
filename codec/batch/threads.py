"""The cores of this machine, and how many of them a job takes."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def cores() -> int:
    """CPU cores that this process may use."""
    with suppress(AttributeError):  # not every system can restrict a process
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def set_threads(count: int) -> None:
    """Limits engines to `count` threads; 0 leaves their own choice, which is all cores."""
    if not count:
        return
    os.environ["OMP_NUM_THREADS"] = str(count)  # the kernel asks each time, torch when it comes
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(count)
