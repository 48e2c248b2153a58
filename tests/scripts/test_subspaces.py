"""The space of updates that is learned from many images, on images that are made up."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bitstream import CdfTables
from bitstream.update import subspace as payloads
from codec.encoding.updates.fit import FitTask, fit
from codec.encoding.updates.normal import NormalEquations
from codec.models.subspace import INNER_BITS, OUTER_BITS, Subspace
from codec.networks.tables import latent_tables
from scripts.train.subspaces import after, common_change, learn

FEATURES, OUTPUTS, POSITIONS = 15, 4, 4000
TABLES = CdfTables(tuple(latent_tables()))


def family() -> tuple[np.ndarray, np.ndarray]:
    """Correlated features [n n], and three changes [3 n m] that all images mix."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(FEATURES, FEATURES)) * np.geomspace(1, 0.02, FEATURES)[:, None]
    return mixing, rng.normal(0, 0.05, (3, FEATURES, OUTPUTS))


def image(seed: int) -> NormalEquations:
    """Normal equations of an image of the family: a random mixture of its changes, and noise."""
    rng = np.random.default_rng(100 + seed)
    mixing, changes = family()
    features = rng.normal(size=(POSITIONS, FEATURES)) @ mixing
    wanted = np.tensordot(rng.normal(0.5, 1, 3), changes, 1)
    errors = features @ wanted + rng.normal(0, 0.3, (POSITIONS, OUTPUTS))
    return NormalEquations(
        features.T @ features, features.T @ errors, float(np.square(errors).sum()), POSITIONS
    )


@pytest.fixture(scope="module")
def images() -> list[NormalEquations]:
    return [image(seed) for seed in range(40)]


def plain() -> Subspace:
    """No knowledge: each weight for itself, all equally likely to move."""
    return Subspace(
        np.eye(FEATURES, dtype=np.int64) << INNER_BITS,
        np.eye(OUTPUTS, dtype=np.int64) << OUTER_BITS,
        np.full((FEATURES, OUTPUTS), 12, np.int16),
    )


def test_it_codes_an_image_it_has_not_seen_in_fewer_bits(images):
    """And saves more, everything counted."""
    learned = learn(images)
    for seed in range(3):
        task = FitTask(image(1000 + seed), learned, TABLES, weight=8.0)
        sizes, savings = [], []
        for subspace in (learned, plain()):
            found = fit(dataclasses.replace(task, subspace=subspace), thorough=True)
            sizes.append(len(payloads.pack(found.payload, subspace.scales, TABLES)))
            savings.append(found.saving)
        assert sizes[0] < 0.8 * sizes[1]
        assert savings[0] > savings[1]


def test_it_whitens_the_features(images):
    learned = learn(images)
    inner = learned.inner / 2**INNER_BITS
    power = inner.T @ np.mean([i.gram / i.positions for i in images], 0) @ inner
    assert np.allclose(power, np.eye(FEATURES), atol=0.02)
    outer = learned.outer / 2**OUTER_BITS
    assert np.allclose(outer @ outer.T, np.eye(OUTPUTS), atol=0.001)


def test_the_strongest_coordinates_come_first(images):
    """Three changes of four outputs each: nothing else is worth a wide prior."""
    scales = learn(images).scales
    assert scales[:3].mean() > scales[12:].mean() + 8


def test_the_common_change_is_what_is_best_for_all(images):
    change = common_change(images)
    gains = [found.gain(change) / found.energy for found in images]
    assert np.mean(gains) > 0.05
    for factor in (0.8, 1.2):
        others = [found.gain(factor * change) / found.energy for found in images]
        assert np.mean(others) < np.mean(gains)


def test_equations_after_a_change(images):
    """What is then left to gain by another change is the difference of the two."""
    rng = np.random.default_rng(3)
    first, second = rng.normal(0, 0.05, (2, FEATURES, OUTPUTS))
    changed = after(images[0], first)
    total = images[0].gain(first + second)
    assert changed.gain(second) == pytest.approx(total - images[0].gain(first))
    assert changed.energy == pytest.approx(images[0].energy - images[0].gain(first))
