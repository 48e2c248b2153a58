"""The rate of a picture under the float networks of the lossless mode, and what they start from.

The rate is what is trained; the start are linear predictors, solved from pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from codec.networks.lossless import colour
from codec.networks.lossless.likelihood import bits
from codec.networks.lossless.network import OUTPUTS, REACH, SHIFT, Linear, LosslessNetworks, edges
from codec.networks.lossless.scan import PassStep, refine_grid
from codec.networks.lossless.shape import (
    CHANNELS,
    CLASSES,
    LOG2_SCALE_START,
    LOG_ODDS_START,
    PHASES,
)
from codec.networks.units import PIXELS_PER_LOSSLESS_UNIT

COARSEST_PX = 4
"""Sides of the coarsest grid that training looks at."""
PICTURES = 80
"""That the predictors are solved from."""
SIZE = 2 * REACH + 1
RIDGE = 1e-6
"""Relative to the mean power."""


def to_units(pixels: Tensor) -> Tensor:
    """Pixel values [b 3 h w] of any type -> colour, in units of the networks."""
    return colour.from_rgb(pixels.float()) / PIXELS_PER_LOSSLESS_UNIT


def grids(x: Tensor, least: int) -> list[tuple[Tensor, list[Tensor]]]:
    """The phase A and the phases D, B and C of each grid, the finest first."""
    found = []
    while min(x.shape[2:]) >= least:
        x = x[:, :, : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2]
        parts = [x[:, :, i::2, j::2] for i, j in PHASES]
        x = x[:, :, ::2, ::2]
        found.append((x, parts))
    return found


def rate(networks: LosslessNetworks, x: Tensor) -> Tensor:
    """Bits of a batch of colours [b 3 h w] in units, but for the coarsest grid."""
    return torch.stack(
        [
            _grid_bits(networks, number, a, parts)
            for number, (a, parts) in enumerate(grids(x, COARSEST_PX))
        ]
    ).sum()


def _grid_bits(networks: LosslessNetworks, number: int, a: Tensor, parts: list[Tensor]) -> Tensor:
    """Bits of the phases D, B and C of a grid, given A."""
    residuals, raws = [], []

    def code(step: PassStep) -> Tensor:
        leave = networks.passes[step.index].heads[step.channel].leave
        with torch.autocast("cpu", enabled=False):
            raw = leave(step.features.float())
        value = parts[step.index][:, step.channel : step.channel + 1]
        weighted = (raw[:, OUTPUTS:] * step.candidates).sum(1, keepdim=True)
        mean = step.base + SHIFT * raw[:, :1] + weighted
        residuals.append(PIXELS_PER_LOSSLESS_UNIT * (value - mean))
        raws.append(raw)
        return value

    refine_grid(a, networks, number, code)
    scales = LOG2_SCALE_START + torch.cat([raw[:, 1:2] for raw in raws], 1)
    odds = LOG_ODDS_START + torch.cat([raw[:, 2:3] for raw in raws], 1)
    return bits(torch.cat(residuals, 1), scales, odds, networks.log2_width).sum()


@dataclass(frozen=True, eq=False)
class Sample:
    """A pass of one picture: known phases, the values that are wanted, and weights of positions."""

    known: Tensor
    wanted: Tensor
    weight: Tensor


class LeastSquares:
    """Weighted least squares from sums over pictures."""

    def __init__(self) -> None:
        self._gram: Tensor | float = 0.0
        self._cross: Tensor | float = 0.0

    def add(self, seen: Tensor, wanted: Tensor, weight: Tensor) -> None:
        """Inputs [n p], outputs [m p] and weights [p] of positions."""
        self._gram = self._gram + (seen * weight @ seen.T).double()
        self._cross = self._cross + (seen * weight @ wanted.T).double()

    def solve(self) -> Tensor:
        """float32 [m n]."""
        ridge = RIDGE * self._gram.diagonal().mean()
        eye = torch.eye(len(self._gram), dtype=torch.float64)
        return torch.linalg.solve(self._gram + ridge * eye, self._cross).T.float()


@torch.no_grad()
def solve_linear(
    networks: LosslessNetworks, pictures: list[Tensor], rng: np.random.Generator
) -> None:
    """Solves the predictors of every pass and class of grids; pictures: uint8 [3 h w]."""
    chosen = rng.choice(len(pictures), min(PICTURES, len(pictures)), replace=False)
    for index in range(CLASSES):
        for number, network in enumerate(networks.passes):
            samples = [_sample(pictures[i], index, number) for i in chosen]
            _solve_from_phases(network.linear, index, samples)
            for channel in range(1, CHANNELS):
                _solve_from_errors(network.linear, index, channel, samples)


def _sample(picture: Tensor, index: int, number: int) -> Sample:
    """A pass of a picture's grid.  Flat regions count more: there errors are small."""
    a, parts = grids(to_units(picture[None]), 2)[index]
    steps = torch.diff(edges(a[:, :1], 1)[:, :, 1:, 1:-1], dim=2).abs()
    steps = functional.avg_pool2d(steps, 3, 1, 1, count_include_pad=False)
    known = torch.cat([a, *parts[:number]], 1)
    return Sample(known, parts[number], 1 / (0.1 + steps.flatten()) ** 2)


def _solve_from_phases(linear: Linear, index: int, samples: list[Sample]) -> None:
    """All channels from the known phases."""
    system = LeastSquares()
    for sample in samples:
        seen = functional.unfold(edges(sample.known, REACH), SIZE)[0]
        system.add(seen, sample.wanted[0].flatten(1), sample.weight)
    linear.weight[index] = system.solve().view(CHANNELS, -1, SIZE, SIZE)


def _solve_from_errors(linear: Linear, index: int, channel: int, samples: list[Sample]) -> None:
    """What is left of a channel from the errors of those before it."""
    system = LeastSquares()
    for sample in samples:
        base = linear(sample.known, index)
        error = base[:, :0]
        for before in range(channel):
            corrected = linear.correct(base, error, before, index)
            error = torch.cat([error, sample.wanted[:, before : before + 1] - corrected], 1)
        seen = functional.unfold(error, 3, padding=1)[0]
        left = (sample.wanted - base)[0, channel : channel + 1].flatten(1)
        system.add(seen, left, sample.weight)
    linear.across[index, channel, :channel] = system.solve().view(channel, 3, 3)
