"""Learns the subspace of lossless weight updates; see `codec.lossless.update`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from learn_subspace import FLOOR, RIDGE, SMALLEST_MAGNITUDE, SPARSITY
from numpy.typing import NDArray

from codec.lossless.fit import collect, quadratic, weights_of
from codec.lossless.likelihood import LOG2_SCALE_MIN
from codec.lossless.network import Lossless
from codec.lossless.update import heads_of
from codec.picture import Pixels
from codec.update.subspace import INNER_BITS, OUTER_BITS, STEPS_PER_OCTAVE, Subspace

ROUNDS = 2


Matrices = list[NDArray[np.float64]]
"""One for each head."""


def whitening(curvature: NDArray[np.float64]) -> NDArray[np.float64]:
    """Basis [k k] in which the mean curvature [k k] of a position is one."""
    power, axes = np.linalg.eigh(curvature / 2)
    return axes / np.sqrt(np.maximum(power, FLOOR * power.mean()))


def mean_curvature(pictures: Sequence[Pixels], networks: Lossless, log2_width: float) -> Matrices:
    """Curvatures of each head [k k] per position, before any change."""
    sums: Matrices = [0.0] * len(heads_of(networks))
    for pixels in pictures:
        found = quadratic(collect(pixels, networks), weights_of(networks), log2_width)[2]
        sums = [old + new / pixels[..., 0].size for old, new in zip(sums, found, strict=True)]
    return [total / len(pictures) for total in sums]


def solve(
    pixels: Pixels, networks: Lossless, log2_width: float, whiten: Matrices
) -> NDArray[np.float64]:
    """A picture's ridge solution in whitened coordinates, [n]."""
    samples, weights = collect(pixels, networks), weights_of(networks)
    positions = pixels[..., 0].size
    solutions = [np.zeros(len(basis)) for basis in whiten]
    for _ in range(ROUNDS):
        _, slopes, curvatures = quadratic(samples, weights, log2_width)
        for index, basis in enumerate(whiten):
            gram = basis.T @ curvatures[index] @ basis / (2 * positions)
            pull = basis.T @ slopes[index] / (2 * positions)
            ridge = RIDGE * np.eye(len(gram))
            before = solutions[index]
            solutions[index] = np.linalg.solve(gram + ridge, gram @ before - pull)
            moved = torch.from_numpy(basis @ (solutions[index] - before))
            weights[index] = weights[index] + moved.view(weights[index].shape)
    return np.concatenate(solutions)


def learn(pictures: Sequence[Pixels], networks: Lossless, log2_width: float, rank: int) -> Subspace:
    """The basis in which the pictures' solutions are sparse, and how far each coordinate moves."""
    whiten = [whitening(c) for c in mean_curvature(pictures[::8], networks, log2_width)]
    solutions = np.stack([solve(p, networks, log2_width, whiten) for p in pictures])
    # The principal axes of few solutions lie in their span.
    turn = np.linalg.svd(solutions, full_matrices=False)[2][:rank].T
    inner = torch.block_diag(*map(torch.from_numpy, whiten)).numpy() @ turn
    magnitude = np.maximum(SPARSITY * np.abs(solutions @ turn).mean(0), SMALLEST_MAGNITUDE)
    scales = np.round(STEPS_PER_OCTAVE * (np.log2(magnitude) - LOG2_SCALE_MIN))
    return Subspace(
        np.round(inner * 2**INNER_BITS).astype(np.int64),
        np.array([[1 << OUTER_BITS]]),
        scales.astype(np.int16)[:, None],
    )
