"""JPEG: metadata in all segments, what phones hide in a file, ends that are missing."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from making import SRGB, TITLE, exif, jpeg, saved
from PIL import Image

from codec.contract.options import METADATA, ReadOptions
from codec.errors import ImageError
from codec.picture import iptc, profiles, reading
from codec.picture.reading import read_raster

APP1, APP2, APP11, APP13, COM = 0xE1, 0xE2, 0xEB, 0xED, 0xFE
IPTC = b"\x1c\x02\x78\x00\x05hello"
XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
DESCRIPTION = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
    b'syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" %s'
    b'dc:title="a face">%s</rdf:Description></rdf:RDF></x:xmpmeta>'
)
PLAIN_XMP = DESCRIPTION % (b"", b"")
GAIN_MAP_XMP = DESCRIPTION % (
    b'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" '
    b'xmlns:Container="http://ns.google.com/photos/1.0/container/" '
    b'xmlns:Item="http://ns.google.com/photos/1.0/container/item/" ',
    b'<Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><Container:Item '
    b'Item:Semantic="GainMap" Item:Mime="image/jpeg" Item:Length="99"/></rdf:li></rdf:Seq>'
    b"</Container:Directory>",
)
MOTION_XMP = DESCRIPTION % (
    b'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1" '
    b'GCamera:MotionPhotoVersion="1" GCamera:BurstID="x" ',
    b"",
)
FILM = struct.pack(">I4s4s", 20, b"ftyp", b"mp42") + bytes(8) + b"moov"


def xmp(packet: bytes) -> tuple[int, bytes]:
    return APP1, XMP_HEAD + packet


def index(pictures: int) -> tuple[int, bytes]:
    """An index of several pictures (CIPA DC-007)."""
    entries = struct.pack("<H", 1) + struct.pack("<HHII", 0xB001, 4, 1, pictures) + bytes(4)
    return APP2, b"MPF\0II*\0" + struct.pack("<I", 8) + entries


def test_all_metadata_are_kept():
    data = saved(
        np.zeros((8, 8, 3), np.uint8),
        "JPEG",
        exif=exif(),
        icc_profile=SRGB,
        xmp=PLAIN_XMP,
        dpi=(300, 300),
        extra=bytes([0xFF, APP13])
        + (len(iptc.IDENTIFIER + iptc.as_resources(IPTC)) + 2).to_bytes(2, "big")
        + iptc.IDENTIFIER
        + iptc.as_resources(IPTC),
    )
    raster = read_raster(data)
    found = raster.metadata
    assert (found.icc, found.xmp, found.iptc) == (SRGB, PLAIN_XMP, IPTC)
    assert found.dpi == (300, 300)
    tags = Image.Exif()
    tags.load(found.exif)
    assert tags[TITLE] == "a face"
    assert raster.note == ""


def test_dots_per_centimetre():
    data = bytearray(saved(np.zeros((8, 8, 3), np.uint8), "JPEG", dpi=(100, 100)))
    data[data.index(b"JFIF") + 7] = 2
    assert read_raster(bytes(data)).metadata.dpi == pytest.approx((254, 254))


def test_density_of_the_file_is_that_of_its_exif():
    tags = exif()
    tags[0x011A], tags[0x011B], tags[0x0128] = 72.0, 72.0, 2
    for dpi, expected in (((72, 72), (72, 72)), ((300, 200), (300, 200))):
        data = saved(np.zeros((8, 8, 3), np.uint8), "JPEG", dpi=dpi, exif=tags)
        assert read_raster(data).metadata.dpi == expected
        again = Image.Exif()
        again.load(read_raster(data).metadata.exif)
        assert again[TITLE] == "a face"


@pytest.mark.parametrize(
    ("segments", "after", "note", "kept"),
    [
        ([xmp(GAIN_MAP_XMP)], jpeg(), "gain map", b'dc:title="a face"'),
        ([xmp(GAIN_MAP_XMP), index(2)], jpeg(), "further pictures not kept (1", b"a face"),
        ([(APP2, b"urn:iso:std:iso:ts:21496:-1\0" + bytes(4))], b"", "gain map", b""),
        ([index(2)], jpeg(), "further pictures not kept (1", b""),
        ([xmp(MOTION_XMP)], FILM, "film", b'GCamera:BurstID="x"'),
        ([], FILM, "film", b""),
        ([], b"anything", "8 bytes after the picture", b""),
        ([(COM, b"hello")], b"", "text not kept (comment)", b""),
        ([(APP1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(50))], b"", "more XMP", b""),
        ([(APP11, b"JP" + bytes(20))], b"", "content credentials", b""),
        ([(0xE4, b"Vendor\0data")], b"", "APP4 Vendor", b""),
        ([(APP1, b"Exif\0\0broken")], b"", "EXIF is damaged", b""),
        ([(APP2, b"ICC_PROFILE\0\1\2broken")], b"", "colour profile is damaged", b""),
        (
            [(APP13, iptc.IDENTIFIER + b"8BIM\x07\xd0\0\0\0\0\0\2ab")],
            b"",
            "clipping paths",
            b"",
        ),
    ],
)
def test_what_is_not_kept_is_named_and_no_longer_promised(segments, after, note, kept):
    raster = read_raster(jpeg(*segments, after=after))
    assert np.array_equal(raster.pixels, reading.load_pixels(jpeg()))
    assert note in raster.note
    assert kept in raster.metadata.xmp
    for promise in (b"hdrgm:", b"Container:", b"Item:", b"MotionPhoto"):
        assert promise not in raster.metadata.xmp.replace(b"xmlns:" + promise, b"")
    with pytest.raises(ImageError, match="refused by --strict"):
        raster.with_metadata(METADATA, strict=True)


def test_a_second_view_can_be_chosen():
    views = [Image.fromarray(np.full((16, 16, 3), grey, np.uint8)) for grey in (50, 200)]
    data = saved(views[0], "MPO", save_all=True, append_images=views[1:])
    assert "further pictures" in read_raster(data).note
    assert reading.load_pixels(data).mean() < 60
    assert reading.load_pixels(data, ReadOptions(frame=1)).mean() > 190
    with pytest.raises(ImageError, match="2 frames, so there is no frame 2"):
        read_raster(data, ReadOptions(frame=2))


@pytest.mark.parametrize("progressive", [False, True])
def test_an_end_that_is_missing(progressive):
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = saved(picture, "JPEG", progressive=progressive)
    whole = reading.load_pixels(data)
    with pytest.raises(ImageError, match="end marker is missing; --truncated"):
        read_raster(data[:-2])
    raster = read_raster(data[:-2], ReadOptions(truncated=True))
    assert np.array_equal(raster.pixels, whole)
    assert "cut short" in raster.note
    half = read_raster(data[: len(data) // 2], ReadOptions(truncated=True))
    assert half.pixels.shape == whole.shape


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_is_edited_in_place(orientation):
    """Notes of a camera's maker, full of positions, stay where they are; so does a thumbnail."""
    tags = exif(orientation)
    tags.get_ifd(0x8769)[0x927C] = b"positions: 1234"
    before = tags.tobytes()
    place = before.index(b"positions")
    raster = read_raster(saved(np.zeros((8, 12, 3), np.uint8), "JPEG", exif=before))
    after = raster.metadata.exif
    assert after.index(b"positions") == place and after[place:] == before[place:]
    found = Image.Exif()
    found.load(after)
    assert 0x0112 not in found and found[TITLE] == "a face"
    assert raster.pixels.shape[:2] == ((8, 12) if orientation < 5 else (12, 8))


