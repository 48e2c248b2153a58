"""Pictures at half resolution, as they go from the content to the post-filter, and other arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.picture.pixels import Halves, Pixels

CHANNELS = 12
SIXTEENTHS = 16
MIDDLE = 128


def of_pixels(pixels: Pixels, multiple: int) -> Halves:
    """uint8 [h w 3] -> its picture, continued to multiples of an even number of pixels."""
    sides = ((0, -side % multiple) for side in pixels.shape[:2])
    padded = np.pad(pixels, (*sides, (0, 0)), mode="edge")
    height, width, colours = padded.shape
    parts = padded.reshape(height // 2, 2, width // 2, 2, colours).transpose(0, 2, 1, 3, 4)
    halves = parts.reshape(height // 2, width // 2, CHANNELS).astype(np.int32)
    return (halves - MIDDLE) * SIXTEENTHS


def to_planes(halves: Halves) -> NDArray[np.int32]:
    """[h/2 w/2 12] -> [3 h w]."""
    rows, columns, _ = halves.shape
    parts = halves.reshape(rows, columns, 2, 2, CHANNELS // 4).transpose(4, 0, 2, 1, 3)
    return parts.reshape(CHANNELS // 4, 2 * rows, 2 * columns)


def of_planes(planes: NDArray[np.integer]) -> Halves:
    """Inverse of `to_planes`."""
    colours, height, width = planes.shape
    parts = planes.reshape(colours, height // 2, 2, width // 2, 2).transpose(1, 3, 2, 4, 0)
    return np.ascontiguousarray(parts.reshape(height // 2, width // 2, CHANNELS), np.int32)
