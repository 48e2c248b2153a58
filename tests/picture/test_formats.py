"""Formats with little beside their pixels, plugins, and pictures of Pillow's."""

from __future__ import annotations

import struct
import subprocess
import sys
from io import BytesIO

import numpy as np
import pytest
from making import SRGB, TITLE, exif, jpeg, ramp, saved
from PIL import Image, ImageOps

from codec.contract.options import ReadOptions
from codec.errors import ImageError
from codec.picture import profiles, reading
from codec.picture.reading import from_pillow, read_raster

LINEAR = profiles.write(profiles.SRGB, profiles.parametric(1.0))
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


@pytest.mark.parametrize("file_format", ["WEBP", "AVIF", "PNG", "TIFF", "JPEG"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_metadata_of_each_format(file_format, orientation):
    options = {"icc_profile": SRGB, "exif": exif(orientation)}
    if file_format not in ("TIFF", "PNG"):
        options["xmp"] = XMP
    raster = read_raster(saved(np.zeros((16, 24, 3), np.uint8), file_format, **options))
    found = raster.metadata
    assert (found.icc, found.xmp) == (SRGB, options.get("xmp", b""))
    tags = Image.Exif()
    tags.load(found.exif)
    assert dict(tags)[TITLE] == "a face" and 0x0112 not in tags
    assert raster.pixels.shape[:2] == ((16, 24) if orientation == 1 else (24, 16))
    assert raster.note == ""


@pytest.mark.parametrize("file_format", ["WEBP", "AVIF", "JPEG", "PNG"])
def test_damaged_metadata_refuse_no_picture(file_format):
    picture = np.zeros((16, 16, 3), np.uint8)
    plain = read_raster(saved(picture, file_format))
    for options, note in (
        ({"exif": b"Exif\0\0broken"}, "EXIF is damaged"),
        ({"icc_profile": b"broken"}, "colour profile is damaged"),
    ):
        if file_format == "AVIF" and "exif" in options:  # whose writer would refuse it
            data = saved(picture, file_format, exif=exif()).replace(b"MM\0*", b"oops")
        else:
            data = saved(picture, file_format, **options)
        raster = read_raster(data)
        assert np.array_equal(raster.pixels, plain.pixels)
        assert note in raster.note
        assert raster.metadata.exif == raster.metadata.icc == b""


def avif(kind: bytes, content: bytes, replaced: bytes) -> bytes:
    """An AVIF whose property of one kind is another."""
    data = saved(np.full((16, 16, 3), 90, np.uint8), "AVIF")
    place = data.index(replaced) - 4
    size = int.from_bytes(data[place : place + 4], "big")
    new = box(kind, content)
    assert len(new) <= size
    return data[:place] + new.ljust(size, b"\0")[:size] + data[place + size :]


@pytest.mark.parametrize(("primaries", "transfer"), [(12, 13), (9, 1), (1, 8)])
def test_code_points_of_avif_become_a_profile(primaries, transfer):
    content = b"nclx" + struct.pack(">HHHB", primaries, transfer, 6, 0x80)
    raster = read_raster(avif(b"colr", content, b"colr"))
    assert profiles.code_points(raster.metadata.icc) == bytes([primaries, transfer, 0, 1])
    assert raster.note == ""


def test_high_dynamic_range_of_avif_is_named():
    content = b"nclx" + struct.pack(">HHHB", 9, 16, 9, 0x80)
    assert "(PQ)" in read_raster(avif(b"colr", content, b"colr")).note


def test_linear_qoi_becomes_a_profile():
    data = bytearray(saved(ramp(), "QOI"))
    data[13] = 1
    assert read_raster(bytes(data)).metadata.icc == LINEAR


def bmp(kind: bytes, rest: bytes, profile: bytes = b"") -> bytes:
    """A BMP with a header of version 5."""
    pixels = ramp()
    rows = b"".join(row[:, ::-1].tobytes() + b"\0" for row in pixels[::-1])
    head = struct.pack("<IiiHHIIiiII", 124, 5, 6, 1, 24, 0, len(rows), 0, 0, 0, 0) + bytes(16)
    body = kind + rest.ljust(48, b"\0") + struct.pack("<IIII", 4, 124 + len(rows), len(profile), 0)
    start = struct.pack("<2sIHHI", b"BM", 138 + len(rows) + len(profile), 0, 0, 138)
    return start + head + body + rows + profile


def test_profiles_in_bmp():
    data = bmp(b"DEBM", b"", SRGB)
    raster = read_raster(data)
    assert np.array_equal(raster.pixels, ramp()) and raster.metadata.icc == SRGB
    points = [round(v * 2**30) for v in (0.41, 0.21, 0.02, 0.36, 0.72, 0.12, 0.18, 0.07, 0.95)]
    calibrated = struct.pack("<9i3I", *points, *[65536] * 3)
    assert read_raster(bmp(bytes(4), calibrated)).metadata.icc
    assert read_raster(bmp(bytes(4), b"")).metadata.icc == b""
    assert "colour profile is a file of its own" in read_raster(bmp(b"KNIL", b"")).note


def psd(resources: dict[int, bytes]) -> bytes:
    """A Photoshop file of one picture, without layers."""
    samples = ramp()
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 6, 5, 8, 3) + bytes(4)
    blocks = b"".join(
        b"8BIM" + struct.pack(">HHI", number, 0, len(data)) + data + bytes(len(data) % 2)
        for number, data in resources.items()
    )
    body = np.moveaxis(samples, 2, 0).tobytes()
    return head + struct.pack(">I", len(blocks)) + blocks + bytes(4) + bytes(2) + body


def test_resources_of_photoshop():
    records = b"\x1c\x02\x78\x00\x05hello"
    raster = read_raster(
        psd({0x0404: records, 0x0422: exif().tobytes()[6:], 0x0424: XMP, 0x040F: SRGB})
    )
    found = raster.metadata
    assert np.array_equal(raster.pixels, ramp())
    assert (found.icc, found.xmp, found.iptc) == (SRGB, XMP, records)
    assert found.exif == exif().tobytes()


def test_extensions_of_gif():
    plain = saved(np.zeros((4, 4), np.uint8), "GIF")
    blocks = b"".join(
        bytes([len(SRGB[at : at + 255])]) + SRGB[at : at + 255] for at in range(0, len(SRGB), 255)
    )
    trailer = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    place = plain.index(b",", 13 + 3 * 2)
    data = (
        plain[:place]
        + b"\x21\xff\x0bICCRGBG1012"
        + blocks
        + b"\0"
        + b"\x21\xff\x0bXMP DataXMP"
        + XMP
        + trailer
        + plain[place:]
    )
    found = read_raster(data).metadata
    assert (found.icc, found.xmp) == (SRGB, XMP)


def test_boxes_of_jpeg_2000():
    plain = saved(ramp(), "JPEG2000")
    tags = exif().tobytes()[6:]
    uuids = {b"JpgTiffExif->JP2": tags, bytes.fromhex("be7acfcb97a942e89c71999491e3afac"): XMP}
    data = plain + b"".join(box(b"uuid", uuid + content) for uuid, content in uuids.items())
    found = read_raster(data).metadata
    assert found.exif == b"Exif\0\0" + tags and found.xmp == XMP


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (saved(ramp(), "GIF", comment=b"hello"), "text not kept (comment)"),
        (saved(Image.new("RGB", (32, 32)), "ICO", sizes=[(16, 16), (32, 32)]), "other 1 sizes"),
        (b"P6\n# made by hand\n1 1\n255\nabc", "text not kept (comment)"),
        (saved(ramp(), "WEBP") + b"trailer", "7 bytes after the picture"),
    ],
)
def test_what_is_not_kept_is_named(data, note):
    assert note in read_raster(data).note


