"""Rate of quantised latents, and the differentiable stand-ins for rounding.

A rounding takes residuals in steps and returns two versions of them: what the rate is taken of, and
what the networks see.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

Rounding = Callable[[Tensor], tuple[Tensor, Tensor]]

LOG2_SCALE_MIN = -5.0
LOG2_SCALE_MAX = 8.25
LOG2_SCALE_SPACING = 0.25
SCALES = round((LOG2_SCALE_MAX - LOG2_SCALE_MIN) / LOG2_SCALE_SPACING) + 1
"""The integer decoder has one probability table per scale; the range of both is the same."""
LOGISTIC_DEVIATION = math.pi / math.sqrt(3)
"""Standard deviation of a logistic density of scale 1."""


def bits(residual: Tensor, log2_scale: Tensor) -> Tensor:
    """-log2 of the logistic probability of the unit interval around `residual`.

    Args:
        residual: (value - mean) in steps, any shape.
        log2_scale: log2 of the logistic scale in steps, same shape.
    """
    inverse = torch.exp2(-log2_scale.clamp(LOG2_SCALE_MIN, LOG2_SCALE_MAX))
    magnitude = residual.abs()
    # sigma(a) - sigma(b) = sigma(a) sigma(-b) (1 - exp(b - a)) stays exact far out in the tails.
    upper = functional.logsigmoid((0.5 - magnitude) * inverse)
    lower = functional.logsigmoid((0.5 + magnitude) * inverse)
    return (upper + lower + torch.log(-torch.expm1(-inverse))) / -math.log(2)


def round_through(x: Tensor) -> Tensor:
    """Rounds forward, identity backward."""
    return x + (x.round() - x).detach()


def hard_rounding(residual: Tensor) -> tuple[Tensor, Tensor]:
    """What the decoder gets: for evaluation."""
    rounded = residual.round()
    return rounded, rounded


def noisy_rounding(residual: Tensor) -> tuple[Tensor, Tensor]:
    """For training: uniform noise for the rate, straight-through for the networks.

    Minnen & Singh, "Channel-wise autoregressive entropy models" (ICIP 2020), section 3.
    """
    return residual + torch.rand_like(residual) - 0.5, round_through(residual)
