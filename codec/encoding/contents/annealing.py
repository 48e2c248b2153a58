"""What stands for rounding while latents are refined: draws that harden.

Stochastic Gumbel annealing, Yang, Bamler & Mandt, "Improving inference for neural image
compression" (NeurIPS 2020), section 3.2: each latent is drawn anew in every step from the two
values around it, with odds that favour the nearer one, at last only that one.  Differences to the
paper, for searches of some hundred steps (what each gains: docs/effort.md):

- The rate of a draw between two values is what lies between their rates, not that of a fraction.
- Draws stay as soft as they are while their odds harden; there both have one temperature.
- Steps shrink in the last quarter only.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from codec.networks.context import Predicted
from codec.networks.likelihood import mixture_bits

DRAW_TEMPERATURE = 0.5
SHRINKING = 0.25
"""The last part of the search, in which the steps shrink to nothing."""
NEAREST = 1e-4
"""Distance to a value below which the odds of a draw grow no further."""


@dataclass(frozen=True)
class Drawn:
    """Draws in place of roundings, in steps of the latents: `below` + `up`.

    Attributes:
        below: the integers below.
        up: 0 for that integer, 1 for the next one, or between.
    """

    below: Tensor
    up: Tensor

    @property
    def values(self) -> Tensor:
        """What the networks see."""
        return self.below + self.up


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
        return self.softest * float((self.sharpest / self.softest) ** done)

    def draw(self, residual: Tensor, done: float, generator: torch.Generator) -> Drawn:
        """Draws one of the two values around each (value - mean) in steps, in place of rounding."""
        below = torch.floor(residual.detach())
        place = (residual - below).clamp(NEAREST, 1 - NEAREST)
        odds = torch.atanh(place) - torch.atanh(1 - place)
        uniform = torch.rand(place.shape, generator=generator, device=place.device)
        noise = torch.logit(uniform, eps=1e-6)
        up = torch.sigmoid((self.sharpness(done) * odds + noise) / DRAW_TEMPERATURE)
        return Drawn(below, up)

    def rate(self, drawn: Drawn, predicted: Predicted) -> Tensor:
        """Bits of each draw."""
        least, more = (
            mixture_bits(drawn.below + k, predicted.log2_scale, predicted.shape) for k in (0, 1)
        )
        return torch.lerp(least, more, drawn.up)


FIRST = Annealing(0.02, softest=3.0, sharpest=12.0)
AGAIN = Annealing(0.01, softest=4.0, sharpest=14.0)
"""For latents that have been refined before, for another filter."""
