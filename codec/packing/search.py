"""The cheapest levels of a tensor, squared error plus price: one by one, or through the trellis.

The trellis is searched by the Viterbi algorithm, all lanes at once: a step of it is a dozen array
operations (0.3 s per million values). See `bitstream.coding.trellis` for the quantiser.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bitstream.tensors import NEXT_STATE, points

LAST_MAGNITUDE = 63
"""Larger magnitudes are taken to have the same price."""
CHUNK = 1 << 18
"""Values that go through the trellis at a time: it bounds memory, and fits a cache."""

_ENTERING = [[(s, p) for s in range(8) for p in (0, 1) if NEXT_STATE[s, p] == n] for n in range(8)]
_BEFORE, _PARITY = np.moveaxis(np.array(_ENTERING), 2, 0)
"""[state, 2]: the two states that lead to a state, and the parities of level with which they do."""

Floats = NDArray[np.float64]
LevelArray = NDArray[np.int32]


def search_uniform(scaled: Floats, price: Floats) -> LevelArray:
    """The cheapest levels of the first quantiser.

    Args:
        scaled: values in steps, [n].
        price: of each magnitude 0..LAST_MAGNITUDE, in squared steps.

    Returns:
        int32 [n].
    """
    return _cheapest(scaled, 0, price, first=0, every=1)[0]


def search_trellis(scaled: Floats, lanes: int, prices: Floats) -> tuple[LevelArray, LevelArray]:
    """The cheapest levels that the state machines of all lanes allow.

    Args:
        scaled: values in steps, [n]; lane i holds every value whose index is i modulo `lanes`.
        lanes: number of lanes.
        prices: of each magnitude in the two quantisers, [2, LAST_MAGNITUDE + 1], squared steps.

    Returns:
        The levels, int32 [n], and which quantiser each uses, 0 or 1, int32 [n].
    """
    size = len(scaled)
    steps = -(-size // lanes)
    grid = np.pad(scaled, (0, steps * lanes - size)).reshape(steps, lanes)
    levels, odd = np.empty(grid.shape, np.int32), np.empty(grid.shape, np.int32)
    width = max(CHUNK // max(steps, 1), 1)
    for start in range(0, lanes, width):
        chunk = slice(start, start + width)
        levels[:, chunk], odd[:, chunk] = _viterbi(grid[:, chunk], prices)
    return levels.ravel()[:size], odd.ravel()[:size]


def _viterbi(scaled: Floats, prices: Floats) -> tuple[LevelArray, LevelArray]:
    """The cheapest path of each column of `scaled` [steps, lanes]."""
    # [quantiser][parity]: the best level of that parity at every place, and its cost.
    found = [[_cheapest(scaled, q, prices[q], first=p, every=2) for p in (0, 1)] for q in (0, 1)]
    level = np.array([[found[q][p][0] for p in (0, 1)] for q in (0, 1)])
    cost = np.array([[found[q][p][1] for p in (0, 1)] for q in (0, 1)])
    # A zero stays a zero: what was pruned does not come back.
    cost[:, 1, scaled == 0] = np.inf

    steps, lanes = scaled.shape
    total = np.full((8, lanes), np.inf, np.float32)
    total[0] = 0
    second = np.empty((steps, 8, lanes), bool)
    quantizer = _BEFORE & 1
    for step in range(steps):
        reached = total[_BEFORE] + cost[quantizer, _PARITY, step]
        second[step] = reached[:, 1] < reached[:, 0]
        total = reached.min(axis=1)
        # Only differences matter; without this, float32 would run out of digits.
        total -= total.min(axis=0)

    levels, odd = np.empty(scaled.shape, np.int32), np.empty(scaled.shape, np.int32)
    state, lane = total.argmin(axis=0), np.arange(lanes)
    for step in reversed(range(steps)):
        choice = second[step, state, lane].astype(np.intp)
        parity, state = _PARITY[state, choice], _BEFORE[state, choice]
        odd[step] = state & 1
        levels[step] = level[state & 1, parity, step, lane]
    return levels, odd


def _cheapest(
    scaled: Floats, odd: int, price: Floats, first: int, every: int
) -> tuple[LevelArray, NDArray[np.float32]]:
    """The better of the two levels around each value, of magnitudes first, first + every, ...

    Returns:
        The levels and their costs, of the shape of `scaled`.
    """
    size = np.abs(scaled)
    nearest = np.rint(((size + odd) / 2 - first) / every)

    def priced(back: int) -> tuple[NDArray[np.int64], Floats]:
        level = np.maximum(nearest - back, 0).astype(np.int64) * every + first
        error = size - points(level, np.full_like(level, odd))
        return level, error * error + price[np.minimum(level, LAST_MAGNITUDE)]

    (near, near_cost), (lower, lower_cost) = priced(0), priced(1)
    level = np.where(lower_cost < near_cost, lower, near)
    cost = np.minimum(lower_cost, near_cost).astype(np.float32)
    return np.where(scaled < 0, -level, level).astype(np.int32), cost
