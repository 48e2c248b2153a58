"""Latents <-> symbols: the integer scan with a symbol coder at each step.

Encoder and decoder run the same scan over the same networks; they differ in where the symbols of a
step come from: chosen from the latents and written, or read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitstream import CdfTables, SymbolReader, SymbolWriter
from codec.contract.quality import VALUE_BITS, IntegerLevel
from codec.networks import patience
from codec.networks.context import ContextModel, Slot, at_phases
from codec.networks.transform import BLOCK_PX

Integers = NDArray[np.integer]
Exchange = Callable[[Slot, Tensor, Integers], Integers]
"""(slot, mean and table of each symbol) -> symbols; all flat, in the order of the format."""


MOST_SAMPLED = 2**11
"""Positions whose symbols an encoder looks at again: more tell it no more, and need memory."""


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

    def inside(self, tensor: Tensor, slot: Slot) -> Iterator[Tensor]:
        """Views [c rows columns] of each phase of a slot [p c h/2 w/2]: those that have symbols."""
        for part, (di, dj) in zip(tensor, slot.phases, strict=True):
            yield part[:, : (self.rows - di + 1) // 2, : (self.columns - dj + 1) // 2]

    def flat(self, tensor: Tensor, slot: Slot) -> Tensor:
        """What stands where symbols are, in the order of the format."""
        return torch.cat([part.flatten() for part in self.inside(tensor, slot)])

    def by_channel(self, flat: Integers, slot: Slot) -> Tensor:
        """The same in rows, one for each channel of the slot: [c n]."""
        channels = slot.stop - slot.start
        places = [
            ((self.rows - di + 1) // 2) * ((self.columns - dj + 1) // 2) for di, dj in slot.phases
        ]
        parts = torch.from_numpy(flat).split([channels * count for count in places])
        return torch.cat([part.view(channels, -1) for part in parts], 1)


@dataclass(frozen=True, eq=False)
class Symbols:
    """What was coded, or a sample of it, in rows of one channel each.

    Attributes:
        values: integers [c n].
        tables: index of the probability table of each, [c n].
        share: how many symbols each stands for.
    """

    values: Tensor
    tables: Tensor
    share: float


@dataclass(frozen=True, eq=False)
class CodedLatents:
    """Latents as a codeword.

    Attributes:
        payload: the codeword.
        values: what the decoder will have, as `decode_latents` returns them.
        symbols: what the codeword says, of at most MOST_SAMPLED positions.
    """

    payload: bytes
    values: Tensor
    symbols: Symbols


def encode_latents(
    y: Tensor, context: ContextModel, level: IntegerLevel, grid: Grid, tables: CdfTables
) -> CodedLatents:
    """Quantises and codes latents.

    Args:
        y: float [1 c h w] on the whole grid, pixel units.
        context: the integer twin of the context model.
    """
    writer = SymbolWriter(tables)
    stride = -(-grid.rows * grid.columns // MOST_SAMPLED)
    groups: dict[int, list[tuple[Tensor, Tensor]]] = {}
    seen = dict.fromkeys(context.bounds, 0)

    def exchange(slot: Slot, mean: Tensor, table: Integers) -> Integers:
        wanted = grid.flat(at_phases(y, slot), slot).double().mul_(2**VALUE_BITS)
        symbols = wanted.sub_(mean).div_(level.step).round_().int().numpy()
        values, indices = (grid.by_channel(flat, slot) for flat in (symbols, table))
        sample = slice(-seen[slot.start] % stride, None, stride)
        seen[slot.start] += values.shape[1]
        rows = values[:, sample].clone(), indices[:, sample].clone()
        groups.setdefault(slot.start, []).append(rows)
        return writer.code(symbols, table)

    values = _walk(exchange, context, level, grid)
    parts = [[torch.cat(part, 1) for part in zip(*slots, strict=True)] for slots in groups.values()]
    sampled, indices = map(torch.cat, zip(*parts, strict=True))
    share = grid.rows * grid.columns / sampled.shape[1]
    return CodedLatents(writer.finish(), values, Symbols(sampled, indices, share))


def decode_latents(
    data: bytes, context: ContextModel, level: IntegerLevel, grid: Grid, tables: CdfTables
) -> Tensor:
    """Latent values: integers with VALUE_BITS fractional bits, float64 [1 c h w]."""
    reader = SymbolReader(data, tables)

    def exchange(slot: Slot, mean: Tensor, table: Integers) -> Integers:
        patience.check()
        return reader.code(np.empty(table.shape, np.int32), table)

    return _walk(exchange, context, level, grid)


def _walk(exchange: Exchange, context: ContextModel, level: IntegerLevel, grid: Grid) -> Tensor:
    def code(slot: Slot, mean: Tensor, index: Tensor) -> Tensor:
        known = grid.flat(mean, slot)
        symbols = exchange(slot, known, grid.flat(index, slot).numpy().astype(np.uint8))
        known.add_(torch.from_numpy(symbols), alpha=level.step)
        values = torch.zeros_like(mean)
        parts = list(grid.inside(values, slot))
        sizes = [part.numel() for part in parts]
        for part, found in zip(parts, known.split(sizes), strict=True):
            part.copy_(found.view_as(part))
        return values

    shape = (1, context.bounds[-1], grid.height, grid.width)
    return context.scan(torch.zeros(1, dtype=torch.float64).expand(shape), level, code)
