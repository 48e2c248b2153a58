"""What stands for rounding while latents are refined: draws that harden.

Stochastic Gumbel annealing, Yang, Bamler & Mandt, "Improving inference for neural image
compression" (NeurIPS 2020), section 3.2: each latent is drawn anew in every step from the two
values around it, with odds that favour the nearer one, at last only that one.  Differences to the
paper, for searches of some ten steps (what each gains: scripts/compare/annealing.py):

- The rate of a draw between two values is what lies between their rates, not that of a fraction.
- Draws stay soft, while their odds harden; there both have one temperature.
- A latent's draws are spread evenly over the steps, and not independent of each other.
- Steps shrink in the last quarter only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from codec.networks.context import Predicted
from codec.networks.likelihood import mixture_bits

SOFTNESS = 4.0
"""Temperature of the draws, times the square root of the number of steps: in few steps, the noise
of hard draws does more harm than values that no symbol has."""
SHRINKING = 0.25
"""The last part of the search, in which the steps shrink to nothing."""
NEAREST = 1e-4
"""Distance to a value below which the odds of a draw grow no further."""
GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it, modulo 1, fill the interval more evenly than those of any other number."""

Noise = Callable[[Tensor], Tensor]
"""What to draw for -> numbers of the same shape, uniform in [0, 1]."""


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
        reach: how far a latent moves in one gradient step, about, in quantiser steps, times the
            square root of the number of steps.
        softest: `sharpness` in the beginning.
        sharpest: in the end.
    """

    reach: float
    softest: float
    sharpest: float

    def size(self, done: float, steps: int) -> float:
        """Of the next gradient step, of so many."""
        return self.reach / math.sqrt(steps) * min(1.0, (1 - done) / SHRINKING)

    @staticmethod
    def temperature(steps: int) -> float:
        """Of the draws."""
        return SOFTNESS / math.sqrt(steps)

    def sharpness(self, done: float) -> float:
        """What the logarithm of the odds is multiplied by."""
        return self.softest * float((self.sharpest / self.softest) ** done)

    def noise(self, step: int, generator: torch.Generator) -> Noise:
        """Makes that of a gradient step; the generator gives the same numbers in each of them."""
        generator.manual_seed(0)
        shift = step * GOLDEN % 1
        return lambda x: torch.frac(uniform(x, generator) + shift)

    def draw(self, residual: Tensor, done: float, steps: int, noise: Noise) -> Drawn:
        """Draws in place of rounding (value - mean) in steps."""
        return draw_up(residual, self.sharpness(done), self.temperature(steps), noise)

    def rate(self, drawn: Drawn, predicted: Predicted) -> Tensor:
        """Bits of each draw."""
        least, more = (cost(drawn.below + k, predicted) for k in (0, 1))
        return torch.lerp(least, more, drawn.up)


FIRST = Annealing(0.16, softest=3.0, sharpest=12.0)
AGAIN = Annealing(0.1, softest=3.0, sharpest=12.0)
"""For latents that have been refined before, for another filter."""


def cost(residual: Tensor, predicted: Predicted) -> Tensor:
    """Bits of (value - mean) in steps."""
    return mixture_bits(residual, predicted.log2_scale, predicted.shape)


def uniform(like: Tensor, generator: torch.Generator) -> Tensor:
    """Draws uniform numbers of a tensor's shape, on its device."""
    return torch.rand(like.shape, generator=generator, device=like.device)


def draw_up(residual: Tensor, sharpness: float, temperature: float, noise: Noise) -> Drawn:
    """Draws one of the two values around each residual.

    Yang, Bamler & Mandt (2020), section 3.2: its odds, and its relaxation by Gumbel noise.
    """
    below = torch.floor(residual.detach())
    place = (residual - below).clamp(NEAREST, 1 - NEAREST)
    odds = torch.atanh(place) - torch.atanh(1 - place)
    gumbel = torch.logit(noise(place), eps=1e-6)
    return Drawn(below, torch.sigmoid((sharpness * odds + gumbel) / temperature))
