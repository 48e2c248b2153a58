"""Decoded pictures in files of each format, with their metadata and back."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from making import SRGB, exif, ramp
from PIL import Image

from codec.errors import ImageError
from codec.picture import colour, formats, profiles, reading, writing
from codec.picture.metadata import Metadata
from codec.picture.notes import Notes

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'
IPTC = b"\x1c\x02\x78\x00\x05hello"


def everything() -> Metadata:
    tags = exif()
    tags[0x011A], tags[0x011B], tags[0x0128] = 300.0, 150.0, 2
    return Metadata(SRGB, tags.tobytes(), XMP, IPTC)


@pytest.mark.parametrize("form", formats.FORMATS, ids=lambda form: form.name)
def test_what_a_format_holds_comes_back(form):
    notes = Notes()
    data = writing.save(np.zeros((16, 24, 3), np.uint8), everything(), form, notes)
    found = reading.read_raster(data).metadata
    for kind in ("icc", "xmp", "iptc"):
        assert getattr(found, kind) == (getattr(everything(), kind) if kind in form.holds else b"")
    if "exif" in form.holds:
        tags = Image.Exif()
        tags.load(found.exif)
        assert tags[0x010E] == "a face"
        assert found.dpi == pytest.approx((300, 150), rel=0.001)
    if "dpi" in form.holds:
        with Image.open(BytesIO(data)) as picture:
            assert picture.info["dpi"] == pytest.approx((300, 150), rel=0.001)
    assert {note.kind for note in notes} == {"icc", "exif", "xmp", "iptc"} - form.holds


@pytest.mark.parametrize("form", formats.FORMATS, ids=lambda form: form.name)
def test_transparency_is_kept_or_refused(form):
    samples = ramp(4)
    if not form.alpha:
        with pytest.raises(ImageError, match="do not hold; write png, webp, avif, tiff"):
            writing.save(samples, Metadata(), form, Notes())
        return
    back = reading.load_pixels(writing.save(samples, Metadata(), form, Notes()))
    assert np.array_equal(back[..., 3], samples[..., 3]) or form.name == "avif"
    if form.exact:
        assert np.array_equal(back, samples)


def test_code_points_come_back_as_such():
    codes = bytes([12, 13, 0, 1])
    icc = colour.from_code_points(codes, Notes())
    file = BytesIO()
    writing.save_png(ramp(), file, Metadata(icc))
    data = file.getvalue()
    place = data.index(b"cICP")
    assert data[place + 4 : place + 8] == codes and place < data.index(b"IDAT")
    assert profiles.code_points(reading.read_raster(data).metadata.icc) == codes


def test_metadata_too_long_for_a_segment_are_named():
    notes = Notes()
    large = Metadata(xmp=XMP + b" " * 70_000, iptc=IPTC * 9000)
    reading.read_raster(writing.save(ramp(), large, formats.BY_NAME["jpeg"], notes))
    assert {note.kind for note in notes} == {"xmp", "iptc"}


def test_every_name_of_a_format_is_known():
    for form in formats.FORMATS:
        for suffix in form.suffixes:
            assert formats.format_of_name(f"a{suffix.upper()}") is form
        assert form.pillow in Image.SAVE or Image.init() is not None
