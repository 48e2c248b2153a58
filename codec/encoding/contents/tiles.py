"""Large pictures in tiles, for searches that hold all activations of a decoder in memory.

A tile is searched together with what lies around it (the halo), of which nothing is kept: its own
latents see neighbours that are nearly those they will have.  What is found is only a proposal to
the coder, so it need not be what the whole picture at once would give.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from codec.networks.order import BLOCK_PX
from codec.networks.strips import PIXELS, spans

SIDE = 64
"""At most, in blocks; even, as the position phases of the context model are."""
HALO = 4
"""In blocks.  Synthesis and context networks see further, but hardly."""
UNDIVIDED = PIXELS // BLOCK_PX**2
"""Pictures of up to so many blocks are one tile, as they are one strip."""


@dataclass(frozen=True)
class Tile:
    """A rectangle of blocks, each side a slice of the picture's blocks.

    Attributes:
        rows: of the tile, and `columns`.
        outer_rows: with the halo, and `outer_columns`.
    """

    rows: slice
    columns: slice
    outer_rows: slice
    outer_columns: slice

    @property
    def inside(self) -> tuple[slice, slice]:
        """The tile in what has the halo."""
        return _relative(self.rows, self.outer_rows), _relative(self.columns, self.outer_columns)


def tiles(rows: int, columns: int) -> Iterator[Tile]:
    """The tiles of a picture, from left to right, from top to bottom; sides are even."""
    whole = rows * columns <= UNDIVIDED
    for vertical in spans(rows, rows if whole else SIDE):
        for horizontal in spans(columns, columns if whole else SIDE):
            tall, wide = slice(*vertical), slice(*horizontal)
            yield Tile(tall, wide, _with_halo(tall, rows), _with_halo(wide, columns))


def _with_halo(side: slice, count: int) -> slice:
    return slice(max(side.start - HALO, 0), min(side.stop + HALO, count))


def _relative(side: slice, outer: slice) -> slice:
    return slice(side.start - outer.start, side.stop - outer.start)
