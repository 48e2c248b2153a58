"""Latents <-> symbols: the integer scan with a symbol coder at each step.

Encoder and decoder run the same function over the same networks; they differ in the coder that
they hand to it: a writer writes the symbols it is given, a reader ignores them and returns its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bitstream import CdfTables, SymbolCoder, SymbolReader, SymbolWriter
from codec.context import ContextModel, Slot, at_phases
from codec.quality import VALUE_BITS, IntegerLevel
from codec.transform import BLOCK_PX


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
    values = _walk(writer, y.double() * 2**VALUE_BITS, context, level, grid)
    return writer.finish(), values


def decode_latents(
    data: bytes, context: ContextModel, level: IntegerLevel, grid: Grid, tables: CdfTables
) -> Tensor:
    """Latent values: integers with VALUE_BITS fractional bits, float64 [1 c h w]."""
    blank = torch.zeros(1, context.bounds[-1], grid.height, grid.width, dtype=torch.float64)
    return _walk(SymbolReader(data, tables), blank, context, level, grid)


def _walk(
    coder: SymbolCoder, y: Tensor, context: ContextModel, level: IntegerLevel, grid: Grid
) -> Tensor:
    valid = grid.valid(y.shape[1])

    def code(slot: Slot, mean: Tensor, index: Tensor) -> Tensor:
        mask = at_phases(valid, slot)
        wanted = torch.round((at_phases(y, slot) - mean) / level.step)
        symbols = coder.code(
            wanted[mask].numpy().astype(np.int32), index[mask].numpy().astype(np.int64)
        )
        values = torch.zeros_like(mean)
        values[mask] = torch.from_numpy(symbols).double() * level.step + mean[mask]
        return values

    return context.scan(y, level, code)
