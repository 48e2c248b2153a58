"""TIFF: greys of either sense, opacity of any kind, pages, tags."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
from making import SRGB, exif, ramp, saved, tiff, tiff_of
from PIL import Image

from codec.contract.options import ReadOptions
from codec.errors import ImageError
from codec.picture import iptc, reading
from codec.picture.reading import read_raster

IPTC = b"\x1c\x02\x78\x00\x05hello"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'
EXTRA, SUBFILE = 338, 254


def rounded(values: np.ndarray) -> np.ndarray:
    return np.rint(values * (255 / 65535)).astype(np.uint8)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_white_is_zero(order, dtype):
    samples = ramp(1, dtype)
    top = np.iinfo(dtype).max
    expected = top - samples
    raster = read_raster(tiff_of(samples, 0, order=order))
    assert np.array_equal(raster.pixels[..., :1], expected if top == 255 else rounded(expected))


@pytest.mark.parametrize("photometric", [0, 1])
def test_an_open_file_of_pillow_is_read_alike(photometric):
    data = tiff_of(ramp(1, np.uint16), photometric)
    with Image.open(BytesIO(data)) as opened:
        assert np.array_equal(reading.from_pillow(opened).pixels, read_raster(data).pixels)


def test_white_is_zero_in_one_bit():
    rows = np.array([[0b10100000], [0b01000000]], np.uint8)
    entries = [(256, 3, 3), (257, 3, 2), (258, 3, 1), (259, 3, 1), (262, 3, 0), (277, 3, 1)]
    raster = read_raster(tiff([*entries, (278, 3, 2)], rows.tobytes()))
    assert raster.pixels[..., 0].tolist() == [[0, 255, 0], [255, 0, 255]]


def test_twelve_bits():
    values = np.array([[0, 1, 2048, 4095]])
    strip = bytes([0x00, 0x00, 0x01, 0x80, 0x0F, 0xFF])
    entries = [(256, 3, 4), (257, 3, 1), (258, 3, 12), (259, 3, 1), (262, 3, 1), (277, 3, 1)]
    raster = read_raster(tiff([*entries, (278, 3, 1)], strip))
    assert np.array_equal(raster.pixels[..., 0], np.rint(values * 255 / 4095))
    assert "more than 8 bits" in raster.note


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("channels", "photometric"), [(2, 1), (4, 2)])
@pytest.mark.parametrize("associated", [False, True])
def test_opacity_of_16_bits(order, channels, photometric, associated):
    straight = ramp(channels, np.uint16)
    straight[..., -1] |= 0x8000
    stored = straight.copy()
    if associated:
        part = straight[..., :-1] * (straight[..., -1:] / 65535)
        stored[..., :-1] = np.rint(part)
    kind = (EXTRA, 3, 1 if associated else 2)
    raster = read_raster(tiff_of(stored, photometric, kind, order=order))
    difference = raster.pixels.astype(int) - rounded(straight[..., :-1])
    assert np.abs(difference).max() <= associated
    assert np.array_equal(raster.alpha, rounded(straight[..., -1]))


@pytest.mark.parametrize(("channels", "photometric"), [(2, 1), (4, 2)])
def test_colours_times_opacity_of_8_bits(channels, photometric):
    straight = ramp(channels)
    straight[..., -1] |= 0x80
    stored = straight.copy()
    stored[..., :-1] = np.rint(straight[..., :-1] * (straight[..., -1:] / 255))
    raster = read_raster(tiff_of(stored, photometric, (EXTRA, 3, 1)))
    assert np.abs(raster.pixels.astype(int) - straight[..., :-1]).max() <= 2
    assert np.array_equal(raster.alpha, straight[..., -1])


def test_channels_that_are_neither_colour_nor_opacity_are_named():
    raster = read_raster(tiff_of(ramp(4), 2, (EXTRA, 3, 0)))
    assert raster.alpha is None and "channels besides the colours" in raster.note


def test_samples_with_a_sign_are_refused():
    with pytest.raises(ImageError, match="sign"):
        read_raster(tiff_of(ramp(1), 1, (339, 3, 2)))


def test_metadata_in_tags():
    samples = ramp()
    data = saved(
        samples,
        "TIFF",
        icc_profile=SRGB,
        dpi=(300, 300),
        description="a face",
        tiffinfo={700: XMP, 33723: IPTC, 315: "me"},
    )
    raster = read_raster(data)
    found = raster.metadata
    assert (found.icc, found.xmp, found.iptc, found.dpi) == (SRGB, XMP, IPTC, (300, 300))
    tags = Image.Exif()
    tags.load(found.exif)
    assert (tags[0x010E], tags[315]) == ("a face", "me")
    assert not {256, 257, 258, 259, 262, 273, 277, 278, 279} & set(tags)
    assert raster.note == ""


def test_exif_of_a_camera_and_orientation():
    tags = exif(6)
    tags.get_ifd(0x8769)[0x9003] = "2026:01:01 00:00:00"
    samples = ramp()
    raster = read_raster(saved(samples, "TIFF", exif=tags.tobytes()))
    assert np.array_equal(raster.pixels, np.rot90(samples, -1))
    found = Image.Exif()
    found.load(raster.metadata.exif)
    assert found.get_ifd(0x8769)[0x9003] == "2026:01:01 00:00:00" and 0x0112 not in found


def test_iptc_among_photoshops_resources():
    raster = read_raster(tiff_of(ramp(), 2, (34377, 7, iptc.as_resources(IPTC))))
    assert raster.metadata.iptc == IPTC


def test_chromaticities_become_a_profile():
    points = [0.3127, 0.3290, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06]
    ratios = [number for point in points for number in (round(point * 10000), 10000)]
    entries = (318, 5, tuple(ratios[:4])), (319, 5, tuple(ratios[4:]))
    raster = read_raster(tiff_of(ramp(), 2, *entries))
    assert raster.metadata.icc and raster.note == ""


def pages(*kinds: int | None) -> bytes:
    """Pages of different greys, each with its NewSubfileType."""
    pictures = []
    for number, kind in enumerate(kinds):
        picture = Image.new("L", (8, 8), 50 * (number + 1))
        picture.encoderinfo = {"tiffinfo": {} if kind is None else {SUBFILE: kind}}
        pictures.append(picture)
    first, *rest = pictures
    info = first.encoderinfo["tiffinfo"]
    return saved(first, "TIFF", save_all=True, append_images=rest, tiffinfo=info)


@pytest.mark.parametrize(
    ("kinds", "page"), [((None, 1), 0), ((0, 1, 5), 0), ((1, 0), 1), ((1, 4, 0), 2)]
)
def test_a_thumbnail_is_no_page(kinds, page):
    assert (reading.load_pixels(pages(*kinds)) == 50 * (page + 1)).all()


def test_pages_are_chosen_and_a_thumbnail_alone_is_refused():
    data = pages(0, 0)
    with pytest.raises(ImageError, match="2 pages; choose one with --frame"):
        read_raster(data)
    assert (reading.load_pixels(data, ReadOptions(frame=1)) == 100).all()
    with pytest.raises(ImageError, match="only a small copy"):
        read_raster(pages(1))


def test_lab_is_converted_and_said_so():
    raster = read_raster(saved(Image.new("LAB", (4, 4), (255, 128, 128)), "TIFF"))
    assert "converted from LAB" in raster.note and raster.pixels.min() >= 250


def test_a_damaged_tag_refuses_no_picture():
    samples = ramp()
    data = tiff_of(samples, 2, (34665, 4, 2**31))
    raster = read_raster(data)
    assert np.array_equal(raster.pixels, samples)


def test_bytes_of_iptc_that_are_said_to_be_numbers():
    numbers = struct.unpack("<3I", (IPTC + bytes(4))[:12])
    raster = read_raster(tiff_of(ramp(), 2, (33723, 4, numbers)))
    assert raster.metadata.iptc.startswith(IPTC[:10])


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("scale", [1, 257])
def test_palettes_of_8_bits(order, scale):
    """Some writers state 0 to 255, which is nearly black of 16 bits; viewers know them."""
    colours = np.arange(768).reshape(3, 256) * 7 % 256
    numbers = ramp(1)
    entries = [(256, 3, 5), (257, 3, 6), (258, 3, 8), (259, 3, 1), (262, 3, 3), (277, 3, 1)]
    entries += [(278, 3, 6), (320, 3, tuple((colours * scale).ravel().tolist()))]
    raster = read_raster(tiff(entries, numbers.tobytes(), order))
    assert np.array_equal(raster.pixels, np.moveaxis(colours[:, numbers[..., 0]], 0, 2))
