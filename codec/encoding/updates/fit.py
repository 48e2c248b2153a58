"""Fits the last layer to one image: rate-distortion optimal levels in the model's subspace.

The squared error is an exact quadratic in the levels (`codec.encoding.updates.normal`) and the rate
is that of the real probability tables, so nothing is trained: coordinate descent visits each
coordinate and takes the level of least distortion + lambda * rate, given all others.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bitstream import CdfTables
from bitstream.coding.trellis import reconstruct
from bitstream.update.subspace import SPREAD_ZERO, STEPS, SubspacePayload, table_of
from codec.encoding.deadline import NEVER, Deadline
from codec.encoding.updates import trellis
from codec.encoding.updates.normal import NormalEquations
from codec.models.subspace import STEPS_PER_OCTAVE, Subspace, step_size
from codec.networks.units import ideal_step

LARGEST_SEARCHED = 127
"""Largest magnitude that the search considers."""
STEP_OFFSETS = (0, -2, 2)
SPREAD_OFFSETS = (0, -2, 2)
"""Around the values that theory gives, in quarter octaves."""
SWEEPS = 3
TRELLIS_OFFSETS = (2, 3, 4)
"""Quarter octaves by which the step of a trellis is finer: its levels count two steps."""


@dataclass(frozen=True, eq=False)
class FitTask:
    """One image's last layer.

    Attributes:
        normal: its normal equations, in picture units.
        subspace: where the change is sought.
        tables: probability tables of the model.
        weight: lambda, in bits per squared error (picture units), summed.
    """

    normal: NormalEquations
    subspace: Subspace
    tables: CdfTables
    weight: float


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a search found: levels, and its estimate of the saving in bits, rate included."""

    payload: SubspacePayload
    saving: float


@lru_cache(maxsize=2)
def level_costs(tables: CdfTables) -> NDArray[np.float64]:
    """Bits of each magnitude with each table: float64 [LARGEST_SEARCHED + 1, tables].

    Beyond a table's radius: its escape, a sign and an Exp-Golomb code.
    """
    costs = np.empty((LARGEST_SEARCHED + 1, len(tables.frequencies)))
    for index, (table, radius) in enumerate(zip(tables.frequencies, tables.radii, strict=True)):
        bits = 24 - np.log2(table)
        inside = min(int(radius), LARGEST_SEARCHED)
        costs[: inside + 1, index] = bits[radius : radius + inside + 1]
        excess = np.arange(LARGEST_SEARCHED - inside) + 1
        costs[inside + 1 :, index] = bits[-1] + 2 + 2 * np.floor(np.log2(excess))
    return costs


def fit(
    task: FitTask,
    *,
    thorough: bool,
    deadline: Deadline = NEVER,
    on_step: Callable[[float, float], None] = lambda done, cost: None,
) -> Fitted | None:
    """The best update of an image, or None if every one costs more than it gains.

    Args:
        task: the image.
        thorough: whether to try several steps and spreads instead of the ones theory gives.
        deadline: when to stop; without an update if there is no time for any.
        on_step: called after each step and spread with the fraction done before it, and the cost
            of what it found in bits: negative where that is better than no update.
    """
    normal, subspace = task.normal, task.subspace
    gram, cross = _in_coordinates(task)
    # An entropy-coded uniform quantiser at high rate: d(error)/d(bits) = 2 ln2 step^2 / 12.
    ideal = ideal_step(task.weight * normal.positions)
    deviation = math.sqrt(max(normal.energy, 1e-12) / (normal.positions * cross.shape[1]))
    step_zero = round(-STEPS_PER_OCTAVE * math.log2(ideal))

    best: Fitted | None = None
    levels = np.zeros(cross.shape)
    offsets = list(itertools.product(STEP_OFFSETS, SPREAD_OFFSETS)) if thorough else [(0, 0)]
    for done, (step_offset, spread_offset) in zip(
        deadline.pace(len(offsets)), offsets, strict=False
    ):
        step = min(max(step_zero + step_offset, 0), STEPS - 1)
        size = step_size(step)
        spread = round(STEPS_PER_OCTAVE * math.log2(deviation / size)) + spread_offset
        spread = min(max(spread, -SPREAD_ZERO), SPREAD_ZERO - 1)
        costs = level_costs(task.tables)[:, table_of(subspace.scales, spread, task.tables)]
        levels, saving = descend(
            gram * (task.weight * size**2), cross * (task.weight * size), costs, levels
        )
        if saving > (best.saving if best else 0):
            best = Fitted(SubspacePayload(step, spread, levels.astype(np.int32)), saving)
        on_step(done, -saving)
    return best


