"""What metrics of several scales share: bands of rows, symmetric filters, and halving."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
AnyPicture = NDArray[Any]
"""[h w 3]: 8-bit samples, or float32 ones of a coarser scale."""

BAND_PX = 2**16
"""Memory beyond the pictures is a few dozen times that many samples, whatever their size."""


def bands(height: int, width: int) -> Iterator[tuple[int, int]]:
    """Yields first row and end of each band that a picture is worked on in."""
    rows = max(2, BAND_PX // width)
    for start in range(0, height, rows):
        yield start, min(start + rows, height)


def smooth(planes: Floats, taps: Sequence[float]) -> Floats:
    """Filters planes along both axes, where the filter lies inside of them.

    Args:
        planes: float32 [... h w].
        taps: from the middle of a symmetric filter to its end.

    Returns:
        float32 [... h-2r w-2r] for a filter of r + 1 such taps.
    """
    for axis in (-2, -1):
        planes = _along(planes, taps, axis)
    return planes


def _along(planes: Floats, taps: Sequence[float], axis: int) -> Floats:
    radius = len(taps) - 1
    moved = planes.swapaxes(axis, -2)
    length = moved.shape[-2] - 2 * radius
    total: Floats = taps[0] * moved[..., radius : radius + length, :]
    for distance, tap in enumerate(taps[1:], start=1):
        before, after = radius - distance, radius + distance
        pair = moved[..., before : before + length, :] + moved[..., after : after + length, :]
        pair *= tap
        total += pair
    return total.swapaxes(axis, -2)


def halved(picture: AnyPicture, to_float: Callable[[AnyPicture], Floats]) -> Floats:
    """Takes means of two by two samples.

    Args:
        picture: [h w 3] of even sides.
        to_float: makes float32 samples of some of its rows.
    """
    height, width = picture.shape[0] // 2, picture.shape[1] // 2
    half = np.empty((height, width, 3), np.float32)
    for start, end in bands(height, width):
        rows = to_float(picture[2 * start : 2 * end])
        pairs = rows[0::2] + rows[1::2]
        half[start:end] = (pairs[:, 0::2] + pairs[:, 1::2]) / 4
    return half
