"""The closed-form fit of the last layer: normal equations, coordinate descent, what they win."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from torch.nn import functional

from bitstream import SymbolWriter
from bitstream.update import subspace as payloads
from codec.encoding.updates.fit import LARGEST_SEARCHED, FitTask, descend, fit, level_costs
from codec.encoding.updates.normal import STRIP_ROWS
from codec.networks.integers import FRACTION_BITS, PARAMETER_BITS
from scripts.train.meta_losses import normal_equations

CHANNELS, OUTPUTS = 28, 12
"""Inputs and outputs of the tiny model's last layer."""


def random_layer(scale: float, seed: int = 0) -> np.ndarray:
    """A change of the last layer: a row per weight of an output, and the biases: [n m]."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, scale, (9 * CHANNELS + 1, OUTPUTS))


def output_of(change: np.ndarray, features: torch.Tensor) -> torch.Tensor:
    """What the layer adds, by a convolution: float64 [1 m h w]."""
    kernel = torch.from_numpy(change[:-1].T.copy()).view(OUTPUTS, CHANNELS, 3, 3)
    return functional.conv2d(features.double(), kernel, torch.from_numpy(change[-1]), padding=1)


def random_features(height: int, width: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, CHANNELS, height, width, generator=generator)


@pytest.mark.parametrize("size", [(1, 1), (6, 9), (2 * STRIP_ROWS + 1, 5)], ids=str)
@pytest.mark.parametrize("beyond", [0, 3])
def test_they_predict_the_real_change_of_the_squared_error(size, beyond):
    """Also where the picture is smaller than the grid that the features are on."""
    height, width = size
    features = random_features(height + beyond, width + beyond)
    errors = output_of(random_layer(0.1, seed=1), features)[:, :, :height, :width]
    normal = normal_equations(features, errors.float())
    assert normal.positions == height * width
    assert normal.energy == pytest.approx(float(errors.square().sum()), rel=1e-5)
    for seed in range(3):
        change = random_layer(0.1, seed)
        left = errors - output_of(change, features)[:, :, :height, :width]
        gain = float((errors.square() - left.square()).sum())
        assert normal.gain(change) == pytest.approx(gain, rel=1e-4, abs=1e-4 * normal.energy)


def cost_of(levels, gram, cross, costs):
    """k . gram k - 2 k . cross + bits(k)."""
    bits = sum(costs[(abs(level), *index)] for index, level in np.ndenumerate(levels))
    return (levels * (gram @ levels)).sum() - 2 * (levels * cross).sum() + bits


@pytest.mark.parametrize("seed", range(5))
def test_descent_finds_the_best_levels_of_a_small_quadratic(seed):
    rng = np.random.default_rng(seed)
    mix = np.eye(3) + 0.02 * rng.normal(size=(3, 3))  # whitened features, but for a little
    gram, cross = 4 * mix.T @ mix, rng.normal(0, 9, (3, 1))
    costs = rng.uniform(0.2, 0.6, (LARGEST_SEARCHED + 1, 3, 1)).cumsum(0)
    costs[1:] += rng.uniform(2, 9, (1, 3, 1))  # zeros are cheap
    levels, saving = descend(gram, cross, costs, np.zeros((3, 1)))
    assert np.abs(levels).max() > 0
    assert -saving == pytest.approx(cost_of(levels.astype(int), gram, cross, costs))
    every = (np.array(found)[:, None] for found in itertools.product(range(-9, 10), repeat=3))
    assert -saving == pytest.approx(min(cost_of(found, gram, cross, costs) for found in every))


def test_descent_changes_nothing_that_does_not_pay():
    costs = np.full((LARGEST_SEARCHED + 1, 2, 1), 50.0)
    costs[0] = 0
    levels, saving = descend(np.eye(2), np.array([[7.0], [7.1]]), costs, np.zeros((2, 1)))
    assert levels.tolist() == [[0], [7]]
    assert saving == pytest.approx(2 * 7 * 7.1 - 49 - 50)


@pytest.mark.parametrize("index", [0, 9, 20, 27, 53])
def test_costs_are_those_of_the_coder(tiny, index):
    costs = level_costs(tiny.tables)[:, index]
    for magnitude in (0, 1, 2, 12, 13, 14, 77, LARGEST_SEARCHED):
        writer = SymbolWriter(tiny.tables)
        signs = np.random.default_rng(magnitude).choice([-1, 1], 400)
        writer.code((magnitude * signs).astype(np.int32), np.full(400, index))
        assert 8 * len(writer.finish()) / 400 == pytest.approx(costs[magnitude], abs=0.1)


@pytest.fixture
def task(tiny) -> FitTask:
    """An image that wants a change near one of the subspace, in noise."""
    features = random_features(40, 30)
    rng = np.random.default_rng(5)
    wanted = (tiny.subspace.inner / 2**16) @ rng.laplace(0, 0.02, tiny.subspace.scales.shape)
    noise = 0.05 * torch.randn(1, OUTPUTS, 40, 30, generator=torch.Generator().manual_seed(6))
    errors = output_of(wanted, features).float() + noise
    return FitTask(normal_equations(features, errors), tiny.subspace, tiny.tables, weight=300.0)


def real_saving(task, found, layer) -> float:
    """Bits that an update saves, from its bytes and the integers that it changes."""
    kernel, bias = task.subspace.change(found.payload, tuple(layer.weight.shape))
    weights = kernel.reshape(OUTPUTS, -1).T / 2**PARAMETER_BITS
    biases = bias / 2 ** (PARAMETER_BITS + FRACTION_BITS)
    change = np.concatenate([weights, biases[None]])
    bits = 8 * len(payloads.pack(found.payload, task.subspace.scales, task.tables))
    return task.weight * task.normal.gain(change) - bits


@pytest.mark.parametrize("thorough", [False, True])
def test_a_fit_lowers_the_real_cost_by_what_it_says(tiny, task, thorough):
    found = fit(task, thorough=thorough)
    saving = real_saving(task, found, tiny.postfilter.leave)
    assert saving > 0
    # Apart from the bytes of step, spread and padding, and the rounding of the integers.
    assert found.saving == pytest.approx(saving, rel=0.02, abs=40)


def test_a_thorough_fit_is_not_worse(task):
    assert fit(task, thorough=True).saving >= fit(task, thorough=False).saving


@pytest.mark.parametrize("weight", [1e-9, 1e-3])
def test_nothing_is_found_where_nothing_pays(task, weight):
    assert fit(dataclasses.replace(task, weight=weight), thorough=True) is None


def test_nothing_is_found_without_an_error(tiny):
    features = random_features(8, 8)
    normal = normal_equations(features, torch.zeros(1, OUTPUTS, 8, 8))
    assert fit(FitTask(normal, tiny.subspace, tiny.tables, 300.0), thorough=True) is None
