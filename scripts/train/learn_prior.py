"""Learns the subspace in which updates of the prior are coded; see `codec.decoding.prior`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch

from codec.encoding.contents import learned
from codec.encoding.job import Job
from codec.encoding.updates.normal import NormalEquations
from codec.encoding.updates.prior import Samples, equations
from codec.models.subspace import Subspace
from scripts.train.learn_subspace import RIDGE, first, learn

RANK = 96
"""Axes that are kept; docs/weight-update.md has what fewer save."""
ROUNDS = 2
FARTHEST = 2.0
"""Of a gain or an offset, while the subspace is learned: what a channel without symbols asks for
has no bounds."""


def learn_prior(jobs: Iterable[Job], *, gains: bool = True) -> Subspace:
    """The bases in which what the pictures ask for is sparse, and how far each coordinate moves.

    Args:
        jobs: the pictures, and what they are to be coded with.
        gains: whether gains move too, or offsets alone.
    """
    return first(learn([_solved(job, gains=gains) for job in jobs]), RANK)


@torch.no_grad()
def _solved(job: Job, *, gains: bool) -> NormalEquations:
    """The rate of a picture as a quadratic around the best gains and offsets, about."""
    model, level = job.model, job.model.level(job.half)
    coded = learned.code_latents(job, learned.analyze(job), model.networks)
    samples = Samples.of_symbols(coded.symbols, model, level)
    if not gains:
        samples = replace(samples, said=torch.zeros_like(samples.said))
    change = torch.zeros(2 * len(samples.symbols), dtype=torch.float64)
    for _ in range(ROUNDS):
        normal = equations(samples, change)
        diagonal = normal.gram.diagonal()
        ridge = RIDGE * np.diag(np.maximum(diagonal, diagonal.mean()))
        solution = np.linalg.solve(normal.gram + ridge, normal.cross[:, 0])
        change = torch.from_numpy(solution).clamp(-FARTHEST, FARTHEST)
    return equations(samples, change)
