"""Learned scores of the weights that a lossless update may change, from the rates of pictures."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from codec.encoding.lossless.quadratic import (
    Basis,
    Quadratic,
    Samples,
    collect,
    nothing,
    quadratic,
    weights_of,
)
from codec.models.kinds import ReleasedModel
from codec.picture.pixels import Pixels
from scripts.train.learn_lossless_subspace import mean_curvatures
from scripts.train.learn_subspace import RIDGE, SMALLEST_MAGNITUDE

VALUE_BITS = 5.0
"""Of a level that is not zero: sign, magnitude and what it is told apart by."""
GATE_ROUNDS, GATE_STEPS = 4, 40
SCALE_ROUNDS = 12


@dataclass(frozen=True, eq=False)
class Quadratics:
    """The rates of pictures around the released weights, a head [images k k], in bits.

    Weights are scaled so that each has a curvature of about one for a position.
    """

    grams: list[NDArray[np.float32]]
    crosses: list[NDArray[np.float32]]
    bases: list[Basis]
    positions: int

    @classmethod
    def of_pictures(cls, pictures: list[Pixels], model: ReleasedModel) -> Quadratics:
        width = float(model.tensors["log2_width"])
        means = mean_curvatures(pictures[::4], model.networks, width)
        bases = [tuple(np.diag(1 / np.sqrt(np.diag(part))) for part in mean) for mean in means]
        there = weights_of(model.networks)
        found = [
            [
                around(head, weight, width, basis)
                for head, weight, basis in zip(
                    collect(pixels, model.networks), there, bases, strict=True
                )
            ]
            for pixels in pictures
        ]
        heads = list(zip(*found, strict=True))
        grams = [np.stack([one.gram for one in head]).astype(np.float32) for head in heads]
        crosses = [np.stack([one.cross for one in head]).astype(np.float32) for head in heads]
        return cls(grams, crosses, bases, pictures[0][..., 0].size)

    @property
    def count(self) -> int:
        """Of weights."""
        return sum(gram.shape[1] for gram in self.grams)

    def solve(self, penalty: Callable[[int], NDArray[np.float64]]) -> NDArray[np.float64]:
        """Best changes with a quadratic penalty on each weight of a head: [images n]."""
        solved = []
        for head, (gram, cross) in enumerate(zip(self.grams, self.crosses, strict=True)):
            matrix = gram.astype(np.float64) + np.eye(gram.shape[1]) * penalty(head)
            solved.append(np.linalg.solve(matrix, cross[..., None].astype(np.float64))[..., 0])
        return np.concatenate(solved, 1)

    def slices(self) -> list[slice]:
        """Where the weights of each head are."""
        ends = np.cumsum([gram.shape[1] for gram in self.grams])
        return [slice(end - len(gram[0]), end) for end, gram in zip(ends, self.grams, strict=True)]


def around(samples: Samples | None, weight: torch.Tensor, width: float, basis: Basis) -> Quadratic:
    """The quadratic of a head."""
    return quadratic(samples, weight, width, basis)[1] if samples else nothing(basis)


def ridge(found: Quadratics) -> NDArray[np.float64]:
    """Changes of all weights: [images n]."""
    return found.solve(lambda head: np.array(RIDGE * found.positions))


def second_order(found: Quadratics) -> NDArray[np.float64]:
    """Score of each weight."""
    gains = []
    for gram, cross in zip(found.grams, found.crosses, strict=True):
        own = np.einsum("nii->ni", gram).mean(0)
        gains.append((cross.astype(np.float64) ** 2).mean(0) / np.maximum(own, 1e-9))
    return np.concatenate(gains)


def bernoulli(found: Quadratics) -> NDArray[np.float64]:
    """Probability of each weight's gate.

    With m_i ~ Bernoulli(p_i) the expected quadratic is again one in the changes d, so they are
    solved for; the gates go down the gradient of it and of their bits in between.
    """
    places = found.slices()
    logits = torch.zeros(found.count, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.2)
    for _ in range(GATE_ROUNDS):
        gates = torch.sigmoid(logits).detach().numpy().astype(np.float64)
        changes = []
        for place, gram, cross in zip(places, found.grams, found.crosses, strict=True):
            p = gates[place]
            matrix = gram * np.outer(p, p)
            own = np.einsum("nii->ni", gram) * p * (1 - p) + 1e-3 * found.positions
            matrix = matrix + own[:, :, None] * np.eye(len(p))
            changes.append(np.linalg.solve(matrix, (cross * p)[..., None])[..., 0])
        for _ in range(GATE_STEPS):
            p = torch.sigmoid(logits)
            loss = _gate_bits(p)
            for place, gram, cross, d in zip(
                places, found.grams, found.crosses, changes, strict=True
            ):
                moves, q = torch.from_numpy(d).float(), p[place]
                matrix, pull = torch.from_numpy(gram), torch.from_numpy(cross)
                gated = moves * q
                own = torch.diagonal(matrix, dim1=1, dim2=2)
                expected = torch.einsum("ni,nij,nj->n", gated, matrix, gated)
                expected = expected + (own * q * (1 - q) * moves**2).sum(1)
                loss = loss + (expected - 2 * (pull * gated).sum(1)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return torch.sigmoid(logits).detach().numpy().astype(np.float64)


def _gate_bits(p: torch.Tensor) -> torch.Tensor:
    entropy = torch.special.entr(p) + torch.special.entr(1 - p)
    return (entropy / math.log(2) + p * VALUE_BITS).sum()


def laplace(found: Quadratics) -> NDArray[np.float64]:
    """Scale of each weight: mean magnitude of moves that are found with that prior.

    |d| / (b ln 2) bits are the quadratic d^2 / (2 |d'| b ln 2) around d', the moves before; b is
    the mean of |d'|, and stands for it too.
    """
    places, moves = found.slices(), ridge(found)
    for _ in range(SCALE_ROUNDS):
        scale = np.maximum(np.abs(moves).mean(0), SMALLEST_MAGNITUDE)
        penalty = 1 / (2 * math.log(2) * scale**2)
        moves = found.solve(lambda head, penalty=penalty: penalty[places[head]])
    return np.abs(moves).mean(0)
