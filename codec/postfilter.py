"""The post-filter: the network that is overfitted to each image, and whose change is transmitted.

A residual CNN at half resolution (12 channels of 2x2 pixels), conditioned on the quality.  It sees
nothing but the picture before it and the quality, so that it can follow any content codec.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from codec.layers import Conv, QualityBias


class PostFilter(nn.Module):
    """x~ [b 3 h w] (picture units, h and w even) -> filtered picture, same shape and units."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.enter = Conv(12, hidden, 3, activate=True)
        self.quality = QualityBias(hidden)
        self.middle = Conv(hidden, hidden, 3, activate=True)
        self.leave = Conv(hidden, 12, 3, zero=True)

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        halves = functional.pixel_unshuffle(x, 2)
        change = self.leave(self.middle(self.quality(self.enter(halves), quality)))
        return functional.pixel_shuffle(halves + change, 2)
