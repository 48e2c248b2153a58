"""The content network and the post-filter as one trainable model."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from codec.contract.quality import IntegerLevel, Level
from codec.networks.config import FilterConfig, ModelConfig
from codec.networks.context import ContextModel, Predicted, at_phases
from codec.networks.likelihood import Rounding, mixture_bits
from codec.networks.order import Slot
from codec.networks.postfilter import PostFilter
from codec.networks.transform import Analysis, Synthesis
from codec.networks.units import PIXELS_PER_UNIT


@dataclass(frozen=True)
class Forward:
    """What one pass gives.

    Attributes:
        picture: [b 3 h w], pixel values - 128.
        latent_bits: of each image, float [b].
    """

    picture: Tensor
    latent_bits: Tensor


class Model(nn.Module):
    """Analysis, context model, synthesis, post-filter."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.analysis = Analysis(config.channels, config.analysis_hidden, config.analysis_blocks)
        self.context = ContextModel(config.slices, config.context_hidden)
        self.synthesis = Synthesis(
            config.channels, config.synthesis_widths, config.synthesis_blocks
        )
        self.postfilter = PostFilter(config.filter)

    @torch.no_grad()
    def start_from_klt(self, components: Tensor, deviation: Tensor) -> None:
        """Makes the untrained model a block transform codec.

        Args:
            components: float [c 768], orthonormal rows, in the order of `pixel_unshuffle`.
            deviation: float [c], standard deviation of each coefficient.
        """
        self.analysis.basis.copy_(components)
        self.synthesis.linear.basis.copy_(components.T)
        self.set_deviation(deviation)

    @torch.no_grad()
    def set_deviation(self, deviation: Tensor) -> None:
        """Tells all networks the standard deviation of each latent channel: float [c]."""
        for buffer in (
            self.analysis.deviation,
            self.context.features.deviation,
            self.context.prediction.deviation,
        ):
            buffer.copy_(deviation)

    def quantize(self, y: Tensor, level: Level, rounding: Rounding) -> tuple[Tensor, Tensor]:
        """Latents [b c h w] -> quantised values, and bits per image [b]."""
        rated: list[Tensor] = []
        told: list[Predicted] = []

        def code(slot: Slot, predicted: Predicted) -> Tensor:
            residual, seen = rounding((at_phases(y, slot) - predicted.mean) / predicted.step)
            rated.append(residual)
            told.append(predicted)
            return seen * predicted.step + predicted.mean

        values = self.context.scan(y, level, code)
        each = mixture_bits(
            torch.cat(rated, 1),
            torch.cat([predicted.log2_scale for predicted in told], 1),
            torch.cat([predicted.shape for predicted in told], 1),
        )
        return values, each.sum((1, 2, 3)).view(-1, len(y)).sum(0)

    def synthesize(self, values: Tensor, level: Level | IntegerLevel) -> Tensor:
        """Latent values -> the picture before the post-filter: [b 3 h w], picture units."""
        features = self.context.features.normalized(values, 0, values.shape[1])
        return self.synthesis(values, features, level.quality)

    def reconstruct(self, values: Tensor, level: Level) -> Tensor:
        """Latent values -> filtered picture: float [b 3 h w], pixel values - 128."""
        filtered = self.postfilter(self.synthesize(values, level), level.quality)
        return filtered.float() * PIXELS_PER_UNIT

    def forward(self, x: Tensor, level: Level, rounding: Rounding) -> Forward:
        y = self.analysis(x, level.quality)
        values, total = self.quantize(y, level, rounding)
        return Forward(self.reconstruct(values, level), total)


class FilterModel(nn.Module):
    """A post-filter alone: all networks of a model whose content a standard codec makes."""

    def __init__(self, config: FilterConfig) -> None:
        super().__init__()
        self.config = config
        self.postfilter = PostFilter(config)

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        return self.postfilter(x, quality)
