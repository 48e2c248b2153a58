"""THE distortion of an encode: what every decision of a search weighs against bits.

The squared error, each position at its weight.  What is kept or dropped, the equations of the
filter and the refinement of latents must share it: else one search undoes what another did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from codec.picture.pixels import Pixels, squared_error

Mask = NDArray[np.uint8]
"""[h w]: the lighter, the more an error there weighs."""
BLOCK_PX = 2
"""The last layer of the filter makes that many rows and columns from one position."""
LEAST = 1 / 16
"""What black in a mask weighs, if white weighs 1: nothing is left to chance."""


@dataclass(frozen=True, eq=False)
class Distortion:
    """Squared error, each position at its weight.

    Attributes:
        weights: float32 [n 1 h w], equal within blocks of `BLOCK_PX`, mean 1 over the picture;
            None for 1 everywhere.
    """

    weights: Tensor | None = None

    @classmethod
    def by_mask(cls, mask: Mask) -> Distortion:
        """Makes the distortion that a mask asks for: white weighs 16 times as much as black."""
        height, width = mask.shape
        grey = torch.from_numpy(mask.astype(np.float32))[None, None] / 255
        sides = (0, width % BLOCK_PX, 0, height % BLOCK_PX)
        blocks = functional.avg_pool2d(functional.pad(grey, sides, mode="replicate"), BLOCK_PX)
        wide = functional.interpolate(LEAST + (1 - LEAST) * blocks, scale_factor=BLOCK_PX)
        weights = wide[..., :height, :width]
        return cls(weights / weights.mean())

    def part(self, rows: slice, columns: slice) -> Distortion:
        """That of a part of the picture; sums over parts are those of the picture."""
        return self if self.weights is None else Distortion(self.weights[..., rows, columns])

    @classmethod
    def of_parts(cls, parts: Sequence[Distortion]) -> Distortion:
        """That of a batch of parts of one picture."""
        weights = [part.weights for part in parts if part.weights is not None]
        return cls(torch.cat(weights)) if weights else EVEN

    def blocks(self, rows: slice) -> Tensor | None:
        """The weight of each block of some rows, float [h/2 w/2]; None for 1 everywhere."""
        if self.weights is None:
            return None
        return self.weights[0, 0, rows][::BLOCK_PX, ::BLOCK_PX]

    def squared_error(self, pixels: Pixels, original: Pixels) -> float:
        """Of 8-bit pixels [h w 3]: summed over positions, mean over channels."""
        if self.weights is None:
            return squared_error(pixels, original) / 3
        weights: NDArray[Any] = self.weights[0, 0].numpy(force=True)
        lines = zip(pixels, original, weights, strict=True)
        total = sum(
            float(np.square(row.astype(np.float64) - other).sum(axis=1) @ weight)
            for row, other, weight in lines
        )
        return total / 3

    def scaled(self, errors: Tensor) -> Tensor:
        """Errors [n 3 h w] whose plain squares are what these weigh."""
        return errors if self.weights is None else errors * self.weights.sqrt()

    def mean(self, errors: Tensor) -> Tensor:
        """Of errors [n 3 h w]: mean over positions and channels, to be differentiated."""
        return self.scaled(errors).square().mean()

    def to(self, device: torch.device) -> Distortion:
        """The same, for errors on a device."""
        return self if self.weights is None else Distortion(self.weights.to(device))


EVEN = Distortion()
"""The plain squared error."""
