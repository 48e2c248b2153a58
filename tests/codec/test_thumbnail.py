"""Pictures at a part of their size: near the reduced picture, and without the networks for it."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import codec
from bitstream import Container, InvalidField
from bitstream.file.header import LOSSLESS_QUALITY
from codec.contract.decoding import SCALES, DecodeOptions
from codec.contract.modes import Lossless, Lossy, Standard
from codec.contract.options import EncodeOptions
from codec.errors import OptionError
from codec.picture.pixels import psnr_db

PARTS = SCALES[1:]


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    from skimage import data

    return data.coffee()[100:261, 200:403].copy()  # neither side is a multiple of 16


def reduced(pixels: np.ndarray, scale: int) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).reduce(scale))


@pytest.mark.parametrize("scale", PARTS)
@pytest.mark.parametrize("quality", [20, 80])
def test_a_preview_is_close_to_the_picture(photo, quality, scale):
    data = codec.encode(photo, EncodeOptions(Lossy(quality), effort=1)).data
    expected = reduced(codec.decode(data), scale)
    found = codec.decode(data, DecodeOptions(scale=scale))
    assert found.shape == expected.shape
    assert psnr_db(found, expected) > 32
    assert np.abs(found.mean((0, 1)) - expected.mean((0, 1))).max() < 2.5


@pytest.mark.parametrize("scale", PARTS)
def test_a_lossless_preview_is_a_grid_of_the_picture(photo, scale):
    data = codec.encode(photo, EncodeOptions(Lossless("learned"), effort=0)).data
    found = codec.restore(data, DecodeOptions(scale=scale))
    assert np.array_equal(found.pixels, photo[::scale, ::scale])
    assert not found.lossless


@pytest.mark.parametrize("mode", [Lossless("webp"), Lossy(content="jpeg"), Standard("jpeg")])
def test_other_codecs_are_reduced(photo, mode):
    data = codec.encode(photo, EncodeOptions(mode, effort=1)).data
    found = codec.decode(data, DecodeOptions(scale=4))
    assert psnr_db(found, reduced(photo, 4)) > 30


def test_opacity_is_reduced_too(photo):
    opacity = np.zeros(photo.shape[:2], np.uint8)
    opacity[:, 96:] = 255
    data = codec.encode(np.dstack([photo, opacity]), EncodeOptions(Lossy(), effort=0)).data
    found = codec.decode(data, DecodeOptions(scale=8))
    assert np.array_equal(found[..., 3], reduced(opacity, 8))


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (17, 3)])
@pytest.mark.parametrize("mode", [Lossy(), Lossless("learned")])
def test_tiny_pictures(shape, mode):
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    data = codec.encode(pixels, EncodeOptions(mode, effort=0)).data
    height, width = (-(-side // 8) for side in shape)
    assert codec.decode(data, DecodeOptions(scale=8)).shape == (height, width, 3)


def test_a_flat_picture_stays_flat():
    grey = np.full((40, 40, 3), 128, np.uint8)
    data = codec.encode(grey, EncodeOptions(Lossy(), effort=0)).data
    found = codec.decode(data, DecodeOptions(scale=2)).astype(int)
    assert np.abs(found - 128).max() <= 3


def test_other_scales_are_refused():
    with pytest.raises(OptionError, match="1, 2, 4, 8"):
        DecodeOptions(scale=3)


def test_thumbnails_of_pillow_take_a_preview(photo, monkeypatch):
    data = codec.encode(photo, EncodeOptions(Lossy(60), effort=0)).data
    codec.register_pillow()
    small = codec.decode(data, DecodeOptions(scale=4))
    with Image.open(io.BytesIO(data)) as image:
        image.draft("RGB", (50, 40))
        assert image.size == (small.shape[1], small.shape[0])
        assert np.array_equal(np.asarray(image), small)
    with Image.open(io.BytesIO(data)) as image:
        image.thumbnail((30, 30))
        assert image.size == (30, 24)
        whole = Image.fromarray(codec.decode(data))
        whole.thumbnail((30, 30))
        assert psnr_db(np.asarray(image), np.asarray(whole)) > 28
    with Image.open(io.BytesIO(data)) as image:
        assert image.draft("RGB", (150, 150)) is None
        assert np.array_equal(np.asarray(image), codec.decode(data))


def test_the_command_writes_it(photo, tmp_path: Path, monkeypatch):
    from click.testing import CliRunner

    from codec.cli import main

    monkeypatch.chdir(tmp_path)
    data = codec.encode(photo, EncodeOptions(Lossy(60), effort=0)).data
    Path("photo.nni").write_bytes(data)
    result = CliRunner().invoke(main, ["decode", "--scale", "1/4", "photo.nni", "small.png"])
    assert result.exit_code == 0, result.output
    with Image.open("small.png") as image:
        assert np.array_equal(np.asarray(image), codec.decode(data, DecodeOptions(scale=4)))
    again = ["decode", "--scale", "1/4", "photo.nni", "small.png", "--resume", "--json"]
    assert "skipped" in CliRunner().invoke(main, again).output
    other = ["decode", "--scale", "1/8", "photo.nni", "small.png", "--resume", "--json"]
    assert "skipped" not in CliRunner().invoke(main, other).output


def test_a_quality_that_is_not_of_the_model_is_refused(photo):
    """As without a scale: a preview looks at the header as well."""
    lossless = codec.encode(photo[:8, :8], EncodeOptions(Lossless("learned"), effort=0)).data
    lossy = codec.encode(photo[:8, :8], EncodeOptions(effort=0)).data
    for data, quality in ((lossless, 100), (lossy, LOSSLESS_QUALITY)):
        container = Container.unpack(data)
        header = replace(container.header, quality=quality)
        changed = Container(header, container.chunks).pack()
        for scale in SCALES:
            with pytest.raises(InvalidField, match="does not go with"):
                codec.decode(changed, DecodeOptions(scale=scale))
