"""Refines the latents of one image by gradient descent on rate + lambda * distortion.

The latents become free variables of the whole decoder, as in Campos et al., "Content adaptive
optimization for neural image compression" (CVPR workshops 2019); rounding is replaced by a soft
staircase that sharpens from step to step, as in Agustsson & Theis, "Universally quantized neural
compression" (NeurIPS 2020).  It costs no bits and leaves the decoder as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor

from codec.likelihood import soft_rounding
from codec.model import Model
from codec.quality import Level

STEP_SIZE = 0.05
"""In units of Newton's step for the distortion alone."""
MOMENTUM = 0.5
SOFTEST, SHARPEST = 1.0, 6.0


def refine(
    y: Tensor,
    original: Tensor,
    model: Model,
    level: Level,
    weight: float,
    pace: Iterable[float],
    on_step: Callable[[float, Tensor], None],
) -> Tensor:
    """Searches better latents.

    Args:
        y: float [1 c H/16 W/16], from the analysis, pixel units.
        original: float [1 3 h w], pixel values - 128; the decoder's picture is H x W.
        model: float twin of the decoder.
        level: the quality.
        weight: lambda, bits per pixel per mean squared error.
        pace: the fraction done before each gradient step, see `Deadline.pace`.
        on_step: called with that fraction, and the loss in bits, when a step is done.

    Returns:
        Latents to be coded in place of `y`.
    """
    height, width = original.shape[2:]
    # Second derivative of the distortion, in bits per squared step: the latents are coefficients
    # of an orthonormal transform, and the error is a mean over three channels.
    curvature = 2 * weight * float(level.step) ** 2 / 3
    latents = (y / level.step).clone().requires_grad_(True)
    optimizer = torch.optim.SGD([latents], lr=STEP_SIZE / curvature, momentum=MOMENTUM)
    for done in pace:
        optimizer.param_groups[0]["lr"] = STEP_SIZE / curvature * (1 + math.cos(math.pi * done)) / 2
        sharpness = SOFTEST + (SHARPEST - SOFTEST) * done
        with torch.autocast(y.device.type, torch.bfloat16):
            rounding = partial(soft_rounding, sharpness=sharpness)
            values, bits = model.quantize(latents * level.step, level, rounding)
            picture = model.reconstruct(values, level)
        error = (picture[:, :, :height, :width] - original).square().mean()
        loss = weight * error * height * width + bits.sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        on_step(done, loss.detach())
    return (latents * level.step).detach()
