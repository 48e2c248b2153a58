"""A picture at a half, a quarter or an eighth of its size, for a fraction of the work.

    learned content    the scan, then only the linear path of the synthesis, at that size; what the
                       networks after it do to the contrast is seen in the middle of the picture
    lossless content   the coarser grid that comes first in the file: every second, fourth or
                       eighth row and column
    other codecs       their picture, reduced

Updates do not count.  FORMAT.md does not say what a preview is, and machines may differ in the
last bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bitstream import Container, Tag
from bitstream.file import alpha
from codec.contract.quality import VALUE_BITS, IntegerLevel
from codec.decoding import prior
from codec.decoding.contents import registry as contents
from codec.decoding.engines.choice import chosen
from codec.decoding.lossless import decoder as lossless
from codec.models.kinds import LearnedModel, LosslessModel
from codec.models.released import load_for
from codec.networks.integers import BASIS_BITS
from codec.networks.order import BLOCK_PX, Latents
from codec.picture import halves, transparency
from codec.picture.pixels import Pixels

COLOURS, MIDDLE, WHITE = 3, 128, 255
SAMPLE = 8
"""Rows and columns of blocks in which contrast is compared."""

Centred = NDArray[np.float32]
"""[h w 3], pixel values less MIDDLE."""


def decode(container: Container, scale: int) -> Pixels:
    """Decodes a file of this codec at a part of its size: uint8, [h w 3] or [h w 4].

    Args:
        container: the file.
        scale: 2, 4 or 8: sides are divided by it, and rounded up.

    Raises:
        FormatError: what was read of it is not valid.
    """
    header = container.header
    pixels = _colours(container, scale)
    if Tag.ALPHA not in container.chunks:
        return pixels
    opacity = alpha.unpack(container.chunks[Tag.ALPHA], header.width, header.height)
    return transparency.join_opacity(pixels, shrink(opacity, scale))


def shrink(samples: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """Means of squares of samples: uint8 [h w] or [h w c]."""
    return np.asarray(Image.fromarray(samples).reduce(scale))


def _colours(container: Container, scale: int) -> Pixels:
    """What `decode` gives, but for what ALPHA says."""
    header, chunks = container.header, container.chunks
    if header.exact is not None:
        from codec.decoding.lossless import exact

        return shrink(exact.decode(container, header.exact), scale)
    model = load_for(header)
    if isinstance(model, LosslessModel):
        return lossless.decode(container, model, coarser=scale.bit_length() - 1)
    scales = prior.apply(chunks[Tag.PRIOR], model) if Tag.PRIOR in chunks else None
    if isinstance(model, LearnedModel):
        from codec.decoding.contents import learned

        latents = learned.read_latents(chunks[Tag.CONTENT], header, model, scales)
        picture = of_latents(latents, model, model.level(header.quality), scale)
        return picture[: -(-header.height // scale), : -(-header.width // scale)]
    whole = contents.decode(chunks[Tag.CONTENT], header, model, scales)
    pixels = _pixels(halves.to_planes(whole).transpose(1, 2, 0) / halves.SIXTEENTHS)
    return shrink(pixels[: header.height, : header.width], scale)


def of_latents(latents: Latents, model: LearnedModel, level: IntegerLevel, scale: int) -> Pixels:
    """Latents [h w c] -> uint8 [16 h / scale, 16 w / scale, 3]."""
    basis = model.arrays["synthesis.linear.basis"]
    top, left = (max(0, side - SAMPLE) // 4 * 2 for side in latents.shape[:2])
    middle = np.ascontiguousarray(latents[top : top + SAMPLE, left : left + SAMPLE])
    linear = _linear(middle, basis, 1)
    height, width, _ = linear.shape
    engine = chosen()
    picture = engine.synthesize(model, middle, level)
    seen = engine.filter(model, model.filter_layers, picture, level.quality, (width, height))
    power = np.square(linear).sum((0, 1))
    product = ((seen.astype(np.float32) - MIDDLE) * linear).sum((0, 1))
    contrast = np.divide(product, power, out=np.ones_like(power), where=power > 0)
    return _pixels(contrast * _linear(latents, basis, scale))


def _linear(latents: Latents, basis: NDArray[np.integer], scale: int) -> Centred:
    """The linear path of the synthesis, means of squares of pixels.

    Args:
        latents: [h w c].
        basis: [3 * 16 * 16, c]: colour by colour, each in raster order.
        scale: side of the squares.
    """
    rows, columns, channels = latents.shape
    side = BLOCK_PX // scale
    means = basis.reshape(COLOURS, side, scale, side, scale, channels).mean((2, 4), np.float32)
    weight = means.reshape(-1, channels).T * np.float32(2.0 ** -(BASIS_BITS + VALUE_BITS))
    blocks = (latents.astype(np.float32) @ weight).reshape(rows, columns, COLOURS, side, side)
    picture: Centred = blocks.transpose(0, 3, 1, 4, 2)
    return picture.reshape(rows * side, columns * side, COLOURS)


def _pixels(values: NDArray[np.floating]) -> Pixels:
    """Values less MIDDLE -> uint8."""
    pixels: Pixels = np.clip(np.rint(values + MIDDLE), 0, WHITE).astype(np.uint8)
    return pixels
