"""A matrix as the product of two of low rank, quantised."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bitstream.tensors import Product
from codec.packing.quantizer import Candidate, quantize


def factorize(
    values: NDArray[np.float64], shape: tuple[int, ...], rank: int, pitch: float
) -> Candidate[Product] | None:
    """The best product of that rank (a truncated singular value decomposition), quantised.

    A tensor [outputs, ...] is a matrix of one row per output. Both factors take the square root of
    the singular values. An error in a factor is amplified by the other one: the pitch is divided
    by what that does on average, so that a bit buys as much as in a tensor that is not a product.

    Args:
        values: [n] in raster order, finite, not all 0.
        shape: of the tensor, n values.
        rank: of the product, at least 1; less is taken if the matrix has less.
        pitch: as for `quantizer.quantize`.

    Returns:
        None if the factors would not have fewer values than the matrix.
    """
    rows = shape[0] if shape else 1
    columns = len(values) // rows
    if rank * (rows + columns) >= len(values):
        return None
    left, singular, right = np.linalg.svd(values.reshape(rows, columns), full_matrices=False)
    rank = min(rank, int(np.count_nonzero(singular)))
    factor_pitch = pitch / math.sqrt(singular[:rank].mean())
    root = np.sqrt(singular[:rank])
    first = quantize((left[:, :rank] * root).ravel(), (rows, rank), factor_pitch)
    second = quantize((root[:, None] * right[:rank]).ravel(), (rank, columns), factor_pitch)
    return Candidate(Product(rank, first.coding, second.coding), first.bits + second.bits)
