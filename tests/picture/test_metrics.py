"""Metrics: against figures of other implementations, and that they know better from worse."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image
from skimage import data

from codec.picture import scales
from codec.picture.metrics import METRICS, Assessment, measure, texts
from codec.picture.ms_ssim import ms_ssim
from codec.picture.ssimulacra2 import ssimulacra2


def waves() -> np.ndarray:
    """Rings of all frequencies and colours, of odd sides."""
    y, x = np.mgrid[-90:111, -110:123] / 10
    phases = np.array([0, 2, 4])[:, None, None]
    return np.uint8(127.5 * (1 + np.sin(x * x + y * y + phases))).transpose(1, 2, 0)


PICTURES = {
    "coffee": lambda: data.coffee()[:330, :451],
    "chelsea": lambda: data.chelsea()[:272, :448],
    "waves": waves,
    "tiny": lambda: data.astronaut()[100:117, 200:213],
}


def coarse(pixels: np.ndarray) -> np.ndarray:
    return pixels // 24 * 24 + 12


def blurred(pixels: np.ndarray) -> np.ndarray:
    shifted = [np.roll(pixels, (y, x), (0, 1)) for y in range(2) for x in range(3)]
    return np.mean(shifted, axis=0).astype(np.uint8)


def noisy(pixels: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(5).integers(-9, 10, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


KNOWN_SSIMULACRA2 = {
    ("coffee", "coarse"): 40.2371,
    ("coffee", "blurred"): -9.2673,
    ("coffee", "noisy"): 73.8802,
    ("chelsea", "coarse"): 44.0054,
    ("chelsea", "blurred"): 23.6852,
    ("chelsea", "noisy"): 74.9994,
    ("waves", "coarse"): 69.7294,
    ("waves", "blurred"): -63.4426,
    ("waves", "noisy"): 74.6301,
    ("tiny", "coarse"): 91.4598,
    ("tiny", "blurred"): 72.4393,
    ("tiny", "noisy"): 93.1535,
}
"""By another program, which is within 0.02 of the tool of libjxl on a pair of pictures."""


@pytest.mark.parametrize(("name", "damage"), KNOWN_SSIMULACRA2)
def test_ssimulacra2_of_known_pictures(name, damage):
    original = PICTURES[name]()
    found = ssimulacra2(globals()[damage](original), original)
    assert found == pytest.approx(KNOWN_SSIMULACRA2[name, damage], abs=0.05)


@pytest.mark.parametrize("damage", [coarse, blurred, noisy])
@pytest.mark.parametrize("name", ["coffee", "waves"])
def test_ms_ssim_is_that_of_pytorch_msssim(name, damage):
    import torch
    from pytorch_msssim import ms_ssim as theirs

    original = PICTURES[name]()
    pair = damage(original), original
    planes = (torch.tensor(picture.transpose(2, 0, 1)[None].astype("f4")) for picture in pair)
    assert ms_ssim(*pair) == pytest.approx(float(theirs(*planes, data_range=255)), abs=1e-5)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_better_files_have_better_figures(metric):
    original = PICTURES["coffee"]()
    figures = []
    for quality in (5, 20, 50, 80, 95):
        file = io.BytesIO()
        Image.fromarray(original).save(file, "JPEG", quality=quality)
        figures.append(metric.measure(np.asarray(Image.open(file)), original))
    figures.append(metric.measure(original, original))
    spread = [metric.spread(figure) for figure in figures]
    for values in (figures, spread):
        assert values == sorted(set(values), reverse=metric.better == "lower")


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_is_better_than_equal(name):
    picture = PICTURES[name]()
    figures = measure(picture, picture)
    assert figures["psnr_db"] == math.inf and figures["ssimulacra2"] == 100
    assert figures["ms_ssim"] == (pytest.approx(1, abs=1e-6) if len(picture) > 160 else None)


def test_psnr_is_over_all_channels():
    black = np.zeros((4, 4, 3), np.uint8)
    red = black + np.array([30, 0, 0], np.uint8)
    assert METRICS["psnr_db"].measure(red, black) == pytest.approx(10 * math.log10(255**2 / 300))


def test_bands_change_nothing(monkeypatch):
    original = PICTURES["waves"]()
    pair = coarse(original), original
    whole = measure(*pair)
    monkeypatch.setattr(scales, "BAND_PX", 10 * original.shape[1])
    assert measure(*pair) == pytest.approx(whole, rel=1e-6)


def test_small_pictures_have_the_figures_that_make_sense():
    picture = np.zeros((7, 300, 3), np.uint8)
    assert measure(picture, picture ^ 1) == {
        "psnr_db": pytest.approx(48.13, abs=0.01),
        "ssimulacra2": None,
        "ms_ssim": None,
    }
    assert texts(measure(picture, picture ^ 1)) == ["PSNR 48.13 dB"]
    assert measure(np.zeros((8, 8, 3), np.uint8), np.ones((8, 8, 3), np.uint8))["ssimulacra2"] < 100
    side = METRICS["ms_ssim"].smallest_side_px
    assert side == 161
    flat = np.full((side, side, 3), 9, np.uint8)
    assert METRICS["ms_ssim"].measure(flat, flat) == pytest.approx(1, abs=1e-6)


def test_an_assessment_measures_what_is_asked_for_and_once(monkeypatch):
    calls = []
    counted = {
        name: type(metric)(lambda *_, name=name: calls.append(name) or 1.5, name, "", "", 0)
        for name, metric in METRICS.items()
    }
    monkeypatch.setattr("codec.picture.metrics.METRICS", counted)
    picture = np.zeros((8, 8, 3), np.uint8)
    assessment = Assessment(picture, picture)
    assert [assessment.figure("ssimulacra2") for _ in range(3)] == [1.5] * 3
    assert calls == ["ssimulacra2"]
