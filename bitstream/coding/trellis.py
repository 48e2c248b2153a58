"""Implements FORMAT.md section 9.2 (trellis): from levels to the numbers that they stand for.

docs/packed-weights.md, section 4, has the same quantisers.

Trellis-coded ("dependent") quantisation: two scalar quantisers with interleaved points, and a state
machine, driven by the parity of the levels, that says which of them holds next (Marcellin &
Fischer, "Trellis Coded Quantization of Memoryless and Gauss-Markov Sources", IEEE Trans. Commun.
38(1), 1990; with entropy coding and this 8-state machine in ISO/IEC 15938-17). A tensor has many
independent state machines, its lanes, so that all of them advance in one array operation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STATES = 8
NEXT_STATE = np.array([[0, 2], [7, 5], [1, 3], [6, 4], [2, 0], [5, 7], [3, 1], [4, 6]])
"""[state, parity of the level] -> state of the next level. Odd states use the second quantiser."""


def points(levels: NDArray[np.integer], odd: NDArray[np.integer]) -> NDArray[np.int64]:
    """The quantiser points of `levels`, in units of the step.

    Args:
        levels: integers of any shape.
        odd: 1 where the second quantiser holds, else 0; same shape.

    Returns:
        int64, same shape: 2 level in the first quantiser, 2 level - sign(level) in the second.
    """
    found: NDArray[np.int64] = 2 * levels.astype(np.int64) - odd * np.sign(levels)
    return found


def all_points(levels: NDArray[np.integer], lanes: int, trellis: bool) -> NDArray[np.int64]:
    """The quantiser points of the levels [n] of a whole tensor, int64 [n], in units of the step."""
    if not trellis:
        return points(levels, np.zeros_like(levels))
    odd = np.empty_like(levels)
    state = np.zeros(lanes, np.int64)
    for start in range(0, len(levels), lanes):
        block = slice(start, start + lanes)
        state = state[: len(levels[block])]
        odd[block] = state & 1
        state = NEXT_STATE[state, levels[block] & 1]
    return points(levels, odd)


def reconstruct(levels: NDArray[np.signedinteger], state: int = 0) -> NDArray[np.int32]:
    """The quantiser points of the few levels [r m] of an update, in raster order from a state on.

    Most rows are zero, and leave the first state as it is: one machine in Python's own integers is
    quicker here than lanes of arrays.

    Returns:
        int32 [r m], in units of the step.
    """
    odd = np.zeros_like(levels)
    for row, entries in enumerate(levels.tolist()):
        if state == 0 and not any(entries):
            continue
        for column, level in enumerate(entries):
            odd[row, column] = state & 1
            state = int(NEXT_STATE[state, level & 1])
    return points(levels, odd).astype(np.int32)
