"""Pixels <-> symbols: the integer scan with a symbol coder at each step.

Encoder and decoder run the same scan; they differ in where the values of a step come from.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from bitstream import CdfTables, InvalidField, SymbolCoder, SymbolWriter
from codec.decoding.engines.protocol import Refine
from codec.networks import patience
from codec.networks.lossless.correction import Correction, Predictions, places_of
from codec.networks.lossless.corrector import STEPS
from codec.networks.lossless.shape import CHANNELS, FRACTIONS, PHASES, PIXEL_LIMIT
from codec.picture.pixels import Pixels

SEED = (128, 0, 0)
"""Prediction of the only pixel of the coarsest grid."""
NARROWEST = FRACTIONS // 2
"""Table of whether the picture is grey: it costs nothing where it is not."""

BEYOND = "a decoded value is beyond that of any pixel"

GridSize = tuple[int, int]
"""Rows and columns."""
Colours = NDArray[np.int16]
"""[h w 3]: green, red - green, blue - green.  With a linear predictor this codes photographs of
CID22 validation at 7.79 bpp, YCoCg-R at 7.89 and RGB at 7.90."""


def from_rgb(pixels: Pixels) -> Colours:
    """uint8 [h w 3] -> values in 0..255 and twice -255..255."""
    colours = pixels[..., [1, 0, 2]].astype(np.int16)
    colours[..., 1:] -= colours[..., :1]
    return colours


def to_rgb(colours: Colours) -> Pixels:
    """Inverse of `from_rgb`.

    Raises:
        InvalidField: they are those of no picture.
    """
    rgb = colours[..., [1, 0, 2]]
    rgb[..., ::2] += colours[..., :1]
    if rgb.min() < 0 or rgb.max() >= PIXEL_LIMIT:
        raise InvalidField("a pixel is not in 0..255")
    return rgb.astype(np.uint8)


def grids_of(height: int, width: int) -> list[GridSize]:
    """All grids from the picture down to a single pixel."""
    grids = [(height, width)]
    while grids[-1] != (1, 1):
        height, width = -(-height // 2), -(-width // 2)
        grids.append((height, width))
    return grids


def encode_pixels(pixels: Pixels, refine: Refine, tables: CdfTables) -> bytes:
    """uint8 [h w 3] -> a codeword."""
    writer = SymbolWriter(tables)
    walk(writer, pixels.shape[:2], refine, tables, from_rgb(pixels))
    return writer.finish()


def decode_pixels(
    reader: SymbolCoder, grid: GridSize, refine: Refine, tables: CdfTables, coarser: int = 0
) -> Pixels:
    """Inverse of `encode_pixels`; stops `coarser` grids before the picture.

    Raises:
        InvalidField: no encoder writes such a codeword.
    """
    return to_rgb(walk(reader, grid, refine, tables, None, coarser))


def walk(
    coder: SymbolCoder,
    grid: GridSize,
    refine: Refine,
    tables: CdfTables,
    values: Colours | None,
    coarser: int = 0,
) -> Colours:
    """Codes colours in either direction; a reader is given none.

    values: what a writer is to write; coarser: grids to leave out.  Returns what was coded.
    """
    sizes = grids_of(*grid)
    wanted = np.array([values is not None and not values[..., 1:].any()], np.int32)
    grey = coder.code(wanted, np.array([NARROWEST]))[0]
    if grey not in (0, 1):
        raise InvalidField(f"the picture is neither grey nor coloured but {grey}")
    channels = 1 if grey else CHANNELS
    seed, start = np.array(SEED[:channels]), np.zeros(channels, np.int32)
    if values is not None:
        start = (values[0, 0, :channels] - seed).astype(np.int32)
    pixel = coder.code(start, np.full(channels, len(tables.frequencies) - 1)) + seed
    if np.abs(pixel).max() >= PIXEL_LIMIT:
        raise InvalidField(BEYOND)
    known: Colours = np.zeros((1, 1, CHANNELS), np.int16)
    known[0, 0, :channels] = pixel
    traces = np.zeros((1, 1, CHANNELS, 2), np.int16)
    for number in reversed(range(coarser, len(sizes) - 1)):
        size = sizes[number]
        stage = refine.correct(traces, size)
        finer = None if values is None else values[:: 2**number, :: 2**number]
        known = refine(known, number, size, channels, partial(_settle, coder, stage, finer))
        traces = stage.traces[: size[0], : size[1]]
    return known


def _settle(
    coder: SymbolCoder,
    stage: Correction,
    finer: Colours | None,
    index: int,
    channel: int,
    predictions: Predictions,
) -> NDArray[np.int32]:
    """Codes one channel of a pass, see `Settle`; `finer` is the grid, for a writer."""
    steps = stage.channel(index, channel, predictions)
    wanted = None
    if finer is not None:
        row, column = PHASES[index]
        plane = finer[row::2, column::2, channel].astype(np.int32)
        wanted = [plane[place] for place in places_of(*plane.shape)]
    for step in range(STEPS):
        expected = steps.expect(step)
        whole = expected.whole.astype(np.int32)
        symbols = np.zeros_like(whole) if wanted is None else wanted[step] - whole
        patience.check()
        found = coder.code(symbols, expected.table) + whole
        if found.size and np.abs(found).max() >= PIXEL_LIMIT:
            raise InvalidField(BEYOND)
        steps.learn(step, found)
    return steps.pixels
