"""Which coordinates of an update are worth having: scores that training pictures give."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import binary_cross_entropy

from codec.models.subspace import Subspace
from scripts.compare.update_problems import Problem

MASK_STEPS = 150
TEMPERATURE = 2 / 3
VALUE_BITS = 4.5
"""Bits of a value that is sent, beyond the gate (methods of the Bernoulli model)."""


def selections(training: list[Problem], subspace: Subspace) -> dict[str, NDArray[np.float64]]:
    """Scores of all coordinates [r m], higher is kept first."""
    solved = [problem.solve()[0] for problem in training]
    rows, outputs = training[0].cross.shape
    second = np.mean([p.cross**2 / p.gram.diagonal()[:, None] for p in training], 0)
    return {
        "first rows": np.repeat(-np.arange(rows)[:, None], outputs, 1).astype(float),
        "scale of the prior": subspace.scales.astype(float),
        "how often it is sent": np.mean([levels != 0 for levels in solved], 0),
        "second-order gain": second,
        "gates (Bernoulli)": _gates(training, solved),
        "scales (Laplace)": _scales(solved),
    }


def _gates(training: list[Problem], solved: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Logits of binary-concrete gates: expected saving, minus entropy and values of what is sent.

    The first objective of Zhang et al., "Learn to overfit better" (VCIP 2021), as derived from its
    abstract; Maddison et al., "The concrete distribution" (ICLR 2017).
    """
    logits = torch.zeros(training[0].cross.shape, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.1)
    problems = [
        (torch.from_numpy(p.gram).float(), torch.from_numpy(p.cross).float()) for p in training
    ]
    deltas = [torch.from_numpy(levels).float() for levels in solved]
    generator = torch.Generator().manual_seed(0)
    for step in range(MASK_STEPS):
        gram, cross = problems[step % len(problems)]
        uniform = torch.rand(logits.shape, generator=generator).clamp(1e-6, 1 - 1e-6)
        gate = torch.sigmoid((logits + torch.logit(uniform)) / TEMPERATURE)
        change = gate * deltas[step % len(problems)]
        gain = (change * (2 * cross - gram @ change)).sum()
        probability = torch.sigmoid(logits).clamp(1e-6, 1 - 1e-6)
        entropy = binary_cross_entropy(probability, probability, reduction="sum")
        optimizer.zero_grad()
        (entropy / np.log(2) + VALUE_BITS * probability.sum() - gain).backward()
        optimizer.step()
    return logits.detach().double().numpy()


def _scales(solved: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Maximum-likelihood scale of a zero-mean Laplace density: the second objective."""
    return np.mean([np.abs(levels) for levels in solved], 0)


def kept(scores: NDArray[np.float64], count: int) -> NDArray[np.bool_]:
    """The `count` best coordinates."""
    order = np.argsort(-scores, axis=None, kind="stable")[:count]
    mask = np.zeros(scores.size, bool)
    mask[order] = True
    return mask.reshape(scores.shape)
