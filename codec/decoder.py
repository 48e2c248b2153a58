"""THE decode story: bytes -> UPDATE -> latents -> picture -> filtered picture."""

from __future__ import annotations

import torch
from torch import Tensor

from bitstream import Container, LimitExceeded, Tag
from codec import update, weights
from codec.latents import Grid, decode_latents
from codec.model import Model
from codec.options import DecodeOptions
from codec.picture import Pixels, to_pixels
from codec.quality import IntegerLevel


@torch.no_grad()
@torch.autocast("cpu", enabled=False)  # lower precision would break exactness
def decode(data: bytes, options: DecodeOptions | None = None) -> Pixels:
    """Decodes a file.

    Args:
        data: the whole file.
        options: limits; none changes a pixel.

    Returns:
        uint8 [h w 3], RGB.

    Raises:
        FormatError: not a valid file, or one that needs a model or version that is not here.
    """
    options = options or DecodeOptions()
    container = Container.unpack(data)
    header = container.header
    if options.max_pixels is not None and header.width * header.height > options.max_pixels:
        raise LimitExceeded(
            f"{header.width}x{header.height} is more than {options.max_pixels} pixels; "
            "a larger --max-pixels (max_pixels) accepts it"
        )
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
