"""Makes the integer tensors and the tables of a model file out of trained lossless networks."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codec.networks.export import conv_tensors, measure_limits, to_integers
from codec.networks.integers import FRACTION_BITS
from codec.networks.layers import ACTIVATION_LIMIT, Conv
from codec.networks.lossless.network import Linear, LosslessNetworks, Loudness
from codec.networks.lossless.shape import (
    FRACTIONS,
    LOG2_SCALE_MIN,
    LOG_ODDS_MAX,
    LOG_ODDS_MIN,
    ODDS,
    PIXEL_LIMIT,
    SCALES,
    SPACING,
)
from codec.networks.lossless.twins import LARGEST_SUM, LINEAR_BITS
from codec.networks.tables import to_frequencies
from codec.networks.twins import Tensors
from codec.networks.units import PIXELS_PER_LOSSLESS_UNIT

TAIL_SCALES = 14
"""Symbols up to 14 scales from the mean are in the table, the rest is coded with an escape ..."""
LARGEST_RADIUS = 300
"""... and no table reaches further than this."""


def limits_of(networks: LosslessNetworks, run: Callable[[], None]) -> dict[str, int]:
    """Clamp of every convolution's input, from what `run()` lets through the float networks."""
    limits = measure_limits(networks, run, LARGEST_SUM)
    single = round(ACTIVATION_LIMIT * 2**FRACTION_BITS)
    # What reads a single convolution clamps where that is clamped in float.
    return {
        name: min(limit, single) if name.endswith((".reduce", ".leave")) else limit
        for name, limit in limits.items()
    }


def integer_tensors(networks: LosslessNetworks, limits: dict[str, int]) -> Tensors:
    """Integer tensors of trained networks.

    Args:
        networks: float.
        limits: see `limits_of`.
    """
    tensors: Tensors = {}

    def keep(name: str, values: Tensor, bits: int, dtype: torch.dtype) -> None:
        tensors[name] = to_integers(name, values, bits, dtype)

    for name, module in networks.named_modules():
        if isinstance(module, Conv):
            adaptable = name.endswith(".leave")
            tensors |= conv_tensors(name, module, limits[name], adaptable=adaptable)
        elif isinstance(module, Linear):
            keep(f"{name}.weight", module.weight, LINEAR_BITS, torch.int32)
            keep(f"{name}.across", module.across, LINEAR_BITS, torch.int32)
        elif isinstance(module, Loudness):
            quarters = torch.arange(4 * 4 * PIXEL_LIMIT) / (4 * PIXELS_PER_LOSSLESS_UNIT)
            keep(f"{name}.table", module(quarters), FRACTION_BITS, torch.int16)
    for number, network in enumerate(networks.passes):
        keep(f"passes.{number}.grid", network.grid, FRACTION_BITS, torch.int16)
    # Only encoders use it: decoders have the tables.
    tensors["log2_width"] = networks.log2_width.detach().clone()
    return tensors


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


def pixel_tables(log2_width: float) -> list[NDArray[np.int64]]:
    """Makes the integer probability tables of pixel errors.

    One for each odds of the wide logistic, scale, and fraction of the mean, in this order.
    """
    odds = np.linspace(LOG_ODDS_MIN, LOG_ODDS_MAX, ODDS)
    scales = LOG2_SCALE_MIN + SPACING * np.arange(SCALES)
    fractions = (np.arange(FRACTIONS) - FRACTIONS // 2) / FRACTIONS
    return [
        pixel_frequencies(*cell, log2_width) for cell in itertools.product(odds, scales, fractions)
    ]
