"""Maps of one picture: where it errs, and where the update of its filter helped."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from codec.picture.pixels import Pixels

AMPLIFICATION = 8
"""Of errors, so that one of 32 pixel values shows at full brightness."""
BLOCK_PX = 8
FULL_COLOUR = 2.0
"""A block's gain shows in full colour from this share of the mean squared error on."""
BETTER, WORSE = np.array([40, 120, 255]), np.array([255, 130, 20])
"""Blue and orange, which the colour-blind tell apart."""
SHOWN_PIXELS = 2**22
"""Larger pictures are shown reduced, to keep the page small."""


def errors(original: Pixels, decoded: Pixels) -> Pixels:
    """Absolute errors per channel, amplified: uint8 [h w 3]."""
    difference = np.abs(decoded.astype(np.int16) - original)
    amplified: Pixels = np.minimum(AMPLIFICATION * difference, 255).astype(np.uint8)
    return amplified


def gains(original: Pixels, decoded: Pixels, base: Pixels) -> Pixels:
    """The picture in grey, tinted where the update lowered or raised the error: uint8 [h w 3]."""
    height, width, _ = original.shape
    saved = _saved(original, decoded, base)
    scale = FULL_COLOUR * max(float(np.square(base.astype(float) - original).mean()), 1e-9)
    strength = np.clip(saved / scale, -1, 1).repeat(BLOCK_PX, 0).repeat(BLOCK_PX, 1)
    strength = strength[:height, :width, None]
    grey = original.mean(2, keepdims=True).repeat(3, 2)
    tint = np.where(strength > 0, BETTER, WORSE)
    weight = np.sqrt(np.abs(strength))
    tinted: Pixels = (weight * tint + (1 - weight) * grey).astype(np.uint8)
    return tinted


def shares(original: Pixels, decoded: Pixels, base: Pixels) -> tuple[float, float]:
    """Of the blocks, which share became better and which became worse."""
    saved = _saved(original, decoded, base)
    return float((saved > 0).mean()), float((saved < 0).mean())


def _saved(original: Pixels, decoded: Pixels, base: Pixels) -> NDArray[np.float64]:
    """By how much the update lowers the mean squared error of each block; blocks are cut short."""
    before, after = (np.square(x.astype(float) - original).mean(2) for x in (base, decoded))
    rows, columns = (np.arange(0, side, BLOCK_PX) for side in before.shape)
    sums = np.add.reduceat(np.add.reduceat(before - after, rows, 0), columns, 1)
    heights, widths = (
        np.diff(starts, append=side)
        for starts, side in zip((rows, columns), before.shape, strict=True)
    )
    means: NDArray[np.float64] = sums / np.outer(heights, widths)
    return means


def reduced(pixels: Pixels) -> Pixels:
    """The picture, at 1/2, 1/3, ... of its size if it is too large to show."""
    factor = 1
    while pixels.shape[0] * pixels.shape[1] > SHOWN_PIXELS * factor**2:
        factor += 1
    return np.asarray(Image.fromarray(pixels).reduce(factor)) if factor > 1 else pixels


def data_url(pixels: Pixels) -> str:
    """A picture inside the page: lossless, because the page is about small differences."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