def test_orientation_in_xmp_alone():
    packet = DESCRIPTION % (
        b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" ',
        b"",
    )
    picture = np.zeros((8, 12, 3), np.uint8)
    raster = read_raster(jpeg(xmp(packet), picture=picture))
    assert raster.pixels.shape == (12, 8, 3)
    assert b"Orientation" not in raster.metadata.xmp and b"a face" in raster.metadata.xmp


def test_promises_that_cannot_be_taken_out_are_named():
    raster = read_raster(jpeg(xmp(GAIN_MAP_XMP.replace(b"</x:xmpmeta>", b"<broken>"))))
    assert "gain map" in raster.note and "XMP still speaks" in raster.note


def test_resolution_among_photoshops_resources():
    stated = struct.pack(">IHHIHH", 300 << 16, 1, 1, 150 << 16, 1, 1)
    block = b"8BIM\x03\xed\0\0" + struct.pack(">I", len(stated)) + stated
    assert read_raster(jpeg((APP13, iptc.IDENTIFIER + block))).metadata.dpi == (300, 150)


def cmyk_profile() -> bytes:
    """A profile whose cyan is a mid grey: Lab 50, 0, 0; all else is white."""
    grid = b"".join(
        bytes([128 if corner & 8 else 255, 128, 128]) for corner in range(16)
    )  # cyan varies least often
    ramp = bytes(range(256))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0])
    lut += struct.pack(">9i", *(65536 if n % 4 == 0 else 0 for n in range(9)))
    lut += ramp * 4 + grid + ramp * 3
    made = profiles.write(profiles.SRGB, profiles.parametric(1.0))
    head = bytearray(made[:128])
    head[12:16], head[16:20], head[20:24] = b"prtr", b"CMYK", b"Lab "
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    tags = {b"wtpt": white, b"A2B0": lut}
    place, rows, body = 128 + 4 + 24, b"", b""
    for name, element in tags.items():
        rows += struct.pack(">4sII", name, place + len(body), len(element))
        body += element + bytes(-len(element) % 4)
    head[:4] = struct.pack(">I", place + len(body))
    head[8:12] = bytes([2, 0x40, 0, 0])
    return bytes(head) + struct.pack(">I", len(tags)) + rows + body


def test_cmyk_goes_through_its_profile():
    icc = cmyk_profile()
    assert profiles.is_sound(icc)
    picture = Image.new("CMYK", (4, 4), (255, 0, 0, 0))
    for file_format in ("JPEG", "TIFF"):
        raster = read_raster(saved(picture, file_format, icc_profile=icc))
        assert np.abs(raster.pixels.astype(int) - 119).max() <= 3, raster.pixels[0, 0]
        assert raster.note == "colours converted from CMYK to sRGB"
        assert raster.metadata.icc == b""


def test_cmyk_goes_through_its_profile_or_a_rule_of_thumb():
    picture = Image.new("CMYK", (4, 4), (255, 0, 0, 0))
    raster = read_raster(saved(picture, "JPEG", quality=100))
    assert np.abs(raster.pixels.astype(int) - (0, 255, 255)).max() <= 3
    assert "converted from CMYK, which has no profile" in raster.note
    assert raster.metadata.icc == b""
