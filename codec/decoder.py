"""THE decode story: bytes -> UPDATE -> latents -> picture -> filtered picture."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitstream import Container, LimitExceeded, Tag
from codec import update, weights
from codec.fixed_point import FRACTION_BITS
from codec.latents import Grid, decode_latents
from codec.model import Model
from codec.options import DecodeOptions
from codec.quality import IntegerLevel

SIXTEENTHS = 2**FRACTION_BITS // 16
"""Decoded pictures count in sixteenths of a pixel value around 128."""


@torch.no_grad()
@torch.autocast("cpu", enabled=False)  # lower precision would break exactness
def decode(data: bytes, options: DecodeOptions | None = None) -> NDArray[np.uint8]:
    """Decodes a file.

    Args:
        data: the whole file.
        options: limits and device; none changes a pixel.

    Returns:
        uint8 [h w 3], RGB.

    Raises:
        FormatError: not a valid file, or one that needs a model or version that is not here.
    """
    options = options or DecodeOptions()
    container = Container.unpack(data)
    header = container.header
    if options.max_pixels is not None and header.width * header.height > options.max_pixels:
        raise LimitExceeded(f"{header.width}x{header.height} is more than {options.max_pixels} px")
    model = weights.load(header.model)
    level = model.level(header.quality)

    postfilter = model.integer.postfilter
    if Tag.UPDATE in container.chunks:
        postfilter = update.apply(
            update.unpack(container.chunks[Tag.UPDATE], postfilter), postfilter
        )
    grid = Grid.of_picture(header.width, header.height)
    content = container.chunks[Tag.CONTENT]
    values = decode_latents(content, model.integer.context, level, grid, model.tables)
    unfiltered = synthesize(model.integer, values, level)
    filtered = postfilter(unfiltered, level.quality)
    return to_pixels(filtered, header.width, header.height)


def synthesize(model: Model, values: Tensor, level: IntegerLevel) -> Tensor:
    """Latent values -> the picture before the post-filter, sixteenths of a pixel value."""
    features = model.context.features.normalized(values, 0, values.shape[1])
    return model.synthesis(values, features, level.quality)


def to_pixels(picture: Tensor, width: int, height: int) -> NDArray[np.uint8]:
    """Sixteenths around mid-grey [1 3 H W] -> pixels, rounded half up, clipped and cropped."""
    pixels = torch.floor((picture[0, :, :height, :width] + SIXTEENTHS // 2) / SIXTEENTHS) + 128
    return pixels.clamp(0, 255).byte().permute(1, 2, 0).contiguous().numpy()
