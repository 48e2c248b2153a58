"""Integer probability tables of pixel errors.  Made when a model is exported.

One for each odds of the wide logistic, each scale, and each fraction of the mean, in this order.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from codec.networks.lossless.likelihood import (
    LOG2_SCALE_MAX,
    LOG2_SCALE_MIN,
    LOG_ODDS_MAX,
    LOG_ODDS_MIN,
)
from codec.networks.tables import to_frequencies

SPACING = 0.25
"""Scales are a quarter of an octave apart."""
SCALES = round((LOG2_SCALE_MAX - LOG2_SCALE_MIN) / SPACING) + 1
ODDS = 4
FRACTIONS = 8
"""The mean counts in eighths of a pixel value."""
TAIL_SCALES = 14
"""Symbols up to 14 scales from the mean are in the table, the rest is coded with an escape ..."""
LARGEST_RADIUS = 300
"""... and no table reaches further than this."""


def pixel_frequencies(
    log_odds: float, log2_scale: float, fraction: float, log2_width: float
) -> NDArray[np.int64]:
    """Frequencies of the errors -R..R and of the escape: int64 [2R+2], sum 2^24, all >= 1.

    Args:
        log_odds: natural logarithm of the odds of the wide logistic.
        log2_scale: of the narrow one, in pixel values.
        fraction: mean minus the whole number that errors are counted from.
        log2_width: by how much the wide one is wider.
    """
    scale = 2.0**log2_scale
    radius = min(LARGEST_RADIUS, int(np.ceil(TAIL_SCALES * scale)))
    edges = np.arange(-radius, radius + 2) - 0.5 - fraction
    share = 1 / (1 + np.exp(-log_odds))
    narrow = _masses(edges / scale)
    wide = _masses(edges / (scale * 2.0**log2_width))
    return to_frequencies((1 - share) * narrow + share * wide)


def _masses(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logistic masses between the edges, then that of both tails."""
    below = 1 / (1 + np.exp(-np.clip(edges, -700, 700)))
    above = 1 / (1 + np.exp(np.clip(edges, -700, 700)))
    # Each difference on the side where it is exact.
    masses = np.where(edges[:-1] < 0, np.diff(below), -np.diff(above))
    return np.append(masses, below[0] + above[-1])


def all_frequencies(log2_width: float) -> list[NDArray[np.int64]]:
    """All tables, in the order of their index."""
    odds = np.linspace(LOG_ODDS_MIN, LOG_ODDS_MAX, ODDS)
    scales = LOG2_SCALE_MIN + SPACING * np.arange(SCALES)
    fractions = (np.arange(FRACTIONS) - FRACTIONS // 2) / FRACTIONS
    return [
        pixel_frequencies(*cell, log2_width) for cell in itertools.product(odds, scales, fractions)
    ]
