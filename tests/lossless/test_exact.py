"""What other codecs make smaller is held as their bitstream, in a file of ours."""

from __future__ import annotations

import importlib.util
import io
import sys

import numpy as np
import pytest
from PIL import Image

import codec
from bitstream import Container, FormatError, Tag, UnknownModel
from codec.contract.contents import LOSSLESS
from codec.contract.modes import Lossless
from codec.contract.options import EncodeOptions
from codec.errors import ImageError, ModelError
from codec.models import released
from codec.picture import exact

HAS_JXL = importlib.util.find_spec("pillow_jxl") is not None
MOST_AROUND = 24
"""Bytes by which a file of ours may be larger than one that holds the same bitstream."""


def screen() -> np.ndarray:
    """Windows and text-like marks: uint8 [60 80 3]."""
    pixels = np.full((60, 80, 3), 240, np.uint8)
    pixels[8:, 10:70] = (30, 60, 90)
    pixels[12:56:4, 14:66:2] = 255
    return pixels


def webp_size(samples: np.ndarray) -> int:
    file = io.BytesIO()
    options = {"method": 6, "quality": 100, "exact": True}
    Image.fromarray(samples).save(file, "WEBP", lossless=True, **options)
    return len(file.getvalue())


@pytest.mark.parametrize("effort", [0, 1])
def test_graphics_are_no_larger_than_webp(tiny, effort):
    options = EncodeOptions(Lossless(), effort=effort)
    result = codec.encode(screen(), options)
    assert np.array_equal(codec.decode(result.data), screen())
    learned = codec.encode(screen(), EncodeOptions(Lossless("learned"), effort=0))
    assert len(result.data) < len(learned.data)
    if effort:
        assert len(result.data) <= webp_size(screen()) + MOST_AROUND
    info = codec.probe(result.data)
    assert (info.quality, info.content) == (None, "webp")
    assert codec.probe(learned.data).content == ""


def test_photographs_are_left_to_the_networks(photos):
    result = codec.encode(photos[0], EncodeOptions(Lossless(), effort=0))
    assert Container.unpack(result.data).header.model == released.load_default(LOSSLESS).id


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 1, 4), (9, 7, 4), (1, 200, 3), (64, 48, 4)])
def test_tiny_pictures_are_hardly_larger(tiny, shape):
    """The opacity is part of the bitstream, and so are colours that it hides."""
    samples = np.random.default_rng(0).integers(0, 3, shape, np.uint8) * 100
    result = codec.encode(samples, EncodeOptions(Lossless()))
    assert np.array_equal(codec.decode(result.data), samples)
    assert len(result.data) <= webp_size(samples) + MOST_AROUND


def test_a_content_that_is_asked_for_is_taken(tiny):
    data = codec.encode(screen(), EncodeOptions(Lossless("webp"))).data
    assert Container.unpack(data).header.exact == ("webp", 3)
    large = np.zeros((1, exact.WEBP.side_limit + 1, 3), np.uint8)
    with pytest.raises(ImageError, match="too large for webp"):
        codec.encode(large, EncodeOptions(Lossless("webp")))


@pytest.mark.skipif(not HAS_JXL, reason="needs a plugin of Pillow's")
def test_jpeg_xl(tiny):
    result = codec.encode(screen(), EncodeOptions(Lossless("jxl")))
    assert np.array_equal(codec.decode(result.data), screen())
    assert codec.probe(result.data).content == "jxl"


def test_without_its_plugin_jpeg_xl_is_refused(tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    with pytest.raises(ModelError, match="pip install pillow-jxl-plugin"):
        codec.encode(screen(), EncodeOptions(Lossless("jxl")))
    webp = Container.unpack(codec.encode(screen(), EncodeOptions(Lossless("webp"))).data)
    header = webp.header.__class__(80, 60, webp.header.quality, b"JXL ")
    with pytest.raises(UnknownModel, match="pip install pillow-jxl-plugin"):
        codec.decode(Container(header, {Tag.CONTENT: b"\xff\x0a"}).pack())


def test_damaged_bitstreams_are_refused(tiny):
    container = Container.unpack(codec.encode(screen(), EncodeOptions(Lossless("webp"))).data)
    content = container.chunks[Tag.CONTENT]
    rng = np.random.default_rng(0)
    for _ in range(30):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] ^= 1 << rng.integers(8)
        chunks = {**container.chunks, Tag.CONTENT: bytes(damaged)}
        try:
            pixels = codec.decode(Container(container.header, chunks).pack())
        except FormatError:
            continue
        assert np.array_equal(pixels, screen()), "the checksum of the pixels shows every change"


def test_pillow_knows_of_the_opacity_before_it_decodes(tiny):
    samples = np.dstack([screen(), screen()[..., 0]])
    data = codec.encode(samples, EncodeOptions(Lossless("webp"))).data
    codec.register_pillow()
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == "RGBA"
        assert np.array_equal(np.asarray(image), samples)
