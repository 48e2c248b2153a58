"""Decodes the learned content: symbols -> latents -> the unfiltered picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bitstream import Header
from codec.decoding.engines.choice import chosen
from codec.models.kinds import LearnedModel
from codec.networks import patience
from codec.networks.integers import Scales
from codec.networks.order import Grid, Latents, Slot
from codec.picture.pixels import Halves


def decode(payload: bytes, header: Header, model: LearnedModel, scales: Scales | None) -> Halves:
    """CONTENT payload -> the picture before the post-filter.

    Args:
        payload: a codeword.
        header: of the file.
        model: whose networks decode it.
        scales: of the latents, if a PRIOR chunk changes them.
    """
    latents = read_latents(payload, header, model, scales)
    return chosen().synthesize(model, latents, model.level(header.quality))


def read_latents(
    payload: bytes, header: Header, model: LearnedModel, scales: Scales | None
) -> Latents:
    """CONTENT payload -> latents; see `decode`."""
    engine, level = chosen(), model.level(header.quality)
    reader = engine.reader(payload, model.tables)

    def exchange(
        slot: Slot, means: NDArray[np.int64], steps: NDArray[np.int64], tables: NDArray[np.uint16]
    ) -> NDArray[np.int32]:
        patience.check()
        return reader.code(np.empty(tables.shape, np.int32), tables)

    grid = Grid.of_picture(header.width, header.height)
    scales = scales or Scales.plain(model.config.channels)
    return engine.scan(model, scales, grid, level, exchange)
