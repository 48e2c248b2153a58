"""Rate-distortion optimised quantisation of the latents of one image, on the real objective.

Coordinate descent on the quantised values, in parallel.  The distortion is nearly a quadratic with
a known diagonal (the latents are coefficients of a nearly orthonormal transform) and a symbol's own
rate is known for every value, so one gradient of everything else tells what moving any latent by
one step would do.  A random part of the moves that pay is made at once, since neighbours interact.
Unlike a relaxation it never leaves the values that are coded, and the best of them is kept.  (RDOQ
as video encoders do it, Karczewicz et al., VCEG-AH21, 2008, visits one coefficient at a time.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from codec.context import Slot, at_phases, put_at_phases
from codec.likelihood import bits
from codec.model import Model
from codec.quality import Level

MARGIN_BITS = 0.2
"""What a move must promise at least."""
SHARE = 0.5
"""Of the promising moves, how many are made at once."""


def optimize(
    y: Tensor,
    original: Tensor,
    model: Model,
    level: Level,
    weight: float,
    pace: Iterable[float],
    on_step: Callable[[float, float], None],
) -> Tensor:
    """Searches better quantised values.

    Args:
        y: float [1 c H/16 W/16], latents in pixel units.
        original: float [1 3 h w], pixel values - 128; the decoder's picture is H x W.
        model: float twin of the decoder.
        level: the quality.
        weight: lambda, bits per pixel per mean squared error.
        pace: the fraction done before each step, see `Deadline.pace`.
        on_step: called with that fraction, and the cost in bits, when a step is done.

    Returns:
        Latents to be coded in place of `y`.
    """
    generator = torch.Generator(y.device).manual_seed(0)
    best, lowest = y, float("inf")
    for done in pace:
        values, cost, promise_up, promise_down = _promises(y, original, model, level, weight)
        if cost < lowest:
            best, lowest = y, cost
        promise = torch.minimum(promise_up, promise_down)
        drawn = torch.rand(promise.shape, generator=generator, device=y.device) < SHARE
        direction = torch.where(promise_up < promise_down, 1.0, -1.0)
        y = values + direction * ((promise < -MARGIN_BITS) & drawn) * level.step
        on_step(done, cost)
    return best


def _promises(
    y: Tensor, original: Tensor, model: Model, level: Level, weight: float
) -> tuple[Tensor, float, Tensor, Tensor]:
    """The quantised values, their cost in bits, and what a step up or down would change of it."""
    y = y.detach().requires_grad_(True)
    quantized, up, down = (torch.zeros_like(y) for _ in range(3))
    total = y.new_zeros(())

    def code(slot: Slot, mean: Tensor, log2_scale: Tensor) -> Tensor:
        nonlocal total
        step = level.step.repeat(len(slot.phases), 1, 1, 1)
        own = at_phases(y, slot)
        symbols = ((own - mean) / step).detach().round()
        rate = bits(symbols, log2_scale)
        total = total + rate.sum()
        values = symbols * step + mean.detach()
        with torch.no_grad():
            put_at_phases(quantized, slot, values)
            put_at_phases(up, slot, bits(symbols + 1, log2_scale) - rate)
            put_at_phases(down, slot, bits(symbols - 1, log2_scale) - rate)
        return own + (values - own).detach()

    with torch.autocast(y.device.type, torch.bfloat16):
        values = model.context.scan(y, level, code)
        picture = model.reconstruct(values, level)
    height, width = original.shape[2:]
    error = (picture[:, :, :height, :width] - original).square().mean() * height * width
    cost = weight * error + total
    (slope,) = torch.autograd.grad(cost, y)
    slope = slope * level.step
    # Half the second derivative of the distortion: the error is a mean over three channels.
    bend = weight * float(level.step) ** 2 / 3
    return quantized, cost.item(), up + slope + bend, down - slope + bend
