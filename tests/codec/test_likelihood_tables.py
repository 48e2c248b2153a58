"""The rate model of training against high precision, and the integer tables against it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bitstream import CdfTables, SymbolWriter
from codec.networks.likelihood import (
    LOG2_SCALE_MAX,
    LOG2_SCALE_MIN,
    LOG2_SCALE_SPACING,
    SCALES,
    SHAPE_BIAS,
    SHAPES,
    WIDE_OCTAVES,
    bits,
    mixture_bits,
)
from codec.networks.tables import latent_tables, to_frequencies


def scale_at(index: int) -> float:
    return 2.0 ** (LOG2_SCALE_MIN + LOG2_SCALE_SPACING * index)


def reference_bits(residual: float, scale: float) -> float:
    """sigma(a) - sigma(b) = sinh((a - b) / 2) / (2 cosh(a / 2) cosh(b / 2)), in long double."""
    half = np.longdouble(1) / (2 * np.longdouble(scale))
    upper, lower = (np.longdouble(residual) + 0.5) * half, (np.longdouble(residual) - 0.5) * half
    mass = np.log(np.sinh(half)) - np.log(np.cosh(upper)) - np.log(np.cosh(lower)) - np.log(2.0)
    return float(-mass / np.log(np.longdouble(2)))


@given(st.floats(-100, 100), st.floats(LOG2_SCALE_MIN, LOG2_SCALE_MAX))
def test_bits_are_those_of_a_logistic_density(residual, log2_scale):
    expected = reference_bits(residual, 2.0**log2_scale)
    found = bits(torch.tensor(residual).double(), torch.tensor(log2_scale).double())
    assert float(found) == pytest.approx(expected, rel=1e-6, abs=1e-9)
    found = bits(torch.tensor(residual), torch.tensor(log2_scale))
    assert float(found) == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_bits_have_finite_gradients_far_out():
    residual = torch.tensor([0.0, 1e4, -1e4], requires_grad=True)
    log2_scale = torch.full((3,), LOG2_SCALE_MIN, requires_grad=True)
    total = bits(residual, log2_scale).sum()
    total.backward()
    assert math.isfinite(float(total.detach()))
    assert residual.grad.isfinite().all() and log2_scale.grad.isfinite().all()
    assert residual.grad[1] > 1 and residual.grad[2] < -1


@pytest.mark.parametrize("log2_scale", [-5.0, -1.3, 2.0, 5.5])
@pytest.mark.parametrize("shape", range(SHAPES))
def test_probabilities_of_a_mixture_sum_to_one(log2_scale, shape):
    symbols = torch.arange(-20_000.0, 20_001.0) + 0.3
    column = torch.ones_like(symbols)
    total = torch.exp2(-mixture_bits(symbols, log2_scale * column, shape * column).double()).sum()
    assert total == pytest.approx(1, abs=1e-4)


def test_far_symbols_cost_what_the_wide_logistic_says():
    far, scale = torch.tensor([40.0]), torch.tensor([0.0])
    wide = bits(far, scale + WIDE_OCTAVES)
    for shape in range(SHAPES):
        cost = mixture_bits(far, scale, torch.tensor([float(shape)]))
        weight = torch.sigmoid(torch.tensor(shape + SHAPE_BIAS))
        torch.testing.assert_close(cost, wide - weight.log2(), rtol=1e-3, atol=0)


def test_two_derivatives_of_a_mixture_are_finite_far_out():
    log2_scale = torch.full((3,), LOG2_SCALE_MIN, requires_grad=True)
    residual, shape = torch.tensor([0.0, 1e4, -30.0]), torch.tensor([0.0, 2.0, 3.0])
    total = mixture_bits(residual, log2_scale, shape).sum()
    (slope,) = torch.autograd.grad(total, log2_scale, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), log2_scale)
    assert slope.isfinite().all() and bend.isfinite().all()
    assert slope[1] < -1


def test_tables_are_valid_and_cover_scales_and_shapes():
    tables = latent_tables()
    assert len(tables) == SCALES * SHAPES == 54 * 4
    assert scale_at(SCALES - 1) == 2**LOG2_SCALE_MAX
    CdfTables(tuple(tables))
    for table in tables:
        assert table.sum() == 2**24 and table.min() >= 1


@pytest.mark.parametrize("shape", range(SHAPES))
@pytest.mark.parametrize("index", range(0, SCALES, 4))
def test_tables_are_mixtures(index, shape):
    table, scale = latent_tables()[shape * SCALES + index], scale_at(index)
    radius = len(table) // 2 - 1
    wide = 1 / (1 + math.exp(-shape - SHAPE_BIAS))
    expected = np.array(
        [
            (1 - wide) * 2 ** -reference_bits(v, scale)
            + wide * 2 ** -reference_bits(v, scale * 2**WIDE_OCTAVES)
            for v in range(-radius, radius + 1)
        ]
    )
    # Each symbol keeps at least 1 of 2^24, which the others pay for in proportion.
    tolerance = 1.01 * len(table) * 2**-24
    assert np.abs(table[:-1] / 2**24 - expected).max() < tolerance
    assert table[-1] / 2**24 == pytest.approx(max(0.0, 1 - expected.sum()), abs=tolerance)
    assert np.array_equal(table[:radius], table[radius + 1 : -1][::-1])


def test_frequencies_of_an_impossible_symbol_are_one():
    assert to_frequencies(np.array([1.0, 0.0, 0.0, 1.0])).tolist()[1:3] == [1, 1]


@pytest.mark.parametrize("shape", [0, 3])
@pytest.mark.parametrize("index", [0, 8, 16, 24, 32, 40])
def test_coding_costs_what_the_rate_model_says(index, shape):
    scale, rng = scale_at(index), np.random.default_rng(index)
    uniform = rng.random(20_000)
    wider = rng.random(20_000) < 1 / (1 + math.exp(-shape - SHAPE_BIAS))
    drawn = scale * np.log(uniform / (1 - uniform)) * np.where(wider, 2**WIDE_OCTAVES, 1)
    values = np.rint(drawn).astype(np.int32)
    writer = SymbolWriter(CdfTables(tuple(latent_tables())))
    writer.code(values, np.full(values.shape, shape * SCALES + index))
    log2_scale = torch.full((len(values),), math.log2(scale))
    shapes = torch.full((len(values),), float(shape))
    expected = float(mixture_bits(torch.from_numpy(values).float(), log2_scale, shapes).sum())
    assert 8 * len(writer.finish()) == pytest.approx(expected, rel=0.01, abs=40)
