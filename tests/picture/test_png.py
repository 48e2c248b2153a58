"""PNG: transparency of any depth, colours of any description, metadata in any place."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from making import SRGB, TITLE, chunk, exif, png, ramp, saved
from PIL import Image, ImageCms

from codec.contract.options import METADATA, ReadOptions
from codec.errors import ImageError
from codec.picture import iptc, profiles, reading
from codec.picture.reading import read_raster

IPTC = b"\x1c\x02\x78\x00\x05hello"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'


def shown(raster: reading.Raster) -> np.ndarray:
    """The pixels as colour management shows them on an sRGB screen."""
    picture = Image.fromarray(raster.pixels)
    if not raster.metadata.icc:
        return np.asarray(picture)
    source = ImageCms.ImageCmsProfile(BytesIO(raster.metadata.icc))
    return np.asarray(ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB")))


def to_srgb(light: np.ndarray) -> np.ndarray:
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.clip(255 * curve, 0, 255)


@pytest.mark.parametrize("channels", [1, 3])
def test_one_transparent_value_of_16_bits(channels):
    samples = ramp(channels, np.uint16)
    samples[2, 3] = samples[0, 0]
    samples[4, 4] = samples[0, 0] ^ 1  # the same after rounding
    key = struct.pack(f">{channels}H", *samples[0, 0])
    raster = read_raster(png(samples, chunk(b"tRNS", key)))
    expected = np.where((samples == samples[0, 0]).all(axis=2), 0, 255)
    assert expected[4, 4] == 255 and (expected == 0).sum() == 2
    assert np.array_equal(raster.alpha, expected)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_one_transparent_value_of_few_bits(bits):
    samples = (np.arange(16).reshape(2, 8, 1) % 2**bits).astype(np.uint8)
    raster = read_raster(png(samples, chunk(b"tRNS", struct.pack(">H", 1)), depth=bits))
    assert np.array_equal(raster.alpha, np.where(samples[..., 0] == 1, 0, 255))
    assert np.array_equal(raster.pixels[..., 0], samples[..., 0] * (255 // (2**bits - 1)))


def test_one_transparent_colour_of_8_bits():
    samples = ramp(3)
    key = struct.pack(">3H", *samples[1, 1])
    raster = read_raster(png(samples, chunk(b"tRNS", key)))
    assert (raster.alpha == 0).sum() == 1 and raster.alpha[1, 1] == 0


@pytest.mark.parametrize(("gamma", "exponent"), [(100_000, 1.0), (55_555, 1.8)])
def test_gamma_becomes_a_profile(gamma, exponent):
    samples = ramp()
    raster = read_raster(png(samples, chunk(b"gAMA", struct.pack(">I", gamma))))
    assert np.array_equal(raster.pixels, samples) and raster.note == ""
    expected = to_srgb((samples / 255) ** exponent)
    assert np.abs(shown(raster) - expected).max() <= 2


@pytest.mark.parametrize("extra", [b"sRGB", b""])
def test_what_means_srgb_needs_no_profile(extra):
    points = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
    chunks = [chunk(b"gAMA", struct.pack(">I", 45455)), chunk(b"cHRM", struct.pack(">8I", *points))]
    if extra:
        chunks[0] = chunk(b"gAMA", struct.pack(">I", 99999))
        chunks.append(chunk(extra, b"\0"))
    raster = read_raster(png(ramp(), *chunks))
    assert raster.metadata.icc == b"" and raster.note == ""


P3 = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
P3_TO_SRGB = np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]])
"""Of linear light."""


@pytest.mark.parametrize(
    "stated",
    [
        [chunk(b"cHRM", struct.pack(">8I", *P3))],
        [chunk(b"cICP", bytes([12, 13, 0, 1]))],
        # the most exact description wins
        [chunk(b"cICP", bytes([12, 13, 0, 1])), chunk(b"sRGB", b"\0"), chunk(b"gAMA", b"\0\0\0\1")],
    ],
    ids=["cHRM", "cICP", "cICP above all"],
)
def test_primaries_become_a_profile(stated):
    samples = np.clip(ramp(), 90, 160)
    raster = read_raster(png(samples, *stated))
    light = np.where(
        samples <= 10.3, samples / 255 / 12.92, ((samples / 255 + 0.055) / 1.055) ** 2.4
    )
    expected = to_srgb(light @ P3_TO_SRGB.T)
    assert np.abs(shown(raster) - expected).max() <= 2
    assert raster.note == ""


def test_code_points_of_a_narrow_range():
    raster = read_raster(
        png(np.full((2, 2, 3), 235, np.uint8), chunk(b"cICP", bytes([1, 13, 0, 0])))
    )
    assert shown(raster).min() >= 254 and raster.note == ""
    assert profiles.code_points(raster.metadata.icc) == bytes([1, 13, 0, 0])


@pytest.mark.parametrize(
    ("codes", "note"),
    [
        ((9, 16, 0, 1), "high dynamic range (PQ)"),
        ((9, 18, 0, 1), "(HLG)"),
        ((99, 13, 0, 1), "code points 99"),
    ],
)
def test_code_points_that_a_note_names(codes, note):
    data = png(ramp(), chunk(b"cICP", bytes(codes)))
    assert note in read_raster(data).note
    with pytest.raises(ImageError, match="refused by --strict"):
        read_raster(data).with_metadata(METADATA, strict=True)


def grey_profile(curve: bytes) -> bytes:
    """A profile of greys with a curve."""
    made = bytearray(profiles.write(profiles.SRGB, curve))
    made[16:20] = b"GRAY"
    place = made.index(b"rTRC", 128)
    made[place : place + 4] = b"kTRC"
    return bytes(made)


def test_a_profile_of_greys_becomes_one_of_colours():
    icc = grey_profile(profiles.parametric(1.0))
    samples = ramp(1)
    raster = read_raster(saved(samples[..., 0], "PNG", icc_profile=icc))
    assert profiles.is_sound(icc) and raster.note == ""
    assert np.abs(shown(raster) - to_srgb(samples / 255)).max() <= 2


def test_a_profile_that_does_not_fit_is_named():
    icc = grey_profile(profiles.parametric(1.0))
    raster = read_raster(saved(ramp(), "PNG", icc_profile=icc))
    assert raster.metadata.icc == b"" and "colour profile for GRAY does not fit" in raster.note


def raw_profile(kind: bytes, data: bytes) -> bytes:
    text = b"\n%s\n%8d\n%s\n" % (kind, len(data), data.hex().encode())
    return chunk(b"zTXt", b"Raw profile type " + kind + b"\0\0" + zlib.compress(text))


def test_metadata_in_raw_profiles():
    parts = {
        b"exif": exif(6).tobytes(),
        b"xmp": XMP,
        b"iptc": iptc.as_resources(IPTC),
        b"icc": SRGB,
    }
    samples = ramp()
    raster = read_raster(png(samples, *(raw_profile(kind, data) for kind, data in parts.items())))
    found = raster.metadata
    assert (found.xmp, found.iptc, found.icc) == (XMP, IPTC, SRGB)
    tags = Image.Exif()
    tags.load(found.exif)
    assert dict(tags) == {TITLE: "a face"}
    assert np.array_equal(raster.pixels, np.rot90(samples, -1)) and raster.note == ""


def test_exif_of_its_own_chunk_and_density():
    density = chunk(b"pHYs", struct.pack(">IIB", 11811, 5906, 1))
    raster = read_raster(png(ramp(), chunk(b"eXIf", exif().tobytes()[6:]), density))
    assert raster.metadata.dpi == pytest.approx((300, 150), abs=0.02)
    tags = Image.Exif()
    tags.load(raster.metadata.exif)
    assert tags[TITLE] == "a face" and tags[0x0128] == 2
    assert raster.note == ""


def test_pixels_that_are_not_square_are_named():
    raster = read_raster(png(ramp(), chunk(b"pHYs", struct.pack(">IIB", 2, 1, 0))))
    assert "1:2" in raster.note and "squares" in raster.note


@pytest.mark.parametrize(
    ("part", "note"),
    [
        (chunk(b"tEXt", b"Comment\0hello"), "text not kept (Comment)"),
        (chunk(b"iTXt", b"Author\0\0\0\0\0me"), "text not kept (Author)"),
        (chunk(b"tIME", bytes(7)), "time of change"),
        (chunk(b"bKGD", bytes(6)), "background colour"),
        (chunk(b"sPLT", b"x\0\x08"), "suggested palette"),
        (chunk(b"cLLI", bytes(8)), "brightness of the screen"),
        (chunk(b"prVt", b"x"), "chunk prVt"),
        (chunk(b"iCCP", b"x\0\0" + b"broken"), "damaged chunks not kept (iCCP)"),
        (chunk(b"iCCP", b"x\0\0" + zlib.compress(b"broken")), "colour profile is damaged"),
        (chunk(b"eXIf", b"broken"), "EXIF is damaged"),
        (chunk(b"pHYs", b""), "damaged chunks not kept (pHYs)"),
        (
            chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n 4\nxyz\n")),
            "exif",
        ),
        (chunk(b"zTXt", b"Raw profile type exif\0\0broken"), "Raw profile type exif"),
        (chunk(b"tEXt", b"Comment\0hello")[:-1] + b"x", "damaged chunks not kept (tEXt)"),
        (chunk(b"gAMA", bytes(4)), "a gamma of 0"),
        (chunk(b"tRNS", b"\0"), "transparency is damaged"),
    ],
)
def test_what_is_not_kept_is_named_and_refuses_no_picture(part, note):
    samples = ramp()
    raster = read_raster(png(samples, part))
    assert np.array_equal(raster.pixels, samples)
    assert note in raster.note
    with pytest.raises(ImageError, match="refused by --strict"):
        raster.with_metadata(METADATA, strict=True)


def test_what_a_caller_leaves_out_is_not_missed():
    raster = read_raster(png(ramp(), chunk(b"tEXt", b"Comment\0hello"), chunk(b"eXIf", b"broken")))
    assert raster.with_metadata(("icc",), strict=True).note == ""
    assert raster.with_metadata(("exif",)).note == "EXIF is damaged and left out"


def test_names_are_safe_to_show():
    note = read_raster(png(ramp(), chunk(b"tEXt", b"\x1b[31mred\n\0hello"))).note
    assert note.isprintable() and "red" in note


def test_data_after_the_picture_are_named():
    assert "7 bytes after the picture" in read_raster(png(ramp()) + b"trailer").note


@pytest.mark.parametrize("cut", [1, 12, 20])
def test_a_cut_file_is_taken_if_asked_for(cut):
    data = png(np.tile(ramp(), (9, 9, 1)))[:-cut]
    with pytest.raises(ImageError, match="--truncated takes"):
        read_raster(data)
    raster = read_raster(data, ReadOptions(truncated=True))
    assert raster.pixels.shape == (54, 45, 3)
    assert "cut short" in raster.note


@pytest.mark.parametrize("codes", [bytes([12, 13, 1, 1]), bytes([12, 13, 0])])
def test_code_points_that_are_damaged(codes):
    profile = chunk(b"iCCP", b"x\0\0" + zlib.compress(SRGB))
    raster = read_raster(png(ramp(), chunk(b"cICP", codes), profile))
    assert raster.metadata.icc == SRGB and raster.note == "damaged chunks not kept (cICP)"


def test_an_animation_without_frames_is_a_picture():
    raster = read_raster(png(ramp(), chunk(b"acTL", struct.pack(">II", 5, 0))))
    assert np.array_equal(raster.pixels, ramp()) and raster.note == ""
