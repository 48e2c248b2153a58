"""Rate of latents whose distribution is a mixture of two logistics.

The second one is WIDE_OCTAVES wider, and its weight is one of SHAPES: what a channel sends now and
then and far from its mean costs less.  (Mixtures in learned codecs: Cheng et al., "Learned image
compression with discretized Gaussian mixture likelihoods", CVPR 2020; here the components share
their mean, so that a decoder needs no more than a table per scale and shape.)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from codec.networks.likelihood import LOG2_SCALE_MAX, LOG2_SCALE_MIN

WIDE_OCTAVES = 2.0
"""log2 of how much wider the second logistic is."""
SHAPES = 4
"""A decoder has the mixtures 0..SHAPES-1 of every scale."""
SHAPE_BIAS = -4.0
"""Weight of the wide logistic in shape k: sigmoid(k + SHAPE_BIAS), 0.018 to 0.27."""
LEAST = 2.0**-100
"""Added to probabilities: no latent costs more than 100 bits, and no logarithm is infinite."""


def bits(residual: Tensor, log2_scale: Tensor, shape: Tensor) -> Tensor:
    """-log2 of the probability of the unit interval around `residual`.

    Args:
        residual: (value - mean) in steps, any shape.
        log2_scale: log2 of the scale of the narrow logistic in steps.
        shape: which mixture, 0 to SHAPES - 1.
    """
    inverse = torch.exp2(-log2_scale.clamp(LOG2_SCALE_MIN, LOG2_SCALE_MAX))
    magnitude = residual.abs()
    wide = torch.sigmoid(shape + SHAPE_BIAS)
    narrow_mass = _mass(magnitude, inverse)
    wide_mass = _mass(magnitude, inverse * 2.0**-WIDE_OCTAVES)
    return torch.log(torch.lerp(narrow_mass, wide_mass, wide) + LEAST) * (-1 / math.log(2))


def _mass(magnitude: Tensor, inverse: Tensor) -> Tensor:
    """Of a logistic, from `magnitude` - 1/2 to + 1/2; both logistics are of the lower tail."""
    upper, lower = (0.5 - magnitude) * inverse, (-0.5 - magnitude) * inverse
    return torch.sigmoid(upper) - torch.sigmoid(lower)
