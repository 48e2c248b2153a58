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
from codec.picture import Pixels
from codec.update.subspace import INNER_BITS, OUTER_BITS, STEPS_PER_OCTAVE, Subspace

ROUNDS = 2


def whitening(curvature: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bases [heads k k] in which the mean curvature [heads k k] of a position is one."""
    power, axes = np.linalg.eigh(curvature / 2)
    floor = FLOOR * power.mean(1, keepdims=True)
    return axes / np.sqrt(np.maximum(power, floor))[:, None]


def solve(
    pixels: Pixels, networks: Lossless, log2_width: float, whiten: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A picture's ridge solution in whitened coordinates [n], and its curvature per position."""
    samples, base = collect(pixels, networks), weights_of(networks)
    positions, weights, first = pixels[..., 0].size, base, None
    solution = np.zeros((len(base), base[0].numel()))
    for _ in range(ROUNDS):
        _, slope, curvature = quadratic(samples, weights, log2_width)
        first = curvature / positions if first is None else first
        if whiten is None:
            break
        gram = whiten.transpose(0, 2, 1) @ (curvature / 2 / positions) @ whiten
        pull = -slope.reshape(len(base), 1, -1) / 2 / positions @ whiten
        cross = (gram @ solution[..., None])[..., 0] + pull[:, 0]
        solution = np.linalg.solve(gram + RIDGE * np.eye(gram.shape[1]), cross[..., None])[..., 0]
        change = (whiten @ solution[..., None])[..., 0]
        weights = base + torch.from_numpy(change.reshape(base.shape))
    return solution.ravel(), first


def learn(
    pictures: Sequence[Pixels], networks: Lossless, log2_width: float, rank: int
) -> Subspace:
    """The basis in which the pictures' solutions are sparse, and how far each coordinate moves."""
    curvature = np.mean([solve(p, networks, log2_width, None)[1] for p in pictures[::8]], 0)
    whiten = whitening(curvature)
    solutions = np.stack([solve(p, networks, log2_width, whiten)[0] for p in pictures])
    turn = np.linalg.eigh(solutions.T @ solutions)[1][:, ::-1][:, :rank]
    inner = torch.block_diag(*torch.from_numpy(whiten)).numpy() @ turn
    magnitude = np.maximum(SPARSITY * np.abs(solutions @ turn).mean(0), SMALLEST_MAGNITUDE)
    scales = np.round(STEPS_PER_OCTAVE * (np.log2(magnitude) - LOG2_SCALE_MIN))
    return Subspace(
        np.round(inner * 2**INNER_BITS).astype(np.int64),
        np.array([[1 << OUTER_BITS]]),
        scales.astype(np.int16)[:, None],
    )
