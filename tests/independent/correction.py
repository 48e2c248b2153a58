"""What corrects lossless predictions: FORMAT.md section 14.7, for `lossless`."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .containers import Model
from .entropy_coders import Array, RangeDecoder, decode_call, require
from .layers import rescale

# 14.7 rest, near, seen, across, move, drift: by pass and channel, for each step
GAINS = {
    (0, 0): ((-9, 0, 0, 0, 1, 0), (-7, 9, 0, 0, 7, -7), (-27, 22, 0, 0, 15, 35)),
    (0, 1): ((-30, 0, 2, 15, -3, 0), (-12, 6, 1, 17, 1, -11), (-22, 22, 1, 25, 7, 27)),
    (0, 2): ((-55, 0, 2, 17, 9, 0), (-19, 7, 1, 23, 7, -7), (-18, 22, 0, 28, 8, 27)),
    (1, 0): ((-14, 5, 0, 0, 4, -3), (-3, 8, 0, 0, 7, 1), (-13, 14, 0, 0, 11, -11)),
    (1, 1): ((-62, 6, 3, 21, 2, -3), (-36, 9, 3, 22, 7, 3), (-46, 17, 2, 24, 14, -7)),
    (1, 2): ((-77, 6, 2, 19, 7, -8), (-58, 13, 2, 24, 7, -3), (-65, 16, 2, 26, 9, -9)),
    (2, 0): ((-13, 7, 0, 0, 12, 1), (-8, 9, 0, 0, 11, 4), (-13, 11, 0, 0, 16, -8)),
    (2, 1): ((-22, 6, 2, 29, 6, 4), (-22, 5, 2, 32, 8, 10), (-26, 12, 2, 33, 10, -11)),
    (2, 2): ((-30, 6, 1, 26, 14, 7), (-30, 5, 1, 28, 12, 14), (-23, 13, 1, 32, 18, -7)),
}
MANTISSAS = np.array([64, 76, 91, 108])


def quotient(a: Array, b: Array) -> Array:
    return np.where(a < 0, -((b // 2 - a) // b), (a + b // 2) // b)


def near(plane: Array) -> Array:
    return windowed(plane, 1, lambda d: 1)


def fit(plane: Array) -> Array:
    return windowed(plane, 2, lambda d: 3 - abs(d))


def windowed(plane: Array, reach: int, weight) -> Array:
    rows, columns = plane.shape
    padded, total = np.pad(plane, reach), np.zeros_like(plane)
    for i in range(-reach, reach + 1):
        for j in range(-reach, reach + 1):
            part = padded[reach + i : reach + i + rows, reach + j : reach + j + columns]
            total += weight(i) * weight(j) * part
    return total


@dataclass
class Sums:
    """Of one channel: planes of R x S."""

    count: Array
    size: Array
    total: Array
    num: list[Array] = field(default_factory=list)
    den: list[Array] = field(default_factory=list)


class Traces:
    """Errors and moves of a grid, [3 2R 2S], and the sums of each channel."""

    def __init__(self, error: Array, move: Array) -> None:
        """Of phase A: [3 R S] each."""
        _, rows, columns = error.shape
        self.error, self.move = np.zeros((2, 3, 2 * rows, 2 * columns), np.int64)
        self.error[:, ::2, ::2], self.move[:, ::2, ::2] = error, move
        self.sums = []
        for c in range(3):
            zeros = (np.zeros((rows, columns), np.int64) for _ in range(3))
            seen = [*error[:c], move[c]]
            own = Sums(*zeros, [f * error[c] for f in seen], [f * f for f in seen])
            self.sums.append(own)


def corrected(
    decoder: RangeDecoder,
    traces: Traces,
    p: int,
    c: int,
    said: tuple[Array, Array, Array, Array],
    inside: tuple[int, int],
    model: Model,
) -> Array:
    """The pixels of a channel of a pass, [R S]; 0 outside of the grid.

    said: own, mean, raw[1] and raw[2].
    """
    own, mean, scale, odds = said
    phase = np.s_[(1, 0, 1)[p] :: 2, (1, 1, 0)[p] :: 2]
    error, move = traces.error[:, *phase], traces.move[:, *phase]
    quarters = np.clip(rescale(scale + 1280, 6), 0, 40)
    width = 307 + (MANTISSAS[quarters % 4] << (quarters >> 2))

    def trace(difference: Array) -> Array:
        return np.clip(quotient(2048 * difference, width), -256, 256)

    i, j = np.indices(own.shape)
    valid = (i < inside[0]) & (j < inside[1])
    move[c] = np.where(valid, trace(own - mean), 0)
    seen, sums = [*error[:c], move[c]], traces.sums[c]
    loud, pixel = model.tensors["loudness.table"], np.zeros_like(own)
    for step in range(3):
        place = valid & np.array([i % 2 + j % 2 == 0, i % 2 + j % 2 == 2, i % 2 + j % 2 == 1])[step]
        rest, of_near, of_seen, of_across, of_move, of_drift = GAINS[p, c][step]
        moved = of_drift * quotient(near(sums.total) << 10, near(sums.count) + 1)
        for f, (num, den, feature) in enumerate(zip(sums.num, sums.den, seen, strict=True)):
            slope = np.clip(quotient(fit(num) << 10, fit(den) + 8192), -1024, 1024)
            moved += (of_move if f == c else of_across) * slope * feature
        louder = loud[rescale(10 * near(sums.size), 6)] - loud[10 * near(sums.count)]
        louder = of_near * louder.astype(np.int64)
        for f in range(c):
            louder += of_seen * loud[rescale(10 * np.abs(error[f]), 6)].astype(np.int64)
        now = (mean + rescale(moved * width, 27), scale + rescale(louder, 6) + rest, odds)
        pixel[place] = values(decoder, *(plane[place] for plane in now), model)
        error[c] = np.where(place, trace(32 * pixel - mean), error[c])
        sums.count += place
        sums.size += np.where(place, abs(error[c]), 0)
        sums.total += np.where(place, error[c], 0)
        for f, feature in enumerate(seen):
            sums.num[f] += np.where(place, feature * error[c], 0)
            sums.den[f] += np.where(place, feature * feature, 0)
    return pixel


def values(decoder: RangeDecoder, mean: Array, scale: Array, odds: Array, model: Model) -> Array:
    """The pixels of a call."""
    eighths = rescale(mean, 2)
    whole = (eighths + 4) >> 3
    fraction = eighths - 8 * whole + 4
    scale = np.clip(rescale(scale + 1280, 6), 0, 40)
    odds = np.clip(rescale(3 * (odds + 512), 10), 0, 3)
    found = whole + decode_call(decoder, (odds * 41 + scale) * 8 + fraction, model.below)
    require(np.abs(found).max(initial=0) <= 255, "14.1", "not a pixel")
    return found
