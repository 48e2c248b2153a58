"""The distortion that all searches share, and a region of interest as its weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

import codec
from codec import EncodeOptions, Lossless, Lossy
from codec.encoding.distortion import EVEN, LEAST, Distortion
from codec.encoding.updates.normal import EquationSums, NormalEquations
from codec.errors import ImageError, OptionError
from codec.picture.pixels import squared_error


def mask_of(height: int, width: int) -> np.ndarray:
    """White in the middle."""
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 : -(height // 4), width // 4 : -(width // 4)] = 255
    return mask


def test_weights_have_mean_1_and_are_equal_within_blocks():
    weights = Distortion.by_mask(mask_of(17, 23)).weights[0, 0].numpy()
    assert weights.shape == (17, 23)
    assert weights.mean() == pytest.approx(1)
    assert weights.min() / weights.max() == pytest.approx(LEAST)
    for row, column in ((1, 0), (0, 1), (1, 1)):
        cornered = weights[row::2, column::2]
        assert np.array_equal(cornered, weights[::2, ::2][: len(cornered), : cornered.shape[1]])


def test_black_and_white_masks_ask_for_nothing():
    for grey in (0, 255):
        weights = Distortion.by_mask(np.full((6, 8), grey, np.uint8)).weights
        assert torch.allclose(weights, torch.ones(1))


def test_squared_errors_of_parts_add_up():
    pixels, original = np.random.default_rng(0).integers(0, 256, (2, 12, 16, 3), np.uint8)
    distortion = Distortion.by_mask(mask_of(12, 16))
    weights = distortion.weights[0, 0].numpy().astype(float)
    expected = (np.square(pixels.astype(float) - original).mean(axis=2) * weights).sum()
    found = distortion.squared_error(pixels, original)
    assert found == pytest.approx(expected)
    errors = torch.tensor(pixels.astype("f4") - original).permute(2, 0, 1)[None]
    assert float(distortion.mean(errors)) * 12 * 16 == pytest.approx(expected, rel=1e-5)
    halves = [(slice(0, 12), slice(left, left + 8)) for left in (0, 8)]
    parts = [distortion.part(*half) for half in halves]
    pairs = zip(parts, halves, strict=True)
    assert sum(d.squared_error(pixels[h], original[h]) for d, h in pairs) == pytest.approx(found)
    batch = torch.cat([errors[(..., *half)] for half in halves])
    joined = Distortion.of_parts(parts).mean(batch)
    assert float(joined) == pytest.approx(float(distortion.mean(errors)), rel=1e-5)


def test_the_plain_distortion_is_the_squared_error():
    pixels, original = np.random.default_rng(0).integers(0, 256, (2, 12, 16, 3), np.uint8)
    assert EVEN.squared_error(pixels, original) == squared_error(pixels, original) / 3
    assert Distortion.of_parts([EVEN.part(slice(2), slice(2))]) is EVEN
    assert EVEN.blocks(slice(2)) is None


@pytest.fixture
def parts() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Features with a margin, errors, and weights of positions; more rows than a strip."""
    torch.manual_seed(1)
    return torch.randn(1, 3, 42, 9), torch.randn(1, 2, 40, 7), torch.rand(40, 7)


def summed(features, errors, weights) -> NormalEquations:
    sums = EquationSums(features.shape[1], errors.shape[1])
    sums.add(features, errors, weights)
    return sums.total()


def test_weighted_equations_are_those_of_their_definition(parts):
    features, errors, weights = (part.double() for part in parts)
    columns = functional.unfold(features, 3)[0]
    columns = torch.cat([columns, torch.ones_like(columns[:1])])
    flat, wanted = weights.flatten(), errors[0].flatten(1)
    found = summed(*parts)
    assert np.allclose(found.gram, (columns * flat) @ columns.T, rtol=1e-4, atol=1e-3)
    assert np.allclose(found.cross, (columns * flat) @ wanted.T, rtol=1e-4, atol=1e-3)
    assert found.energy == pytest.approx(float((wanted.square() * flat).sum()), rel=1e-5)
    assert found.positions == pytest.approx(float(flat.sum()), rel=1e-5)


def test_equal_weights_change_no_equation(parts):
    features, errors, weights = parts
    weighted, plain = (summed(features, errors, w) for w in (torch.ones_like(weights), None))
    assert np.allclose(weighted.gram, plain.gram, rtol=1e-5, atol=1e-3)
    assert np.allclose(weighted.cross, plain.cross, rtol=1e-5, atol=1e-3)


def test_a_region_of_interest_is_better_in_fewer_bytes(crop):
    mask = mask_of(*crop.shape[:2])

    def encoded(quality: float, roi: np.ndarray | None) -> tuple[int, float]:
        """Length of the file, and the error inside."""
        result = codec.encode(crop, EncodeOptions(Lossy(quality), effort=3), roi=roi)
        difference = codec.decode(result.data).astype(float) - crop
        return len(result.data), np.square(difference[mask > 0]).mean()

    size, error = encoded(44, None)
    focused_size, focused_error = encoded(41, np.dstack([mask] * 3))
    assert focused_size < 0.95 * size and focused_error < 0.99 * error


def test_updates_by_gradients_weigh_errors_too(crop):
    mask = mask_of(*crop.shape[:2])
    options = EncodeOptions(Lossy(92), effort=1, update="scales")
    errors = []
    for roi in (None, np.dstack([mask] * 3)):
        difference = codec.decode(codec.encode(crop, options, roi=roi).data).astype(float) - crop
        errors.append([np.square(difference[inside]).mean() for inside in (mask > 0, mask == 0)])
    plain, focused = errors
    assert focused[0] < plain[0] and focused[1] > plain[1]


def test_masks_that_cannot_be_used(crop):
    with pytest.raises(ImageError, match="the mask is 3 x 2, and its picture 128 x 96"):
        codec.encode(crop, EncodeOptions(effort=0), roi=np.zeros((2, 3, 3), np.uint8))
    with pytest.raises(OptionError, match="exclude each other"):
        codec.encode(crop, EncodeOptions(Lossless()), roi=crop)