def fit_trellis(task: FitTask, plain: Fitted) -> Fitted | None:
    """The same with trellis-coded quantisation, starting from the best plain update.

    Row after row is quantised by a Viterbi search, given all others as they are.  None if
    everything costs more than it gains.
    """
    gram, cross = _in_coordinates(task)
    start = plain.payload.levels * step_size(plain.payload.step)
    best: Fitted | None = None
    for finer in TRELLIS_OFFSETS:
        step = min(plain.payload.step + finer, STEPS - 1)
        size = step_size(step)
        # A level of the trellis is worth two steps.
        spread = plain.payload.spread + step - plain.payload.step - STEPS_PER_OCTAVE
        spread = min(max(spread, -SPREAD_ZERO), SPREAD_ZERO - 1)
        costs = level_costs(task.tables)[:, table_of(task.subspace.scales, spread, task.tables)]
        scaled_gram, scaled_cross = gram * (task.weight * size**2), cross * (task.weight * size)
        multiples, levels = start / size, np.zeros(cross.shape, np.int64)
        pull = scaled_cross - scaled_gram @ multiples
        used, state = int(np.flatnonzero(start.any(1)).max(initial=-1)) + 1, 0
        for row in range(used):
            power = max(scaled_gram[row, row], 1e-12)
            targets, before = multiples[row] + pull[row] / power, state
            levels[row], state = trellis.quantize_row(targets, power, costs[:, row], before)
            found = reconstruct(levels[row : row + 1], before)[0]
            pull -= np.outer(scaled_gram[:, row], found - multiples[row])
            multiples[row] = found
        bits = np.take_along_axis(costs, np.abs(levels)[None], 0).sum()
        saving = float((multiples * (scaled_cross + pull)).sum() - bits)
        if saving > (best.saving if best else 0):
            best = Fitted(SubspacePayload(step, spread, levels.astype(np.int32)), saving)
    return best


def _in_coordinates(task: FitTask) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The normal equations in the coordinates of the subspace: [r r] and [r m]."""
    inner, outer = task.subspace.bases
    return inner.T @ task.normal.gram @ inner, inner.T @ task.normal.cross @ outer.T


def descend(
    gram: NDArray[np.float64],
    cross: NDArray[np.float64],
    costs: NDArray[np.float64],
    start: NDArray[np.float64],
) -> tuple[NDArray[np.float64], float]:
    """Minimises k . gram k - 2 k . cross + bits(k) over integers k, by coordinates.

    Args:
        gram: [r r] and cross [r m], in bits.
        costs: bits of each magnitude, [levels r m].
        start: where the search begins, [r m]; not changed.

    Returns:
        The levels, and by how many bits they are better than no update at all.
    """
    levels = np.clip(start, -LARGEST_SEARCHED, LARGEST_SEARCHED)
    pull = cross - gram @ levels
    diagonal = np.maximum(gram.diagonal(), 1e-12)[:, None]
    columns = np.arange(cross.shape[1])
    dearer = costs[1] - costs[0]
    for _ in range(SWEEPS):
        # Only rows that can gain or have something to lose.
        hopeful = (pull**2 / diagonal > dearer).any(1) | levels.any(1)
        for row in np.flatnonzero(hopeful):
            ideal = pull[row] / diagonal[row] + levels[row]
            floor = np.minimum(np.floor(np.abs(ideal)), LARGEST_SEARCHED - 1)
            candidates = np.stack([np.zeros_like(floor), floor, floor + 1])
            bits = costs[candidates.astype(np.intp), row, columns]
            losses = diagonal[row] * (candidates - np.abs(ideal)) ** 2 + bits
            chosen = candidates[losses.argmin(0), columns] * np.sign(ideal)
            moved = chosen - levels[row]
            if moved.any():
                pull -= np.outer(gram[:, row], moved)
                levels[row] = chosen
    magnitudes = np.abs(levels).astype(np.intp)
    bits = np.take_along_axis(costs, magnitudes[None], 0).sum()
    # pull = cross - gram k, so this is 2 k . cross - k . gram k.
    saved = (levels * (cross + pull)).sum()
    return levels, float(saved - bits)
