"""GIF, TGA, DDS, SGI and Photoshop's files: what Pillow shows otherwise than they mean."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from making import ramp, saved
from PIL import Image

from codec.contract.options import ReadOptions
from codec.errors import ImageError
from codec.picture.reading import read_raster

COLOURS = bytes([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])


def gif(screen: tuple[int, int], *blocks: bytes) -> bytes:
    """A GIF of four colours."""
    return b"GIF89a" + struct.pack("<HHBBB", *screen, 0x91, 0, 0) + COLOURS + b"".join(blocks)


def gif_picture(left: int, top: int, width: int, height: int) -> bytes:
    """A block with a picture of the second colour; each codeword after a clear code."""
    codes = [4, 1] * (width * height) + [5]
    bits = "".join(f"{code:03b}"[::-1] for code in codes)
    stream = bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8))
    chain = b"".join(
        bytes([len(stream[at : at + 255])]) + stream[at : at + 255]
        for at in range(0, len(stream), 255)
    )
    return b"," + struct.pack("<HHHHB", left, top, width, height, 0) + b"\x02" + chain + b"\0"


def test_what_a_gif_does_not_cover_is_not_seen():
    raster = read_raster(gif((8, 8), gif_picture(2, 3, 4, 4), b";"))
    expected = np.zeros((8, 8), np.uint8)
    expected[3:7, 2:6] = 255
    assert np.array_equal(raster.alpha, expected) and raster.note == ""
    assert (raster.pixels[expected > 0] == (0, 255, 0)).all()
    assert read_raster(gif((4, 4), gif_picture(0, 0, 4, 4), b";")).alpha is None


def test_what_the_first_frame_leaves_open_is_named_in_later_ones():
    data = gif((8, 8), gif_picture(2, 3, 4, 4), gif_picture(0, 0, 2, 2), b";")
    assert read_raster(data, ReadOptions(frame=0)).note == ""
    assert "what the first frame leaves open" in read_raster(data, ReadOptions(frame=1)).note


@pytest.mark.parametrize(
    ("blocks", "note"),
    [
        ((gif_picture(0, 0, 4, 4), b";\0\0"), ""),
        ((gif_picture(0, 0, 4, 4),), ""),  # without an end
        ((gif_picture(0, 0, 4, 4), b";film"), "4 bytes after the picture not kept"),
        (
            (b"\x21\x01\x0c" + bytes(12) + b"\x02hi\0", gif_picture(0, 0, 4, 4), b";"),
            "text that viewers draw into it not kept",
        ),
    ],
)
def test_what_else_stands_in_a_gif(blocks, note):
    assert read_raster(gif((4, 4), *blocks)).note == note


def tga(depth: int, flags: int, samples: np.ndarray, *area: int, comment: bytes = b"") -> bytes:
    """A TGA; with an extension area if its kind of opacity is given, and aspect and gamma."""
    height, width, _ = samples.shape
    order = [2, 1, 0, 3][: samples.shape[2]]
    head = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, width, height, depth, flags)
    data = head + samples[..., order].tobytes()
    if not area:
        return data
    kind, *pairs = (*area, 0, 0, 0, 0)[:5]
    extension = struct.pack("<H41s324s103xIHHHH12xB", 495, b"", comment, 0, *pairs, kind)
    assert len(extension) == 495
    return data + extension + struct.pack("<II", len(data), 0) + b"TRUEVISION-XFILE.\0"


LACKS = "channels besides the colours not kept"


@pytest.mark.parametrize(
    ("data", "is_opaque", "note"),
    [
        (tga(32, 0x28, ramp(4)), False, ""),
        (tga(32, 0x20, ramp(4)), True, LACKS),
        (tga(32, 0x28, ramp(4), 3), False, ""),
        (tga(32, 0x28, ramp(4), 0), True, LACKS),
        (tga(32, 0x28, ramp(4), 2), True, LACKS),
        (tga(32, 0x28, ramp(4), 4), False, "colours that were multiplied by the opacity"),
        (tga(24, 0x20, ramp(), 0), True, ""),
        (tga(24, 0x20, ramp(), 0, 2, 1), True, "pixels of 2:1, wide to high"),
        (tga(24, 0x20, ramp(), 0, 0, 0, 22, 10), True, "a gamma of 2.2 is not applied"),
        (tga(24, 0x20, ramp(), 0, comment=b"hello"), True, "text not kept (comment)"),
    ],
)
def test_opacity_and_extensions_of_tga(data, is_opaque, note):
    raster = read_raster(data)
    channels = 4 if LACKS in note or not is_opaque else 3
    assert np.array_equal(raster.pixels, ramp(channels)[..., :3])
    assert (raster.alpha is None) == is_opaque
    assert raster.note.startswith(note) and bool(raster.note) == bool(note)


def psd(mode: int, channels: int, layers: int = 0) -> bytes:
    """A Photoshop file; layers without pixels, negative if the opacity is among the channels."""
    record = struct.pack(">iiiiH", 0, 0, 0, 0, 0) + b"8BIMnorm" + bytes(4) + struct.pack(">I", 0)
    info = struct.pack(">h", layers) + record * abs(layers)
    info += bytes(len(info) % 2)
    block = struct.pack(">I", len(info)) + info + bytes(4) if layers else b""
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, channels, 6, 5, 8, mode)
    sections = bytes(4) + bytes(4) + struct.pack(">I", len(block)) + block + bytes(2)
    return head + sections + np.moveaxis(ramp(channels), 2, 0).tobytes()


@pytest.mark.parametrize(
    ("mode", "channels", "layers", "is_opaque", "note"),
    [
        (3, 3, 0, True, ""),
        (3, 4, 0, True, LACKS),  # a selection that was saved
        (3, 4, -1, False, "Photoshop's layers not kept"),
        (3, 5, 0, True, LACKS),
        (3, 3, 3, True, "Photoshop's layers not kept"),
        (1, 2, 0, True, LACKS),
        (4, 5, 0, True, LACKS),
        (8, 1, 0, True, "inks of a duotone not kept"),
        (7, 3, 0, True, "inks of its own not kept"),
    ],
)
def test_channels_and_layers_of_photoshop(mode, channels, layers, is_opaque, note):
    for frame in (None, 0):
        raster = read_raster(psd(mode, channels, layers), ReadOptions(frame=frame))
        assert (raster.alpha is None) == is_opaque
        assert note in raster.note and bool(raster.note) == bool(note)


def dds(caps: int = 0, extended: tuple[int, int] = (0, 0)) -> bytes:
    """A DDS of red, green and blue, or of a format of DXGI and so many pictures."""
    samples = bytes(16) if extended[0] else ramp()[..., ::-1].tobytes()
    form = (
        (4, 0x30315844, 0, 0, 0, 0, 0) if extended[0] else (0x40, 0, 24, 0xFF0000, 0xFF00, 255, 0)
    )
    width, height = (4, 4) if extended[0] else (5, 6)
    head = struct.pack("<7I44x", 124, 0x1007, height, width, 15, 0, 1)
    head += struct.pack("<8I", 32, *form) + struct.pack("<5I", 0x1000, caps, 0, 0, 0)
    more = struct.pack("<5I", extended[0], 3, 0, extended[1], 0) if extended[0] else b""
    return b"DDS " + head + more + samples


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (dds(), ""),
        (dds(0xFE00), "further pictures not kept"),
        (dds(extended=(98, 1)), ""),
        (dds(extended=(98, 6)), "further pictures not kept"),
        (dds(extended=(95, 1)), "high dynamic range, cut to 8 bits"),
    ],
)
def test_what_a_dds_holds_besides(data, note):
    found = read_raster(data).note
    assert note in found and bool(found) == bool(note)


def test_sgi_of_16_bits_is_refused_and_its_name_is_named():
    plain = saved(ramp(), "SGI")
    assert np.array_equal(read_raster(plain).pixels, ramp())
    named = plain[:24] + b"my picture".ljust(80, b"\0") + plain[104:]
    assert "text not kept (name)" in read_raster(named).note
    with pytest.raises(ImageError, match="more than 8 bits per sample"):
        read_raster(saved(Image.fromarray(ramp()), "SGI", bpc=2))


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (saved(ramp(), "BMP"), ""),
        (saved(ramp(), "BMP") + b"film", "4 bytes after"),
        (saved(ramp(), "QOI") + b"film", "4 bytes after"),
        (saved(ramp(), "PPM"), ""),
        (saved(ramp(), "PPM") + b"film", "4 bytes after"),
        (b"P5 2 1\n255\nab" + b"P5 2 1\n255\ncd", "13 bytes after"),  # a second picture
        (b"P5 2 1 # by hand\n300\n\0a\0b", "comment"),
        (b"P4 9 1\n\xff\x80", ""),
        (b"P1 2 1\n1 0\n", ""),
        (b"P6 1 1\n255\n\n#c", ""),  # samples that look like a comment
        (saved(ramp(), "AVIF") + b"film or other", "13 bytes after"),
        (saved(ramp(), "AVIF") + struct.pack(">I", 20) + b"mpvdabcdefghijkl", "motion photo"),
        (saved(ramp(), "JPEG2000") + b"film or other", "13 bytes after"),
    ],
)
def test_what_stands_behind_a_picture(data, note):
    found = read_raster(data).note
    assert note in found and ("bytes after" in found) == ("bytes after" in note)
