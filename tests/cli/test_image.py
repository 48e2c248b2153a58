"""Which pictures are read, and which are refused with what advice."""

from __future__ import annotations

import math
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from codec.contract.options import ReadOptions
from codec.errors import ImageError
from codec.picture import reading, writing
from codec.picture.pixels import psnr_db


def saved(picture: Image.Image, file_format: str = "PNG", **options: object) -> BytesIO:
    file = BytesIO()
    picture.save(file, file_format, **options)
    return file


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_8_bit_modes_become_rgb(pixels, mode):
    picture = Image.fromarray(pixels).convert(mode)
    expected = np.array(picture.convert("RGB"))
    assert np.array_equal(reading.load_pixels(saved(picture)), expected)


def test_load_and_save_png_are_inverse(pixels, tmp_path):
    writing.save_png(pixels, tmp_path / "a.png")
    assert np.array_equal(reading.load_pixels(tmp_path / "a.png"), pixels)


def test_exif_orientation_is_applied(pixels):
    exif = Image.Exif()
    exif[0x0112] = 6
    file = saved(Image.fromarray(pixels), exif=exif)
    assert np.array_equal(reading.load_pixels(file), np.rot90(pixels, -1))


def test_opaque_alpha_loses_nothing(pixels):
    assert np.array_equal(
        reading.load_pixels(saved(Image.fromarray(pixels).convert("RGBA"))), pixels
    )


def frames(count: int) -> BytesIO:
    pictures = [Image.new("L", (8, 8), 50 * index) for index in range(count)]
    return saved(pictures[0], "GIF", save_all=True, append_images=pictures[1:])


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (saved(Image.new("F", (4, 4)), "TIFF"), "samples of 32 bits; convert it to 8"),
        (saved(Image.new("I", (4, 4)), "TIFF"), "samples of 32 bits; convert it to 8"),
        (frames(3), "3 frames"),
        (BytesIO(b"hello"), "not an image"),
        (BytesIO(b""), "not an image"),
    ],
)
def test_refused(file, message):
    with pytest.raises(ImageError, match=message):
        reading.load_pixels(file)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"])
def test_truncated(pixels, file_format):
    data = saved(Image.fromarray(np.tile(pixels, (9, 9, 1))), file_format).getvalue()
    with pytest.raises(ImageError):
        reading.load_pixels(BytesIO(data[: len(data) // 2]))


def test_a_limit_of_pixels_that_is_not_the_process(monkeypatch, pixels):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1)
    file = saved(Image.fromarray(pixels))
    for limit in (96, None):
        assert np.array_equal(reading.load_pixels(file, ReadOptions(max_pixels=limit)), pixels)
    with pytest.raises(ImageError, match="larger than 95 pixels: 12x8; a larger --max-pixels"):
        reading.load_pixels(file, ReadOptions(max_pixels=95))


def test_missing_file_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        reading.load_pixels(tmp_path / "no.png")


def test_psnr():
    black = np.zeros((2, 2, 3), np.uint8)
    assert psnr_db(black, black) == math.inf
    assert psnr_db(black + np.uint8(255), black) == 0


def test_a_picture_whose_tail_was_lost_is_refused():
    """Decoders fill in what a file full of zeros at its end does not say."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = bytearray(saved(Image.fromarray(noise)).getvalue())
    data[-2000:] = bytes(2000)
    with pytest.raises(ImageError, match="damaged"):
        reading.load_pixels(BytesIO(bytes(data)))
