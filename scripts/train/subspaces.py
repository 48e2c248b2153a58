"""Learns the subspaces of weight updates: of the post-filter, of the prior, of lossless heads.

Each is learned from what many pictures ask for, solved in whitened coordinates.  What the bases
are for, `codec.models.subspace` says.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from codec.encoding.contents import learned
from codec.encoding.lossless.quadratic import Basis, collect, quadratic, weights_of
from codec.encoding.task import EncodeTask
from codec.encoding.updates.normal import NormalEquations
from codec.encoding.updates.prior import PriorSamples, rate_equations
from codec.models.kinds import LearnedModel, as_kind
from codec.models.subspace import INNER_BITS, OUTER_BITS, STEPS_PER_OCTAVE, Subspace, Subspaces
from codec.networks.likelihood import LOG2_SCALE_MIN
from codec.networks.lossless.network import LosslessNetworks
from codec.picture.pixels import Pixels

RIDGE = 0.05
"""Of each image's solution, in the whitened space: what no coder would send counts little."""
FLOOR = 1e-5
"""Smallest eigenvalue of the features, relative to their mean power."""
SPARSITY = 0.5
"""Scale of the logistic prior over the mean magnitude of the ridge solutions.  Levels that do not
pay are not sent, so what is coded is smaller than what is solved for (measured on CID22)."""
SMALLEST_MAGNITUDE = 1e-5

RANK = 96
"""Axes that are kept; docs/weight-update.md has what fewer save."""
ROUNDS = 2
FARTHEST = 2.0
"""Of a gain or an offset, while the subspace is learned: what a channel without symbols asks for
has no bounds."""

FACTOR_FLOOR = 1e-3
"""Smallest eigenvalue of a factor, relative to the mean: along smaller ones weights would grow out
of the exact range without a gain."""
PRODUCT_ROUNDS = 20
LARGEST_OUTER = 0.5
"""Of the magnitudes in `outer` before it is turned, which has few bits; `inner` has the rest."""

Matrix = NDArray[np.float64]


# The last layer of the post-filter


def learn(images: Sequence[NormalEquations]) -> Subspace:
    """The bases in which the images' solutions are sparse, and how far each coordinate moves."""
    gram = np.mean([image.gram / image.positions for image in images], 0)
    power, axes = np.linalg.eigh(gram)
    whiten = axes / np.sqrt(np.maximum(power, FLOOR * power.mean()))
    solutions = np.stack([_solve(image, whiten) for image in images])

    return of_solutions(solutions, whiten, np.eye(solutions.shape[2]))


def of_solutions(solutions: Matrix, inner: Matrix, outer: Matrix) -> Subspace:
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


def common_change(images: Sequence[NormalEquations]) -> Matrix:
    """The one change [n m] of the last layer that is best for all images together.

    Each image counts by its relative error, so that no quality dominates.
    """
    gram = sum(image.gram / image.energy for image in images)
    cross = sum(image.cross / image.energy for image in images)
    ridge = FLOOR * gram.trace() / len(gram)
    return np.linalg.solve(gram + ridge * np.eye(len(gram)), cross)


def after(image: NormalEquations, change: Matrix) -> NormalEquations:
    """An image's equations once the last layer has been changed."""
    return NormalEquations(
        image.gram,
        image.cross - image.gram @ change,
        image.energy - image.gain(change),
        image.positions,
    )


def _solve(image: NormalEquations, whiten: Matrix) -> Matrix:
    """An image's ridge solution in the whitened space, relative to its error: [n m]."""
    gram = whiten.T @ image.gram @ whiten / image.positions
    cross = whiten.T @ image.cross / image.positions
    deviation = math.sqrt(image.energy / (image.positions * cross.shape[1]))
    return np.linalg.solve(gram + RIDGE * np.eye(len(gram)), cross) / deviation


def _principal_axes(solutions: Matrix) -> Matrix:
    """Eigenvectors of the second moment of [images n m] along n, strongest first: [n n]."""
    moment = np.einsum("ial,ibl->ab", solutions, solutions)
    return np.linalg.eigh(moment)[1][:, ::-1]


# The prior


def learn_prior(tasks: Iterable[EncodeTask], *, gains: bool = True) -> Subspace:
    """The bases in which what the pictures ask for is sparse, and how far each coordinate moves.

    Args:
        tasks: the pictures, and what they are to be coded with.
        gains: whether gains move too, or offsets alone.
    """
    return first(learn([_solved(task, gains=gains) for task in tasks]), RANK)


@torch.no_grad()
def _solved(task: EncodeTask, *, gains: bool) -> NormalEquations:
    """The rate of a picture as a quadratic around the best gains and offsets, about."""
    model = as_kind(task.model, LearnedModel)
    level = model.level(task.half)
    coded = learned.code_latents(task, model, learned.analyze(task, model))
    samples = PriorSamples.of_symbols(coded.symbols, model, level)
    if not gains:
        samples = replace(samples, said=torch.zeros_like(samples.said))
    change = torch.zeros(2 * len(samples.symbols), dtype=torch.float64)
    for _ in range(ROUNDS):
        normal = rate_equations(samples, change)
        diagonal = normal.gram.diagonal()
        ridge = RIDGE * np.diag(np.maximum(diagonal, diagonal.mean()))
        solution = np.linalg.solve(normal.gram + ridge, normal.cross[:, 0])
        change = torch.from_numpy(solution).clamp(-FARTHEST, FARTHEST)
    return rate_equations(samples, change)


# The heads of the lossless networks.  The curvature of one is nearly a Kronecker product, of what
# its inputs and what its outputs share: whitening takes two small bases in place of a large one.


def learn_heads(
    pictures: Sequence[Pixels], networks: LosslessNetworks, log2_width: float
) -> Subspaces:
    """The bases in which the pictures' solutions are sparse, and how far each coordinate moves."""
    whiten = [whitening(*mean) for mean in mean_curvatures(pictures[::4], networks, log2_width)]
    solutions = [solve(pixels, networks, log2_width, whiten) for pixels in pictures]
    return tuple(
        of_solutions(np.stack(found), *basis)
        for found, basis in zip(zip(*solutions, strict=True), whiten, strict=True)
    )


def mean_curvatures(
    pictures: Sequence[Pixels], networks: LosslessNetworks, log2_width: float
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


def factors(curvature: Matrix) -> tuple[Matrix, Matrix]:
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
    return (axes * np.maximum(power, FACTOR_FLOOR * power.mean())) @ axes.T


def whitening(within: Matrix, across: Matrix) -> Basis:
    """Inner [n n] and outer [m m], in which the curvature of a position is about one."""
    inner, outer = (axes / np.sqrt(power) for power, axes in map(np.linalg.eigh, (within, across)))
    size = np.abs(outer).max() / LARGEST_OUTER
    return inner * size, outer.T / size


def solve(
    pixels: Pixels, networks: LosslessNetworks, log2_width: float, whiten: Sequence[Basis]
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
