"""Analysis and synthesis: picture <-> latents, each a linear KLT path plus a small network.

y = W (blocks of x) + analysis(x);  x~ = V y + synthesis(y).  W starts as the first principal
components of 16x16x3 blocks and V as its transpose, both network outputs start at zero: at step 0
the codec is an orthonormal block transform, and training only improves on it.  (Latents are in
units of pixel values times an orthonormal basis, so one quantiser step serves all channels.)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from codec.networks.blocks import bottlenecks
from codec.networks.layers import Conv, QualityBias, Residual
from codec.networks.order import BLOCK_PX
from codec.networks.units import PIXELS_PER_UNIT


class Analysis(nn.Module):
    """Picture [b 3 h w] (pixel values - 128) -> latents [b c h/16 w/16].  Runs in float only.

    Args:
        channels: of the latents.
        hidden: channels of the network at 1/8 of the resolution; twice as many at 1/16.
        blocks: bottleneck blocks at 1/8 and at 1/16.

    Attributes:
        halo: rows of pixels above and below that a latent depends on beside its own.
    """

    deviation: Tensor

    def __init__(self, channels: int, hidden: int, blocks: tuple[int, int]) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.zeros(channels, 3 * BLOCK_PX**2))
        self.register_buffer("deviation", torch.ones(channels))
        self.enter = Conv(192, hidden, activate=True)
        self.quality = QualityBias(hidden)
        self.fine = Residual(hidden)
        self.down = Conv(hidden, 2 * hidden, 3, stride=2, activate=True)
        self.leave = Conv(2 * hidden, channels, zero=True)
        # Last: optimisers go by the order, and a training may have begun without them.
        self.deeper_8 = bottlenecks(hidden, blocks[0])
        self.deeper_16 = bottlenecks(2 * hidden, blocks[1])
        # At 1/8: a row of `down`, two of `fine`, one of each block; in whole rows of latents.
        self.halo = BLOCK_PX * (blocks[1] + -(-(3 + blocks[0]) // 2))

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        h = self.enter(functional.pixel_unshuffle(x, 8) / PIXELS_PER_UNIT)
        h = self.deeper_8(self.fine(self.quality(h, quality)))
        h = self.deeper_16(self.down(h))
        return self._linear(x) + self.leave(h).float() * self.deviation.view(1, -1, 1, 1)

    def _linear(self, x: Tensor) -> Tensor:
        blocks = functional.pixel_unshuffle(x, BLOCK_PX)
        with torch.autocast(x.device.type, enabled=False):
            # A product of matrices: as a convolution it is slow.
            rows = torch.matmul(self.basis, blocks.float().flatten(2))
        return rows.unflatten(2, blocks.shape[2:])


class InverseKlt(nn.Module):
    """The linear path of the synthesis: latents [b c h w] -> picture units [b 3 16h 16w]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.zeros(3 * BLOCK_PX**2, channels))

    def forward(self, y: Tensor) -> Tensor:
        with torch.autocast(y.device.type, enabled=False):
            rows = torch.matmul(self.basis, y.float().flatten(2))
        blocks = rows.unflatten(2, y.shape[2:])
        return functional.pixel_shuffle(blocks, BLOCK_PX) / PIXELS_PER_UNIT


class Synthesis(nn.Module):
    """Latents [b c h w] and their features -> picture x~ [b 3 16h 16w] (picture units).

    The network doubles the resolution four times by pixel shuffle: 1/16, 1/8, 1/4, 1/2, 1.

    Args:
        channels: of the latents.
        widths: channels at 1/16, 1/8, 1/4 and 1/2 of the resolution.
        blocks: bottleneck blocks at each of them, after a residual block.

    Attributes:
        halo: rows of pixels whose latents a pixel depends on, above and below.
    """

    def __init__(
        self, channels: int, widths: tuple[int, int, int, int], blocks: tuple[int, int, int, int]
    ) -> None:
        super().__init__()
        a, b, c, d = widths
        self.linear = InverseKlt(channels)
        self.enter = Conv(channels, a)
        self.quality = QualityBias(a)
        self.stage_16 = Residual(a)
        self.up_8 = Conv(a, 4 * b)
        self.stage_8 = Residual(b)
        self.up_4 = Conv(b, 4 * c)
        self.stage_4 = Residual(c)
        self.up_2 = Conv(c, 4 * d)
        self.stage_2 = Residual(d)
        self.leave = Conv(d, 12, 3, zero=True)
        self.deeper_16 = bottlenecks(a, blocks[0])
        self.deeper_8 = bottlenecks(b, blocks[1])
        self.deeper_4 = bottlenecks(c, blocks[2])
        self.deeper_2 = bottlenecks(d, blocks[3])
        rows = 1  # of `leave`
        for count in reversed(blocks):
            # Two convolutions in a residual block; whole rows of the next coarser resolution.
            rows = -(-(rows + 2 + count) // 2)
        self.halo = 2 * BLOCK_PX * rows

    def forward(self, y: Tensor, features: Tensor, quality: Tensor) -> Tensor:
        h = self.deeper_16(self.stage_16(self.quality(self.enter(features), quality)))
        h = self.deeper_8(self.stage_8(functional.pixel_shuffle(self.up_8(h), 2)))
        h = self.deeper_4(self.stage_4(functional.pixel_shuffle(self.up_4(h), 2)))
        h = self.deeper_2(self.stage_2(functional.pixel_shuffle(self.up_2(h), 2)))
        return self.linear(y) + functional.pixel_shuffle(self.leave(h), 2)
