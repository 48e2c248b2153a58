"""Standard files with payloads: better for this decoder, the same for all others, never wrong."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

import codec
from bitstream import FormatError, InvalidField, LimitExceeded
from bitstream.carriers import carrier_of
from bitstream.carriers.enhancement import Enhancement
from codec.contract.decoding import DecodeOptions
from codec.contract.modes import Standard
from codec.contract.options import EncodeOptions
from codec.encoding.contents.standard import STANDARD
from codec.errors import ImageError, OptionError
from codec.picture import reading, standard
from codec.picture.metadata import TURNS, as_stored, upright
from codec.picture.pixels import psnr_db
from codec.picture.ssimulacra2 import ssimulacra2
from scripts.conform.standard_files import all_metadata, examples, picture, saved
from tests.standard.carried import (
    FAST,
    every_format,
    foreign,
    payload_of,
    viewed,
    with_payload,
)

ORIENTATION = 0x0112


@every_format
def test_a_file_is_made_with_an_update_in_it(head, name):
    options = EncodeOptions(Standard(name, 30), effort=1)
    result = codec.encode(head, options)
    plain = STANDARD[name].write(head, 30)
    assert carrier_of(result.data).strip(result.data) == plain
    np.testing.assert_array_equal(viewed(result.data), viewed(plain))
    decoded = codec.decode(result.data)
    assert psnr_db(decoded, head) == result.report.psnr_db > result.report.plain_psnr_db
    assert result.report.plain_psnr_db == psnr_db(viewed(plain), head)
    assert len(payload_of(result.data).update) == result.report.update_bytes
    assert (payload_of(result.data).quality, result.report.note) == (60, "")


@every_format
def test_a_foreign_file_is_enhanced(photo, name):
    data = foreign(photo, name)
    result = codec.enhance(photo, data, FAST)
    assert carrier_of(result.data).strip(result.data) == data
    assert psnr_db(codec.decode(result.data), photo) > psnr_db(viewed(data), photo) + 0.3
    assert result.report.update_bytes == len(payload_of(result.data).update) > 0
    assert result.report.plain_bytes == len(data)
    # A second time, the payload is replaced.
    assert codec.enhance(photo, result.data, FAST).data == result.data


@every_format
def test_an_update_that_is_tuned_looks_better(head, name):
    scores = []
    for tune in ("psnr", "ssimulacra2"):
        options = EncodeOptions(Standard(name, 40), effort=1, tune=tune)
        results = codec.encode(head, options), codec.enhance(head, foreign(head, name), options)
        scores.append([ssimulacra2(codec.decode(result.data), head) for result in results])
    assert all(tuned > plain for plain, tuned in zip(*scores, strict=True))


def test_effort_0_and_no_update_send_the_base_filter(photo):
    data = foreign(photo, "jpeg")
    result = codec.enhance(photo, data, EncodeOptions(effort=0))
    assert (payload_of(result.data).update, result.report.update_bytes) == (b"", 0)
    assert len(result.data) == len(data) + 18
    assert psnr_db(codec.decode(result.data), photo) == result.report.base_psnr_db
    assert codec.enhance(photo, data, EncodeOptions(effort=9, update="none")).data == result.data


@every_format
def test_a_file_is_left_as_it_is_if_nothing_is_gained(photo, name):
    data = foreign(photo, name)
    result = codec.enhance(viewed(data), data, FAST)
    assert result.data == data
    assert (result.report.update_bytes, result.report.psnr_db) == (0, float("inf"))
    assert "carries nothing" in result.report.note


def test_the_search_finds_the_quality_of_a_jpeg_file(photo):
    for quality in (25, 50, 90):
        data = foreign(photo, "jpeg", quality=quality, subsampling="4:2:0")
        assert standard.jpeg_quality(data) == pytest.approx(quality, abs=1)
        assert abs(payload_of(codec.enhance(photo, data, FAST).data).quality - 2 * quality) < 60


@every_format
def test_metadata_stay(photo, name):
    data = foreign(as_stored(photo, 6), name, **all_metadata())
    result = codec.enhance(photo, data, FAST)
    before, after = (Image.open(io.BytesIO(found)) for found in (data, result.data))
    assert before.info == after.info and after.info["icc_profile"] and after.info["xmp"]
    assert after.getexif()[ORIENTATION] == 6
    # Fitted as it is stored, and decoded the right way up.
    decoded = codec.decode(result.data)
    assert decoded.shape == photo.shape
    assert psnr_db(decoded, photo) == result.report.psnr_db
    exif = codec.read_metadata(result.data)
    assert exif.orientation == 1 and exif == exif.upright()
    assert result.report.psnr_db > result.report.plain_psnr_db


@every_format
def test_a_file_is_made_with_the_metadata_of_its_picture(head, name):
    source = foreign(as_stored(head, 6), "jpeg", **{**all_metadata(), "quality": 90})
    options = EncodeOptions(Standard(name, 30), effort=1)
    made = codec.encode(source, options).data
    before, after = (Image.open(io.BytesIO(found)) for found in (source, made))
    assert after.info["icc_profile"] == before.info["icc_profile"]
    assert b"as it was" in after.info["xmp"]
    # It is upright by now, and says so.
    assert after.getexif().get(ORIENTATION, 1) == 1
    assert psnr_db(codec.decode(made), head) > 28


@pytest.mark.parametrize("orientation", TURNS)
def test_orientations(photo, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = foreign(photo, "jpeg", exif=exif)
    assert reading.read_metadata(data).orientation == orientation
    with Image.open(io.BytesIO(data)) as image:
        expected = np.array(ImageOps.exif_transpose(image))
        stored = np.array(image)
    np.testing.assert_array_equal(upright(stored, orientation), expected)
    np.testing.assert_array_equal(as_stored(expected, orientation), stored)


def test_grey_files(photo):
    grey = np.array(Image.fromarray(photo).convert("L"))
    data = saved(Image.fromarray(grey), "JPEG", quality=30)
    original = np.repeat(grey[:, :, None], 3, 2)
    result = codec.enhance(original, data, FAST)
    decoded = codec.decode(result.data)
    assert decoded.shape == photo.shape
    assert psnr_db(decoded, original) > result.report.plain_psnr_db
    assert carrier_of(data).strip(result.data) == data


def test_the_first_picture_of_several_is_enhanced():
    data = examples()["several-pictures.jpg"]
    original = upright(np.array(picture("RGB")), 6)
    result = codec.enhance(original, data, FAST)
    assert psnr_db(codec.decode(result.data), original) > result.report.plain_psnr_db
    with Image.open(io.BytesIO(result.data)) as image:
        assert image.n_frames == 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (examples()["cmyk.jpg"], "CMYK"),
        (examples()["lossy-alpha.webp"], "transparency"),
        (examples()["alpha.avif"], "transparency"),
        (
            saved(picture("RGB"), "WEBP", save_all=True, append_images=[picture("RGB", 1)]),
            "2 frames",
        ),
        (examples()["baseline-420.jpg"][:300], "cut short"),
        (examples()["420.avif"], "is 64 x 48, and its original 88 x 72"),
    ],
    ids=["cmyk", "alpha-webp", "alpha-avif", "animated", "damaged", "size"],
)
def test_refused_files(photo, data, message):
    with pytest.raises(ImageError, match=message):
        codec.enhance(photo, data, FAST)
    # With a payload in it, the decoder refuses it too, or warns.
    payload = Enhancement(b"none", 0, bytes(4), b"").pack()
    if "original" not in message:
        with pytest.raises(FormatError, match=message):
            codec.decode(with_payload(data, payload))


def test_sizes_are_compared_as_they_are_shown(photo):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    with pytest.raises(ImageError, match="is 72 x 88, and its original 88 x 72"):
        codec.enhance(photo, foreign(photo, "jpeg", exif=exif), FAST)


def test_other_files_are_refused(photo):
    with pytest.raises(FormatError, match="not a JPEG, WebP or AVIF"):
        codec.enhance(photo, saved(Image.fromarray(photo), "PNG"))
    with pytest.raises(OptionError, match="standard file"):
        Standard("learned")


@every_format
def test_a_plain_file_is_not_decoded(photo, name):
    with pytest.raises(InvalidField, match="nncodec enhance"):
        codec.decode(foreign(photo, name))


@every_format
def test_limits_hold_before_the_picture_is_decoded(photo, name, monkeypatch):
    data = codec.enhance(photo, foreign(photo, name), FAST).data
    enough = photo.shape[0] * photo.shape[1]
    assert codec.decode(data, DecodeOptions(max_pixels=enough)).shape == photo.shape
    # Pillow's limit is of the whole process, and of no concern.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", enough // 2)
    assert codec.decode(data).shape == photo.shape
    monkeypatch.setattr(Image.Image, "load", None)
    with pytest.raises(LimitExceeded, match="88x72"):
        codec.decode(data, DecodeOptions(max_pixels=enough - 1))
