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

from codec.networks.postfilter import KERNEL

STRIP_ROWS = 32
"""Rows of features taken at a time; bounds the memory that their neighbourhoods take."""


@dataclass(frozen=True, eq=False)
class NormalEquations:
    """Sums over the positions of one image.

    Attributes:
        gram: float64 [n n], products of features.
        cross: float64 [n m], products of features and errors before the change.
        energy: sum of the squared errors before the change.
        positions: how many there are, or the sum of their weights.
    """

    gram: NDArray[np.float64]
    cross: NDArray[np.float64]
    energy: float
    positions: float

    def gain(self, change: NDArray[np.float64]) -> float:
        """By how much a change [n m] of the last layer lowers the sum of squared errors."""
        return float(2 * (change * self.cross).sum() - (change * (self.gram @ change)).sum())

    def plus(self, other: NormalEquations) -> NormalEquations:
        """Those of two images together."""
        return NormalEquations(
            self.gram + other.gram,
            self.cross + other.cross,
            self.energy + other.energy,
            self.positions + other.positions,
        )

    def times(self, weight: float) -> NormalEquations:
        """Those of errors that weigh so much more."""
        return NormalEquations(
            self.gram * weight, self.cross * weight, self.energy * weight, self.positions * weight
        )


class EquationSums:
    """Normal equations that grow by parts of an image, from top to bottom.

    Parts whose heights are multiples of `STRIP_ROWS` (but the last) give the same sums as the whole
    image, to the last bit.

    The product of two rows of features counts again a row further down, for the next pair of
    offsets that is as far apart.  So three large products stand for all nine pairs of vertical
    offsets, and single rows at the ends of a strip for their differences.
    """

    def __init__(self, features: int, outputs: int) -> None:
        """Sums over no position, for so many inputs and outputs of the last layer."""
        self._blocks = torch.zeros(*(KERNEL, KERNEL * features) * 2, dtype=torch.float64)
        self._cross = torch.zeros(KERNEL, KERNEL * features, outputs + 1, dtype=torch.float64)
        self._errors = torch.zeros(outputs, dtype=torch.float64)
        self._energy = 0.0
        self._positions = 0.0

    def add(self, features: Tensor, errors: Tensor, weights: Tensor | None = None) -> None:
        """Adds a part.

        Args:
            features: float [1 c h+2 w+2], inputs of the last layer and one row or column around
                them, zero beyond the border of the image.
            errors: float [1 m h' w'], h' <= h and w' <= w: target minus output; positions beyond
                h' x w' do not count.
            weights: float [h' w'], how much each position counts; None for 1 everywhere.
        """
        height, width = errors.shape[2:]
        for top in range(0, height, STRIP_ROWS):
            rows = min(STRIP_ROWS, height - top)
            strip = features[0, :, top : top + rows + 2]
            shifts = [strip[:, :, shift : shift + width] for shift in range(KERNEL)]
            wide = torch.cat(shifts).permute(1, 2, 0).contiguous()
            weight = None if weights is None else weights[top : top + rows, :, None]
            if weight is None:
                self._add_products(wide, rows)
            else:
                self._add_weighted(wide, weight)
            wanted = errors[0, :, top : top + rows]
            # A channel of ones beside the errors sums the features themselves.
            wanted = torch.cat([wanted, torch.ones_like(wanted[:1])]).permute(1, 2, 0)
            wanted = wanted if weight is None else wanted * weight
            for offset in range(KERNEL):
                self._cross[offset] += _product(wide[offset : offset + rows], wanted)
        weighted = errors if weights is None else errors * weights
        self._errors += weighted[0].sum((1, 2), dtype=torch.float64)
        self._energy += float((weighted.double() * errors.double()).sum())
        self._positions += height * width if weights is None else float(weights.double().sum())

    def _add_weighted(self, wide: Tensor, weight: Tensor) -> None:
        """Adds a strip [rows+2 w 3c] of unequal positions, where no product serves twice."""
        rows = len(weight)
        for first in range(KERNEL):
            scaled = wide[first : first + rows] * weight
            for second in range(first, KERNEL):
                product = _product(scaled, wide[second : second + rows])
                self._blocks[first, :, second] += product
                if second > first:
                    self._blocks[second, :, first] += product.T

    def _add_products(self, wide: Tensor, rows: int) -> None:
        """Adds a strip [rows+2 w 3c] to the products of all pairs of vertical offsets."""
        for distance in range(KERNEL):
            product = _product(wide[:rows], wide[distance : distance + rows])
            for first in range(KERNEL - distance):
                if first:
                    leaves, enters = first - 1, first - 1 + rows
                    product = product - _product(wide[leaves, None], wide[leaves + distance, None])
                    product += _product(wide[enters, None], wide[enters + distance, None])
                self._blocks[first, :, first + distance] += product
                if distance:
                    self._blocks[first + distance, :, first] += product.T

    def total(self) -> NormalEquations:
        """The equations of all parts."""
        channels = self._blocks.shape[1] // KERNEL
        count = channels * KERNEL**2
        # From [row offset, column offset, channel] to the order of a kernel's weights.
        sizes = (KERNEL, KERNEL, channels)
        blocks = self._blocks.view(*sizes, *sizes).permute(2, 0, 1, 5, 3, 4)
        products = self._cross.view(*sizes, -1).permute(2, 0, 1, 3).reshape(count, -1)
        gram = torch.empty(count + 1, count + 1, dtype=torch.float64)
        gram[:-1, :-1] = blocks.reshape(count, count)
        gram[-1, :-1] = gram[:-1, -1] = products[:, -1]
        gram[-1, -1] = self._positions
        cross = torch.cat([products[:, :-1], self._errors[None]])
        return NormalEquations(gram.numpy(), cross.numpy(), self._energy, self._positions)


def _product(first: Tensor, second: Tensor) -> Tensor:
    """Sum over rows and columns: [r w a], [r w b] -> float64 [a b]."""
    return (first.flatten(0, 1).T @ second.flatten(0, 1)).double()
