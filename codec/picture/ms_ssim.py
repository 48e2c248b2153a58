"""Multi-scale structural similarity, MS-SSIM.

Wang, Simoncelli and Bovik, "Multi-scale structural similarity for image quality assessment",
Asilomar 2003: contrast and structure on five scales, luminance on the coarsest, each to the power
that observers gave it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.picture.pixels import Pixels
from codec.picture.scales import AnyPicture, Floats, bands, halved, smooth

POWERS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the scales, fine to coarse (section 3.2)."""
PEAK = 255
LUMINANCE_FLOOR, CONTRAST_FLOOR = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
RADIUS, SIGMA_PX = 5, 1.5
SMALLEST_SIDE_PX = 2 * RADIUS * 2 ** (len(POWERS) - 1) + 1
"""The window fits into the coarsest scale."""


def _gaussian() -> list[float]:
    """Half of the window."""
    half = np.exp(-np.square(np.arange(RADIUS + 1) / SIGMA_PX) / 2)
    return [float(tap) for tap in half / (2 * half.sum() - half[0])]


GAUSSIAN = _gaussian()


def ms_ssim(pixels: Pixels, reference: Pixels) -> float:
    """Measures a picture against its original, uint8 [h w 3] of equal size: 1 is equal.

    The mean over the channels.  Memory is 6 bytes per pixel beyond the pictures.
    """
    pair: tuple[AnyPicture, AnyPicture] = reference, pixels
    similarity = np.ones(3)
    for scale, power in enumerate(POWERS):
        if scale:
            pair = _halved(pair[0]), _halved(pair[1])
        luminance_too, contrast = _similarities(*pair)
        found = luminance_too if scale == len(POWERS) - 1 else contrast
        similarity *= np.maximum(found, 0) ** power
    return float(similarity.mean())


def _halved(picture: AnyPicture) -> Floats:
    """Next scale.  Odd sides begin with a zero, as in pytorch_msssim, so that figures compare."""
    height, width, _ = picture.shape
    if height % 2 or width % 2:
        picture = np.pad(picture, ((height % 2, 0), (width % 2, 0), (0, 0)))
    return halved(picture, _floats)


def _floats(rows: AnyPicture) -> Floats:
    return rows.astype(np.float32, copy=False)


def _similarities(reference: AnyPicture, pixels: AnyPicture) -> tuple[NDArray[np.float64], ...]:
    """Means over all windows of SSIM, and of its contrast and structure alone: float64 [3]."""
    height, width = (side - 2 * RADIUS for side in reference.shape[:2])
    sums = np.zeros((2, 3))
    for start, end in bands(height, width):
        rows = slice(start, end + 2 * RADIUS)
        planes = (np.moveaxis(_floats(picture[rows]), -1, 0) for picture in (reference, pixels))
        for number, similarity in enumerate(_maps(*planes)):
            sums[number] += similarity.sum(axis=(1, 2), dtype=np.float64)
    luminance_too, contrast = sums / (height * width)
    return luminance_too, contrast


def _maps(reference: Floats, pixels: Floats) -> tuple[Floats, Floats]:
    """SSIM of each window, and its contrast and structure alone."""
    mean, found_mean = smooth(reference, GAUSSIAN), smooth(pixels, GAUSSIAN)
    both = smooth(np.square(reference) + np.square(pixels), GAUSSIAN)
    product = smooth(reference * pixels, GAUSSIAN)
    means, squares = mean * found_mean, np.square(mean) + np.square(found_mean)
    contrast = (2 * (product - means) + CONTRAST_FLOOR) / (both - squares + CONTRAST_FLOOR)
    luminance = (2 * means + LUMINANCE_FLOOR) / (squares + LUMINANCE_FLOOR)
    return luminance * contrast, contrast
