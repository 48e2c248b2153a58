"""Sizes of the networks, as model files state them; needs no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from codec.contract.modes import LEARNED, LOSSLESS


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
        return 2 ** len(self.widths)


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of all networks of the learned content."""

    groups: tuple[int, ...] = (8, 24, 64, 224)
    context_hidden: int = 96
    analysis_hidden: int = 96
    synthesis_widths: tuple[int, int, int, int] = (128, 64, 32, 16)
    filter: FilterConfig = field(default_factory=lambda: FilterConfig((24,)))

    @property
    def channels(self) -> int:
        return sum(self.groups)


@dataclass(frozen=True)
class LosslessConfig:
    """Sizes of the lossless networks."""

    hidden: int
    blocks: int


Config = ModelConfig | FilterConfig | LosslessConfig


def read_config(content: str, sizes: dict) -> Config:
    """Sizes as JSON or TOML give them: lists for tuples, a table for the filter of a `Model`."""
    fields = {key: tuple(v) if isinstance(v, list) else v for key, v in sizes.items()}
    if content == LOSSLESS:
        return LosslessConfig(**fields)
    if content != LEARNED:
        return FilterConfig(**fields)
    return ModelConfig(**fields | {"filter": read_config("filter", fields["filter"])})
