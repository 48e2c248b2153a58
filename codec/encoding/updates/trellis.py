"""Trellis-coded quantisation: two interleaved quantisers, chosen by the parity of past levels.

An automaton of eight states runs through the levels in coding order.  Even states take the even
multiples of the step, odd states zero and the odd multiples, so that sequences of levels pack
space more densely than single ones.  (Schwarz et al., "Hybrid video encoding with trellis-coded
quantization", DCC 2019, with four states; ISO/IEC 15938-17 has eight for neural networks.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bitstream.coding.trellis import NEXT_STATE, STATES

ORIGINS = np.arange(STATES)[:, None]
ODD = ORIGINS & 1
CHOICES = 3
"""Levels that are tried from each state."""


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
        multiples = 2 * levels - ODD * np.sign(levels)
        spent = power * (multiples - target) ** 2 + costs[np.abs(levels), column]
        totals = (best[:, None] + spent).ravel()
        goals = NEXT_STATE[ORIGINS, levels & 1].ravel()
        # Of all ways to a state the last one written stays: the cheapest.
        order = np.argsort(totals, kind="stable")[::-1]
        chosen = np.empty(STATES, np.int64)
        chosen[goals[order]] = order
        best, paths = totals[chosen], paths[chosen // CHOICES]
        paths[:, column] = levels.ravel()[chosen]
    end = int(best.argmin())
    return paths[end], end


def _candidates(target: float, largest: int) -> NDArray[np.int64]:
    """Zero and the two levels around a target, for each state: [STATES 3]."""
    low = np.minimum((abs(target) + ODD) // 2, largest - 1).astype(np.int64)
    sign = -1 if target < 0 else 1
    return sign * np.concatenate([np.zeros_like(low), low, low + 1], 1)
