"""Sizes of the networks, as model files state them; needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from codec.contract.contents import LEARNED, LOSSLESS
from codec.networks.order import Slices


@dataclass(frozen=True)
class FilterConfig:
    """Sizes of a post-filter.

    Attributes:
        widths: channels at 1/2, 1/4, 1/8, ... of the resolution.
        blocks: residual blocks at 1/4, 1/8, ...; one entry less than `widths`.
    """

    widths: tuple[int, ...]
    blocks: tuple[int, ...] = ()

    @property
    def halo(self) -> int:
        """Rows of the picture that a filtered row depends on, above and below."""
        coarser = 0
        for blocks in reversed(self.blocks):
            # Two convolutions in each block, one of stride 2 before them; places are rounded down.
            coarser = 2 * (coarser + 2 * blocks) + 2
        rows = 2 * (coarser + 3)  # three convolutions at half resolution
        return -(-rows // self.multiple) * self.multiple

    @property
    def multiple(self) -> int:
        """Sides of a picture must be multiples of this."""
        return 1 << len(self.widths)


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of all networks of the learned content.

    Attributes:
        slices: channels of each group, in the parts that are coded one after the other.
        context_hidden: channels of the context networks.
        analysis_hidden: of the analysis at 1/8 of the resolution.
        analysis_blocks: bottleneck blocks of the analysis at 1/8 and at 1/16.
        synthesis_widths: channels of the synthesis at 1/16, 1/8, 1/4 and 1/2.
        synthesis_blocks: its bottleneck blocks there.
        filter: sizes of the post-filter.
    """

    slices: Slices = (
        (1, 1, 2, 4),
        (4, 8, 12),
        (8, 8, 16, 16, 16),
        (16, 16, 32, 32, 64, 64),
    )
    context_hidden: int = 128
    analysis_hidden: int = 128
    analysis_blocks: tuple[int, int] = (3, 3)
    synthesis_widths: tuple[int, int, int, int] = (160, 96, 48, 16)
    synthesis_blocks: tuple[int, int, int, int] = (2, 2, 2, 2)
    filter: FilterConfig = field(default_factory=lambda: FilterConfig((24,)))

    @property
    def channels(self) -> int:
        return sum(map(sum, self.slices))


@dataclass(frozen=True)
class LosslessConfig:
    """Sizes of the lossless networks."""

    hidden: int
    blocks: int


Config = ModelConfig | FilterConfig | LosslessConfig


def read_config(content: str, sizes: Mapping[str, Any]) -> Config:
    """Sizes as JSON or TOML give them: lists for tuples, a table for the filter of a `Model`."""
    fields = {key: _tuples(value) for key, value in sizes.items()}
    if content == LOSSLESS:
        return LosslessConfig(**fields)
    if content != LEARNED:
        return FilterConfig(**fields)
    return ModelConfig(**fields | {"filter": read_config("filter", fields["filter"])})


def _tuples(value: Any) -> Any:
    """The same with tuples for lists, those in lists too."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
