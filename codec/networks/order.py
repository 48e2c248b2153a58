"""Where latents lie, and the order in which they are coded; needs no torch.

Encoder and decoder walk the same scan over the same networks; they differ in where the symbols of a
step come from (`Exchange`): chosen from the latents and written, or read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK_PX = 16
"""Rows and columns of pixels of a latent."""
Latents = NDArray[np.int64]
"""[h w c], in units of 2^-6."""
Phase = tuple[int, int]
"""Positions (2i + di, 2j + dj)."""
PAIRS: tuple[tuple[Phase, ...], ...] = (((0, 0), (1, 1)), ((0, 1), (1, 0)))
"""A checkerboard: the positions that are coded together, first and then."""
Slices = tuple[tuple[int, ...], ...]
"""Channels of each group, in the parts that are coded one after the other."""


@dataclass(frozen=True)
class Slot:
    """One step of the scan: channels [start, stop) at the positions of some phases."""

    start: int
    stop: int
    phases: tuple[Phase, ...]


Exchange = Callable[
    [Slot, NDArray[np.int64], NDArray[np.int64], NDArray[np.uint16]], NDArray[np.int32]
]
"""(slot; mean, step and table of each symbol) -> symbols; all flat, in the order of the format."""


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

    def inside(self, phase: Phase) -> tuple[int, int]:
        """Rows and columns of the positions of a phase that have symbols."""
        return (self.rows - phase[0] + 1) // 2, (self.columns - phase[1] + 1) // 2

    def counts(self, slot: Slot) -> list[int]:
        """Symbols of each phase of a slot."""
        channels = slot.stop - slot.start
        return [channels * rows * columns for rows, columns in map(self.inside, slot.phases)]
