"""Implements FORMAT.md section 14.8.3: probabilities of a bit, mixed from several.

What adaptive contexts say of a bit is added up as logarithms of odds, with weights that learn from
each bit (Mahoney, "Adaptive Weighing of Context Models for Lossless Data Compression", Florida Tech
CS-2005-16, 2005), in integers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LOUDEST = 3071
"""Odds count in 256ths of a natural logarithm."""
HEARD = 2047
"""The most that a single context says."""
KNOTS = (
    *(32768, 40793, 47911, 53581, 57724, 60565, 62428, 63615, 64357, 64816, 65097, 65269, 65374),
    *(65438, 65476, 65500, 65514, 65523, 65528, 65531, 65533, 65534, 65535, 65535, 65536),
)
"""65536 / (1 + exp(-i / 2)), rounded."""
KNOT_BITS = 7
LEAST = 32
"""Probabilities stay that far, in parts of 2**16, from 0 and 1."""
COUNT_BITS = 10
MOST_COUNT, MOST_COUNT_OF_NODES = 1022, 254
HALF = 1 << 31
"""The state of a context that knows nothing."""
MIX_BITS, MIX_LIMIT, PACE = 16, 1 << 20, 14
START_OF_MIX = 19661

States = NDArray[np.uint32]
"""Contexts: probability of a one in 22 bits, and in the last 10 how many bits it has seen."""


def _squash() -> NDArray[np.uint16]:
    """[2 * LOUDEST + 1]: the probability of each logarithm of odds, from the least."""
    loud = np.arange(LOUDEST + 1)
    knots, part = np.array(KNOTS), loud & (1 << KNOT_BITS) - 1
    below = knots[loud >> KNOT_BITS]
    upper = below + ((knots[(loud >> KNOT_BITS) + 1] - below) * part >> KNOT_BITS)
    upper = np.minimum(upper, (1 << 16) - LEAST)
    return np.concatenate([(1 << 16) - upper[:0:-1], upper]).astype(np.uint16)


def _stretch() -> NDArray[np.int16]:
    """[4096]: the logarithm of odds of each probability, in 12 bits."""
    inner = SQUASH[LOUDEST - HEARD : LOUDEST + HEARD + 1]
    found = np.searchsorted(inner, 16 * np.arange(4096) + 8)
    return (np.minimum(found, 2 * HEARD) - HEARD).astype(np.int16)


SQUASH = _squash()
STRETCH = _stretch()
RATES = (2**17 // (2 * np.arange(MOST_COUNT + 1) + 3)).astype(np.int32)
"""How far a context moves by its next bit, in parts of 2**16."""


def started(odds: NDArray[np.integer]) -> States:
    """Contexts that have seen nothing, and begin with logarithms of odds: same shape."""
    probability = SQUASH[odds + LOUDEST].astype(np.uint32)
    states: States = probability << (22 - 16 + COUNT_BITS)
    return states


def adapted(state: int, bit: int, most: int) -> int:
    """A context after a bit; its count ends at `most`."""
    probability, count = state >> COUNT_BITS, state & (1 << COUNT_BITS) - 1
    probability += ((bit * 0x3FFFFF - probability) * int(RATES[count])) >> 16
    return probability << COUNT_BITS | min(count + 1, most)


def mixed(voices: list[int], weights: list[int]) -> int:
    """The probability of a one, in parts of 2**16, of what contexts say."""
    loud = sum(weight * voice for weight, voice in zip(weights, voices, strict=True)) >> MIX_BITS
    return int(SQUASH[min(max(loud, -LOUDEST), LOUDEST) + LOUDEST])


def learned(voices: list[int], weights: list[int], probability: int, bit: int) -> list[int]:
    """The weights after a bit."""
    error = (bit << 16) - probability
    return [
        min(max(weight + (voice * error >> PACE), -MIX_LIMIT), MIX_LIMIT)
        for voice, weight in zip(voices, weights, strict=True)
    ]
