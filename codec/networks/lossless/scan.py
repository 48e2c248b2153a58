"""THE order of the lossless mode: grids from coarse to fine, three passes of three channels each.

The scan drives float and integer networks alike, and all that happens to a picture: its rate in
training, coding, decoding and the fit of an update differ only in what a `PassStep` does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from codec.networks.lossless.network import LosslessNetworks, edges, nearest
from codec.networks.lossless.shape import CHANNELS, CLASSES


@dataclass(frozen=True, eq=False)
class PassStep:
    """One channel of one pass.

    Attributes:
        grid: 0 is the finest.
        index: of the pass.
        channel: of the picture.
        base: linear prediction, [b 1 h w] on the grid of A.
        candidates: what the weights of the head's last outputs are for, [b k h w].
        features: inputs of the last layer, [b hidden h w].
    """

    grid: int
    index: int
    channel: int
    base: Tensor
    candidates: Tensor
    features: Tensor


SettleStep = Callable[[PassStep], Tensor]
"""Settles the values of a step: [b 1 h w]."""


def refine_grid(a: Tensor, networks: LosslessNetworks, grid: int, code: SettleStep) -> list[Tensor]:
    """From a phase A [b 3 h w] to the phases D, B and C of the grid, same shape each.

    Positions outside of the grid, where its sides are odd, get values too, but no one sees them.
    """
    errors: list[Tensor] = []
    known, index = [a], min(grid, CLASSES - 1)
    right = torch.diff(edges(a, 1)[:, :, 1:-1, 1:], dim=3)
    down = torch.diff(edges(a, 1)[:, :, 1:, 1:-1], dim=2)
    steps = networks.loudness(torch.cat([right, down], 1))
    for number, network in enumerate(networks.passes):
        base = network.linear(torch.cat(known, 1), index)
        planes = [*(plane - base for plane in known), steps, base - networks.centre]
        planes += [networks.loudness(error) for error in errors]
        hidden = network.hidden(torch.cat(planes, 1), index)
        around = nearest(known, number)
        values, seen = [], None
        error = base[:, :0]
        for channel in range(CHANNELS):
            head = network.heads[channel]
            if channel:
                seen = torch.cat([error, networks.loudness(error)], 1)
            corrected = network.linear.correct(base, error, channel, index)
            candidates = torch.cat([around[:, :, channel] - corrected, error], 1)
            features = head.features(hidden, seen)
            values.append(code(PassStep(grid, number, channel, corrected, candidates, features)))
            error = torch.cat([error, values[-1] - corrected], 1)
        known.append(torch.cat(values, 1))
        errors.append(error)
    return known[1:]