@pytest.mark.parametrize("mode", ["La", "RGBa"])
def test_premultiplied_pictures_of_pillow(mode):
    straight = {"La": "LA", "RGBa": "RGBA"}[mode]
    picture = Image.fromarray(ramp(len(straight)), straight)
    found = from_pillow(picture.convert(mode))
    assert np.array_equal(found.alpha, ramp(len(straight))[..., -1])


def test_pictures_of_pillow_keep_what_their_file_says():
    for data in (jpeg(), saved(ramp(), "PNG", exif=exif(6), dpi=(300, 300))):
        with Image.open(BytesIO(data)) as opened:
            one, other = from_pillow(opened), read_raster(data)
        assert np.array_equal(one.pixels, other.pixels)
        assert one.metadata == other.metadata


def test_a_picture_is_turned_once():
    """What was made of an opened picture still carries its EXIF."""
    samples = ramp()
    with Image.open(BytesIO(saved(samples, "PNG", exif=exif(6)))) as opened:
        turned = opened.transpose(Image.Transpose.ROTATE_270)
        upright = ImageOps.exif_transpose(opened)
        assert np.array_equal(from_pillow(opened).pixels, np.rot90(samples, -1))
    for picture in (turned, upright):
        raster = from_pillow(picture)
        assert np.array_equal(raster.pixels, np.rot90(samples, -1))
        tags = Image.Exif()
        tags.load(raster.metadata.exif)
        assert dict(tags) == {TITLE: "a face"}
    assert "orientation 6 not applied" in from_pillow(turned).note
    assert from_pillow(upright).note == ""


