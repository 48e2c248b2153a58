"""The networks of the lossless mode: what is known of a picture -> the next pixels' distribution.

A grid of pixels is cut into four phases (`codec.networks.lossless.scan`).  A is known from the grid
above, then D, B and C follow in three passes, each from all before it.  Within a pass the channels
follow each other, green, red - green and blue - green, each knowing the others' errors.  The same
networks serve all grids (cf. Zhang et al., "Lossless image compression using a multi-scale
progressive statistical model", ACCV 2020).

A linear predictor, solved from statistics, gives the *base*; the networks see everything relative
to it, so that flat and steep regions look alike.  What they add to it is mostly a weighted sum of
*candidates*: by how much the nearest pixels differ from the base, and the errors of the channels
before.  So the mean stays linear in the last layers; and their inputs do not depend on them.  An
update of the weights changes those layers alone: its rate can be told without the networks.

Pixel values are in lossless units (`codec.networks.units`).  In the integer twin FRACTION_BITS make
that 1/32 pixel value.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from codec.networks.config import LosslessConfig
from codec.networks.layers import ACTIVATION_LIMIT, Conv, Modules, Residual
from codec.networks.lossless.shape import CHANNELS, CLASSES
from codec.networks.units import PIXELS_PER_LOSSLESS_UNIT

OUTPUTS = 3
"""Of a head: shift of the mean, log2 of the scale, logarithm of the odds; then the weights."""
SHIFT = 1 / 8
"""Unit of the shift, in units: a pixel value."""
NEAREST = (
    ((0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1)),
    ((0, 0, 0), (0, 0, 1), (1, -1, 0), (1, 0, 0)),
    ((0, 0, 0), (0, 1, 0), (1, 0, -1), (1, 0, 0)),
)
"""For each pass the nearest known pixels: the number of the phase in A, D, B, row and column."""
REACH = 2
"""The linear predictor sees 5x5 positions of every known phase."""
CENTRE = (16.0, 0.0, 0.0)
"""Middle of each channel's range, in units; what the networks see of the brightness itself."""


def edges(x: Tensor, reach: int) -> Tensor:
    """Repeats the border: [b c h w] -> [b c h+2r w+2r]."""
    # Larger than the array where that is small, which `replicate` allows.
    return functional.pad(x, (reach,) * 4, mode="replicate")


class Loudness(nn.Module):
    """log2(1 + |x|), x in quarters of a pixel value."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.log2(1 + 4 * PIXELS_PER_LOSSLESS_UNIT * x.abs())


class Linear(nn.Module):
    """Linear prediction of a pass from all known phases; a solution for each class of grids."""

    weight: Tensor
    across: Tensor

    def __init__(self, known: int) -> None:
        super().__init__()
        size = 2 * REACH + 1
        self.register_buffer("weight", torch.zeros(CLASSES, CHANNELS, known * CHANNELS, size, size))
        self.register_buffer("across", torch.zeros(CLASSES, CHANNELS, CHANNELS, 3, 3))

    def forward(self, known: Tensor, index: int) -> Tensor:
        """Known phases [b 3k h w] -> base of every channel [b 3 h w]."""
        return functional.conv2d(edges(known, REACH), self.weight[index])

    def correct(self, base: Tensor, errors: Tensor, channel: int, index: int) -> Tensor:
        """The base of a channel, given the errors [b channel h w] of those before it."""
        if not channel:
            return base[:, :1]
        weight = self.across[index, channel : channel + 1, :channel]
        return base[:, channel : channel + 1] + functional.conv2d(errors, weight, padding=1)


class Bound(nn.Module):
    """The clamp that `Conv` has in float already, and that its integer twin leaves to its reader.

    Here several outputs are summed before they are read.
    """

    def __init__(self, limit: float = ACTIVATION_LIMIT) -> None:
        super().__init__()
        self.limit = limit

    def forward(self, x: Tensor) -> Tensor:
        return x.clamp(-self.limit, self.limit)


class Head(nn.Module):
    """What one channel is coded with, from the hidden state and the channels before it."""

    def __init__(self, channel: int, hidden: int) -> None:
        super().__init__()
        self.bound = Bound()
        if channel:
            self.seen = Conv(2 * channel, hidden, 3)
        self.fuse = Conv(hidden, hidden, 1, activate=True)
        self.leave = Conv(hidden, OUTPUTS + len(NEAREST[0]) + channel, 1, zero=True)

    def features(self, hidden: Tensor, seen: Tensor | None) -> Tensor:
        """Inputs of the last layer: [b hidden h w]."""
        return self.fuse(hidden if seen is None else hidden + self.bound(self.seen(seen)))


def nearest(known: list[Tensor], number: int) -> Tensor:
    """The nearest known pixels of a pass, [b 3 h w] each: [b 4 3 h w]."""
    height, width = known[0].shape[2:]
    padded = [edges(phase, 1) for phase in known]
    return torch.stack(
        [
            padded[phase][:, :, 1 + row : 1 + row + height, 1 + column : 1 + column + width]
            for phase, row, column in NEAREST[number]
        ],
        1,
    )


class Pass(nn.Module):
    """Networks of one pass, which knows `known` phases."""

    def __init__(self, known: int, hidden: int, blocks: int) -> None:
        super().__init__()
        self.linear = Linear(known)
        self.bound = Bound()
        # Known values, steps between neighbours of A, errors of the other phases, and the base.
        planes = CHANNELS * (known + 2 + known - 1 + 1)
        self.enter = Conv(planes, hidden, 3, pad=False, activate=True)
        self.grid = nn.Parameter(torch.zeros(CLASSES, hidden))
        self.blocks: Modules[Residual] = Modules(Residual(hidden) for _ in range(blocks))
        self.heads: Modules[Head] = Modules(Head(channel, hidden) for channel in range(CHANNELS))

    def hidden(self, planes: Tensor, index: int) -> Tensor:
        """What all heads share: [b planes h w] -> [b hidden h w]."""
        x = self.bound(self.enter(edges(planes, 1))) + self.grid[index].view(1, -1, 1, 1)
        for block in self.blocks:
            x = x + self.bound(block.reduce(block.expand(x)))
        return x


class LosslessNetworks(nn.Module):
    """Networks of all passes, and the shape of the errors' distribution."""

    centre: Tensor

    def __init__(self, config: LosslessConfig) -> None:
        super().__init__()
        self.config = config
        self.loudness = Loudness()
        self.register_buffer("centre", torch.tensor(CENTRE).view(1, -1, 1, 1))
        self.passes: Modules[Pass] = Modules(
            Pass(known, config.hidden, config.blocks) for known in (1, 2, 3)
        )
        self.log2_width = nn.Parameter(torch.tensor(1.5))
