"""Latents <-> symbols: the integer scan with a symbol coder at each step.

Encoder and decoder run the same scan over the same networks; they differ in where the symbols of a
step come from: chosen from the latents and written, or read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitstream import CdfTables, SymbolReader, SymbolWriter
from codec.context import ContextModel, Slot, at_phases
from codec.quality import VALUE_BITS, IntegerLevel
from codec.transform import BLOCK_PX

Integers = NDArray[np.integer]
Exchange = Callable[[Slot, Tensor, Tensor, Integers], Integers]
"""(slot, where its symbols are, mean, table of each symbol) -> symbols, in raster order."""


@dataclass(frozen=True)
class Grid:
    """Latent positions of a picture: one symbol position per started 16x16 block.

    Networks run on `height` x `width`, which are even for the position phases; positions beyond
    `rows` x `columns` carry no symbol and hold the value 0.
    """

    rows: int
    columns: int

    @classmethod
    def of_picture(cls, width_px: int, height_px: int) -> Grid:
        return cls(-(-height_px // BLOCK_PX), -(-width_px // BLOCK_PX))

    @property
    def height(self) -> int:
        return self.rows + self.rows % 2

    @property
    def width(self) -> int:
        return self.columns + self.columns % 2

    def valid(self, channels: int) -> Tensor:
        """Where symbols are: bool [1 channels height width]."""
        mask = torch.zeros(1, 1, self.height, self.width, dtype=torch.bool)
        mask[:, :, : self.rows, : self.columns] = True
        return mask.expand(1, channels, -1, -1)


def encode_latents(
    y: Tensor, context: ContextModel, level: IntegerLevel, grid: Grid, tables: CdfTables
) -> tuple[bytes, Tensor]:
    """Quantises and codes latents.

    Args:
        y: float [1 c h w] on the whole grid, pixel units.
        context: the integer twin of the context model.

    Returns:
        The codeword, and the values that the decoder will have, as `decode_latents` returns them.
    """
    writer = SymbolWriter(tables)
    scaled = y.double() * 2**VALUE_BITS

    def exchange(slot: Slot, mask: Tensor, mean: Tensor, table: Integers) -> Integers:
        symbols = torch.round((at_phases(scaled, slot) - mean)[mask] / level.step)
        return writer.code(symbols.int().numpy(), table)

    values = _walk(exchange, context, level, grid)
    return writer.finish(), values


def decode_latents(
    data: bytes, context: ContextModel, level: IntegerLevel, grid: Grid, tables: CdfTables
) -> Tensor:
    """Latent values: integers with VALUE_BITS fractional bits, float64 [1 c h w]."""
    reader = SymbolReader(data, tables)

    def exchange(slot: Slot, mask: Tensor, mean: Tensor, table: Integers) -> Integers:
        return reader.code(np.empty(table.shape, np.int32), table)

    return _walk(exchange, context, level, grid)


def _walk(exchange: Exchange, context: ContextModel, level: IntegerLevel, grid: Grid) -> Tensor:
    channels = context.bounds[-1]
    valid = grid.valid(channels)

    def code(slot: Slot, mean: Tensor, index: Tensor) -> Tensor:
        mask = at_phases(valid, slot)
        symbols = exchange(slot, mask, mean, index[mask].numpy().astype(np.int64))
        values = torch.zeros_like(mean)
        values[mask] = torch.from_numpy(symbols).double() * level.step + mean[mask]
        return values

    blank = torch.zeros(1, channels, grid.height, grid.width, dtype=torch.float64)
    return context.scan(blank, level, code)
