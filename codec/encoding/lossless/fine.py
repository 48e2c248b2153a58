"""Weights of the predictions of the bits beyond the first eight, fitted to a picture.

Least squares, where errors count relative to how large they are nearby: what is lost in noise says
nothing.  Floats are used here alone; files hold integers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bitstream.file.fine import LEAST_DEPTH, Weights
from codec.decoding.lossless import fine
from codec.decoding.lossless.fine_scan import ACROSS, BEFORE, NEAR, WEIGHT_BITS, Planes
from codec.picture.pixels import Pixels
from codec.picture.scaling import Deep, Scaling

LEAST_PX = 2**12
"""Of a picture for which weights of its own pay."""
MOST_ROWS_PX = 2**17
"""About as many positions are looked at."""
ROUNDS = 3
BAND = 16
"""Rows that are looked at together, so that errors nearby are known."""
RIDGE = 1e-6

Floats = NDArray[np.float64]


def encode(values: Deep, scaling: Scaling) -> tuple[Pixels, bytes]:
    """Values uint16 [h w 3] -> the picture of their first eight bits, and a FINE payload."""
    bits = scaling.depth - LEAST_DEPTH
    weights = fitted_weights(fine.planes_of(values), bits) if bits else None
    return fine.high_of(values, scaling.depth), fine.encode(values, scaling, weights)


def fitted_weights(planes: Planes, bits: int, least_px: int = LEAST_PX) -> Weights | None:
    """int32 [channel h w], full values -> int16 [n]; None for a small picture."""
    _, height, width = planes.shape
    if height * width < least_px:
        return None
    step = max(1, height * width // MOST_ROWS_PX)
    found = []
    for channel in range(len(planes)):
        bands = []
        for first in range(0, height, BAND * step):
            # What lies beyond the band is there to be looked at.
            before, last = max(first - 2, 0), min(first + BAND, height)
            band = planes[:, before : last + 1]
            bands.append((_seen(band, bits, channel), first - before, last - before))
        found.append(_fit([seen[:, above:end] for seen, above, end in bands], bits))
    return np.concatenate(found)


def _seen(planes: Planes, bits: int, channel: int) -> Floats:
    """What predictions are made of, and last what they are for: [n+1 h w]."""
    middles = (planes >> bits << bits) + (1 << bits - 1)
    own = middles[channel]
    found = [near - own for near in _around(planes[channel], own)]
    for full, middle in zip(planes[:channel], middles[:channel], strict=True):
        near = list(_around(full, middle))
        found += [full - middle, *(near[n] - middle for n in ACROSS)]
    return np.stack([*found, planes[channel] - own]).astype(np.float64)


def _around(full: NDArray[np.int32], middle: NDArray[np.int32]) -> Iterator[NDArray[np.int32]]:
    """The samples around each, as far as they are known before it is coded."""
    height, width = full.shape
    for number, (i, j) in enumerate(NEAR):
        rows = np.clip(np.arange(height) + i, 0, height - 1)[:, None]
        columns = np.clip(np.arange(width) + j, 0, width - 1)
        yield (full if number < BEFORE else middle)[rows, columns]


def _fit(bands: list[Floats], bits: int) -> Weights:
    """The weights of one channel."""
    size, count = 1 << bits, len(bands[0]) - 1
    weights: Floats = np.zeros(count)
    for number in range(ROUNDS):
        gram = np.zeros((count + 1, count + 1))
        for band in bands:
            if number:
                error = np.abs(band[-1] - np.tensordot(weights, band[:-1], 1))
                scale: Floats = _smoothed(error) + size / 16
            else:
                scale = np.abs(band[: len(NEAR)]).mean(0) + size / 4
            table = (band / scale).reshape(count + 1, -1)
            gram += table @ table.T
        inner = gram[:-1, :-1]
        inner += np.eye(count) * (RIDGE * np.trace(inner) / count + 1e-9)
        weights = np.linalg.solve(inner, gram[:-1, -1]).astype(np.float64)
    most = (1 << WEIGHT_BITS + 1) - 1
    return np.clip(np.rint(weights * 2.0**WEIGHT_BITS), -most, most).astype(np.int16)


def _smoothed(plane: Floats) -> Floats:
    """Means of the values to the left and above."""
    padded = np.pad(plane, ((1, 0), (1, 1)), mode="edge")
    left, above = padded[1:, :-2], padded[:-1, 1:-1]
    return (2 * left + 2 * above + padded[:-1, :-2] + padded[:-1, 2:]) / 6
