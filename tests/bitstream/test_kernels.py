"""Weight updates by kernels: round trips, golden bytes, its cost against the ideal, bad data."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstream import FormatError, InvalidField, LimitExceeded
from bitstream.update.levels import TensorLayout, UpdatePayload, pack, unpack

KERNELS, BIASES = 0, 1
LAYOUT = (
    TensorLayout(24, 108, KERNELS),
    TensorLayout(1, 24, BIASES),
    TensorLayout(1, 24, BIASES),
    TensorLayout(24, 216, KERNELS),
    TensorLayout(1, 24, BIASES),
    TensorLayout(12, 216, KERNELS),
    TensorLayout(1, 12, BIASES),
)
SMALL = (TensorLayout(3, 4, 0), TensorLayout(1, 5, 1), TensorLayout(2, 1, 0))


def laplace_update(density: float, seed: int, scale: float = 1.5) -> UpdatePayload:
    """Levels that are not zero with probability `density`, rounded away from zero."""
    rng = np.random.default_rng(seed)
    levels = []
    for tensor in LAYOUT:
        shape = (tensor.rows, tensor.columns)
        drawn = rng.laplace(0, scale, shape)
        rounded = np.rint(drawn) + np.where(np.abs(drawn) < 0.5, np.sign(drawn), 0)
        levels.append((rounded * (rng.random(shape) < density)).astype(np.int32))
    return UpdatePayload((3, 7), tuple(levels))


def ideal_bytes(payload: UpdatePayload) -> float:
    """Zero-order empirical entropy of all levels, as if their histogram were free."""
    levels = np.concatenate([level.ravel() for level in payload.levels])
    _, counts = np.unique(levels, return_counts=True)
    return float(-(counts * np.log2(counts / counts.sum())).sum() / 8)


def assert_equal(first: UpdatePayload, second: UpdatePayload) -> None:
    assert first.step_shifts == second.step_shifts
    for a, b in zip(first.levels, second.levels, strict=True):
        assert a.dtype == b.dtype == np.int32
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("density", "expected"), [(0.01, 148), (0.05, 543), (0.25, 1890), (1.0, 3578)]
)
def test_cost_is_close_to_the_ideal(density: float, expected: int) -> None:
    payload = laplace_update(density, seed=0)
    data = pack(payload, LAYOUT)
    assert_equal(unpack(data, LAYOUT), payload)
    assert len(data) == expected
    assert len(data) < 1.10 * ideal_bytes(payload) + 12


def test_a_handful_of_levels_costs_a_few_tens_of_bytes() -> None:
    payload = laplace_update(0.0, seed=0)
    for place in range(8):
        payload.levels[3][3 * place, 17 * place] = 1 - 2 * (place % 2)
    assert len(pack(payload, LAYOUT)) == 18


def test_an_empty_update_costs_next_to_nothing() -> None:
    assert len(pack(laplace_update(0.0, seed=0), LAYOUT)) <= 4


def test_golden_bytes() -> None:
    payload = UpdatePayload(
        (2, 15),
        (
            np.array([[0, 0, 0, 1], [0, 0, 0, 0], [-2, 3, 4, -900]], np.int32),
            np.array([[0, -1, 0, 0, 0]], np.int32),
            np.array([[0], [5]], np.int32),
        ),
    )
    assert pack(payload, SMALL).hex() == "2f36a1654b6232f0bb971f"


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_round_trip(data: st.DataObject) -> None:
    level = st.just(0) | st.integers(-3, 3) | st.integers(-(2**15) + 1, 2**15 - 1)
    levels = []
    for tensor in SMALL:
        size = tensor.rows * tensor.columns
        drawn = data.draw(st.lists(level, min_size=size, max_size=size))
        levels.append(np.array(drawn, np.int32).reshape(tensor.rows, tensor.columns))
    shifts = data.draw(st.tuples(st.integers(0, 15), st.integers(0, 15)))
    payload = UpdatePayload(shifts, tuple(levels))
    assert_equal(unpack(pack(payload, SMALL), SMALL), payload)


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_raise_only_format_errors(data: bytes) -> None:
    try:
        payload = unpack(data, SMALL)
    except FormatError:
        return
    assert_equal(unpack(pack(payload, SMALL), SMALL), payload)


def test_endless_prefix_is_rejected() -> None:
    """All ones in every context-coded decision, found by always choosing the low end."""
    with pytest.raises(InvalidField, match="prefix is longer than 14"):
        unpack(b"\0" * 100, (TensorLayout(1, 5, 0),))


@pytest.mark.parametrize("level", [2**15, -(2**15), -(2**31)])
def test_level_beyond_15_bits_is_rejected(level: int) -> None:
    payload = laplace_update(0.0, seed=0)
    payload.levels[0][0, 0] = level
    with pytest.raises(InvalidField, match="level"):
        pack(payload, LAYOUT)


@pytest.mark.parametrize("shifts", [(0, 16), (-1, 0), (0,), (0, 0, 0)])
def test_step_shifts_out_of_range_or_number_are_rejected(shifts: tuple[int, ...]) -> None:
    payload = dataclasses.replace(laplace_update(0.0, seed=0), step_shifts=shifts)
    with pytest.raises(InvalidField, match="step shift"):
        pack(payload, LAYOUT)


def test_shapes_that_differ_from_the_layout_are_rejected() -> None:
    with pytest.raises(InvalidField, match="shapes"):
        pack(laplace_update(0.0, seed=0), LAYOUT[:-1])


def test_too_many_parameters_are_rejected() -> None:
    with pytest.raises(LimitExceeded, match="parameters"):
        unpack(b"", (TensorLayout(4096, 1025, 0),))
