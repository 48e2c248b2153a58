"""Learns the subspaces of lossless weight updates, one for each head.

A head's curvature is nearly a Kronecker product, of what its inputs share and what its outputs
share, so whitening takes two small bases in place of a large one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from codec.encoding.lossless.quadratic import Basis, collect, quadratic, weights_of
from codec.models.heads import Subspaces
from codec.networks.lossless.network import Lossless
from codec.picture.pixels import Pixels
from scripts.train.learn_subspace import RIDGE, of_solutions

FLOOR = 1e-3
"""Smallest eigenvalue of a factor, relative to the mean: along smaller ones weights would grow out
of the exact range without a gain."""
ROUNDS = 2
PRODUCT_ROUNDS = 20
LARGEST_OUTER = 0.5
"""Of the magnitudes in `outer` before it is turned, which has few bits; `inner` has the rest."""

Matrix = NDArray[np.float64]


def learn(pictures: Sequence[Pixels], networks: Lossless, log2_width: float) -> Subspaces:
    """The bases in which the pictures' solutions are sparse, and how far each coordinate moves."""
    whiten = [whitening(*mean) for mean in mean_curvatures(pictures[::4], networks, log2_width)]
    solutions = [solve(pixels, networks, log2_width, whiten) for pixels in pictures]
    return tuple(
        of_solutions(np.stack(found), *basis)
        for found, basis in zip(zip(*solutions, strict=True), whiten, strict=True)
    )


def mean_curvatures(
    pictures: Sequence[Pixels], networks: Lossless, log2_width: float
) -> list[tuple[Matrix, Matrix]]:
    """Factors of each head's curvature per position, before any change: of inputs and outputs."""
    weights = weights_of(networks)
    sums = [np.zeros((weight.numel(),) * 2) for weight in weights]
    for pixels in pictures:
        for total, head, weight in zip(sums, collect(pixels, networks), weights, strict=True):
            if head is not None:
                found = quadratic(head, weight, log2_width, _plain(weight))[1]
                total += found.gram / (pixels[..., 0].size * len(pictures))
    return [
        factors(total.reshape(*weight.T.shape, *weight.T.shape))
        for total, weight in zip(sums, weights, strict=True)
    ]


def _plain(weight: torch.Tensor) -> Basis:
    """Coordinates that are the weights themselves."""
    outputs, inputs = weight.shape
    return np.eye(inputs), np.eye(outputs)


def factors(curvature: NDArray[np.float64]) -> tuple[Matrix, Matrix]:
    """Of a Kronecker product that is nearly the matrix [i o i o]: [i i] and [o o].

    Each in turn is the best given the other, as for the covariance of a matrix normal distribution
    (Dutilleul, "The MLE algorithm for the matrix normal distribution", 1999).
    """
    inputs, outputs = curvature.shape[:2]
    across = np.eye(outputs)
    for _ in range(PRODUCT_ROUNDS):
        within = _floored(np.einsum("op,iojp->ij", np.linalg.inv(across), curvature) / outputs)
        within *= inputs / within.trace()
        across = _floored(np.einsum("ij,iojp->op", np.linalg.inv(within), curvature) / inputs)
    return within, across


def _floored(matrix: Matrix) -> Matrix:
    power, axes = np.linalg.eigh(matrix)
    return (axes * np.maximum(power, FLOOR * power.mean())) @ axes.T


def whitening(within: Matrix, across: Matrix) -> Basis:
    """Inner [n n] and outer [m m], in which the curvature of a position is about one."""
    inner, outer = (axes / np.sqrt(power) for power, axes in map(np.linalg.eigh, (within, across)))
    size = np.abs(outer).max() / LARGEST_OUTER
    return inner * size, outer.T / size


def solve(
    pixels: Pixels, networks: Lossless, log2_width: float, whiten: Sequence[Basis]
) -> list[Matrix]:
    """A picture's ridge solution for each head, in whitened coordinates [n m]."""
    solutions = []
    ridge = RIDGE * pixels[..., 0].size
    heads = zip(collect(pixels, networks), weights_of(networks), whiten, strict=True)
    for head, weight, basis in heads:
        inner, outer = basis
        found = np.zeros((inner.shape[1], outer.shape[0]))
        for _ in range(ROUNDS if head else 0):
            moved = weight + torch.from_numpy(inner @ found @ outer).T
            around = quadratic(head, moved, log2_width, basis)[1].around(found.ravel())
            penalty = ridge * np.eye(found.size)
            solved = np.linalg.solve(around.gram + penalty, around.cross)
            found = solved.reshape(found.shape)
        solutions.append(found)
    return solutions
