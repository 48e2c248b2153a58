"""Refines the latents of one image by gradient descent on rate + lambda * distortion.

The latents become free variables of the whole decoder, as in Campos et al., "Content adaptive
optimization for neural image compression" (CVPR workshops 2019).  It costs no bits and leaves the
decoder as it is.

Rounding is replaced by stochastic Gumbel annealing, Yang, Bamler & Mandt, "Improving inference for
neural image compression" (NeurIPS 2020), section 3.2: each latent is drawn anew in every step from
the two values around it, with odds that favour the nearer one, at last only that one.  Differences
to the paper, for searches of some hundred steps (what each gains: scripts/compare/annealing.py):

- The rate of a draw between two values is what lies between their rates, not that of a fraction.
- Draws stay as soft as they are while their odds harden; there both have one temperature.
- Steps shrink in the last quarter only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from codec.contract.quality import Level
from codec.encoding.distortion import Distortion
from codec.networks.context import Predicted, at_phases
from codec.networks.learned import Model
from codec.networks.likelihood import mixture_bits
from codec.networks.order import Slot

Drawn = tuple[Tensor, Tensor]
"""Values, and their bits."""

DRAW_TEMPERATURE = 0.5
FAST, SLOW = 0.9, 0.99
"""Decay of Adam's means of the gradient and its square."""
SHRINKING = 0.25
"""The last part of the search, in which the steps shrink to nothing."""
NEAREST = 1e-4
"""Distance to a value below which the odds of a draw grow no further."""


@dataclass(frozen=True)
class Annealing:
    """How a search goes from soft to hard; `done` is the fraction of it that lies behind.

    Attributes:
        step_size: how far a latent moves in one gradient step, about, in quantiser steps.
        softest: `sharpness` in the beginning.
        sharpest: in the end.
    """

    step_size: float
    softest: float
    sharpest: float

    def size(self, done: float) -> float:
        """Of the next gradient step."""
        return self.step_size * min(1.0, (1 - done) / SHRINKING)

    def sharpness(self, done: float) -> float:
        """What the logarithm of the odds is multiplied by."""
        return self.softest * (self.sharpest / self.softest) ** done

    def draw(
        self, residual: Tensor, predicted: Predicted, done: float, generator: torch.Generator
    ) -> Drawn:
        """In place of rounding, (value - mean) in steps -> values drawn, and their bits."""
        below, up = draw_up(residual, self.sharpness(done), DRAW_TEMPERATURE, generator)
        return below + up, torch.lerp(*(cost(below + k, predicted) for k in (0, 1)), up)


def cost(residual: Tensor, predicted: Predicted) -> Tensor:
    """Bits of (value - mean) in steps."""
    return mixture_bits(residual, predicted.log2_scale, predicted.shape)


FIRST = Annealing(0.02, softest=3.0, sharpest=12.0)
AGAIN = Annealing(0.01, softest=4.0, sharpest=14.0)
"""For latents that have been refined before, for another filter."""


def refine(
    y: Tensor,
    original: Tensor,
    distortion: Distortion,
    model: Model,
    level: Level,
    weight: float,
    annealing: Annealing,
    pace: Iterable[float],
    on_step: Callable[[float, Tensor], None],
) -> Tensor:
    """Searches better latents.

    Args:
        y: float [1 c h/16 w/16], pixel units: from the analysis, or from here.
        original: float [1 3 h w], pixel values - 128; the decoder's picture is H x W.
        distortion: what errors count.
        model: float twin of the decoder.
        level: the quality.
        weight: lambda, bits per pixel per mean squared error.
        annealing: from soft to hard.
        pace: the fraction done before each gradient step, see `Deadline.pace`.
        on_step: called with that fraction, and the loss in bits, when a step is done.

    Returns:
        Latents to be coded in place of `y`.
    """
    height, width = original.shape[2:]
    generator = torch.Generator(y.device).manual_seed(0)
    latents = (y / level.step).clone().requires_grad_(True)
    optimizer = torch.optim.Adam([latents], betas=(FAST, SLOW))
    for done in pace:
        optimizer.param_groups[0]["lr"] = annealing.size(done)
        draw = partial(annealing.draw, done=done, generator=generator)
        with torch.autocast(y.device.type, torch.bfloat16):
            values, rate = _draw(latents, model, level, draw)
            picture = model.reconstruct(values, level)
        error = distortion.mean(picture[:, :, :height, :width] - original)
        loss = weight * error * height * width + rate
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        on_step(done, loss.detach())
    return (latents * level.step).detach()


def _draw(
    latents: Tensor, model: Model, level: Level, draw: Callable[[Tensor, Predicted], Drawn]
) -> Drawn:
    """Values drawn in place of the latents, in steps of the quality, and their bits in all."""
    total = latents.new_zeros(())

    def code(slot: Slot, predicted: Predicted) -> Tensor:
        nonlocal total
        wanted = at_phases(latents, slot) * level.step
        drawn, spent = draw((wanted - predicted.mean) / predicted.step, predicted)
        total = total + spent.sum()
        return predicted.mean + drawn * predicted.step

    return model.context.scan(latents, level, code), total


def draw_up(
    residual: Tensor, sharpness: float, temperature: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """The value below each residual, and a draw of 0 (that one) to 1 (the one above).

    Yang, Bamler & Mandt (2020), section 3.2: its odds, and its relaxation by Gumbel noise.
    """
    below = torch.floor(residual.detach())
    place = (residual - below).clamp(NEAREST, 1 - NEAREST)
    odds = torch.atanh(place) - torch.atanh(1 - place)
    uniform = torch.rand(place.shape, generator=generator, device=place.device)
    noise = torch.logit(uniform, eps=1e-6)
    return below, torch.sigmoid((sharpness * odds + noise) / temperature)
