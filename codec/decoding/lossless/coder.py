"""Pixels <-> symbols: the integer scan with a symbol coder at each step.

Encoder and decoder run the same scan; they differ in where the values of a step come from.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitstream import CdfTables, InvalidField, SymbolCoder, SymbolReader, SymbolWriter
from codec.networks import patience
from codec.networks.fixed_point import rescale
from codec.networks.lossless import colour
from codec.networks.lossless.network import CHANNELS, Lossless
from codec.networks.lossless.scan import PHASES, Step, refine
from codec.networks.lossless.tables import FRACTIONS
from codec.networks.lossless.twins import PIXEL_LIMIT, VALUE_BITS, predict
from codec.picture.pixels import Pixels

SEED = (128, 0, 0)
"""Prediction of the only pixel of the coarsest grid."""
NARROWEST = FRACTIONS // 2
"""Table of whether the picture is grey: it costs nothing where it is not."""

Grid = tuple[int, int]
"""Rows and columns."""


def grids_of(height: int, width: int) -> list[Grid]:
    """All grids from the picture down to a single pixel."""
    grids = [(height, width)]
    while grids[-1] != (1, 1):
        height, width = -(-height // 2), -(-width // 2)
        grids.append((height, width))
    return grids


def encode_pixels(pixels: Pixels, networks: Lossless, tables: CdfTables) -> bytes:
    """uint8 [h w 3] -> a codeword."""
    planes = torch.from_numpy(pixels.astype(np.int16)).permute(2, 0, 1)[None]
    values = colour.from_rgb(planes)
    writer = SymbolWriter(tables)
    _walk(writer, pixels.shape[:2], networks, tables, values)
    return writer.finish()


def decode_pixels(data: bytes, grid: Grid, networks: Lossless, tables: CdfTables) -> Pixels:
    """Inverse of `encode_pixels`.

    Raises:
        InvalidField: no encoder writes such a codeword.
    """
    reader = SymbolReader(data, tables)
    blank = torch.zeros(1, CHANNELS, *grid, dtype=torch.int16)
    values = _walk(reader, grid, networks, tables, blank)
    rgb = colour.to_rgb(values)
    if rgb.min() < 0 or rgb.max() >= PIXEL_LIMIT:
        raise InvalidField("a pixel is not in 0..255")
    return rgb[0].byte().permute(1, 2, 0).contiguous().numpy()


def _walk(
    coder: SymbolCoder, grid: Grid, networks: Lossless, tables: CdfTables, values: Tensor
) -> Tensor:
    """Codes colours in either direction; a reader takes only the shape of `values`.

    values: int16 [1 3 h w].  Returns what was coded, likewise.
    """
    sizes = grids_of(*grid)
    grey = coder.code(np.array([colour.is_grey(values)], np.int32), np.array([NARROWEST]))[0]
    if grey not in (0, 1):
        raise InvalidField(f"the picture is neither grey nor coloured but {grey}")
    channels = 1 if grey else CHANNELS
    seed = (values[0, :channels, 0, 0] - torch.tensor(SEED[:channels])).int().numpy()
    widest = np.full(channels, len(tables.frequencies) - 1)
    known = torch.zeros(1, CHANNELS, 1, 1)
    known[0, :channels, 0, 0] = _checked(coder.code(seed, widest) + np.array(SEED[:channels]))
    for number in reversed(range(len(sizes) - 1)):
        known = _finer(coder, known, number, sizes[number], networks, values, channels)
    return known.short()


def _finer(
    coder: SymbolCoder,
    known: Tensor,
    number: int,
    size: Grid,
    networks: Lossless,
    values: Tensor,
    channels: int,
) -> Tensor:
    """From one grid to the next finer one, of the given size: pixel values in float32."""
    finer = values[..., :: 2**number, :: 2**number]

    def code(step: Step) -> Tensor:
        if step.channel >= channels:
            return torch.zeros_like(step.base)
        row, column = PHASES[step.index]
        wanted = finer[0, step.channel, row::2, column::2]
        rows, columns = wanted.shape
        head = networks.passes[step.index].heads[step.channel]
        whole, table = predict(head, step)
        # Positions outside of the grid are what they are expected to be.
        settled = rescale(step.base, VALUE_BITS)
        whole, table = (plane[0, 0, :rows, :columns] for plane in (whole, table))
        symbols = (wanted - whole).int().numpy()
        patience.check()
        got = coder.code(symbols, table.long().numpy()) + whole.numpy()
        settled[0, 0, :rows, :columns] = _checked(got)
        return settled * 2.0**VALUE_BITS

    parts = refine(known * 2.0**VALUE_BITS, networks, number, code)
    joined = known.new_empty(1, CHANNELS, 2 * known.shape[2], 2 * known.shape[3])
    joined[:, :, ::2, ::2] = known
    for (row, column), part in zip(PHASES, parts, strict=True):
        joined[:, :, row::2, column::2] = part * 2.0**-VALUE_BITS
    return joined[:, :, : size[0], : size[1]]


def _checked(values: NDArray) -> Tensor:
    if values.size and np.abs(values).max() >= PIXEL_LIMIT:
        raise InvalidField("a decoded value is beyond that of any pixel")
    return torch.from_numpy(values.astype(np.float32))
