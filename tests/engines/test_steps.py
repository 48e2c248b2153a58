"""A program in steps of a few rows gives what it gives row by row."""

from __future__ import annotations

import numpy as np
import pytest

from codec.decoding.engines import library
from codec.decoding.engines.objects import KernelJob
from codec.decoding.engines.programs import ADD, EDGES, Builder
from tests.engines.test_layers import NOTHING, random_layer

try:
    LEVEL = library.best_level()
except OSError:
    pytest.skip("there is no kernel", allow_module_level=True)

ROWS, COLUMNS, CHANNELS = 400, 64, 4
"""More positions than a step has."""
LIMIT = 1000


def residual(size: int, *, edges: bool):
    """A program: a state that a block changes in place, its last kernel of some size, finer pixels.

    Where that kernel sees but one pixel, a step would overwrite what the next one is to read.
    """
    rng = np.random.default_rng(size)
    build = Builder(LEVEL)
    source = build.register(32, CHANNELS, external=True)
    seen = build.register(16, CHANNELS, pad=1)
    state, hidden = build.register(32, CHANNELS), build.register(16, CHANNELS, pad=1)
    target = build.register(32, 1, finer=1, external=True)
    build.map(source, CHANNELS, narrow=(seen, 0, LIMIT), wide=state)
    if edges:
        build.other(EDGES, narrow=[(seen, 0, 1)])
    for kernel, at, to in ((3, seen, hidden), (size, hidden, seen)):
        layer = random_layer(rng, CHANNELS, CHANNELS, kernel, limit=LIMIT)
        last = {"wide": state, "flags": ADD} if to == seen else {}
        build.conv(layer, at, narrow=[(to, 0, LIMIT)], **last)
    build.conv(random_layer(rng, 4, CHANNELS, 3, limit=LIMIT), seen, wide=target, shuffle=2)
    return build.program(), source, target


@pytest.mark.parametrize("edges", [False, True])
@pytest.mark.parametrize("size", [1, 3])
def test_steps_give_what_single_rows_give(size, edges):
    program, source, target = residual(size, edges=edges)
    x = np.random.default_rng(0).integers(-LIMIT, LIMIT, (ROWS, COLUMNS, CHANNELS), np.int32)
    found = []
    for rows in (ROWS, 1):
        out = np.empty((2 * ROWS, 2 * COLUMNS, 1), np.int32)
        job = KernelJob(program, x.shape[:2], (COLUMNS, ROWS), {source: x, target: out}, NOTHING)
        for first in range(0, ROWS, rows):
            program.run(job, first, first + rows)
        found.append(out)
    assert np.array_equal(*found)
    assert len(np.unique(found[0])) > 1000
