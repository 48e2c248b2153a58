"""The scan over the bits of samples beyond the first eight: what it works on (FORMAT.md 14.8).

The kernel runs it; `codec.decoding.lossless.fine_plain` does the same in Python.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitstream.coding import mixing
from bitstream.coding.mixing import States
from bitstream.file.fine import Weights

NEAR = (
    *((0, -1), (-1, -1), (-1, 0), (-1, 1), (0, -2), (-2, 0)),
    *((0, 1), (1, -1), (1, 0), (1, 1)),
)
"""Rows and columns of the samples that a prediction is made of."""
BEFORE = 6
"""How many of them come earlier in raster order: the first."""
ACROSS = (0, 1, 2, 3, 6, 8)
"""Which of them a prediction takes of a channel that was coded before."""
FRACTION = 16
"""Predictions count in such parts of a sample value."""
WEIGHT_BITS = 14
SCALES, SIDES = 32, 33
VOICES = 5
CERTAINTIES = 4
"""Classes of how often a node was seen."""
STEPS = (*range(13), 16, 20, 28, 48)
"""Distances from a middle, in quarters of a scale, from which on they are told apart."""
FIRST_ERROR = 4

Planes = NDArray[np.int32]
"""int32 [channel h w]; green, red, blue."""


def standard_weights(channels: int) -> Weights:
    """Those of the format: planes along the samples before, and along differences of colours."""
    first, later = np.zeros((2, len(NEAR)), np.int16)
    first[:4] = 8192, -4096, 8192, 4096
    later[[0, 2]] = 8192
    green, red = np.zeros((2, 1 + len(ACROSS)), np.int16)
    green[[0, 1, 3]] = 16384, -8192, -8192
    parts = [first, later, green, later, green, red]
    return np.concatenate(parts) if channels > 1 else first


@dataclass(frozen=True, eq=False)
class FineScan:
    """All that changes during a scan, and what it is told.

    Attributes:
        bits: how many there are beyond the first eight, 1 to 8.
        values: full values where they are known, and middles of what they may be elsewhere.
        errors: of both predictions of each value, [channel 2 h w].
        weights: of the first prediction.
        contexts: [channel VOICES-1 SCALES SIDES].
        nodes: contexts of the first bits of a value, [channel 2**depth].
        mixes: weights of what contexts say, [channel SCALES CERTAINTIES VOICES].
    """

    bits: int
    values: Planes
    errors: NDArray[np.int32]
    weights: Weights
    contexts: States
    nodes: States
    mixes: NDArray[np.int32]

    @classmethod
    def of(cls, high: Planes, bits: int, weights: Weights | None) -> FineScan:
        """That of a picture of which the first eight bits of each value are known."""
        channels, height, width = high.shape
        shape = (channels, 2, height, width)
        return cls(
            bits,
            np.ascontiguousarray((high << bits) + (1 << bits - 1), np.int32),
            np.full(shape, FIRST_ERROR << bits, np.int32),
            standard_weights(channels) if weights is None else weights,
            np.stack([_first_contexts()] * channels),
            np.full((channels, 1 << 8 + bits), mixing.HALF, np.uint32),
            np.full((channels, SCALES, CERTAINTIES, VOICES), mixing.START_OF_MIX, np.int32),
        )


CONTEXTS = (VOICES - 1, SCALES, SIDES)


def _first_contexts() -> States:
    """What contexts say before they have seen a bit: [VOICES-1 SCALES SIDES]."""
    side, scale = np.arange(SIDES) - SIDES // 2, np.arange(SCALES)[:, None]
    loud = 45 * (2 * np.array(STEPS)[np.abs(side)] + 1)
    odds = np.sign(side) * np.minimum(loud, np.minimum(2000, 4800 >> (scale >> 2)))
    every = np.zeros(CONTEXTS, np.int64)
    every[:-1] = odds
    return mixing.started(every)
