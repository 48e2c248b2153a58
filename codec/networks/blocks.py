"""Residual blocks that begin as the identity, so that a trained network can grow by them."""

from __future__ import annotations

from torch import Tensor, nn

from codec.networks.layers import Conv


class Bottleneck(nn.Module):
    """x + conv 1x1 (conv 3x3 (conv 1x1)) at half the width: [b c h w] -> [b c h w].

    He et al., "Deep residual learning for image recognition" (CVPR 2016), section 4.1; without
    normalisation, and with a last convolution of zeros.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.enter = Conv(channels, half, activate=True)
        self.middle = Conv(half, half, 3, activate=True)
        self.leave = Conv(half, channels, zero=True)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.leave(self.middle(self.enter(x)))


def bottlenecks(channels: int, count: int) -> nn.Sequential:
    """So many of them, one after the other."""
    return nn.Sequential(*(Bottleneck(channels) for _ in range(count)))
