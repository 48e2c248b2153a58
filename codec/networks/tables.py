"""Integer probability tables of the latents: a mixture of two logistics per shape and scale.

Made when a model is exported.  Those of shape 0 also code the levels of updates.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from codec.networks.likelihood import (
    LOG2_SCALE_MIN,
    LOG2_SCALE_SPACING,
    SCALES,
    SHAPE_BIAS,
    SHAPES,
    WIDE_OCTAVES,
)

PRECISION_BITS = 24
TAIL_SCALES = 32
"""Symbols up to 32 scales (8 of the wide logistic) from the mean are in the table, the rest is
coded with an escape ..."""
LARGEST_RADIUS = 1000
"""... and no table reaches further than this."""


def mixture_frequencies(shape: int, index: int) -> NDArray[np.int64]:
    """Frequencies of -R..R and of the escape for a shape and a scale.

    int64 [2R+2], their sum 2^24, all >= 1.
    """
    scale = 2.0 ** (LOG2_SCALE_MIN + LOG2_SCALE_SPACING * index)
    radius = min(LARGEST_RADIUS, math.ceil(TAIL_SCALES * scale))
    edges = np.arange(-radius, radius + 2) - 0.5
    wide = 1 / (1 + math.exp(-(shape + SHAPE_BIAS)))
    below = (1 - wide) * _logistic(edges / scale) + wide * _logistic(
        edges / (scale * 2**WIDE_OCTAVES)
    )
    masses = np.append(np.diff(below), 2 * below[0])
    return to_frequencies(masses)


def _logistic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Its distribution function."""
    return 1 / (1 + np.exp(-np.clip(x, -700, 700)))


def to_frequencies(masses: NDArray[np.float64]) -> NDArray[np.int64]:
    """Probabilities -> integers >= 1 that sum to 2^24; the largest takes the rounding error."""
    spare = 2**PRECISION_BITS - len(masses)
    frequencies = 1 + np.floor(masses / masses.sum() * spare).astype(np.int64)
    frequencies[np.argmax(frequencies)] += 2**PRECISION_BITS - frequencies.sum()
    return frequencies


def latent_tables() -> list[NDArray[np.int64]]:
    """Makes the tables of all scales of shape 0, then of shape 1, and so on."""
    return [mixture_frequencies(shape, index) for shape in range(SHAPES) for index in range(SCALES)]
