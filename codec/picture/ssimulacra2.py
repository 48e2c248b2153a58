"""SSIMULACRA 2.1, a metric fitted to what people see in compressed pictures.

After the reference implementation: Jon Sneyers (Cloudinary), SSIMULACRA 2.1, April 2023,
tools/ssimulacra2.cc of libjxl.  100 is equal, 90 cannot be told apart at a normal distance, 70 is
high, 50 medium and 30 low quality; bad pictures go below 0.

On six scales, halved in linear light, and in each channel of XYB, three maps of errors: of the
structure (SSIM without its gamma correction), of edges that the picture has and the original has
not (artefacts), and the other way round (lost detail).  The score is a function of the weighted sum
of the means and 4-norms of all maps.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.picture.pixels import Pixels
from codec.picture.scales import AnyPicture, Floats, bands, halved, smooth
from codec.picture.ssimulacra2_weights import WEIGHTS

SMALLEST_SIDE_PX = 8
SCALES = 6
STRUCTURE_FLOOR = 0.0009
"""C2 of SSIM: variances below are noise."""

OPSIN = np.array(
    [
        [0.3, 0.622, 0.078],
        [0.23, 0.692, 0.078],
        [0.24342268924547819, 0.20476744424496821, 0.55180986650955360],
    ],
    np.float32,
)
"""Linear sRGB to the responses of long, medium and short cones (ISO/IEC 18181-1, XYB)."""
OPSIN_BIAS = np.float32(0.0037930732552754493)
OPPONENTS = np.array([[7, -7, 0], [0.5, 0.5, 0], [-0.5, -0.5, 1]], np.float32)
"""Cube roots of these responses to X (red against green), Y (luma), B (blue against yellow)."""
OFFSETS = np.array([0.42, 0.01, 0.55], np.float32)
"""What moves them to about 0..1."""

ERROR_SCALE = 0.9562382616834844
SIGMA_PX = 1.5


def ssimulacra2(pixels: Pixels, reference: Pixels) -> float:
    """Measures a picture against its original, uint8 [h w 3], sRGB, of equal size.

    100 is equal.  Memory is 6 bytes per pixel beyond the pictures.
    """
    error = weighted_error(pixels, reference)
    error *= 2.326765642916932 + error * (-0.020884521182843837 + error * 6.248496625763138e-05)
    return float(100 - 10 * max(error, 0.0) ** 0.6276336467831387)


def weighted_error(pixels: Pixels, reference: Pixels) -> float:
    """Sums all norms of errors, each at its weight: 0 is equal, and the score falls with it."""
    pair: tuple[AnyPicture, AnyPicture] = reference, pixels
    norms = []
    for scale in range(SCALES):
        if min(pair[0].shape[:2]) < SMALLEST_SIDE_PX:
            break
        if scale:
            pair = _halved(pair[0]), _halved(pair[1])
        norms.append(_norms(*pair))
    return float((np.stack(norms, axis=1) * weights(len(norms))).sum())


def weights(scales: int) -> NDArray[np.float64]:
    """What the norms of so many scales count: float64 [3 channels, scales, 2 norms, 3 kinds]."""
    # Those of a small picture, which lacks scales, run on as they do in the reference.
    shape = 3, scales, 2, 3
    return ERROR_SCALE * np.ravel(WEIGHTS)[: math.prod(shape)].reshape(shape)


def _truncated_cosines(sigma: float) -> list[float]:
    """Half of a Gaussian that is a sum of three cosines, as its recursive form computes it.

    Charalampidis, "Recursive Implementation of the Gaussian Filter Using Truncated Cosine
    Functions", IEEE TSP 2016: of all such sums with the right sum and variance, the one whose
    amplitudes are closest to those in the spectrum of the Gaussian.
    """
    radius = round(3.2795 * sigma + 0.2546)
    places = np.arange(1 - radius, radius)
    frequencies = np.array([1, 3, 5]) * np.pi / (2 * radius)
    cosines = np.cos(np.outer(frequencies, places))
    sums, variances = cosines.sum(axis=1), cosines @ places**2
    free = np.cross(sums, variances)
    spectrum = np.exp(-((sigma * frequencies) ** 2) / 2) / radius
    amplitudes = np.linalg.solve(
        np.stack([sums, variances, free]), np.array([1, sigma**2, free @ spectrum])
    )
    return [float(tap) for tap in (amplitudes @ cosines)[radius - 1 :]]


GAUSSIAN = _truncated_cosines(SIGMA_PX)
RADIUS = len(GAUSSIAN) - 1


def _linear_samples() -> Floats:
    """Linear light of each 8-bit sample (IEC 61966-2-1)."""
    samples = np.arange(256) / 255
    curved = ((samples + 0.055) / 1.055) ** 2.4
    return np.where(samples <= 0.04045, samples / 12.92, curved).astype(np.float32)


LINEAR = _linear_samples()


def _linear(rows: AnyPicture) -> Floats:
    """Linear light: coarser scales hold it already."""
    return LINEAR[rows] if rows.dtype == np.uint8 else rows


def _halved(picture: AnyPicture) -> Floats:
    """Next scale; the last of an odd number of rows or columns counts twice."""
    height, width, _ = picture.shape
    if height % 2 or width % 2:
        picture = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return halved(picture, _linear)


def _xyb(rows: AnyPicture) -> Floats:
    """XYB moved to about 0..1, float32 [3 h w], of some rows."""
    cones = np.cbrt(_linear(rows) @ OPSIN.T + OPSIN_BIAS) - np.cbrt(OPSIN_BIAS)
    return np.moveaxis(cones @ OPPONENTS.T + OFFSETS, -1, 0)


def _norms(reference: AnyPicture, pixels: AnyPicture) -> NDArray[Any]:
    """Mean and 4-norm of all maps on one scale: float64 [3 channels, 2 norms, 3 kinds]."""
    height, width, _ = reference.shape
    sums = np.zeros((3, 2, 3))
    for start, end in bands(height, width):
        maps = _errors(_band(reference, start, end), _band(pixels, start, end))
        for kind, errors in enumerate(maps):
            squares = np.square(errors)
            sums[:, 0, kind] += errors.sum(axis=(1, 2), dtype=np.float64)
            sums[:, 1, kind] += np.square(squares).sum(axis=(1, 2), dtype=np.float64)
    means: NDArray[np.float64] = sums / (height * width)
    means[:, 1] **= 0.25
    return means


def _band(picture: AnyPicture, start: int, end: int) -> Floats:
    """XYB of rows and of what the filter sees around them: zero outside of the picture."""
    first, last = max(start - RADIUS, 0), min(end + RADIUS, len(picture))
    above, below = first - (start - RADIUS), end + RADIUS - last
    return np.pad(_xyb(picture[first:last]), ((0, 0), (above, below), (RADIUS, RADIUS)))


def _errors(reference: Floats, pixels: Floats) -> tuple[Floats, Floats, Floats]:
    """Maps of structure, artefacts and lost detail, of planes with a margin of the filter."""
    mean, found_mean = smooth(reference, GAUSSIAN), smooth(pixels, GAUSSIAN)
    both = smooth(np.square(reference) + np.square(pixels), GAUSSIAN)
    product = smooth(reference * pixels, GAUSSIAN)
    covariance = 2 * (product - mean * found_mean) + STRUCTURE_FLOOR
    variances = both - (np.square(mean) + np.square(found_mean)) + STRUCTURE_FLOOR
    structure = 1 - (1 - np.square(mean - found_mean)) * covariance / variances
    inside = (..., slice(RADIUS, -RADIUS), slice(RADIUS, -RADIUS))
    edges = (1 + abs(pixels[inside] - found_mean)) / (1 + abs(reference[inside] - mean)) - 1
    return np.maximum(structure, 0), np.maximum(edges, 0), np.maximum(-edges, 0)
