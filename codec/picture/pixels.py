"""Pixels as arrays: what is accepted, and how far two pictures are apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitstream.limits import MAX_DIMENSION, MAX_PIXELS
from codec.errors import ImageError

Pixels = NDArray[np.uint8]
"""uint8 [h w 3], RGB; [h w 4] where transparency is said to be."""
Samples = NDArray[Any]
"""The same, or uint16; who asks for 8 bits gets them, which types do not say."""
Halves = NDArray[np.int32]
"""int32 [h/2 w/2 12], a picture between content and post-filter: each position has its 2x2 pixels
in the order row, column, colour, in sixteenths of a pixel value around 128."""


def check_pixels(pixels: Pixels) -> tuple[int, int]:
    """Height and width of a picture that can be encoded."""
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise ImageError(f"expected uint8 pixels [h w 3], not {pixels.dtype} {list(pixels.shape)}")
    height, width, _ = pixels.shape
    if max(height, width) > MAX_DIMENSION or height * width > MAX_PIXELS:
        raise ImageError(f"{width}x{height} is larger than the format allows")
    return height, width


def samples_of(pixels: Samples) -> memoryview:
    """The bytes of a picture in raster order, of 16 bits the less significant first."""
    order = pixels.dtype.newbyteorder("<")
    return np.ascontiguousarray(pixels.astype(order, copy=False)).data


def psnr_db(pixels: Pixels, reference: Pixels) -> float:
    """Peak signal-to-noise ratio over all samples of two pictures of equal size."""
    mean_square = squared_error(pixels, reference) / pixels.size
    return 10 * float(np.log10(255**2 / mean_square)) if mean_square else float("inf")


def squared_error(pixels: Pixels, reference: Pixels) -> float:
    """Sum over all samples of two pictures of equal size."""
    return sum(
        float(np.square(row.astype(np.float64) - other).sum())
        for row, other in zip(pixels, reference, strict=True)
    )
