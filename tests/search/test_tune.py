"""What people see as part of the distortion: metrics in torch, masking, and what encodes gain."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

import codec
from codec import EncodeOptions, Lossless, Lossy, Standard
from codec.contract.options import TUNES as NAMES
from codec.encoding.distortion import EVEN, SHARE, Distortion
from codec.encoding.masking import masking
from codec.encoding.reweighting import reweighted
from codec.encoding.tune import TUNES
from codec.errors import OptionError
from codec.networks.pictures import from_pixels
from codec.picture import ssimulacra2
from codec.picture.metrics import METRICS


def as_jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


def score(error: float) -> float:
    """SSIMULACRA2 of a picture with that weighted error."""
    found = ssimulacra2.ssimulacra2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssimulacra2, "weighted_error", lambda *_: error)
        return found(np.zeros(0), np.zeros(0))


def test_every_tune_that_can_be_asked_for_is_there():
    assert NAMES == ("psnr", *TUNES)


@pytest.mark.parametrize("size", [(190, 211), (96, 128), (37, 23), (9, 8)])
@pytest.mark.parametrize("quality", [10, 60, 95])
def test_torch_and_numpy_agree_on_ssimulacra2(size, quality):
    for photograph in (data.astronaut(), data.coffee(), data.chelsea()):
        original = photograph[: size[0], 60 : 60 + size[1]].copy()
        pixels = as_jpeg(original, quality)
        with torch.no_grad():
            found = TUNES["ssimulacra2"].against(from_pixels(original))(from_pixels(pixels))
        expected = ssimulacra2.ssimulacra2(pixels, original)
        assert score(float(found)) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("size", [(190, 211), (161, 162)])
def test_torch_and_numpy_agree_on_ms_ssim(size):
    original = data.coffee()[: size[0], : size[1]].copy()
    pixels = as_jpeg(original, 30)
    with torch.no_grad():
        found = TUNES["ms-ssim"].against(from_pixels(original))(from_pixels(pixels))
    assert float(found) == pytest.approx(TUNES["ms-ssim"].lack(pixels, original), abs=1e-5)


@pytest.mark.parametrize("name", TUNES)
def test_gradients_are_those_of_the_value(name):
    original = data.coffee()[:180, :170].copy()
    picture = from_pixels(as_jpeg(original, 20)).requires_grad_()
    compare = TUNES[name].against(from_pixels(original))
    value = compare(picture)
    value.backward()
    step = -(gradient := picture.grad) / gradient.norm()
    with torch.no_grad():
        moved = float(compare(picture + step))
    assert moved - value.item() == pytest.approx(-float(gradient.norm()), rel=0.1)


@pytest.mark.parametrize("name", TUNES)
def test_a_picture_that_lacks_nothing(name):
    original = data.coffee()[:176, :176].copy()
    picture = from_pixels(original).requires_grad_()
    value = TUNES[name].against(from_pixels(original))(picture)
    value.backward()
    assert value.item() == pytest.approx(0, abs=0.01)
    assert picture.grad.isfinite().all()
    assert TUNES[name].lack(original, original) == pytest.approx(0, abs=1e-9)


def test_errors_hide_where_a_picture_is_busy():
    pixels = np.full((32, 64, 3), 128, np.uint8)
    pixels[:, 32:] += np.random.default_rng(0).integers(-60, 60, (32, 32, 3)).astype(np.uint8)
    weights = masking(pixels)[0, 0]
    assert weights.shape == (32, 64)
    assert weights[:, :24].min() > 1.2 * weights[:, 40:].max()


def test_the_halves_are_of_one_size_at_the_first_decode():
    original = data.coffee()[:96, :128].copy()
    pixels = as_jpeg(original, 30)
    for distortion in (EVEN, Distortion.by_mask(original[..., 0])):
        plain = distortion.tuned("ssimulacra2", original)
        assert plain.total(pixels, original) == plain.squared_error(pixels, original)
        tuned = plain.at(pixels, original)
        steepness = TUNES["ssimulacra2"].steepness
        expected = (1 - SHARE + SHARE * steepness) * plain.squared_error(pixels, original)
        assert tuned.total(pixels, original) == pytest.approx(expected)
        mean = tuned.against(from_pixels(original))(from_pixels(pixels))
        assert float(mean) * original[..., 0].size == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("tune", TUNES)
def test_squares_grow_as_the_distortion_does(tune):
    original = data.astronaut()[:176, 140:316].copy()
    pixels, target = as_jpeg(original, 40), from_pixels(original)
    distortion = EVEN.tuned(tune, original).at(pixels, original)
    squares = reweighted(distortion, pixels, target)
    assert squares.tune is None and float(squares.weights.min()) > 0
    picture = from_pixels(pixels)
    errors = picture - target
    growths = []
    for measure in (distortion.against(target), lambda moved: squares.mean(moved - target)):
        moved = picture.clone().requires_grad_()
        (slopes,) = torch.autograd.grad(measure(moved), moved)
        growths.append(float((slopes * errors).sum()))
    assert growths[1] == pytest.approx(growths[0], rel=0.05)
    assert reweighted(EVEN, pixels, target) is EVEN


def test_psnr_asks_for_nothing_else():
    assert EVEN.tuned("psnr", np.zeros((4, 4, 3), np.uint8)) is EVEN
    assert EVEN.at(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 3), np.uint8)) is EVEN


@pytest.mark.parametrize("tune", TUNES)
def test_a_tuned_file_looks_better_in_fewer_bytes(tune):
    metric = METRICS[tune.replace("-", "_")]
    photograph = data.astronaut()[:176, 140:316].copy()
    plain, tuned = (
        codec.encode(photograph, EncodeOptions(Lossy(50), effort=3, tune=name))
        for name in ("psnr", tune)
    )
    figures = [metric.measure(codec.decode(f.data), photograph) for f in (plain, tuned)]
    assert len(tuned.data) <= len(plain.data) and figures[1] > figures[0]
    assert tuned.report.psnr_db < plain.report.psnr_db


def test_what_cannot_be_tuned():
    with pytest.raises(OptionError, match="tune must be one of psnr, ssimulacra2, ms-ssim, not x"):
        EncodeOptions(tune="x")
    with pytest.raises(OptionError, match="refines latents, 3 or more, not 2"):
        EncodeOptions(effort=2, tune="ssimulacra2")
    with pytest.raises(OptionError, match="lossless and tune ssimulacra2 exclude each other"):
        EncodeOptions(Lossless(), tune="ssimulacra2")
    for mode in (Standard("jpeg"), Lossy(content="webp")):
        with pytest.raises(OptionError, match="has an update, 1 or more, not 0"):
            EncodeOptions(mode, effort=0, tune="ssimulacra2")
    with pytest.raises(OptionError, match="too small to be tuned for MS-SSIM"):
        codec.encode(np.zeros((160, 200, 3), np.uint8), EncodeOptions(effort=3, tune="ms-ssim"))
