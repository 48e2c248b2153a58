"""The normal equations of an image: all that the fit of the last layer needs to know of it.

The picture is linear in the last layer, so the squared error of any change of it is an exact
quadratic.  Two small matrices hold it, whatever the size of the image; every search over changes
works on them and never runs the network again.  (Wiener filters are transmitted in video coding
for the same reason: Tsai et al., "Adaptive loop filtering for video coding", IEEE JSTSP 7(6),
2013; here the filter's inputs are a network's features.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from codec.postfilter import KERNEL

STRIP_ROWS = 32
"""Rows of features taken at a time; bounds the memory that their neighbourhoods take."""


@dataclass(frozen=True, eq=False)
class NormalEquations:
    """Sums over the positions of one image.

    Attributes:
        gram: float64 [n n], products of features.
        cross: float64 [n m], products of features and errors before the change.
        energy: sum of the squared errors before the change.
        positions: how many there are; a sum over images may weight them.
    """

    gram: NDArray[np.float64]
    cross: NDArray[np.float64]
    energy: float
    positions: float

    def gain(self, change: NDArray[np.float64]) -> float:
        """By how much a change [n m] of the last layer lowers the sum of squared errors."""
        return float(2 * (change * self.cross).sum() - (change * (self.gram @ change)).sum())


class EquationSums:
    """Normal equations that grow by parts of an image, from top to bottom.

    Parts whose heights are multiples of `STRIP_ROWS` (but the last) give the same sums as the whole
    image, to the last bit.
    """

    def __init__(self) -> None:
        self._gram = self._cross = torch.zeros(1, 1, dtype=torch.float64)
        self._energy = 0.0
        self._positions = 0

    def add(self, features: Tensor, errors: Tensor) -> None:
        """Adds a part.

        Args:
            features: float [1 c h+2 w+2], inputs of the last layer and one row or column around
                them, zero beyond the border of the image.
            errors: float [1 m h' w'], h' <= h and w' <= w: target minus output; positions beyond
                h' x w' do not count.
        """
        height, width = errors.shape[2:]
        for top in range(0, height, STRIP_ROWS):
            rows = min(STRIP_ROWS, height - top)
            strip = functional.unfold(features[:, :, top : top + rows + 2, : width + 2], KERNEL)[0]
            seen = torch.cat([strip, strip.new_ones(1, strip.shape[1])])
            wanted = errors[0, :, top : top + rows].reshape(errors.shape[1], -1)
            self._gram = self._gram + (seen @ seen.T).double()
            self._cross = self._cross + (seen @ wanted.T).double()
            self._energy += float(wanted.double().square().sum())
        self._positions += height * width

    def total(self) -> NormalEquations:
        """The equations of all parts."""
        return NormalEquations(
            self._gram.numpy(), self._cross.numpy(), self._energy, self._positions
        )


def normal_equations(features: Tensor, errors: Tensor) -> NormalEquations:
    """Those of a whole image.

    Args:
        features: float [1 c h w], inputs of the last layer, zero beyond the border.
        errors: float [1 m h' w'], as `EquationSums.add` takes them.
    """
    sums = EquationSums()
    sums.add(functional.pad(features, (1, 1, 1, 1)), errors)
    return sums.total()
