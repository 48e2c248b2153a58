"""Samples of 9 to 16 bits come back from lossless files, and cost what they say."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner
from PIL import Image

import codec
from bitstream import ChecksumMismatch, Container, FormatError, Header, InvalidField, Tag, Truncated
from bitstream.file.fine import FinePart
from codec.cli import main
from codec.decoding.engines import fine as kernel_fine
from codec.decoding.lossless import fine, fine_plain
from codec.decoding.lossless.fine_scan import FineScan
from codec.encoding.lossless import fine as fine_encoder
from codec.picture import depth, formats, reading, scaling, writing
from codec.picture.metadata import NO_METADATA
from codec.picture.notes import Notes
from codec.picture.scaling import Rule, Scaling
from scripts.conform.deep import deep_drawn
from tests.codec.test_depth import png, ppm, samples, tiff

QUICK = codec.EncodeOptions(codec.Lossless(), effort=0)
WEBP = codec.EncodeOptions(codec.Lossless("webp"), effort=0)
FULL = Scaling(16, Rule.SHIFTED)


@pytest.mark.parametrize("bits", range(9, 17))
@pytest.mark.parametrize("rule", Rule)
def test_all_depths_come_back(tiny, bits, rule):
    values = deep_drawn(11, 14, bits, 20)
    stored = Scaling(bits, rule).samples(values)
    data = codec.encode(stored, QUICK).data
    found = codec.decode(data)
    assert found.dtype == np.uint16
    assert np.array_equal(found, stored)
    assert codec.probe(data).depth == bits


def odd_pictures() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 2**16, (9, 8, 1)).astype(np.uint16)
    return {
        "pixel": rng.integers(0, 2**16, (1, 1, 3)).astype(np.uint16),
        "row": rng.integers(0, 2**16, (1, 19, 3)).astype(np.uint16),
        "column": rng.integers(0, 2**16, (17, 1, 3)).astype(np.uint16),
        "black": np.zeros((6, 5, 3), np.uint16),
        "white": np.full((6, 5, 3), 65535, np.uint16),
        "one value": np.full((6, 5, 3), 12345, np.uint16),
        "grey": grey.repeat(3, 2),
        "extremes": (65535 * rng.integers(0, 2, (9, 8, 3))).astype(np.uint16),
        "opacity": deep_drawn(8, 9, 16, 5)[..., [0, 1, 2, 0]] >> 8 << 8,
    }


@pytest.mark.parametrize("name", odd_pictures())
def test_odd_pictures_come_back(tiny, name):
    stored = odd_pictures()[name]
    result = codec.encode(stored, QUICK)
    assert np.array_equal(codec.decode(result.data)[..., :3], stored[..., :3])
    assert result.report.note == ("" if name != "opacity" else depth.OPACITY_NOTE)


def test_opacity_is_rounded_and_said_so_where_it_has_more(tiny):
    stored = deep_drawn(8, 9, 16, 5)[..., [0, 1, 2, 0]].copy()
    stored[..., 3] = stored[..., 3] // 257 * 257
    result = codec.encode(stored, QUICK)
    assert result.report.note == ""
    assert np.array_equal(codec.decode(result.data), stored)
    stored[0, 0, 3] = 1000
    result = codec.encode(stored, QUICK)
    assert result.report.note == depth.OPACITY_NOTE
    assert np.array_equal(
        codec.decode(result.data)[..., 3], depth.to_eight(stored[..., 3]) * np.uint16(257)
    )
    with pytest.raises(codec.errors.ImageError, match="opacity"):
        codec.encode(stored, codec.EncodeOptions(codec.Lossless(), effort=0, strict=True))


def test_eight_bits_in_sixteen_cost_three_bytes_more(tiny):
    eight = (deep_drawn(20, 21, 16, 0) >> 8).astype(np.uint8)
    deep = codec.encode(eight * np.uint16(257), QUICK).data
    chunks = Container.unpack(deep).chunks
    assert chunks[Tag.FINE] == bytes([8, Rule.REPEATED])
    assert (
        chunks[Tag.CONTENT] == Container.unpack(codec.encode(eight, QUICK).data).chunks[Tag.CONTENT]
    )
    assert codec.decode(deep).dtype == np.uint16


@pytest.mark.parametrize(("bits", "rule"), [(10, Rule.NEAREST), (12, Rule.REPEATED)])
def test_bits_that_say_nothing_cost_nothing(bits, rule):
    values = deep_drawn(40, 50, bits, 3)
    found, same = scaling.found_in(Scaling(bits, rule).samples(values))
    assert (found, same.tolist()) == (Scaling(bits, rule), values.tolist())
    plain = fine.encode(values, Scaling(bits, Rule.SHIFTED), None)
    assert len(fine.encode(values, found, None)) == len(plain)


@pytest.mark.parametrize("channels", [1, 3])
def test_noise_costs_what_raw_bits_do(channels):
    rng = np.random.default_rng(1)
    values = rng.integers(0, 2**16, (96, 128, channels)).astype(np.uint16)
    values = values.repeat(3 // channels, 2)
    _, payload = fine_encoder.encode(values, FULL)
    assert len(payload) < 1.01 * 96 * 128 * channels


def test_smooth_pictures_cost_less():
    payload = fine.encode(deep_drawn(64, 64, 16, 3), FULL, None)
    assert len(payload) < 0.6 * 64 * 64 * 3


@pytest.mark.parametrize(("height", "width", "bits"), [(1, 1, 8), (5, 7, 1), (9, 4, 5)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("fitted", [False, True])
def test_the_kernel_and_python_do_the_same(height, width, bits, channels, fitted):
    values = deep_drawn(height, width, 8 + bits, 30)
    planes = fine.planes_of(values if channels == 3 else values[..., :1].repeat(3, 2))
    weights = fine_encoder.fitted_weights(planes, bits, least_px=0) if fitted else None
    wanted = planes & (1 << bits) - 1
    words = []
    for coder in (kernel_fine, fine_plain):
        words.append(coder.encode(FineScan.of(planes >> bits, bits, weights), wanted))
        scan = FineScan.of(planes >> bits, bits, weights)
        coder.decode(scan, words[0])
        assert np.array_equal(scan.values, planes)
    assert words[0] == words[1]


@pytest.mark.parametrize("coder", [kernel_fine, fine_plain])
def test_codewords_that_end_early_are_refused(coder):
    planes = fine.planes_of(deep_drawn(9, 30, 16, 100))
    with pytest.raises(Truncated):
        coder.decode(FineScan.of(planes >> 8, 8, None), b"\1\2\3")


def test_damage_is_refused(tiny):
    data = codec.encode(deep_drawn(9, 30, 16, 100), WEBP).data
    container = Container.unpack(data)
    payload = container.chunks[Tag.FINE]
    damaged = payload[:20] + bytes([payload[20] ^ 1]) + payload[21:]
    for changed, error in ((payload[:40], Truncated), (damaged, ChecksumMismatch)):
        chunks = {**container.chunks, Tag.FINE: changed}
        with pytest.raises(error):
            codec.decode(Container(container.header, chunks).pack())


def test_a_file_with_a_loss_has_no_finer_part():
    chunks = {Tag.CONTENT: b"", Tag.FINE: FinePart(8, 0).pack()}
    with pytest.raises(InvalidField, match="has a loss"):
        fine.part_of(Container(Header(1, 1, 100, b"some"), chunks))


@pytest.mark.parametrize(
    ("write", "channels"), [(png, 1), (png, 3), (png, 4), (tiff, 1), (tiff, 3), (ppm, 1), (ppm, 3)]
)
def test_files_of_16_bits_are_kept(tiny, write, channels):
    stored = samples(channels)
    result = codec.encode(write(stored), WEBP)
    colours = np.broadcast_to(stored[..., : min(channels, 3)], (*stored.shape[:2], 3))
    assert np.array_equal(codec.decode(result.data)[..., :3], colours)
    assert result.report.note == (depth.OPACITY_NOTE if channels == 4 else "")


def test_pillow_gives_greys_of_16_bits(tiny):
    stored = samples(1)
    data = codec.encode(Image.fromarray(stored[..., 0]), WEBP).data
    assert np.array_equal(codec.decode(data), stored.repeat(3, 2))


def test_pillow_shows_the_first_eight_bits(tiny, pillow):
    stored = samples(3)
    data = codec.encode(stored, WEBP).data
    codec.register_pillow()
    with Image.open(BytesIO(data)) as opened:
        assert np.array_equal(np.asarray(opened), stored >> 8)
    eight = codec.decode(data, codec.DecodeOptions(eight_bits=True))
    assert np.array_equal(eight, stored >> 8)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("grey", [False, True])
def test_png_files_of_16_bits(channels, grey):
    stored = samples(channels)
    if grey:
        stored[..., :3] = stored[..., :1]
    data = writing.save(stored, NO_METADATA, formats.PNG, Notes())
    found = reading.read_raster(BytesIO(data))
    assert np.array_equal(found.deep, stored[..., :3])
    if channels == 4:
        assert np.array_equal(found.alpha, depth.to_eight(stored[..., 3:])[..., 0])


def test_other_formats_round_and_say_so():
    notes = Notes()
    data = writing.save(samples(3), NO_METADATA, formats.BY_NAME["webp"], notes)
    assert [note.text for note in notes] == [depth.NOTE]
    shown = np.asarray(Image.open(BytesIO(data)))
    assert np.array_equal(shown, depth.to_eight(samples(3)))


def test_on_the_command_line(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stored = deep_drawn(12, 13, 12, 9) << np.uint16(4)
    tifffile.imwrite("deep.tif", stored, photometric="rgb")

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, result.output
        return result.output

    assert "rounded" not in run("encode", "--lossless", "-e", "0", "deep.tif")
    assert json.loads(run("info", "--json", "deep.nni"))["depth"] == 12
    assert "depth           12" in run("info", "deep.nni")
    run("verify", "deep.nni", "--against", "deep.tif")
    run("decode", "deep.nni", "deep.png")
    assert np.array_equal(reading.read_raster(Path("deep.png")).deep, stored)
    run("decode", "deep.nni", "deep.ppm")
    assert np.array_equal(reading.read_raster(Path("deep.ppm")).deep, stored)
    assert depth.NOTE in run("decode", "deep.nni", "deep.webp")


@pytest.mark.parametrize("payload", [b"", b"\x10", b"\x10\0\2\0", b"\x07\0\0", b"\x08\0\0"])
def test_hostile_payloads_are_refused(payload):
    with pytest.raises(FormatError):
        FinePart.unpack(payload)


def test_a_grey_part_of_a_coloured_picture_is_refused():
    high = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    with pytest.raises(InvalidField, match="greys"):
        fine.decode(FinePart(16, 0, 1), high)


def test_the_header_is_that_of_eight_bits(tiny):
    container = Container.unpack(codec.encode(samples(3), WEBP).data)
    assert container.header == Header(7, 9, 201, b"VP8L")
