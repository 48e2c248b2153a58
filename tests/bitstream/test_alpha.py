"""Planes of transparency: exact, small, and refused when malformed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from bitstream import FormatError
from bitstream.file import alpha

Y, X = np.mgrid[:60, :80]
DISC = ((X - 40) ** 2 + (Y - 30) ** 2 < 500).astype(np.uint8) * np.uint8(255)

NOISE = np.random.default_rng(0).integers(0, 2, (60, 80), np.uint8)


@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=12)))
def test_round_trip(samples: np.ndarray) -> None:
    height, width = samples.shape
    assert np.array_equal(alpha.unpack(alpha.pack(samples), width, height), samples)


@pytest.mark.parametrize(
    ("samples", "kind"),
    [
        (255 * NOISE, alpha.Filter.NONE),
        ((3 * X + 5 * (Y * Y % 7)).astype(np.uint8), alpha.Filter.LEFT),
        ((3 * Y + 5 * (X * X % 7)).astype(np.uint8), alpha.Filter.ABOVE),
        ((X * 2 + Y * 3).astype(np.uint8), alpha.Filter.PLANE),
    ],
)
def test_the_filter_that_fits_makes_planes_small(samples: np.ndarray, kind: alpha.Filter) -> None:
    payload = alpha.pack(samples)
    assert payload[0] == kind
    assert len(payload) < 900
    assert np.array_equal(alpha.unpack(payload, 80, 60), samples)


@given(st.binary(max_size=40))
def test_any_payload_is_a_plane_or_refused(payload: bytes) -> None:
    try:
        samples = alpha.unpack(payload, 5, 4)
    except FormatError as error:
        assert "\n" not in str(error)
    else:
        assert (samples.shape, samples.dtype) == ((4, 5), np.uint8)


@pytest.mark.parametrize("size", [(80, 59), (80, 61), (81, 60)])
def test_planes_of_another_size_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(FormatError, match="not as many samples"):
        alpha.unpack(alpha.pack(DISC), *size)
