"""Integer probability tables of the latents, one per scale.  Made when a model is exported."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.networks.likelihood import LOG2_SCALE_MIN, LOG2_SCALE_SPACING, SCALES

PRECISION_BITS = 24
TAIL_SCALES = 12
"""Symbols up to 12 scales from the mean are in the table, the rest is coded with an escape ..."""
LARGEST_RADIUS = 1000
"""... and no table reaches further than this."""


def logistic_frequencies(index: int) -> NDArray[np.int64]:
    """Frequencies of -R..R and of the escape for one scale: int64 [2R+2], sum 2^24, all >= 1."""
    scale = 2.0 ** (LOG2_SCALE_MIN + LOG2_SCALE_SPACING * index)
    radius = min(LARGEST_RADIUS, int(np.ceil(TAIL_SCALES * scale)))
    edges = (np.arange(-radius, radius + 2) - 0.5) / scale
    below = 1 / (1 + np.exp(-np.clip(edges, -700, 700)))
    masses = np.append(np.diff(below), 2 * below[0])
    return to_frequencies(masses)


def to_frequencies(masses: NDArray[np.float64]) -> NDArray[np.int64]:
    """Probabilities -> integers >= 1 that sum to 2^24; the largest takes the rounding error."""
    spare = 2**PRECISION_BITS - len(masses)
    frequencies = 1 + np.floor(masses / masses.sum() * spare).astype(np.int64)
    frequencies[np.argmax(frequencies)] += 2**PRECISION_BITS - frequencies.sum()
    return frequencies


def latent_tables() -> list[NDArray[np.int64]]:
    """Makes the tables of all scales, in the order of their index."""
    return [logistic_frequencies(index) for index in range(SCALES)]
