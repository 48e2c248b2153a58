"""What the search of an update has to solve for one picture, as an exact quadratic in bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitstream.update.subspace import table_of
from codec.contract.quality import centred
from codec.decoding.filtering import Filtering
from codec.encoding.updates.equations import equations
from codec.encoding.updates.fit import FitTask, descend, fit, level_costs
from codec.encoding.updates.normal import NormalEquations
from codec.models.subspace import INNER_BITS, OUTER_BITS, step_size
from codec.networks.units import unit_weight
from scripts.compare.contents import Coded


@dataclass(frozen=True, eq=False)
class Problem:
    """An image in the coordinates of the subspace, in units of its step: all in bits.

    Attributes:
        gram: [r r], and cross [r m].
        costs: bits of magnitudes [levels r m], of the prior.
        size: of the content, bits.
    """

    gram: NDArray[np.float64]
    cross: NDArray[np.float64]
    costs: NDArray[np.float64]
    step: float
    spread: int
    size: int

    def solve(
        self, mask: NDArray[np.bool_] | None = None, *, most: int | None = None
    ) -> tuple[NDArray[np.float64], float]:
        """Levels and saving; only where the mask allows, magnitudes up to `most`."""
        costs = self.costs
        if mask is not None:
            # What may not change is not coded either.
            costs = np.where(mask, costs, np.inf)
            costs[0] = np.where(mask, costs[0], 0)
        if most is not None:
            costs = costs.copy()
            costs[most + 1 :] = np.inf
        return descend(self.gram, self.cross, costs, np.zeros(self.cross.shape))

    def bits(self, levels: NDArray[np.float64]) -> float:
        magnitudes = np.abs(levels).astype(np.intp)
        return float(np.take_along_axis(self.costs, magnitudes[None], 0).sum())

    def saving(self, levels: NDArray[np.float64], bits: float) -> float:
        return float((levels * (2 * self.cross - self.gram @ levels)).sum() - bits)


def normal_of(case: Coded) -> NormalEquations:
    """Equations of a coded picture."""
    job, content = case.job, case.content
    postfilter, quality = job.model.postfilter, centred(job.half)
    return equations(Filtering(content.unfiltered, postfilter, quality), job.original)


def problem_of(case: Coded, normal: NormalEquations) -> Problem | None:
    """The problem at the step and spread of the product's best update; None if it sends none."""
    model = case.job.model
    weight = unit_weight(case.content.weight)
    fitted = fit(FitTask(normal, model.subspace, model.tables, weight), thorough=True)
    if fitted is None:
        return None
    inner = model.subspace.inner / 2**INNER_BITS
    outer = model.subspace.outer / 2**OUTER_BITS
    step, spread = fitted.payload.step, fitted.payload.spread
    size = step_size(step)
    costs = level_costs(model.tables)[:, table_of(model.subspace.scales, spread, model.tables)]
    return Problem(
        inner.T @ normal.gram @ inner * (weight * size**2),
        inner.T @ normal.cross @ outer.T * (weight * size),
        costs,
        size,
        spread,
        8 * case.base.bytes,
    )
