"""The next content network and its post-filter as one trainable model."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from codec.contract.quality import Level
from codec.networks import learned
from codec.networks.config import FilterConfig
from codec.networks.context import at_phases
from codec.networks.likelihood import Rounding
from codec.networks.order import Slot
from codec.networks.postfilter import PostFilter
from scripts.next.context import ContextModel, Predicted
from scripts.next.likelihood import bits
from scripts.next.transform import Analysis, Synthesis

Pair = tuple[int, int]
Four = tuple[int, int, int, int]


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of all networks; `slices` of each channel group are coded one after the other."""

    slices: tuple[tuple[int, ...], ...] = (
        (1, 1, 2, 4),
        (4, 8, 12),
        (8, 8, 16, 16, 16),
        (16, 16, 32, 32, 64, 64),
    )
    context_hidden: int = 128
    analysis_hidden: int = 128
    analysis_blocks: Pair = (3, 3)
    synthesis_widths: Four = (160, 96, 48, 16)
    synthesis_blocks: Four = (2, 2, 2, 2)
    filter: FilterConfig = field(default_factory=lambda: FilterConfig((24,)))

    @property
    def channels(self) -> int:
        return sum(map(sum, self.slices))


class Model(learned.Model):
    """Analysis, context model, synthesis, post-filter."""

    def __init__(self, config: ModelConfig) -> None:
        torch.nn.Module.__init__(self)
        self.config = config
        self.analysis = Analysis(config.channels, config.analysis_hidden, config.analysis_blocks)
        self.context = ContextModel(config.slices, config.context_hidden)
        self.synthesis = Synthesis(
            config.channels, config.synthesis_widths, config.synthesis_blocks
        )
        self.postfilter = PostFilter(config.filter)

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
        each = bits(
            torch.cat(rated, 1),
            torch.cat([predicted.log2_scale for predicted in told], 1),
            torch.cat([predicted.shape for predicted in told], 1),
        )
        return values, each.sum((1, 2, 3)).view(-1, len(y)).sum(0)
