"""The distribution of a pixel's error: two logistics around one mean, the second one wider.

The network says the scale, and how much of the mass is in the wide one, for each pixel.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from codec.networks.lossless.shape import LOG2_SCALE_MAX, LOG2_SCALE_MIN, LOG_ODDS_MAX, LOG_ODDS_MIN


def bits(residual: Tensor, log2_scale: Tensor, log_odds: Tensor, log2_width: Tensor) -> Tensor:
    """-log2 of the probability of the unit interval around `residual`.

    Args:
        residual: value - mean in pixel values, any shape.
        log2_scale: of the narrow logistic, in pixel values, same shape.
        log_odds: of the wide one, same shape.
        log2_width: by how much that is wider, float [].
    """
    log2_scale = log2_scale.clamp(LOG2_SCALE_MIN, LOG2_SCALE_MAX)
    log_odds = log_odds.clamp(LOG_ODDS_MIN, LOG_ODDS_MAX)
    magnitude = residual.abs()
    narrow = functional.logsigmoid(-log_odds) + _log_mass(magnitude, log2_scale)
    wide = functional.logsigmoid(log_odds) + _log_mass(magnitude, log2_scale + log2_width)
    return torch.logaddexp(narrow, wide) / -math.log(2)


def _log_mass(magnitude: Tensor, log2_scale: Tensor) -> Tensor:
    """Natural logarithm of a logistic's mass in a unit interval; exact far out in the tails."""
    inverse = torch.exp2(-log2_scale)
    upper = functional.logsigmoid((0.5 - magnitude) * inverse)
    lower = functional.logsigmoid((0.5 + magnitude) * inverse)
    return upper + lower + torch.log(-torch.expm1(-inverse))
