"""Samples of more than 8 bits: a picture of 8 bits, and a FINE chunk (FORMAT.md section 14.8).

The first eight bits of each value are the picture that the rest of the file holds, by whatever
content: previews need no more.  What follows is coded knowing all of it.
"""

from __future__ import annotations

import numpy as np

from bitstream import Container, InvalidField, Tag
from bitstream.file.fine import LEAST_DEPTH, FinePart, Weights
from codec.decoding.engines.choice import chosen_fine
from codec.decoding.lossless.fine_scan import FineScan, Planes
from codec.picture import transparency
from codec.picture.pixels import Pixels
from codec.picture.scaling import Deep, Rule, Scaling

ORDER = [1, 0, 2]
"""Green first; its own inverse."""


def planes_of(values: Pixels | Deep) -> Planes:
    """[h w 3] -> int32 [channel h w], of a grey picture one channel."""
    is_grey = bool((values == values[..., :1]).all())
    planes = values[..., ORDER].astype(np.int32)
    return np.moveaxis(planes[..., :1] if is_grey else planes, 2, 0)


def high_of(values: Deep, depth: int) -> Pixels:
    """The first eight bits of values, any shape."""
    return (values >> np.uint16(depth - LEAST_DEPTH)).astype(np.uint8)


def encode(values: Deep, scaling: Scaling, weights: Weights | None) -> bytes:
    """Values uint16 [h w 3] -> the payload of a FINE chunk.

    Args:
        values: below 2**depth.
        scaling: what they stand for.
        weights: of the predictions; None for the standard ones.
    """
    depth, rule = scaling.depth, scaling.rule
    bits = depth - LEAST_DEPTH
    if not bits:
        return FinePart(depth, rule).pack()
    planes = planes_of(values)
    scan = FineScan.of(planes >> bits, bits, weights)
    codeword = chosen_fine().encode(scan, planes & (1 << bits) - 1)
    return FinePart(depth, rule, len(planes), weights, codeword).pack()


def part_of(container: Container) -> FinePart:
    """What a file with a FINE chunk says in it.

    Raises:
        FormatError: no encoder writes such a file.
    """
    if not container.header.lossless:
        raise InvalidField("samples of more than 8 bits do not go with a file that has a loss")
    return FinePart.unpack(container.chunks[Tag.FINE])


def decode(part: FinePart, pixels: Pixels) -> Deep:
    """Inverse of `encode`: the samples of a file, uint16 [h w 3] or [h w 4].

    Args:
        part: what its FINE chunk says.
        pixels: what the rest of it holds, with the opacity if there is one.

    Raises:
        FormatError: no encoder writes such a file.
    """
    scaling = Scaling(part.depth, Rule(part.rule))
    samples = scaling.samples(_values(part, pixels[..., :3]))
    return transparency.deepened(samples, pixels[..., 3] if pixels.shape[2] == 4 else None)


def _values(part: FinePart, high: Pixels) -> Pixels | Deep:
    """The values of a picture of which the first eight bits are known."""
    if part.depth == LEAST_DEPTH:
        return high
    planes = high[..., ORDER].astype(np.int32)
    if part.channels == 1:
        if (high != high[..., :1]).any():
            raise InvalidField("the finer part is of greys, and the picture is not")
        planes = planes[..., :1]
    scan = FineScan.of(np.moveaxis(planes, 2, 0), part.depth - LEAST_DEPTH, part.weights)
    chosen_fine().decode(scan, part.codeword)
    values = np.moveaxis(scan.values, 0, 2).astype(np.uint16)
    return values[..., ORDER] if part.channels > 1 else values.repeat(3, 2)
