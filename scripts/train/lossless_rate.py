"""The rate of a picture under the float networks of the lossless mode: what is trained."""

from __future__ import annotations

import torch
from torch import Tensor

from codec.networks.lossless import colour
from codec.networks.lossless.likelihood import LOG2_SCALE_START, LOG_ODDS_START, bits
from codec.networks.lossless.network import OUTPUTS, SHIFT, Lossless
from codec.networks.lossless.scan import PHASES, Step, refine
from codec.networks.units import PIXELS_PER_LOSSLESS_UNIT

COARSEST_PX = 4
"""Sides of the coarsest grid that training looks at."""


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


def rate(networks: Lossless, x: Tensor) -> Tensor:
    """Bits of a batch of colours [b 3 h w] in units, but for the coarsest grid."""
    return torch.stack(
        [
            _grid_bits(networks, number, a, parts)
            for number, (a, parts) in enumerate(grids(x, COARSEST_PX))
        ]
    ).sum()


def _grid_bits(networks: Lossless, number: int, a: Tensor, parts: list[Tensor]) -> Tensor:
    """Bits of the phases D, B and C of a grid, given A."""
    residuals, raws = [], []

    def code(step: Step) -> Tensor:
        leave = networks.passes[step.index].heads[step.channel].leave
        with torch.autocast("cpu", enabled=False):
            raw = leave(step.features.float())
        value = parts[step.index][:, step.channel : step.channel + 1]
        weighted = (raw[:, OUTPUTS:] * step.candidates).sum(1, keepdim=True)
        mean = step.base + SHIFT * raw[:, :1] + weighted
        residuals.append(PIXELS_PER_LOSSLESS_UNIT * (value - mean))
        raws.append(raw)
        return value

    refine(a, networks, number, code)
    scales = LOG2_SCALE_START + torch.cat([raw[:, 1:2] for raw in raws], 1)
    odds = LOG_ODDS_START + torch.cat([raw[:, 2:3] for raw in raws], 1)
    return bits(torch.cat(residuals, 1), scales, odds, networks.log2_width).sum()
