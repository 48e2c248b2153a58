"""Quality <-> quantiser step <-> lambda.

A file stores the quality in halves, 0 to 200 for 0 to 100.  One quantiser step serves all latent
channels (they are coefficients of a nearly orthonormal transform), spaced geometrically.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

Quality = TypeVar("Quality", "Tensor", float)

HALVES = 200
STEP_COARSEST, STEP_FINEST = 300.0, 7.0
"""Quantiser steps, in pixel values, at quality 0 and 100."""

LAMBDA_TIMES_STEP_SQUARED = 28.0
"""At high rate an entropy-coded uniform quantiser of 3 samples per pixel has
d(MSE)/d(bpp) = -2 ln2 / 3 * step^2 / 12, so lambda * step^2 = 26; dead zones ask for a little more
(HEVC's rule for QP and lambda amounts to 33)."""


@dataclass(frozen=True)
class Level:
    """A batch of qualities, as networks see them: float [b 1 1 1] each."""

    quality: Tensor
    """In [-1, 1]."""
    step: Tensor
    """Quantiser step in pixel values."""


VALUE_BITS = 6
"""Fractional bits of latent values and quantiser steps in the integer decoder."""
RECIPROCAL_BITS = 24
MAGNITUDE_STEPS = 8
"""The integer logarithm of a latent magnitude counts in eighths of a step."""
LOG2_BITS = 8


@dataclass(frozen=True)
class IntegerLevel:
    """One quality, as the integer decoder sees it."""

    quality: int
    """2 * quality - 100, from -100 to 100."""
    step: int
    """Quantiser step, VALUE_BITS fractional bits."""
    step_reciprocal: int
    """MAGNITUDE_STEPS * 2^RECIPROCAL_BITS / step."""
    log2_step: int
    """log2 of the step in pixel values, LOG2_BITS fractional bits."""


def integer_levels() -> list[tuple[int, int, int]]:
    """(step, step_reciprocal, log2_step) of `IntegerLevel` for the qualities 0..HALVES.

    Computed when a model is exported and shipped with it, never by the decoder.
    """
    rows = []
    for half in range(HALVES + 1):
        step = round(step_at(half / 2) * 2**VALUE_BITS)
        reciprocal = round(MAGNITUDE_STEPS * 2**RECIPROCAL_BITS / step)
        rows.append((step, reciprocal, round(math.log2(step / 2**VALUE_BITS) * 2**LOG2_BITS)))
    return rows


def step_at(quality: Quality) -> Quality:
    """Quantiser step in pixel values at a quality in 0..100."""
    step: Quality = STEP_COARSEST * (STEP_FINEST / STEP_COARSEST) ** (quality / 100)
    return step


def lambda_at(quality: Quality) -> Quality:
    """Weight of the mean squared error (pixel values) against bits per pixel."""
    return LAMBDA_TIMES_STEP_SQUARED / step_at(quality) ** 2


def quality_at(weight: float) -> float:
    """Inverse of `lambda_at` for any positive weight; not in 0..100 if no quality has it."""
    step = math.sqrt(LAMBDA_TIMES_STEP_SQUARED / weight)
    return 100 * math.log(step / STEP_COARSEST) / math.log(STEP_FINEST / STEP_COARSEST)


def centred(half: int) -> int:
    """Quality in halves (0..200) -> what networks are conditioned on, -100..100."""
    return half - 100


def level_at(quality: Tensor) -> Level:
    """quality: float [b], 0..100."""
    column = quality.view(-1, 1, 1, 1)
    return Level(column / 50 - 1, step_at(column))
