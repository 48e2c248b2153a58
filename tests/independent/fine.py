"""Samples of more than 8 bits: FORMAT.md section 14.8, for `decoder`."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from .containers import FINE, File, Reader
from .entropy_coders import BinaryDecoder, require

PLACES = (
    *((0, -1), (-1, -1), (-1, 0), (-1, 1), (0, -2)),
    *((-2, 0), (0, 1), (1, -1), (1, 0), (1, 1)),
)
OF_OTHERS = (0, 1, 2, 3, 6, 8)
K = """
32768 40793 47911 53581 57724 60565 62428 63615 64357 64816 65097 65269 65374
65438 65476 65500 65514 65523 65528 65531 65533 65534 65535 65535 65536
"""
KNOTS = [int(number) for number in K.split()]
T = [0, *range(1, 13), 16, 20, 28, 48]
AS_CHANNEL_1 = [8192, 0, 8192, *[0] * 7, 16384, -8192, 0, -8192, 0, 0, 0]
STANDARD = [8192, -4096, 8192, 4096, *[0] * 6, *AS_CHANNEL_1, *AS_CHANNEL_1, *[0] * 7]


def deepened(file: File, pixels: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """14.8: the samples of 16 bits, of pixels with an opacity or without."""
    require(file.half == 201, "14.8", "a loss")
    reader = Reader(file.chunks[FINE])
    depth, rule = reader.u8(), reader.u8()
    require(8 <= depth <= 16 and rule <= 2, "14.8", "a field out of range")
    high = pixels[..., :3].astype(np.int64)
    values = high
    if depth == 8:
        require(reader.position == len(reader.data), "14.8", "bytes after the rule")
    else:
        values = decode_values(reader, high, depth - 8)
    most = 2**depth - 1
    if rule == 0:
        samples = values << (16 - depth)
    elif rule == 1:
        samples = values << (16 - depth) | values >> (2 * depth - 16)
    else:
        samples = (2 * values * 65535 + most) // (2 * most)
    return np.dstack([samples, 257 * pixels[..., 3:].astype(np.int64)]).astype(np.uint16)


def decode_values(reader: Reader, high: NDArray[np.int64], b: int) -> NDArray[np.int64]:
    kind = reader.u8()
    require(kind <= 3, "14.8", "an unknown kind")
    order = [1] if kind & 1 else [1, 0, 2]
    require(not kind & 1 or (high == high[..., :1]).all(), "14.8", "colours differ")
    weights = STANDARD
    if kind & 2:
        data = reader.raw(20 if kind & 1 else 102)
        weights = np.frombuffer(data, "<i2").tolist()
    decoder = BinaryDecoder(reader.raw(len(reader.data) - reader.position))
    channels = Channels([high[..., c].tolist() for c in order], b, weights)
    for i in range(high.shape[0]):
        for j in range(high.shape[1]):
            for c in range(len(order)):
                channels.decode(decoder, c, i, j)
    planes = channels.x if len(order) == 1 else [channels.x[c] for c in (1, 0, 2)]
    return np.stack([np.array(plane) for plane in planes * (3 if len(planes) == 1 else 1)], -1)


@cache
def squash(x: int) -> int:
    if x < 0:
        return 65536 - squash(-x)
    low, high = KNOTS[x >> 7], KNOTS[(x >> 7) + 1]
    return min(low + (((high - low) * (x % 128)) >> 7), 65504)


@cache
def stretch(i: int) -> int:
    return next((x for x in range(-2047, 2048) if squash(x) >= 16 * i + 8), 2047)


def clamp(x: int, low: int, high: int) -> int:
    return min(max(x, low), high)


class Probability:
    """14.8.2: a context."""

    def __init__(self, p: int, most: int) -> None:
        self.p, self.count, self.most = p, 0, most

    def adapt(self, bit: int) -> None:
        goal = 2**22 - 1 if bit else 0
        self.p += ((goal - self.p) * (2**17 // (2 * self.count + 3))) >> 16
        self.count = min(self.count + 1, self.most)


def first(k: int, side: int) -> int:
    """The probability that a context of the first three begins with."""
    u = abs(side - 16)
    g = min(45 * (2 * T[u] + 1), 2000, 4800 >> (k >> 2))
    return 2**21 if u == 0 else 64 * squash(g if side > 16 else -g)


class Channels:
    """14.8.1: values and errors, and all that adapts to them."""

    def __init__(self, high: list[list[list[int]]], b: int, weights: list[int]) -> None:
        self.b, self.weights, self.high = b, weights, high
        self.x = [[[(h << b) + 2 ** (b - 1) for h in row] for row in plane] for plane in high]
        start = 2 ** (b + 2)
        self.errors = [[[[start] * len(row) for row in p] for _ in "01"] for p in high]
        self.contexts: dict[tuple[int, ...], Probability] = {}
        self.mixing: dict[tuple[int, ...], list[int]] = {}

    def decode(self, decoder: BinaryDecoder, c: int, i: int, j: int) -> None:
        """One value."""
        b, x = self.b, self.x
        rows, columns = len(x[0]), len(x[0][0])
        near = [(clamp(i + u, 0, rows - 1), clamp(j + v, 0, columns - 1)) for u, v in PLACES]
        middles = [(plane[i][j] << b) + 2 ** (b - 1) for plane in self.high]
        told = [x[c][u][v] - middles[c] for u, v in near]
        for f in range(c):
            told.append(x[f][i][j] - middles[f])
            told += [x[f][near[n][0]][near[n][1]] - middles[f] for n in OF_OTHERS]
        begin = (0, 10, 27)[c]
        total = sum(w * t for w, t in zip(self.weights[begin:], told, strict=False))
        first_mean = 16 * middles[c] + clamp((total + 2**9) >> 10, -(2**21), 2**21)
        west, corner, north = (x[c][u][v] for u, v in near[:3])
        if c == 0:
            second = 16 * sorted([west, north, west + north - corner])[1]
        else:
            (u0, v0), (u2, v2) = near[0], near[2]
            second = 16 * x[0][i][j] + 8 * (west - x[0][u0][v0] + north - x[0][u2][v2])
        scales = []
        for k in range(2):
            e = [self.errors[c][k][u][v] for u, v in near]
            more = 2 * self.errors[c - 1][k][i][j] if c else e[4] + e[5]
            scales.append((2 * (e[0] + e[2]) + e[1] + e[3] + more) >> 3)
        others = [self.errors[f][0][i][j] for f in range(c - 1, -1, -1)]
        others += [self.errors[c][0][near[n][0]][near[n][1]] for n in (0, 2)]
        scales.append((others[0] + others[1]) >> 1)
        value = self.high[c][i][j] << b
        for n in range(b - 1, -1, -1):
            value += self.bit(decoder, c, n, value, (first_mean, second), scales) << n
        x[c][i][j] = value
        for k, mean in enumerate((first_mean, second)):
            self.errors[c][k][i][j] = min(abs(16 * value - mean), 2**20)

    def bit(
        self,
        decoder: BinaryDecoder,
        c: int,
        n: int,
        value: int,
        means: tuple[int, int],
        scales: list[int],
    ) -> int:
        """14.8.2: one bit."""
        middle = 16 * (value + 2**n) - 8

        def class_of(s: int) -> int:
            length = (s + 1).bit_length() - 1
            return clamp(4 * length + (((s + 1) << 2) >> length) % 4 - 4 * (n + 4) + 16, 0, 31)

        def side(m: int, s: int) -> int:
            step = sum(t <= 4 * abs(m - middle) // (s + 1) for t in T[1:])
            return 16 + step if m > middle else 16 - step

        near, other = side(means[0], scales[0]), side(means[1], scales[1])
        k = class_of(scales[0])
        names = [
            (c, 0, k, near),
            (c, 1, class_of(scales[2]), side(means[0], scales[2])),
            (c, 2, class_of(scales[1]), other),
            (c, 3, k // 4, near // 3, other // 3),
            (c, 4, 2 ** (7 + self.b - n) + (value >> (n + 1))),
        ]
        for name in names:
            if name not in self.contexts:
                p = first(*name[2:]) if name[1] < 3 else 2**21
                self.contexts[name] = Probability(p, 254 if name[1] == 4 else 1022)
        contexts = [self.contexts[name] for name in names]
        certainty = sum(least <= contexts[4].count for least in (2, 8, 64))
        w = self.mixing.setdefault((c, k, certainty), [19661] * 5)
        heard = [stretch(context.p >> 10) for context in contexts]
        loud = sum(weight * voice for weight, voice in zip(w, heard, strict=True)) >> 16
        p = squash(clamp(loud, -3071, 3071))
        bit = decoder.bit_of(p)
        for context in contexts:
            context.adapt(bit)
        for v, voice in enumerate(heard):
            w[v] = clamp(w[v] + ((voice * (65536 * bit - p)) >> 14), -(2**20), 2**20)
        return bit
