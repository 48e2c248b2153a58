"""Standard files with payloads: better for this decoder, the same for all others, never wrong."""

from __future__ import annotations

import io
import random
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from standard_files import all_metadata, examples, picture, saved

import codec
from bitstream import FormatError, InvalidField, LimitExceeded
from bitstream.carriers import carrier_of
from bitstream.enhancement import Enhancement
from codec import standard_file, weights
from codec.errors import ForeignUpdateWarning, ImageError, OptionError
from codec.image import psnr_db
from codec.metadata import TURNS, Metadata, as_stored, upright
from codec.options import DecodeOptions, EncodeOptions
from codec.standard import STANDARD

ORIENTATION = 0x0112
WRITERS = {
    "jpeg": {"quality": 40, "subsampling": "4:4:4"},
    "webp": {"quality": 40, "method": 0},
    "avif": {"quality": 40, "speed": 9, "max_threads": 1},
}
FAST = EncodeOptions(effort=1)
every_format = pytest.mark.parametrize("name", WRITERS)


def viewed(data: bytes) -> np.ndarray:
    """What any viewer shows, before it turns it."""
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image.convert("RGB"))


def foreign(pixels: np.ndarray, name: str, **options: object) -> bytes:
    """A file of another writer."""
    return saved(Image.fromarray(pixels), name.upper(), **{**WRITERS[name], **options})


def payload_of(data: bytes) -> Enhancement:
    return Enhancement.unpack(carrier_of(data).extract(data))


def with_payload(data: bytes, payload: bytes) -> bytes:
    return carrier_of(data).insert(data, payload)


def base_filtered(data: bytes) -> np.ndarray:
    """The same file decoded with the filter alone."""
    found = payload_of(data)
    plain = standard_file.picture_of(viewed(data))
    base = Enhancement.of_picture(plain, found.model, found.quality, b"")
    return codec.decode(with_payload(data, base.pack()))


@every_format
def test_a_file_is_made_with_an_update_in_it(head, name):
    options = EncodeOptions(30, effort=1, content=name, standard_file=True)
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
        assert standard_file.jpeg_quality(data) == pytest.approx(quality, abs=1)
        assert abs(payload_of(codec.enhance(photo, data, FAST).data).quality - 2 * quality) < 60


@every_format
def test_metadata_stay(photo, name):
    data = foreign(as_stored(photo, 6), name, **all_metadata())
    result = codec.enhance(photo, data, FAST)
    before, after = (Image.open(io.BytesIO(found)) for found in (data, result.data))
    assert before.info == after.info and after.info["icc_profile"] and after.info["xmp"]
    assert after.getexif()[ORIENTATION] == 6
    # Fitted and decoded as it is stored: the file says how to turn it.
    decoded = codec.decode(result.data)
    assert decoded.shape == (photo.shape[1], photo.shape[0], 3)
    assert psnr_db(upright(decoded, 6), photo) == result.report.psnr_db
    assert result.report.psnr_db > result.report.plain_psnr_db


@every_format
def test_a_file_is_made_with_the_metadata_of_its_picture(head, name):
    source = foreign(as_stored(head, 6), "jpeg", **{**all_metadata(), "quality": 90})
    options = EncodeOptions(30, effort=1, content=name, standard_file=True)
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
    with Image.open(io.BytesIO(foreign(photo, "jpeg", exif=exif))) as image:
        expected = np.array(ImageOps.exif_transpose(image))
        stored = np.array(image)
        assert Metadata.of(image).orientation == orientation
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
    assert psnr_db(upright(codec.decode(result.data), 6), original) > result.report.plain_psnr_db
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
        (examples()["baseline-420.jpg"][:300], "damaged JPEG"),
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
        EncodeOptions(standard_file=True)


@every_format
def test_a_plain_file_is_not_decoded(photo, name):
    with pytest.raises(InvalidField, match="nncodec enhance"):
        codec.decode(foreign(photo, name))