def test_a_frame_is_chosen():
    frames = [Image.new("L", (8, 8), 50 * number) for number in range(3)]
    for file_format in ("GIF", "PNG", "WEBP", "TIFF"):
        options = {"lossless": True} if file_format == "WEBP" else {}
        data = saved(frames[0], file_format, save_all=True, append_images=frames[1:], **options)
        with pytest.raises(ImageError, match="choose one with --frame"):
            read_raster(data)
        assert (reading.load_pixels(data, ReadOptions(frame=2)) == 100).all()
        assert read_raster(data, ReadOptions(frame=1)).note == ""


@pytest.mark.parametrize(
    ("head", "hint"),
    [
        (box(b"ftyp", b"heic" + bytes(4) + b"mif1heic"), "pip install pillow-heif"),
        (b"\xff\x0a" + bytes(20), "pip install pillow-jxl-plugin"),
    ],
)
def test_formats_of_plugins_that_are_not_installed(head, hint, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setitem(sys.modules, "pillow_jxl.JpegXLImagePlugin", None)
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    with pytest.raises(ImageError, match=hint):
        read_raster(head + bytes(100))


def test_reading_leaves_the_process_alone():
    """Neither limits nor filters of warnings nor Pillow's readers are changed for the caller."""
    code = (
        "import sys, warnings; from PIL import Image; Image.init();"
        "state = lambda: (Image.MAX_IMAGE_PIXELS, list(warnings.filters), list(Image.ID));"
        "from codec.picture import reading; before = state();"
        "reading.read_raster(sys.stdin.buffer.read()); assert state() == before"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], input=jpeg(), check=True)


@pytest.mark.parametrize(
    ("file_format", "options"),
    [
        *((name, {}) for name in ("PNG", "JPEG", "AVIF", "BMP", "QOI", "TIFF", "JPEG2000")),
        *((name, {}) for name in ("WEBP", "GIF", "TGA")),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"save_all": True, "exif": exif(1)}),
        ("TIFF", {"compression": "tiff_lzw"}),
    ],
)
def test_only_the_limit_that_was_asked_for_counts(file_format, options, monkeypatch):
    data = saved(np.zeros((16, 16, 3), np.uint8), file_format, **options)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1)
    assert reading.load_pixels(data, ReadOptions(max_pixels=256)).shape == (16, 16, 3)
    with pytest.raises(ImageError, match="larger than 255 pixels"):
        reading.load_pixels(data, ReadOptions(max_pixels=255))
