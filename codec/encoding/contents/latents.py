"""Latents -> symbols: quantises what the analysis or a search wants, step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitstream import CdfTables, SymbolWriter
from codec.contract.quality import VALUE_BITS, IntegerLevel
from codec.networks.order import Exchange, Grid, Latents, Slot

MOST_SAMPLED = 2**11
"""Positions whose symbols an encoder looks at again: more tell it no more, and need memory."""


@dataclass(frozen=True, eq=False)
class Symbols:
    """What was coded, or a sample of it, in rows of one channel each.

    Attributes:
        values: integers [c n].
        tables: number of the probability table of each, [c n].
        steps: quantiser step of each, VALUE_BITS fractional bits, [c n].
        share: how many symbols each stands for.
    """

    values: Tensor
    tables: Tensor
    steps: Tensor
    share: float


@dataclass(frozen=True, eq=False)
class CodedLatents:
    """Latents as a codeword.

    Attributes:
        payload: the codeword.
        values: what the decoder will have.
        symbols: what the codeword says, of at most MOST_SAMPLED positions.
    """

    payload: bytes
    values: Latents
    symbols: Symbols


def encode_latents(
    y: Tensor,
    scan: Callable[[Exchange], Latents],
    level: IntegerLevel,
    grid: Grid,
    tables: CdfTables,
) -> CodedLatents:
    """Quantises and codes latents.

    Args:
        y: float [1 c h w] on the whole grid, pixel units.
        scan: walks the steps of an engine's networks.
        level: the quality.
        grid: of the picture.
        tables: of the model.
    """
    writer, wanted = SymbolWriter(tables), y[0].double().mul(2**VALUE_BITS).numpy()
    stride = -(-grid.rows * grid.columns // MOST_SAMPLED)
    rows: dict[int, list[list[NDArray[np.int64]]]] = {}
    seen: Counter[int] = Counter()

    def exchange(
        slot: Slot, means: NDArray[np.int64], steps: NDArray[np.int64], indices: NDArray[np.uint16]
    ) -> NDArray[np.int32]:
        symbols = np.rint((_at(wanted, slot, grid) - means) / steps).astype(np.int32)
        known = [_by_channel(flat, slot, grid) for flat in (symbols, indices, steps)]
        sample = slice(-seen[slot.start] % stride, None, stride)
        seen[slot.start] += known[0].shape[1]
        found = [part[:, sample].astype(np.int64) for part in known]
        rows.setdefault(slot.start, []).append(found)
        return writer.code(symbols, indices)

    values = scan(exchange)
    slices = [map(np.hstack, zip(*steps, strict=True)) for steps in rows.values()]
    sampled = [torch.from_numpy(np.concatenate(part)) for part in zip(*slices, strict=True)]
    numbers, table, steps = sampled
    share = grid.rows * grid.columns / numbers.shape[1]
    return CodedLatents(writer.finish(), values, Symbols(numbers, table, steps, share))


def _at(planes: NDArray[np.float64], slot: Slot, grid: Grid) -> NDArray[np.float64]:
    """What stands where the symbols of a slot are, in the order of the format; planes: [c h w]."""
    parts = []
    for row, column in slot.phases:
        rows, columns = grid.inside((row, column))
        part = planes[slot.start : slot.stop, row::2, column::2]
        parts.append(part[:, :rows, :columns].ravel())
    return np.concatenate(parts)


def _by_channel(flat: NDArray[np.integer], slot: Slot, grid: Grid) -> NDArray[np.integer]:
    """Symbols of a slot in rows, one for each of its channels: [c n]."""
    parts = np.split(flat, np.cumsum(grid.counts(slot))[:-1])
    return np.concatenate([part.reshape(slot.stop - slot.start, -1) for part in parts], 1)