@every_format
def test_limits_hold_before_the_picture_is_decoded(photo, name, monkeypatch):
    data = codec.enhance(photo, foreign(photo, name), FAST).data
    enough = photo.shape[0] * photo.shape[1]
    assert codec.decode(data, DecodeOptions(max_pixels=enough)).shape == photo.shape
    monkeypatch.setattr(Image.Image, "load", None)
    with pytest.raises(LimitExceeded, match="88x72"):
        codec.decode(data, DecodeOptions(max_pixels=enough - 1))
    for limit in (enough - 1, enough // 3):  # a warning of Pillow, and an error
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(LimitExceeded, match=f"{limit:,} pixels"):
            codec.decode(data)


@pytest.fixture(scope="module")
def enhanced(photo) -> dict[str, bytes]:
    """A file of each format with an update."""
    return {name: codec.enhance(photo, foreign(photo, name), FAST).data for name in WRITERS}


@every_format
def test_no_update_for_a_recompressed_file(enhanced, name):
    payload = carrier_of(enhanced[name]).extract(enhanced[name])
    again = with_payload(foreign(viewed(enhanced[name]), name, quality=70), payload)
    with pytest.warns(ForeignUpdateWarning, match="changed"):
        decoded = codec.decode(again)
    np.testing.assert_array_equal(decoded, base_filtered(again))


def test_no_update_after_one_pixel_has_changed(enhanced):
    payload = carrier_of(enhanced["webp"]).extract(enhanced["webp"])
    pixels = viewed(enhanced["webp"])
    same = with_payload(saved(Image.fromarray(pixels), "WEBP", lossless=True), payload)
    np.testing.assert_array_equal(codec.decode(same), codec.decode(enhanced["webp"]))
    pixels[3, 5, 1] ^= 1
    edited = with_payload(saved(Image.fromarray(pixels), "WEBP", lossless=True), payload)
    with pytest.warns(ForeignUpdateWarning, match="changed"):
        decoded = codec.decode(edited)
    np.testing.assert_array_equal(decoded, base_filtered(edited))


def test_no_update_if_a_byte_of_the_payload_has_changed(enhanced):
    data = enhanced["jpeg"]
    payload = carrier_of(data).extract(data)
    base = base_filtered(data)
    assert (codec.decode(data) != base).any()
    for place in (6, 9, 10, 12, len(payload) - 1):  # checksum and update
        damaged = bytearray(payload)
        damaged[place] ^= 0x10
        with pytest.warns(ForeignUpdateWarning, match="changed"):
            decoded = codec.decode(with_payload(data, bytes(damaged)))
        np.testing.assert_array_equal(decoded, base)


def test_a_damaged_quality_is_noticed(enhanced):
    damaged = replace(payload_of(enhanced["jpeg"]), quality=200).pack()
    with pytest.warns(ForeignUpdateWarning, match="changed"):
        codec.decode(with_payload(enhanced["jpeg"], damaged))


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (lambda found: b"\x02" + found.pack()[1:], "version 2"),
        (lambda found: found.pack()[:9], "truncated"),
        (lambda found: b"", "truncated"),
        (lambda found: replace(found, model=b"none").pack(), "model 6e6f6e65"),
        (lambda found: replace(found, model=weights.load_default("webp").id).pack(), "for webp"),
        (lambda found: found.pack()[:5] + b"\xff" + found.pack()[6:], "quality 255"),
    ],
    ids=["version", "short", "empty", "unknown model", "model of another format", "quality"],
)
def test_the_plain_picture_is_shown_if_the_payload_is_not_for_this_program(
    enhanced, payload, message
):
    data = enhanced["jpeg"]
    with pytest.warns(ForeignUpdateWarning, match=message):
        decoded = codec.decode(with_payload(data, payload(payload_of(data))))
    np.testing.assert_array_equal(decoded, viewed(data))


def test_an_impossible_update_is_left_out(enhanced):
    """With the right checksum, as only a hostile or broken encoder makes it."""
    data, found = enhanced["jpeg"], payload_of(enhanced["jpeg"])
    plain = standard_file.picture_of(viewed(data))
    hostile = Enhancement.of_picture(plain, found.model, found.quality, b"\x07nonsense").pack()
    with pytest.warns(ForeignUpdateWarning, match="without its update"):
        decoded = codec.decode(with_payload(data, hostile))
    np.testing.assert_array_equal(decoded, base_filtered(data))


@every_format
def test_damaged_files_are_refused_or_decoded_with_a_warning(enhanced, name):
    data = enhanced[name]
    assert len(data) > 500
    rng = random.Random(0)
    outcomes = set()
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(rng.randint(1, 3)):
            place = rng.choice([rng.randrange(len(data)), rng.randrange(400), -rng.randint(1, 60)])
            damaged[place] = rng.randrange(256)
        if rng.random() < 0.2:
            del damaged[rng.randrange(len(damaged)) :]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                pixels = codec.decode(bytes(damaged), DecodeOptions(max_pixels=2**16))
            except FormatError:
                outcomes.add("refused")
                continue
        if caught:
            assert {warning.category for warning in caught} == {ForeignUpdateWarning}
            outcomes.add("warned")
        else:
            np.testing.assert_array_equal(pixels, codec.decode(data))
    assert outcomes == {"refused", "warned"}
