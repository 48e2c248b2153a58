"""Trellis-coded quantisation: two interleaved quantisers, chosen by the parity of past levels.

An automaton of eight states runs through the levels in coding order.  Even states take the even
multiples of the step, odd states zero and the odd multiples, so that sequences of levels pack
space more densely than single ones.  (Schwarz et al., "Hybrid video encoding with trellis-coded
quantization", DCC 2019, with four states; ISO/IEC 15938-17 has eight for neural networks.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STATES = 8
NEXT_STATE = np.array([(0, 2), (7, 5), (1, 3), (6, 4), (2, 0), (5, 7), (3, 1), (4, 6)])
"""[state, parity of the level]."""


def reconstruct(levels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Coded levels [r m] -> multiples of the step, in raster order."""
    multiples = np.zeros_like(levels)
    state = 0
    for row, entries in enumerate(levels.tolist()):
        if state == 0 and not any(entries):
            continue
        for column, level in enumerate(entries):
            multiples[row, column] = 2 * level - (state & 1) * ((level > 0) - (level < 0))
            state = NEXT_STATE[state, level & 1]
    return multiples


def quantize_row(
    targets: NDArray[np.float64],
    power: float,
    costs: NDArray[np.float64],
    state: int,
) -> tuple[NDArray[np.int64], int]:
    """Viterbi search of the best levels of a row: error + bits.

    Args:
        targets: real values in steps, [m].
        power: bits that a squared error of one step costs.
        costs: bits of each magnitude, [levels m].
        state: of the automaton before the row.

    Returns:
        Levels [m], and the state after them.
    """
    best = np.full(STATES, np.inf)
    best[state] = 0.0
    paths = np.zeros((STATES, len(targets)), np.int64)
    for column, target in enumerate(targets):
        levels = _candidates(target, len(costs) - 1)
        multiples = 2 * levels - (np.arange(STATES) & 1)[:, None] * np.sign(levels)
        spent = power * (multiples - target) ** 2 + costs[np.abs(levels), column]
        arrived = np.full(STATES, np.inf)
        taken = np.zeros_like(paths)
        for origin in np.flatnonzero(np.isfinite(best)):
            for choice, level in enumerate(levels[origin]):
                goal = NEXT_STATE[origin, level & 1]
                total = best[origin] + spent[origin, choice]
                if total < arrived[goal]:
                    arrived[goal] = total
                    taken[goal] = paths[origin]
                    taken[goal, column] = level
        best, paths = arrived, taken
    end = int(best.argmin())
    return paths[end], end


def _candidates(target: float, largest: int) -> NDArray[np.int64]:
    """Zero and the two levels around a target, for each state: [STATES 3]."""
    odd = np.arange(STATES) & 1
    low = np.minimum((abs(target) + odd) // 2, largest - 1).astype(np.int64)
    sign = -1 if target < 0 else 1
    return sign * np.stack([np.zeros_like(low), low, low + 1], 1)
