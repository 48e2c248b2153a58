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

from codec.networks.layers import Conv, QualityBias, Residual
from codec.networks.units import PIXELS_PER_UNIT

BLOCK_PX = 16
ANALYSIS_HALO = 2 * BLOCK_PX
"""Rows of pixels above and below that a latent depends on beside its own: one convolution with
stride 2 and two before it at 1/8 of the resolution make 3 rows of that."""
SYNTHESIS_HALO = 4 * BLOCK_PX
"""The same of a pixel and latents: at 1/2, 1/4, 1/8 and 1/16 of the resolution, 3, 2, 2 and 2 rows,
each counted in whole rows of the next, make 4 rows of latents."""


class Analysis(nn.Module):
    """Picture [b 3 h w] (pixel values - 128) -> latents [b c h/16 w/16].  Runs in float only."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.zeros(channels, 3 * BLOCK_PX**2))
        self.register_buffer("deviation", torch.ones(channels))
        self.enter = Conv(192, hidden, 1, activate=True)
        self.quality = QualityBias(hidden)
        self.fine = Residual(hidden)
        self.down = Conv(hidden, 2 * hidden, 3, stride=2, activate=True)
        self.leave = Conv(2 * hidden, channels, 1, zero=True)

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        blocks = functional.pixel_unshuffle(x, BLOCK_PX)
        with torch.autocast(x.device.type, enabled=False):
            linear = functional.conv2d(blocks.float(), self.basis[:, :, None, None])
        h = self.enter(functional.pixel_unshuffle(x, 8) / PIXELS_PER_UNIT)
        h = self.down(self.fine(self.quality(h, quality)))
        return linear + self.leave(h).float() * self.deviation.view(1, -1, 1, 1)


class InverseKlt(nn.Module):
    """The linear path of the synthesis: latents [b c h w] -> picture units [b 3 16h 16w]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.zeros(3 * BLOCK_PX**2, channels))

    def forward(self, y: Tensor) -> Tensor:
        with torch.autocast(y.device.type, enabled=False):
            blocks = functional.conv2d(y.float(), self.basis[:, :, None, None])
        return functional.pixel_shuffle(blocks, BLOCK_PX) / PIXELS_PER_UNIT


class Synthesis(nn.Module):
    """Latents [b c h w] and their features -> picture x~ [b 3 16h 16w] (picture units).

    The network doubles the resolution four times by pixel shuffle: 1/16, 1/8, 1/4, 1/2, 1.
    """

    def __init__(self, channels: int, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        a, b, c, d = widths
        self.linear = InverseKlt(channels)
        self.enter = Conv(channels, a, 1)
        self.quality = QualityBias(a)
        self.stage_16 = Residual(a)
        self.up_8 = Conv(a, 4 * b, 1)
        self.stage_8 = Residual(b)
        self.up_4 = Conv(b, 4 * c, 1)
        self.stage_4 = Residual(c)
        self.up_2 = Conv(c, 4 * d, 1)
        self.stage_2 = Residual(d)
        self.leave = Conv(d, 12, 3, zero=True)

    def forward(self, y: Tensor, features: Tensor, quality: Tensor) -> Tensor:
        h = self.stage_16(self.quality(self.enter(features), quality))
        h = self.stage_8(functional.pixel_shuffle(self.up_8(h), 2))
        h = self.stage_4(functional.pixel_shuffle(self.up_4(h), 2))
        h = self.stage_2(functional.pixel_shuffle(self.up_2(h), 2))
        return self.linear(y) + functional.pixel_shuffle(self.leave(h), 2)
