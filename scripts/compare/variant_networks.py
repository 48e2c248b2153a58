"""Networks that differ from the released content network in a single thing, see `architectures`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from codec.networks.context import TWO_PHASES, ContextModel, LatentFeatures, Phases
from codec.networks.layers import ACTIVATION_LIMIT, NEGATIVE_SLOPE, Conv, QualityBias, Residual
from codec.networks.learned import Model, ModelConfig
from codec.networks.transform import Analysis, InverseKlt, Synthesis
from codec.networks.units import PIXELS_PER_UNIT

FINE_BLOCK_PX = 8
COMMON_SCALE = 128.0
"""Fits the mean of a block, 16 * 128 at most, into the range of activations."""


class RandomPaths(Model):
    """Linear paths as any other layer starts: independent, of gain 1."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        for basis in (self.analysis.basis, self.synthesis.linear.basis):
            nn.init.normal_(basis, std=basis.shape[1] ** -0.5)

    @torch.no_grad()
    def start_from_klt(self, components: Tensor, deviation: Tensor) -> None:
        """Takes no more than the deviations of what the random analysis gives."""
        self.set_deviation(((self.analysis.basis @ components.T) * deviation).norm(dim=1))


class NoPath(nn.Module):
    """In place of the linear path of the synthesis."""

    def __init__(self) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.zeros(0))

    def forward(self, y: Tensor) -> Tensor:
        return y.new_zeros(())


class NoPaths(Model):
    """Networks alone.  That of the analysis starts as any layer: from zero nothing would move."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.synthesis.linear = NoPath()
        nn.init.kaiming_normal_(self.analysis.leave.weight, a=NEGATIVE_SLOPE)

    def start_from_klt(self, components: Tensor, deviation: Tensor) -> None:
        """Takes no more than the mean power; the basis stays zero."""
        self.set_deviation(deviation.square().mean().sqrt().expand_as(deviation))


class TwoPhases(ContextModel):
    """A checkerboard in every group."""

    @staticmethod
    def phases(index: int) -> Phases:
        return TWO_PHASES


class Nothing(nn.Module):
    """In place of an embedding that nobody looks at."""

    def forward(self, x: Tensor) -> Tensor:
        return x.new_zeros(())


class OnePhase(ContextModel):
    """Each group at once, from the groups below it only."""

    def __init__(self, groups: tuple[int, ...], hidden: int) -> None:
        super().__init__(groups, hidden)
        for group in self.groups:
            group.embed_own, group.mix_own = Nothing(), nn.MaxPool2d(3, 2)  # of zeros
        # The first group sees the quality alone, and all zeros would stay zero.
        nn.init.normal_(self.groups[0].quality.vector)

    @staticmethod
    def phases(index: int) -> Phases:
        return (((0, 0), (0, 1), (1, 0), (1, 1)),)


class CommonFeatures(LatentFeatures):
    """Context networks see all latents in one unit, instead of each in its deviation."""

    def forward(self, values: Tensor, start: int, stop: int, level: Any) -> Tensor:
        scaled = (values / COMMON_SCALE).clamp(-ACTIVATION_LIMIT, ACTIVATION_LIMIT)
        return torch.cat([scaled, torch.log2(1 + values.abs() / level.step)], 1)


class Bottleneck(nn.Module):
    """x + conv 1x1, 3x3, 1x1 at half the width."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.enter = Conv(channels, half, activate=True)
        self.middle = Conv(half, half, 3, activate=True)
        self.leave = Conv(half, channels)
        with torch.no_grad():
            self.leave.weight.mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.leave(self.middle(self.enter(x)))


class Depthwise(Conv):
    """3x3 within each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__(1, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.weight, self.bias, padding=1, groups=x.shape[1])


class Separable(nn.Module):
    """`Residual` with each 3x3 convolution split into depthwise 3x3 and 1x1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.expand = nn.Sequential(Depthwise(channels), Conv(channels, channels, activate=True))
        self.reduce = nn.Sequential(Depthwise(channels), Conv(channels, channels))
        with torch.no_grad():
            self.reduce[1].weight.mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.reduce(self.expand(x))


class FineAnalysis(Analysis):
    """Picture -> latents at 1/8 of the resolution."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__(channels, hidden)
        self.basis = nn.Parameter(torch.zeros(channels, 3 * FINE_BLOCK_PX**2))
        self.down = Conv(hidden, hidden, 3, activate=True)
        self.leave = Conv(hidden, channels, zero=True)

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        blocks = functional.pixel_unshuffle(x, FINE_BLOCK_PX)
        with torch.autocast(x.device.type, enabled=False):
            linear = functional.conv2d(blocks, self.basis[:, :, None, None])
        h = self.quality(self.enter(blocks / PIXELS_PER_UNIT), quality)
        h = self.leave(self.down(self.fine(h)))
        return linear + h.float() * self.deviation.view(1, -1, 1, 1)


class FineInverseKlt(InverseKlt):
    """Latents at 1/8 -> picture units."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.basis = nn.Parameter(torch.zeros(3 * FINE_BLOCK_PX**2, channels))

    def forward(self, y: Tensor) -> Tensor:
        with torch.autocast(y.device.type, enabled=False):
            blocks = functional.conv2d(y.float(), self.basis[:, :, None, None])
        return functional.pixel_shuffle(blocks, FINE_BLOCK_PX) / PIXELS_PER_UNIT


class FineSynthesis(Synthesis):
    """Without the stage at 1/16."""

    def __init__(self, channels: int, widths: tuple[int, int, int, int]) -> None:
        super().__init__(channels, widths)
        self.linear = FineInverseKlt(channels)
        self.enter, self.quality = Conv(channels, widths[1]), QualityBias(widths[1])
        del self.stage_16, self.up_8

    def forward(self, y: Tensor, features: Tensor, quality: Tensor) -> Tensor:
        h = self.stage_8(self.quality(self.enter(features), quality))
        h = self.stage_4(functional.pixel_shuffle(self.up_4(h), 2))
        h = self.stage_2(functional.pixel_shuffle(self.up_2(h), 2))
        return self.linear(y) + functional.pixel_shuffle(self.leave(h), 2)


class Fine(Model):
    """Blocks of 8x8."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.analysis = FineAnalysis(config.channels, config.analysis_hidden)
        self.synthesis = FineSynthesis(config.channels, config.synthesis_widths)


def with_context(context: type[ContextModel], config: ModelConfig) -> Model:
    model = Model(config)
    model.context = context(config.groups, config.context_hidden)
    return model


def with_common_features(config: ModelConfig) -> Model:
    model = Model(config)
    model.context.features = CommonFeatures(config.channels)
    return model


def with_blocks(block: type[nn.Module], config: ModelConfig) -> Model:
    model = Model(config)
    for part in (model.analysis, model.synthesis):
        for name, child in list(part.named_children()):
            if isinstance(child, Residual):
                setattr(part, name, block(child.reduce.weight.shape[0]))
    return model
