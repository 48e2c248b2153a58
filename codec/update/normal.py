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

CHUNK = 2**14
"""Positions summed in single precision before the sum goes on in double precision."""
OFFSETS = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1))
"""Of a kernel's entries from its centre, in raster order."""


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


def normal_equations(features: Tensor, errors: Tensor) -> NormalEquations:
    """Accumulates them.

    Over the whole plane, the product of two shifted features depends on the difference of the
    shifts alone: 13 correlations stand for the 81 blocks of the Gram matrix.  The positions around
    the picture, where some neighbours are inside, are then taken away again.

    Args:
        features: float [1 c h w], inputs of the last layer, zero beyond the border.
        errors: float [1 m h' w'], h' <= h and w' <= w: target minus output; positions beyond
            h' x w' do not count.
    """
    height, width = errors.shape[2:]
    # What no position that counts can see is left out.
    seen = features[0, :, : height + 1, : width + 1]
    channels, rows, columns = seen.shape
    count = channels * len(OFFSETS)
    gram = torch.empty(count + 1, count + 1, dtype=torch.float64)
    blocks = gram[:-1, :-1].view(channels, len(OFFSETS), channels, len(OFFSETS))
    # Rows end in zeros, so that a shift in the flat array is a shift in the plane.
    plane = functional.pad(seen, (0, 2, 0, 2)).flatten(1)
    correlations = {
        (dy, dx): _products(plane, plane, dy * (columns + 2) + dx)
        for dy in range(3)
        for dx in range(-2, 3)
        if dy > 0 or dx >= 0
    }
    for i, first in enumerate(OFFSETS):
        for j, second in enumerate(OFFSETS):
            shift = (second[0] - first[0], second[1] - first[1])
            back = (-shift[0], -shift[1])
            known = correlations.get(shift)
            blocks[:, i, :, j] = correlations[back].T if known is None else known

    around = functional.pad(seen, (2, 2, 2, 2))
    ring = (
        around[:, :3],
        around[:, height + 1 :],
        around[:, 1 : height + 3, :3],
        around[:, 1 : height + 3, width + 1 :],
    )
    for part in ring:
        outside = functional.unfold(part[None], KERNEL)[0]
        gram[:-1, :-1] -= (outside @ outside.T).double()

    # A channel of ones beside the errors sums the features themselves.
    wanted = torch.cat([errors[0], torch.ones_like(errors[0, :1])])
    wanted = functional.pad(wanted, (0, columns + 2 - width, 0, rows + 2 - height)).flatten(1)
    products = torch.stack(
        [_products(plane, wanted, -dy * (columns + 2) - dx) for dy, dx in OFFSETS], 1
    )
    cross = torch.empty(count + 1, errors.shape[1], dtype=torch.float64)
    cross[:-1] = products[..., :-1].flatten(0, 1)
    cross[-1] = errors[0].sum((1, 2), dtype=torch.float64)
    gram[-1, :-1] = products[..., -1].flatten()
    gram[:-1, -1] = gram[-1, :-1]
    gram[-1, -1] = height * width
    return NormalEquations(
        gram.numpy(), cross.numpy(), float(errors.double().square().sum()), height * width
    )


def _products(first: Tensor, second: Tensor, shift: int) -> Tensor:
    """Sum over p of first[:, p] * second[:, p + shift]: [a n], [b n] -> float64 [a b]."""
    if shift < 0:
        return _products(second, first, -shift).T
    total = torch.zeros(len(first), len(second), dtype=torch.float64)
    for start in range(0, first.shape[1] - shift, CHUNK):
        part = second[:, start + shift : start + shift + CHUNK]
        total += (first[:, start : start + part.shape[1]] @ part.T).double()
    return total
