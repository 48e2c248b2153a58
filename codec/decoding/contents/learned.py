"""Decodes the learned content: symbols -> latents -> the unfiltered picture."""

from __future__ import annotations

from torch import Tensor

from bitstream import Header
from codec.contract.quality import IntegerLevel
from codec.decoding.latents import Grid, decode_latents
from codec.models.kinds import FilteredModel, LearnedModel
from codec.networks.strips import in_strips
from codec.networks.transform import BLOCK_PX, SYNTHESIS_HALO


def decode(payload: bytes, header: Header, model: FilteredModel) -> Tensor:
    """CONTENT payload -> the picture before the post-filter: integers [1 3 H W]."""
    assert isinstance(model, LearnedModel)  # noqa: S101 (for the type checker)
    level = model.level(header.quality)
    grid = Grid.of_picture(header.width, header.height)
    values = decode_latents(payload, model.networks.context, level, grid, model.tables)
    return synthesize(values, level, model)


def synthesize(values: Tensor, level: IntegerLevel, model: LearnedModel) -> Tensor:
    """Latents -> integers [1 3 H W]."""

    def strip(part: Tensor) -> Tensor:
        return model.networks.synthesize(part, level)

    return in_strips(strip, values, halo=SYNTHESIS_HALO, scale=BLOCK_PX)
