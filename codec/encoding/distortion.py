"""THE distortion of an encode: what every decision of a search weighs against bits.

The squared error, each position at its weight, and half of that may give way to what a metric of
the eye says.  What is kept or dropped, the equations of the filter and the refinement of latents
must share it: else one search undoes what another did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from codec.encoding.masking import masking
from codec.encoding.tune import TUNES, Criterion, Tune
from codec.errors import OptionError
from codec.picture.pixels import Pixels, squared_error

Mask = NDArray[np.uint8]
"""[h w]: the lighter, the more an error there weighs."""
BLOCK_PX = 2
"""The last layer of the filter makes that many rows and columns from one position."""
LEAST = 1 / 16
"""What black in a mask weighs, if white weighs 1: nothing is left to chance."""
SHARE = 0.5
"""Of the distortion that a metric has.  The squared error keeps the rest, since a metric that
hardly looks at colours would let them fade."""


@dataclass(frozen=True, eq=False)
class Distortion:
    """Squared error, each position at its weight, and what a metric says.

    Attributes:
        weights: float32 [n 1 h w], equal within blocks of `BLOCK_PX`, of mean 1 over the picture
            unless they stand for more than squares; None for 1 everywhere.
        tune: the metric that has a share; None for none.
        exchange: mean squared errors that are worth 1 of its `lack`; 0 until the picture has been
            decoded once, as long as which the squared error is all.
    """

    weights: Tensor | None = None
    tune: Tune | None = None
    exchange: float = 0.0

    @classmethod
    def by_mask(cls, mask: Mask) -> Distortion:
        """Makes the distortion that a mask asks for: white weighs 16 times as much as black."""
        grey = torch.from_numpy(mask.astype(np.float32))[None, None] / 255
        return cls(_normalised(LEAST + (1 - LEAST) * grey))

    def tuned(self, name: str, pixels: Pixels) -> Distortion:
        """The same with a metric by its name, for a picture: errors where it is busy weigh less.

        Raises:
            OptionError: the picture is too small for the metric.
        """
        if name not in TUNES:
            return self
        tune = TUNES[name]
        if min(pixels.shape[:2]) < tune.smallest_side_px:
            raise OptionError(f"the picture is too small to be tuned for {tune.label}")
        weights = masking(pixels)
        if self.weights is not None:
            weights = weights * self.weights
        return Distortion(_normalised(weights), tune)

    def at(self, pixels: Pixels, original: Pixels) -> Distortion:
        """The same, its halves brought to one scale by a first decoded picture.

        A change of the metric then is worth about what it is in squared errors, so that lambda, and
        the rate at a quality, stay what they are.
        """
        if self.tune is None:
            return self
        lack = self.tune.lack(pixels, original) * original[..., 0].size
        return replace(
            self,
            exchange=self.tune.steepness * self.squared_error(pixels, original) / max(lack, 1e-9),
        )

    def part(self, rows: slice, columns: slice) -> Distortion:
        """That of a part of the picture; sums over parts are those of the picture."""
        if self.weights is None:
            return self
        return replace(self, weights=self.weights[..., rows, columns])

    @classmethod
    def of_parts(cls, parts: Sequence[Distortion]) -> Distortion:
        """The squared error of a batch of parts of one picture."""
        weights = [part.weights for part in parts if part.weights is not None]
        return cls(torch.cat(weights)) if weights else EVEN

    def blocks(self, rows: slice) -> Tensor | None:
        """The weight of each block of some rows, float [h/2 w/2]; None for 1 everywhere."""
        if self.weights is None:
            return None
        return self.weights[0, 0, rows][::BLOCK_PX, ::BLOCK_PX]

    def total(self, pixels: Pixels, original: Pixels) -> float:
        """Of 8-bit pixels [h w 3], in squared errors: summed over positions, mean over channels."""
        error = self.squared_error(pixels, original)
        if self.tune is None or not self.exchange:
            return error
        lack = self.tune.lack(pixels, original) * original[..., 0].size
        return (1 - SHARE) * error + SHARE * self.exchange * lack

    def against(self, original: Tensor) -> Criterion:
        """Makes the mean of the same for a picture [1 3 h w], to be differentiated.

        Args:
            original: pixel values - 128, of the whole picture or the part that this is for.  A
                metric then judges the part by itself: its means add up to those of the picture, its
                4-norms to no more.
        """
        if self.tune is None or not self.exchange:
            return lambda picture: self.mean(picture - original)
        lack, worth = self.tune.against(original), SHARE * self.exchange
        return lambda picture: (
            (1 - SHARE) * self.mean(picture - original) + worth * lack(picture.float())
        )

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
        if self.weights is None:
            return self
        return replace(self, weights=self.weights.to(device))


def blockwise(weights: Tensor) -> Tensor:
    """Weights [1 1 h w], made equal within blocks."""
    height, width = weights.shape[2:]
    sides = (0, width % BLOCK_PX, 0, height % BLOCK_PX)
    blocks = functional.avg_pool2d(functional.pad(weights, sides, mode="replicate"), BLOCK_PX)
    return functional.interpolate(blocks, scale_factor=BLOCK_PX)[..., :height, :width]


def _normalised(weights: Tensor) -> Tensor:
    """Blockwise, and of mean 1."""
    blocks = blockwise(weights)
    return blocks / blocks.mean()


EVEN = Distortion()
"""The plain squared error."""
