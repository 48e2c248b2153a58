"""What corrects lossless predictions: FORMAT.md section 14.7, for `lossless`."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .containers import Model
from .entropy_coders import Array, RangeDecoder, decode_call, require
from .layers import act, conv, rescale

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
    loud, pixel = model.tensors["loudness.table"].astype(np.int64), np.zeros_like(own)

    def size(x: Array) -> Array:
        return loud[rescale(10 * np.abs(x), 6)]

    for step in range(3):
        place = valid & in_step(step, i, j)
        errors = [at(traces.error[f], p, dy, dx) for f, dy, dx in places(p, c, step)]
        slopes = [
            np.clip(quotient(fit(num) << 10, fit(den) + 8192), -1024, 1024)
            for num, den in zip(sums.num, sums.den, strict=True)
        ]
        across = sum((slopes[f] * seen[f] for f in range(c)), np.zeros_like(own))
        told = [*errors, *map(size, errors), move[c], size(move[c])]
        told += [rescale(across, 8), rescale(slopes[c] * move[c], 8)]
        told += [rescale(quotient(near(sums.total) << 10, near(sums.count) + 1), 8)]
        told += [size(near(sums.size)) - loud[10 * near(sums.count)], scale, odds]
        name, x = f"passes.{p}.heads.{c}.steps.{step}", np.stack(told)
        hidden = act(model.tensors, f"{name}.enter", x)
        changes = conv(model.tensors, f"{name}.leave", np.concatenate([hidden, x]))
        changes = np.clip(changes, -4096, 4096)
        now = (mean + rescale(changes[0] * width, 13), scale + changes[1], odds + changes[2])
        pixel[place] = values(decoder, *(plane[place] for plane in now), model)
        error[c] = np.where(place, trace(32 * pixel - mean), error[c])
        sums.count += place
        sums.size += np.where(place, abs(error[c]), 0)
        sums.total += np.where(place, error[c], 0)
        for f, feature in enumerate(seen):
            sums.num[f] += np.where(place, feature * error[c], 0)
            sums.den[f] += np.where(place, feature * feature, 0)
    return pixel


def in_step(step: int, i: Array, j: Array) -> Array:
    """Which positions of a phase are decoded in it."""
    return i % 2 + j % 2 == (0, 2, 1)[step]


def places(p: int, c: int, step: int) -> list[tuple[int, int, int]]:
    """Channel, rows and columns away: where errors are taken from."""
    order = [(0, 0), (1, 1), (0, 1), (1, 0)]  # A, D, B, C
    d, e = order[p + 1]
    found = []
    for f in range(c + 1):
        for dy in range(-2, 3):
            for dx in range(-2, 3):
                before = order.index(((d + dy) % 2, (e + dx) % 2))
                # Odd rows and columns of the phase see even ones that way, as all others do both.
                odd = dy // 2 % 2 + dx // 2 % 2
                same = (step == 1 and odd == 2) or (step == 2 and odd == 1)
                if before <= p or (before == p + 1 and same):
                    found.append((f, dy, dx))
        if f < c:
            found.append((f, 0, 0))
    return found


def at(plane: Array, p: int, dy: int, dx: int) -> Array:
    """A plane of the grid, [2R 2S], so far from each pixel of a phase: [R S]."""
    d, e = ((1, 1), (0, 1), (1, 0))[p]
    rows, columns = plane.shape
    y, x = 2 + d + dy, 2 + e + dx
    return np.pad(plane, 2)[y : y + rows : 2, x : x + columns : 2]


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
