"""Pictures with more than 8 bits per sample: rounded, never truncated, and said so."""

from __future__ import annotations

import json
import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner
from PIL import Image

import codec
from codec.cli import main
from codec.errors import ImageError
from codec.picture import depth, reading

SHAPE = (9, 7)
OPTIONS = codec.EncodeOptions(effort=0)
PNG_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""Colour type by the number of channels."""


def samples(channels: int) -> np.ndarray:
    """All kinds of 16-bit values, among them those at the edges of rounding."""
    rng = np.random.default_rng(channels)
    found = rng.integers(0, 2**16, (*SHAPE, channels), np.uint16)
    found[0, 0], found[0, 1], found[0, 2], found[0, 3] = 128, 129, 0xFFFF, 0xFF7F
    return found


def rounded(values: np.ndarray) -> np.ndarray:
    return np.rint(values * (255 / 65535)).astype(np.uint8)


def png(values: np.ndarray) -> bytes:
    """A PNG with 16 bits per sample, which Pillow cannot write in colour."""

    def chunk(kind: bytes, payload: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + payload))
        return struct.pack(">I", len(payload)) + kind + payload + checksum

    height, width, channels = values.shape
    rows = b"".join(b"\0" + row.tobytes() for row in values.astype(">u2"))
    head = struct.pack(">IIBBBBB", width, height, 16, PNG_TYPES[channels], 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def tiff(values: np.ndarray, **options: object) -> bytes:
    file = BytesIO()
    extra = {"extrasamples": ["unassalpha"]} if values.shape[2] == 4 else {}
    photometric = "rgb" if values.shape[2] > 1 else "minisblack"
    tifffile.imwrite(file, values.squeeze(), photometric=photometric, **extra, **options)
    return file.getvalue()


def ppm(values: np.ndarray) -> bytes:
    kind = {1: "P5", 3: "P6"}[values.shape[2]]
    return f"{kind} {SHAPE[1]} {SHAPE[0]} 65535\n".encode() + values.astype(">u2").tobytes()


@pytest.mark.parametrize(
    ("write", "channels"),
    [(png, 1), (png, 2), (png, 3), (png, 4), (tiff, 1), (tiff, 3), (tiff, 4), (ppm, 1), (ppm, 3)],
)
def test_files_of_16_bits_are_rounded(write, channels):
    values = samples(channels)
    raster = reading.read_raster(BytesIO(write(values)))
    expected = rounded(values)
    colours = np.broadcast_to(expected[..., : channels - (channels % 2 == 0)], (*SHAPE, 3))
    assert np.array_equal(raster.pixels, colours)
    if channels % 2 == 0:
        assert np.array_equal(raster.alpha, expected[..., -1])
    assert raster.note == depth.NOTE


@pytest.mark.parametrize("options", [{"byteorder": ">"}, {"compression": "zlib"}])
def test_other_layouts_of_tiff(options):
    values = samples(3)
    assert np.array_equal(reading.load_pixels(BytesIO(tiff(values, **options))), rounded(values))


def test_orientation_is_applied_to_all_bits():
    values = samples(3)
    file = BytesIO(tiff(values, extratags=[(0x0112, "H", 1, 6, True)]))
    assert np.array_equal(reading.load_pixels(file), np.rot90(rounded(values), -1))


def test_arrays_and_greys_of_pillow():
    values = samples(3)
    assert np.array_equal(reading.from_samples(values).pixels, rounded(values))
    grey = reading.from_pillow(Image.fromarray(values[..., 0]))
    assert np.array_equal(grey.pixels[..., 2], rounded(values[..., 0]))
    assert grey.note == depth.NOTE


def test_pictures_of_8_bits_have_no_note(photo):
    file = BytesIO()
    Image.fromarray(photo).save(file, "PNG")
    assert reading.read_raster(file).note == ""


def jpeg_2000(bits: int) -> bytes:
    """Says so at least; its samples have 8."""
    file = BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG2000")
    data = bytearray(file.getvalue())
    at = data.index(b"\xff\x4f\xff\x51") + 42
    data[at] = data[at + 3] = data[at + 6] = bits - 1
    return bytes(data)


def planes(compression: str | None = None) -> bytes:
    """A TIFF with red, green and blue one after the other."""
    file, values = BytesIO(), np.moveaxis(samples(3), 2, 0)
    tifffile.imwrite(
        file, values, photometric="rgb", planarconfig="separate", compression=compression
    )
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [planes(), planes("zlib"), jpeg_2000(12)],
    ids=["planes", "compressed planes", "JPEG 2000"],
)
def test_what_pillow_would_truncate_is_refused(data):
    with pytest.raises(ImageError, match="more than 8 bits per sample"):
        reading.read_raster(BytesIO(data))


def test_pictures_of_pillow_that_are_half_of_the_file_are_refused():
    with Image.open(BytesIO(png(samples(3)))) as opened:
        with pytest.raises(ImageError, match="give its file instead"):
            reading.from_pillow(opened)


def test_avif_of_10_bits_is_said_to_be_rounded(photo):
    file = BytesIO()
    Image.fromarray(photo[:16, :16]).save(file, "AVIF")
    data = bytearray(file.getvalue())
    with Image.open(BytesIO(data)) as opened:
        assert depth.of(opened, bytes(data)) is depth.Bits.EIGHT
        data[data.index(b"av1C") + 6] |= 0x40
        assert depth.of(opened, bytes(data)) is depth.Bits.WHOLE


@pytest.mark.parametrize("dtype", [np.float32, np.int16, bool])
def test_other_arrays_are_refused(dtype):
    with pytest.raises(ImageError, match="expected uint8 or uint16"):
        codec.encode(np.zeros((4, 4, 3), dtype))


def test_the_result_says_so(tiny):
    for target, more in ((None, False), (codec.MaxBytes(10**6), True)):
        result = codec.encode(
            png(samples(3)), codec.EncodeOptions(codec.Lossy(target=target), effort=0)
        )
        assert depth.NOTE in result.report.note
        assert ("; " in result.report.note) == more
    options = codec.EncodeOptions(codec.Standard("jpeg"), effort=0)
    assert depth.NOTE in codec.encode(png(samples(3)), options).report.note
    file = BytesIO()
    Image.fromarray(rounded(samples(3))).save(file, "JPEG")
    assert depth.NOTE in codec.enhance(png(samples(3)), file.getvalue(), OPTIONS).report.note


def test_on_the_command_line(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("deep.png").write_bytes(png(samples(3)))
    result = CliRunner().invoke(main, ["encode", "-e", "0", "deep.png"])
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.count("\n") == 1
    assert depth.NOTE in result.stderr
    result = CliRunner().invoke(main, ["encode", "-f", "-e", "0", "--json", "deep.png"])
    assert json.loads(result.stdout)["note"] == depth.NOTE
