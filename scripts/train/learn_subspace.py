"""Learns the subspace of weight updates from many solutions; see `codec.models.subspace`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codec.encoding.updates.normal import NormalEquations
from codec.models.subspace import INNER_BITS, OUTER_BITS, STEPS_PER_OCTAVE, Subspace
from codec.networks.likelihood import LOG2_SCALE_MIN

RIDGE = 0.05
"""Of each image's solution, in the whitened space: what no coder would send counts little."""
FLOOR = 1e-5
"""Smallest eigenvalue of the features, relative to their mean power."""
SPARSITY = 0.5
"""Scale of the logistic prior over the mean magnitude of the ridge solutions.  Levels that do not
pay are not sent, so what is coded is smaller than what is solved for (measured on CID22)."""
SMALLEST_MAGNITUDE = 1e-5


def learn(images: Sequence[NormalEquations]) -> Subspace:
    """The bases in which the images' solutions are sparse, and how far each coordinate moves."""
    gram = np.mean([image.gram / image.positions for image in images], 0)
    power, axes = np.linalg.eigh(gram)
    whiten = axes / np.sqrt(np.maximum(power, FLOOR * power.mean()))
    solutions = np.stack([_solve(image, whiten) for image in images])

    return of_solutions(solutions, whiten, np.eye(solutions.shape[2]))


def of_solutions(
    solutions: NDArray[np.float64], inner: NDArray[np.float64], outer: NDArray[np.float64]
) -> Subspace:
    """Turns bases to the principal axes of solutions in their coordinates.

    Args:
        solutions: one for each image, [images r c].
        inner: [n r].
        outer: [c m].
    """
    turn = _principal_axes(solutions)
    outer_turn = _principal_axes(solutions.transpose(0, 2, 1)).T
    coordinates = np.einsum("ki,nkl,jl->nij", turn, solutions, outer_turn)
    magnitude = np.maximum(SPARSITY * np.abs(coordinates).mean(0), SMALLEST_MAGNITUDE)
    scales = np.round(STEPS_PER_OCTAVE * (np.log2(magnitude) - LOG2_SCALE_MIN))
    return Subspace(
        np.round(inner @ turn * 2**INNER_BITS).astype(np.int64),
        np.round(outer_turn @ outer * 2**OUTER_BITS).astype(np.int64),
        scales.astype(np.int16),
    )


def first(subspace: Subspace, rank: int) -> Subspace:
    """The subspace of the first axes of the inputs."""
    return Subspace(subspace.inner[:, :rank], subspace.outer, subspace.scales[:rank])


def common_change(images: Sequence[NormalEquations]) -> NDArray[np.float64]:
    """The one change [n m] of the last layer that is best for all images together.

    Each image counts by its relative error, so that no quality dominates.
    """
    gram = sum(image.gram / image.energy for image in images)
    cross = sum(image.cross / image.energy for image in images)
    ridge = FLOOR * gram.trace() / len(gram)
    return np.linalg.solve(gram + ridge * np.eye(len(gram)), cross)


def after(image: NormalEquations, change: NDArray[np.float64]) -> NormalEquations:
    """An image's equations once the last layer has been changed."""
    return NormalEquations(
        image.gram,
        image.cross - image.gram @ change,
        image.energy - image.gain(change),
        image.positions,
    )


def _solve(image: NormalEquations, whiten: NDArray[np.float64]) -> NDArray[np.float64]:
    """An image's ridge solution in the whitened space, relative to its error: [n m]."""
    gram = whiten.T @ image.gram @ whiten / image.positions
    cross = whiten.T @ image.cross / image.positions
    deviation = math.sqrt(image.energy / (image.positions * cross.shape[1]))
    return np.linalg.solve(gram + RIDGE * np.eye(len(gram)), cross) / deviation


def _principal_axes(solutions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Eigenvectors of the second moment of [images n m] along n, strongest first: [n n]."""
    moment = np.einsum("ial,ibl->ab", solutions, solutions)
    return np.linalg.eigh(moment)[1][:, ::-1]
