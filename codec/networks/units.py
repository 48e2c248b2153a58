"""The units of pictures, and the two formulas that translate between errors and bits.

    pixel values     uint8, or floats around 128                       files, `original`
    picture units    PIXELS_PER_UNIT pixel values around mid-grey      float networks
    sixteenths       of a pixel value: picture units with 8 bits       integer networks
    lossless units   PIXELS_PER_LOSSLESS_UNIT pixel values             networks of the lossless mode

A lambda ("weight") is in bits per squared error in pixel values, summed over positions and averaged
over the three channels, as `EncodeTask.error` gives it.
"""

from __future__ import annotations

import math

from codec.networks.integers import FRACTION_BITS

PIXELS_PER_UNIT = 16.0
"""Suits activations of the format Q4.8."""
SIXTEENTHS = 2**FRACTION_BITS // 16
"""Sixteenths in a pixel value."""
PIXELS_PER_LOSSLESS_UNIT = 8
CHANNELS = 3


def unit_weight(weight: float) -> float:
    """Lambda per squared error in pixel values, a mean of channels -> in units, their sum."""
    return weight * PIXELS_PER_UNIT**2 / CHANNELS


def ideal_step(bits_per_square: float) -> float:
    """The quantiser step at which one more bit saves as much error as it costs.

    At high rates a step s leaves an error of s^2 / 12, and each halving takes one bit more:
    d(s^2 / 12) / d(bits) = -s^2 ln(2) / 6 (Gish & Pierce, "Asymptotically efficient quantizing",
    IEEE Trans. Inform. Theory 14(5), 1968).

    Args:
        bits_per_square: what one squared error, in the unit of the step, is worth.
    """
    return math.sqrt(6 / math.log(2) / max(bits_per_square, 1e-12))
