"""The post-filter: the network whose last layer is fitted to each image.

It works at half resolution (12 channels of 2x2 pixels), with optional coarser levels below it, and
is conditioned on the quality.  It sees nothing but the picture before it and the quality, so that
it can follow any content codec.  All of it but the last layer makes *features*: what the last two
of its layers give, joined by the picture itself.  The last layer adds a linear combination of their
3x3 neighbourhoods to the picture, and that is what an update changes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from codec.networks.config import FilterConfig
from codec.networks.layers import Conditioning, Conv, QualityBias, Residual

HALVES = 12
"""Channels of a colour picture at half resolution."""
KERNEL = 3
ADAPTED_LAYERS = ("enter", "middle", "leave")
"""The convolutions at half resolution, whose parameters an update may change."""
UP_GAIN = 0.3
"""Coarser levels start small beside the level that they are added to."""


class Coarser(nn.Module):
    """A level at half the resolution of the one above, and all below: [b c h w] -> [b c h w]."""

    def __init__(self, above: int, widths: tuple[int, ...], blocks: tuple[int, ...]) -> None:
        super().__init__()
        width = widths[0]
        self.down = Conv(above, width, KERNEL, stride=2, activate=True)
        self.quality = QualityBias(width)
        self.coarser = Coarser(width, widths[1:], blocks[1:]) if widths[1:] else None
        self.body = nn.Sequential(*(Residual(width) for _ in range(blocks[0])))
        self.up = Conv(width, 4 * above, 1)
        with torch.no_grad():
            self.up.weight.mul_(UP_GAIN)

    def forward(self, x: Tensor, quality: Conditioning) -> Tensor:
        h = self.quality(self.down(x), quality)
        if self.coarser is not None:
            h = h + self.coarser(h, quality)
        return functional.pixel_shuffle(self.up(self.body(h)), 2)


class PostFilter(nn.Module):
    """x~ [b 3 h w] (picture units) -> filtered picture, same shape and units.

    h and w are multiples of `FilterConfig.multiple`.
    """

    def __init__(self, config: FilterConfig) -> None:
        super().__init__()
        width = config.widths[0]
        self.halo = config.halo
        self.enter = Conv(HALVES, width, KERNEL, activate=True)
        self.quality = QualityBias(width)
        self.coarser = (
            Coarser(width, config.widths[1:], config.blocks) if config.widths[1:] else None
        )
        self.middle = Conv(width, width, KERNEL, activate=True)
        self.leave = Conv(2 * width + HALVES, HALVES, KERNEL, zero=True)

    def features(self, x: Tensor, quality: Conditioning) -> Tensor:
        """What the last layer combines: [b 2*widths[0]+12 h/2 w/2]."""
        # As the other features are in memory: joining different layouts takes as long as a layer.
        halves = functional.pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last)
        h = self.quality(self.enter(halves), quality)
        if self.coarser is not None:
            h = h + self.coarser(h, quality)
        return torch.cat([self.middle(h), h, halves], 1)

    def combine(self, x: Tensor, features: Tensor) -> Tensor:
        """The picture and the last layer's change to it."""
        return x + functional.pixel_shuffle(self.leave(features), 2)

    def forward(self, x: Tensor, quality: Conditioning) -> Tensor:
        return self.combine(x, self.features(x, quality))
