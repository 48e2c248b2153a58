"""Implements docs/packed-weights.md, section 6: probabilities of levels that adapt block by block.

A level is expected to be about as large as those that have been coded near it. This expectation,
the scale, selects two neighbouring classes; each holds counts of what was seen at that scale, and
the probability interpolates between them. All tensors of a file share the counts, because what a
scale says about a level hardly depends on the tensor: a small network then learns them only once.

Everything is an integer, and all levels of a block are modelled by array operations, so that
Python's cost per level is small. Measured on networks of this codec (1.5 to 6 bits per weight),
against the entropy of each tensor's levels, which no code for independent levels can beat:
-0.5 to +0.5 % on a million weights, +3 % on ten thousand, of which learning the counts is most.
Other starting counts (Gaussian, a mixture) changed less than 0.05 %; three classes per octave
gained 0.06 %; 12 or 28 symbols, and other weights of the scale's parts, less than 0.3 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bitstream.coding.range_coder import PRECISION_BITS

SYMBOLS = 16
"""Magnitudes 0..14 after the shift of the class, and the escape."""
ESCAPE = SYMBOLS - 1

SCALE_BITS = 8
"""Scales count in 2**-8 quantiser steps."""
CLASSES_PER_OCTAVE = 2
OCTAVES = 28
CLASSES = CLASSES_PER_OCTAVE * OCTAVES
FRACTION = 16
"""Positions between a class and the next one; also the counts that one level adds."""
PLAIN_OCTAVES = 11
"""In these the magnitudes are symbols themselves; above, their low bits are coded apart."""

PRIOR_COUNTS = 24 * FRACTION
COUNT_LIMIT = 1 << 18
"""Counts of a class are halved beyond this sum, so that they follow a change."""


@dataclass(frozen=True, eq=False)
class Expectation:
    """How the levels of one block are coded.

    Attributes:
        shift: int64 [m], low bits of the magnitude that are not part of the symbol.
        frequencies: int64 [m SYMBOLS], each at least 1, every row with the sum 2**24.
        window: classes that the block uses.
        rows: int64 [m], the lower of a level's two classes, as a row of both quantisers' windows.
        fraction: int64 [m], 0..15, the weight of the upper class in sixteenths.
    """

    shift: NDArray[np.int64]
    frequencies: NDArray[np.int64]
    window: slice
    rows: NDArray[np.int64]
    fraction: NDArray[np.int64]


class LevelModel:
    """The adaptive counts of a file."""

    def __init__(self) -> None:
        # Invariant (OPEN): every count is at least 1.
        self._counts = np.array(_prior(), np.int64)

    def expect(self, scale: NDArray[np.int64], quantizer: NDArray[np.int64]) -> Expectation:
        """Models a block.

        Args:
            scale: int64 [m], expected magnitude of the quantiser points, in 2**-8 steps, 0..2**42.
            quantizer: int64 [m], 0 or 1.
        """
        position = _position(scale)
        first, fraction = position // FRACTION, position % FRACTION
        shift = np.maximum(first // CLASSES_PER_OCTAVE - (PLAIN_OCTAVES - 1), 0)
        # Classes of different shifts do not mix: their symbols mean different magnitudes.
        fraction[_LAST_OF_SHIFT[first]] = 0
        window = slice(int(first.min()), int(first.max()) + 2)
        rows = first + (quantizer * (window.stop - window.start) - window.start)

        counts = self._counts[:, window].reshape(-1, SYMBOLS)
        # By OPEN and the 1 that is added, no frequency is 0.
        free = (1 << PRECISION_BITS) - SYMBOLS
        share = 1 + counts * free // counts.sum(axis=1, keepdims=True)
        weight = fraction[:, None]
        frequencies = (share[rows] * (FRACTION - weight) + share[rows + 1] * weight) >> 4
        frequencies[:, 0] += (1 << PRECISION_BITS) - frequencies.sum(axis=1)
        return Expectation(shift, frequencies, window, rows, fraction)

    def update(self, expected: Expectation, symbols: NDArray[np.int64]) -> None:
        """Counts the symbols of a block in the classes that modelled them."""
        counts = self._counts[:, expected.window]
        place = expected.rows * SYMBOLS + symbols
        added = np.bincount(place, FRACTION - expected.fraction, counts.size)
        added += np.bincount(place + SYMBOLS, expected.fraction, counts.size)
        counts += added.astype(np.int64).reshape(counts.shape)
        full = counts.sum(axis=2) > COUNT_LIMIT
        if full.any():
            counts[full] = (counts[full] + 1) >> 1


_LAST_OF_SHIFT = np.array(
    [
        index % CLASSES_PER_OCTAVE == CLASSES_PER_OCTAVE - 1
        and index // CLASSES_PER_OCTAVE >= PLAIN_OCTAVES - 1
        for index in range(CLASSES)
    ]
)
"""Whether the next class has another shift."""


def _position(scale: NDArray[np.int64]) -> NDArray[np.int64]:
    """Place among the classes in sixteenths: a logarithm, linear within an octave."""
    per_octave = CLASSES_PER_OCTAVE * FRACTION
    # Exact: scales are below 2**53, and frexp only takes a number's exponent off.
    mantissa, exponent = np.frexp(np.maximum(scale, 1).astype(np.float64))
    position = (2 * per_octave * mantissa).astype(np.int64) + (exponent - 2) * per_octave
    # The topmost class is only ever an upper one.
    limited: NDArray[np.int64] = np.minimum(position, (CLASSES - 1) * FRACTION - 1)
    return limited


@lru_cache
def _prior() -> list[list[list[int]]]:
    """Starting counts [quantizer][class][symbol]: a geometric distribution of the class's mean.

    Above the plain octaves the counts repeat, as the symbols do.
    """
    return [
        [
            _geometric(quantizer, min(index, 2 * PLAIN_OCTAVES - 2 + index % 2))
            for index in range(CLASSES)
        ]
        for quantizer in (0, 1)
    ]


def _geometric(quantizer: int, index: int) -> list[int]:
    octave, half = divmod(index, CLASSES_PER_OCTAVE)
    # Four times the mean in 2**-8 steps, so that half an octave is whole.
    mean = (CLASSES_PER_OCTAVE + half) << (octave + 1)
    # Survival function at the lower edges of the symbols, which are multiples of half a step.
    edges = [0, *(4 * s - 2 if quantizer == 0 else max(4 * s - 4, 1) for s in range(1, SYMBOLS))]
    survival = [1 << PRECISION_BITS]
    for _ in range(edges[-1]):
        survival.append(survival[-1] * mean // (mean + 512))
    reached = [survival[edge] for edge in edges] + [0]
    return [
        1 + (PRIOR_COUNTS * (reached[s] - reached[s + 1]) >> PRECISION_BITS) for s in range(SYMBOLS)
    ]
