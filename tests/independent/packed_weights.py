"""docs/packed-weights.md, one number at a time: the values of the tensors of a packed weight file.

It takes files without a base, and assumes that they are valid.
"""

from __future__ import annotations

import math
import struct
import zlib
from itertools import accumulate

from .entropy_coders import RangeDecoder

NEXT = ([0, 7, 1, 6, 2, 5, 3, 4], [2, 5, 3, 4, 0, 7, 1, 6])
TYPE_BYTES = (4, 2, 2, 8, 1, 1, 2, 2, 4, 4, 8, 8, 1, 1, 1)


class Fields:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def raw(self, size: int) -> bytes:
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.raw(size), "little")

    def varint(self) -> int:
        byte = self.number(1)
        return byte if byte < 128 else byte - 128 + 128 * self.varint()


class Tensor:
    """Section 2: the fields of one set of levels; `values` once they are decoded."""

    def __init__(self, fields: Fields, size: int) -> None:
        self.size = size
        self.step = struct.unpack("<f", b"\0\0" + fields.raw(2))[0]
        self.lanes = fields.varint()
        scale = fields.number(1)
        self.trellis = scale >= 128
        self.scale = (4 + scale % 128 % 4) << (scale % 128 // 4)
        self.points: list[int] = []


def decode(data: bytes) -> dict[str, list[float] | bytes]:
    """The values of every tensor by its name, or its bytes where it is raw."""
    assert data[:4] == b"\x8eNW\x01"
    assert zlib.crc32(data[:-4]) == int.from_bytes(data[-4:], "little")
    fields = Fields(data[4:-4])
    assert fields.number(1) == 0
    for _ in range(2 * fields.varint()):
        fields.raw(fields.varint())
    name, found = b"", {}
    for _ in range(fields.varint()):
        shared, rest = fields.varint(), fields.varint()
        name = name[:shared] + fields.raw(rest)
        kind, coding = fields.number(1), fields.number(1)
        shape = [fields.varint() for _ in range(fields.varint())]
        size = math.prod(shape)
        if coding == 0:
            found[name] = [0.0] * size
        elif coding == 1:
            found[name] = fields.raw(size * TYPE_BYTES[kind])
        elif coding == 2:
            found[name] = Tensor(fields, size)
        else:
            rank, rows = fields.varint(), shape[0]
            right = rank * (size // rows)
            found[name] = (rank, Tensor(fields, rows * rank), Tensor(fields, right))
    decoder, counts = RangeDecoder(fields.data), initial_counts()
    return {key.decode(): values(entry, decoder, counts) for key, entry in found.items()}


def values(entry: object, decoder: RangeDecoder, counts: list) -> list[float] | bytes:
    if isinstance(entry, Tensor):
        decode_levels(entry, decoder, counts)
        return [point * entry.step for point in entry.points]
    if not isinstance(entry, tuple):
        return entry
    rank, left, right = entry
    for factor in (left, right):
        decode_levels(factor, decoder, counts)
    columns = right.size // rank
    return [
        sum(left.points[i * rank + r] * right.points[r * columns + j] for r in range(rank))
        * (left.step * right.step)
        for i in range(left.size // rank)
        for j in range(columns)
    ]


def decode_levels(tensor: Tensor, decoder: RangeDecoder, counts: list) -> None:
    """Section 5."""
    lanes, first = tensor.lanes, tensor.scale
    average, before, state = [first] * lanes, [first] * lanes, [0] * lanes
    for t in range(-(-tensor.size // lanes)):
        here = range(min(lanes, tensor.size - t * lanes))
        total = sum(before)
        scales = []
        for lane in here:
            around = (before[lane - 1] + 2 * before[lane] + before[(lane + 1) % lanes]) >> 2
            scales.append((13 * average[lane] + around + total // lanes + first) >> 4)
        levels = decode_block(decoder, counts, scales, [state[lane] % 2 for lane in here])
        for lane, level in enumerate(levels):
            odd = state[lane] % 2
            point = 2 * level - odd * ((level > 0) - (level < 0))
            tensor.points.append(point)
            before[lane] = 256 * abs(point)
            average[lane] += (before[lane] - average[lane]) // min(t + 4, 128)
            if tensor.trellis:
                state[lane] = NEXT[level % 2][state[lane]]


def decode_block(decoder: RangeDecoder, counts: list, scales: list, quantizers: list) -> list[int]:
    places = [place(scale) for scale in scales]
    symbols = []
    for (index, fraction, _), quantizer in zip(places, quantizers, strict=True):
        lower, upper = (shares(counts[quantizer][c]) for c in (index, index + 1))
        frequencies = [
            (a * (16 - fraction) + b * fraction) >> 4 for a, b in zip(lower, upper, strict=True)
        ]
        frequencies[0] += 2**24 - sum(frequencies)
        symbols.append(decoder.symbol(list(accumulate(frequencies, initial=0))))
    for (index, fraction, _), quantizer, symbol in zip(places, quantizers, symbols, strict=True):
        counts[quantizer][index][symbol] += 16 - fraction
        counts[quantizer][index + 1][symbol] += fraction
    classes = [index for index, _, _ in places]
    for of_quantizer in counts:
        for c in range(min(classes), max(classes) + 2):
            if sum(of_quantizer[c]) > 2**18:
                of_quantizer[c] = [(count + 1) >> 1 for count in of_quantizer[c]]
    rests = []
    for (_, _, shift), symbol in zip(places, symbols, strict=True):
        size = 2 ** (shift + 1) - (symbol == 0)
        below = [i * (2**24 // size) for i in range(size)] + [2**24]
        rests.append(decoder.symbol(below) if size > 1 else 0)
    levels = []
    for (_, _, shift), symbol, rest in zip(places, symbols, rests, strict=True):
        if symbol == 15:
            symbol += exp_golomb(decoder)
        magnitude = (symbol << shift) + rest % 2**shift
        outer = -magnitude if rest >= 2**shift else magnitude
        levels.append(outer if symbol else rest - (2**shift - 1))
    return levels


def exp_golomb(decoder: RangeDecoder) -> int:
    length = 0
    while decoder.coin():
        length += 1
    number = 1
    for _ in range(length):
        number = 2 * number + decoder.coin()
    return number - 1


def place(scale: int) -> tuple[int, int, int]:
    """Section 6: class, fraction, shift."""
    expected = max(scale, 1)
    octave = expected.bit_length() - 1
    position = min(32 * octave + ((expected - 2**octave) * 32 >> octave), 55 * 16 - 1)
    index, fraction = divmod(position, 16)
    if index % 2 and index // 2 >= 10:
        fraction = 0
    return index, fraction, max(index // 2 - 10, 0)


def shares(counts: list[int]) -> list[int]:
    return [1 + count * (2**24 - 16) // sum(counts) for count in counts]


def initial_counts() -> list[list[list[int]]]:
    counts = [[], []]
    for quantizer in (0, 1):
        for c in range(56):
            like = c if c <= 21 else 20 + c % 2
            mean = (2 + like % 2) << (like // 2 + 1)
            survive = [2**24]
            while len(survive) < 64:
                survive.append(survive[-1] * mean // (mean + 512))
            edges = [max(4 * s - 4, 1) if quantizer else 4 * s - 2 for s in range(1, 16)]
            reached = [2**24, *(survive[edge] for edge in edges), 0]
            counts[quantizer].append(
                [1 + (384 * (reached[s] - reached[s + 1]) >> 24) for s in range(16)]
            )
    return counts
