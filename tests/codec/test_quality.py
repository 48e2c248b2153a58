"""The quality scale."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from codec.contract.quality import HALVES, integer_levels, lambda_at, level_at, step_at


def test_better_quality_means_finer_steps():
    rows = integer_levels()
    assert len(rows) == HALVES + 1
    for (step, reciprocal, log2), (finer, larger, less) in itertools.pairwise(rows):
        assert finer < step and larger > reciprocal and less <= log2


def test_integers_of_a_level_agree_with_each_other():
    for half, (step, reciprocal, log2) in enumerate(integer_levels()):
        assert step / 64 == pytest.approx(step_at(half / 2), abs=1 / 128)
        assert step * reciprocal == pytest.approx(8 * 2**24, abs=step / 2)
        assert log2 / 256 == pytest.approx(math.log2(step / 64), abs=1 / 512 + 1e-9)


def test_lambda_follows_the_step():
    for quality in (0, 13.5, 50, 100):
        assert lambda_at(quality) * step_at(quality) ** 2 == pytest.approx(28)
    assert (step_at(0), step_at(100)) == pytest.approx((300, 7))


def test_networks_see_quality_from_minus_one_to_one():
    level = level_at(torch.tensor([0.0, 50.0, 100.0]))
    assert level.quality.flatten().tolist() == [-1, 0, 1]
    assert level.step.flatten().tolist() == pytest.approx([300, math.sqrt(2100), 7])
