"""Rate of quantised latents, and the differentiable stand-ins for rounding.

The distribution of a latent is a mixture of two logistics.  The second one is WIDE_OCTAVES wider,
and its weight is one of SHAPES: what a channel sends now and then and far from its mean costs less.
(Mixtures in learned codecs: Cheng et al., "Learned image compression with discretized Gaussian
mixture likelihoods", CVPR 2020; here the components share their mean, so that a decoder needs no
more than a table per scale and shape.)

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
"""The integer decoder has a table per shape and scale; the range of both is the same."""
WIDE_OCTAVES = 2.0
"""log2 of how much wider the second logistic is."""
SHAPES = 4
"""A decoder has the mixtures 0..SHAPES-1 of every scale."""
SHAPE_BIAS = -4.0
"""Weight of the wide logistic in shape k: sigmoid(k + SHAPE_BIAS), 0.018 to 0.27."""
LOGISTIC_DEVIATION = math.pi / math.sqrt(3)
"""Standard deviation of a logistic density of scale 1."""


def bits(residual: Tensor, log2_scale: Tensor) -> Tensor:
    """-log2 of the logistic probability of the unit interval around `residual`.

    Args:
        residual: (value - mean) in steps, any shape.
        log2_scale: log2 of the logistic scale in steps, same shape.
    """
    inverse = torch.exp2(-log2_scale.clamp(LOG2_SCALE_MIN, LOG2_SCALE_MAX))
    return _log_mass(residual.abs(), inverse) / -math.log(2)


def mixture_bits(residual: Tensor, log2_scale: Tensor, shape: Tensor) -> Tensor:
    """-log2 of the probability of the unit interval around `residual` in a mixture.

    Args:
        residual: (value - mean) in steps, any shape.
        log2_scale: log2 of the scale of the narrow logistic in steps.
        shape: which mixture, 0 to SHAPES - 1.
    """
    inverse = torch.exp2(-log2_scale.clamp(LOG2_SCALE_MIN, LOG2_SCALE_MAX))
    magnitude, odds = residual.abs(), shape + SHAPE_BIAS
    narrow = functional.logsigmoid(-odds) + _log_mass(magnitude, inverse)
    wide = functional.logsigmoid(odds) + _log_mass(magnitude, inverse * 2.0**-WIDE_OCTAVES)
    # The logarithm of the sum of both; unlike `torch.logaddexp`, it has two derivatives.
    return (wide + functional.softplus(narrow - wide)) / -math.log(2)


def _log_mass(magnitude: Tensor, inverse: Tensor) -> Tensor:
    """Logarithm of a logistic's probability of what lies within 1/2 of a magnitude."""
    # sigma(a) - sigma(b) = sigma(a) sigma(-b) (1 - exp(b - a)) stays exact far out in the tails.
    upper = functional.logsigmoid((0.5 - magnitude) * inverse)
    lower = functional.logsigmoid((0.5 + magnitude) * inverse)
    return upper + lower + torch.log(-torch.expm1(-inverse))


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
