"""Closed-form fits of the last layer without a learned basis: as it is, and of low rank.

The same exact quadratic and the same coordinate descent as in the subspace
(`codec.encoding.updates.fit`); the rate is an estimate of what the adaptive coder spends, which
knows nothing of single parameters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitstream.update.levels import STEP_SHIFT_BITS, UpdatePayload
from codec.decoding.parameters import RANK, Kernels
from codec.encoding.updates.fit import LARGEST_SEARCHED, descend
from codec.encoding.updates.normal import NormalEquations
from codec.networks.integers import PARAMETER_BITS
from codec.networks.postfilter import PostFilter
from codec.networks.units import ideal_step

ROUNDS = 3
"""Descents, each with the rate that the levels of the one before would have."""
SHIFT_OFFSETS = (0, 1, 2)
"""Steps tried, in octaves above that of a dense update."""
RIDGE = 1e-3
LEFT_LEVEL = 15
"""Largest level of an output direction of a low-rank change."""
OUTPUT_BITS = 4.0
"""What such a level costs."""


@dataclass(frozen=True)
class _Quantised:
    levels: NDArray[np.float64]
    saving: float


def fit_kernels(
    normal: NormalEquations, postfilter: PostFilter, weight: float
) -> UpdatePayload | None:
    """Levels of kernel and bias of the last layer, or None if none pay.

    Args:
        normal: equations of the image, in picture units.
        postfilter: the base.
        weight: bits per squared error, summed, in picture units.
    """
    start = _dense_shift(normal, weight)
    shifts = [min(max(start + offset, 0), 2**STEP_SHIFT_BITS - 1) for offset in SHIFT_OFFSETS]
    found = [(_quantise(normal, weight, 2.0 ** (s - PARAMETER_BITS)), s) for s in shifts]
    best, shift = max(found, key=lambda pair: pair[0].saving)
    if best.saving <= 0:
        return None
    levels = [np.zeros((t.rows, t.columns), np.int32) for t in Kernels().layout(postfilter)]
    levels[-2] = np.ascontiguousarray(best.levels[:-1].T, np.int32)
    levels[-1] = best.levels[-1:].astype(np.int32)
    return UpdatePayload((shift, shift), tuple(levels))


def fit_low_rank(normal: NormalEquations, weight: float) -> UpdatePayload | None:
    """Levels of `parameters.LowRank`, one rank after another while they pay, or None.

    The directions of the outputs are those of the best low-rank change (reduced-rank regression:
    Izenman, J. Multivariate Analysis 5(2), 1975); the inputs are then fitted to them as rounded.
    """
    power, axes = np.linalg.eigh(normal.gram)
    root = np.sqrt(np.maximum(power, RIDGE * power.mean()))
    explained = (axes / root).T @ normal.cross
    directions = np.linalg.svd(explained, full_matrices=False)[2][:RANK]
    dense = _dense_shift(normal, weight) - math.log2(LEFT_LEVEL / 2)
    best: tuple[float, UpdatePayload | None] = (0.0, None)
    for offset in SHIFT_OFFSETS:
        shift = min(max(round(dense) + offset, 0), 2**STEP_SHIFT_BITS - 1)
        saving, payload = _ranks(normal, weight, directions, shift)
        best = max(best, (saving, payload), key=lambda pair: pair[0])
    return best[1]


def _ranks(
    normal: NormalEquations, weight: float, directions: NDArray[np.float64], shift: int
) -> tuple[float, UpdatePayload]:
    """The low-rank update of a step, and what it saves in bits."""
    size = 2.0 ** (shift - PARAMETER_BITS)
    left = np.zeros((RANK, directions.shape[1]), np.int32)
    right = np.zeros((RANK, len(normal.gram)), np.int32)
    cross, total = normal.cross, 0.0
    for rank, direction in enumerate(directions):
        row = np.round(direction * (LEFT_LEVEL / np.abs(direction).max()))
        # One column: the change of all inputs along this direction.
        alone = NormalEquations(
            normal.gram * (row @ row), cross @ row[:, None], normal.energy, normal.positions
        )
        found = _quantise(alone, weight, size)
        saving = found.saving - OUTPUT_BITS * len(row)
        if saving <= 0:
            break
        left[rank], right[rank] = row, found.levels[:, 0]
        cross = cross - normal.gram @ np.outer(found.levels[:, 0] * size, row)
        total += saving
    return total, UpdatePayload((shift,), (left, right))


def _dense_shift(normal: NormalEquations, weight: float) -> int:
    """Step of an entropy-coded uniform quantiser: d(error)/d(bits) = 2 ln2 step^2 / 12."""
    power = weight * float(normal.gram.diagonal().mean())
    return round(math.log2(ideal_step(power)) + PARAMETER_BITS)


def _quantise(normal: NormalEquations, weight: float, size: float) -> _Quantised:
    """Descends at a step; the rate adapts to what it finds."""
    gram, cross = normal.gram * (weight * size**2), normal.cross * (weight * size)
    levels, saving = np.zeros(cross.shape), 0.0
    magnitudes = np.arange(LARGEST_SEARCHED + 1)
    density, mean = 0.02, 1.5
    for _ in range(ROUNDS):
        stop = 1 / mean  # of a geometric magnitude
        bits = -np.log2(density * stop / 2) - (magnitudes - 1) * math.log2(1 - stop + 1e-3)
        bits[0] = -math.log2(1 - density)
        costs = np.broadcast_to(bits[:, None, None], (len(bits), *cross.shape))
        levels, saving = descend(gram, cross, costs, levels)
        present = np.abs(levels[levels != 0])
        density = min(max((present.size + 0.5) / levels.size, 1e-4), 0.5)
        mean = max(float(present.mean()), 1.05) if present.size else 1.5
    return _Quantised(levels, saving if levels.any() else 0.0)
