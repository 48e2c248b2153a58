"""Analysis and synthesis: those of the released network, deeper by bottleneck blocks."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from codec.networks import transform
from codec.networks.transform import BLOCK_PX
from codec.networks.units import PIXELS_PER_UNIT
from scripts.next.blocks import bottlenecks


class Analysis(transform.Analysis):
    """Picture [b 3 h w] (pixel values - 128) -> latents [b c h/16 w/16].  Runs in float only.

    Args:
        channels: of the latents.
        hidden: channels of the network at 1/8 of the resolution; twice as many at 1/16.
        blocks: bottleneck blocks at 1/8 and at 1/16.
    """

    def __init__(self, channels: int, hidden: int, blocks: tuple[int, int]) -> None:
        super().__init__(channels, hidden)
        self.deeper_8 = bottlenecks(hidden, blocks[0])
        self.deeper_16 = bottlenecks(2 * hidden, blocks[1])

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        h = self.enter(functional.pixel_unshuffle(x, 8) / PIXELS_PER_UNIT)
        h = self.deeper_8(self.fine(self.quality(h, quality)))
        h = self.deeper_16(self.down(h))
        return self._linear(x) + self.leave(h).float() * self.deviation.view(1, -1, 1, 1)

    def _linear(self, x: Tensor) -> Tensor:
        blocks = functional.pixel_unshuffle(x, BLOCK_PX)
        with torch.autocast(x.device.type, enabled=False):
            rows = torch.matmul(self.basis, blocks.float().flatten(2))
        return rows.unflatten(2, blocks.shape[2:])


class InverseKlt(transform.InverseKlt):
    """The linear path of the synthesis, as a product of matrices: as a convolution it is slow."""

    def forward(self, y: Tensor) -> Tensor:
        with torch.autocast(y.device.type, enabled=False):
            rows = torch.matmul(self.basis, y.float().flatten(2))
        blocks = rows.unflatten(2, y.shape[2:])
        return functional.pixel_shuffle(blocks, BLOCK_PX) / PIXELS_PER_UNIT


class Synthesis(transform.Synthesis):
    """Latents [b c h w] and their features -> picture x~ [b 3 16h 16w] (picture units).

    Args:
        channels: of the latents.
        widths: channels at 1/16, 1/8, 1/4 and 1/2 of the resolution.
        blocks: bottleneck blocks at each of them.
    """

    def __init__(
        self, channels: int, widths: tuple[int, int, int, int], blocks: tuple[int, int, int, int]
    ) -> None:
        super().__init__(channels, widths)
        a, b, c, d = widths
        self.linear = InverseKlt(channels)
        self.deeper_16 = bottlenecks(a, blocks[0])
        self.deeper_8 = bottlenecks(b, blocks[1])
        self.deeper_4 = bottlenecks(c, blocks[2])
        self.deeper_2 = bottlenecks(d, blocks[3])

    def forward(self, y: Tensor, features: Tensor, quality: Tensor) -> Tensor:
        h = self.deeper_16(self.stage_16(self.quality(self.enter(features), quality)))
        h = self.deeper_8(self.stage_8(functional.pixel_shuffle(self.up_8(h), 2)))
        h = self.deeper_4(self.stage_4(functional.pixel_shuffle(self.up_4(h), 2)))
        h = self.deeper_2(self.stage_2(functional.pixel_shuffle(self.up_2(h), 2)))
        return self.linear(y) + functional.pixel_shuffle(self.leave(h), 2)
