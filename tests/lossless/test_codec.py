"""Lossless files give the very same pixels, and an update makes them smaller or is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import codec
from bitstream import Container, FormatError, Header, InvalidField, Tag
from bitstream.file.header import LOSSLESS_QUALITY
from codec.contract.modes import Lossless, mode_of
from codec.contract.options import EncodeOptions
from codec.contract.targets import MaxBytes
from codec.decoding.lossless import update
from codec.errors import OptionError
from codec.models import released

LOSSLESS = EncodeOptions(Lossless("learned"))
QUICK = EncodeOptions(Lossless("learned"), effort=0)
RNG = np.random.default_rng(0)


def odd_pictures() -> dict[str, np.ndarray]:
    grey = RNG.integers(0, 256, (20, 31, 1), np.uint8)
    return {
        "pixel": RNG.integers(0, 256, (1, 1, 3), np.uint8),
        "row": RNG.integers(0, 256, (1, 23, 3), np.uint8),
        "column": RNG.integers(0, 256, (18, 1, 3), np.uint8),
        "odd": RNG.integers(0, 256, (17, 35, 3), np.uint8),
        "black": np.zeros((40, 24, 3), np.uint8),
        "white": np.full((33, 64, 3), 255, np.uint8),
        "grey": np.repeat(grey, 3, 2),
        "extremes": 255 * RNG.integers(0, 2, (21, 22, 3), np.uint8),
    }


def unlike(photo: np.ndarray) -> np.ndarray:
    """Each pixel four times, which no network is made for."""
    return np.ascontiguousarray(photo.repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize("name", odd_pictures())
def test_odd_pictures_come_back(tiny, name):
    pixels = odd_pictures()[name]
    result = codec.encode(pixels, LOSSLESS)
    assert np.array_equal(codec.decode(result.data), pixels)


def test_photographs_come_back_and_an_update_pays(tiny, photos):
    for photo in photos:
        pixels = unlike(photo[:32, :40])
        plain = codec.encode(pixels, QUICK).data
        result = codec.encode(pixels, LOSSLESS)
        assert np.array_equal(codec.decode(plain), pixels)
        assert np.array_equal(codec.decode(result.data), pixels)
        assert Tag.UPDATE not in Container.unpack(plain).chunks
        assert len(result.data) < len(plain)
        assert result.report.update_bytes == len(Container.unpack(result.data).chunks[Tag.UPDATE])
        assert result.report.bpp == 8 * len(result.data) / pixels[..., 0].size


def test_an_update_that_costs_more_than_it_saves_is_left_out(tiny):
    pixels = RNG.integers(100, 110, (3, 3, 3), np.uint8)
    assert codec.encode(pixels, LOSSLESS).report.update_bytes == 0


def test_grey_costs_no_colour(tiny, photos):
    grey = np.repeat(photos[0][..., 1:2], 3, 2)
    coloured = len(codec.encode(photos[0], QUICK).data)
    assert len(codec.encode(grey, QUICK).data) < 0.55 * coloured


@st.composite
def drawn_pictures(draw: st.DrawFn) -> np.ndarray:
    """Small pictures, often of one row or column, with values as networks rarely see them."""
    height, width = (draw(st.just(1) | st.integers(1, 40)) for _ in range(2))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    y, x = np.mgrid[:height, :width]
    shape = (height, width, 3)
    pixels = {
        "constant": lambda: np.broadcast_to(rng.integers(0, 256, 3), shape),
        "noise": lambda: rng.integers(0, rng.integers(1, 257), shape),
        "grey": lambda: np.repeat(rng.integers(0, 256, (height, width, 1)), 3, 2),
        "stripes": lambda: (
            255 * ((x // rng.integers(1, 5) + y // 3) % 2)[..., None] * rng.integers(0, 2, 3)
        ),
        "two colours": lambda: rng.integers(0, 256, (2, 3))[rng.integers(0, 2, (height, width))],
        "ramp": lambda: (x[..., None] * rng.integers(-9, 10, 3) + y[..., None] * 5) % 256,
        "extremes": lambda: 255 * rng.integers(0, 2, shape),
    }
    return np.ascontiguousarray(pixels[draw(st.sampled_from(sorted(pixels)))](), np.uint8)


@given(pixels=drawn_pictures(), effort=st.sampled_from([0, 0, 0, 1]))
@settings(max_examples=60)
def test_drawn_pictures_come_back(model, pixels, effort):
    options = replace(QUICK, effort=effort)
    assert np.array_equal(codec.decode(codec.encode(pixels, options).data), pixels)


@given(
    content=st.binary(max_size=60),
    payload=st.none() | st.builds(bytes.__add__, st.sampled_from([b"", b"\1", b"\6"]), st.binary()),
)
@settings(max_examples=40)
def test_any_payload_decodes_or_is_rejected(model, content, payload):
    chunks = {Tag.CONTENT: content} | ({} if payload is None else {Tag.UPDATE: payload})
    data = Container(Header(9, 14, LOSSLESS_QUALITY, model.id), chunks).pack()
    try:
        assert codec.decode(data).shape == (14, 9, 3)
    except FormatError:
        return


def test_an_update_of_the_prior_is_refused(model):
    chunks = {Tag.CONTENT: b"", Tag.PRIOR: b"\x14\x80"}
    data = Container(Header(9, 14, LOSSLESS_QUALITY, model.id), chunks).pack()
    with pytest.raises(FormatError, match="no prior"):
        codec.decode(data)


@pytest.fixture(scope="module")
def model(tiny_folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(released, "PRETRAINED", tiny_folder)
        patch.setattr(released, "REGISTRY", tiny_folder / "models.toml")
        yield released.load_default("lossless")


def test_a_quality_in_a_lossless_file_is_rejected(tiny, photos):
    container = Container.unpack(codec.encode(photos[0][:9, :9], QUICK).data)
    header = replace(container.header, quality=200)
    with pytest.raises(InvalidField, match="quality 200"):
        codec.decode(Container(header, container.chunks).pack())


def test_an_update_of_another_kind_is_rejected(tiny):
    with pytest.raises(InvalidField, match="method 2"):
        update.apply(b"\2\0\0", tiny)


@pytest.mark.parametrize(
    "others",
    [
        {"quality": 70.0},
        {"target": MaxBytes(1000)},
        {"content": "jpeg"},
        {"standard_file": True},
    ],
    ids=lambda others: next(iter(others)),
)
def test_what_lossless_excludes(others):
    with pytest.raises(OptionError, match=next(iter(others)).replace("_", " ")):
        mode_of(lossless=True, **others)


@pytest.mark.parametrize("others", [{"time_limit": 3.0}, {"update": "kernels"}])
def test_options_that_make_no_sense_are_refused(others):
    with pytest.raises(OptionError, match=next(iter(others)).replace("_", " ")):
        EncodeOptions(Lossless(), **others)


def test_hidden_colours_come_back(tiny, photos):
    opacity = np.tile(np.arange(0, 40, dtype=np.uint8) // 8 * 60, (24, 1))
    pixels = np.dstack([photos[0][:24, :40], opacity])
    assert np.array_equal(codec.decode(codec.encode(pixels, LOSSLESS).data), pixels)


def test_probe_says_lossless(tiny, photos):
    info = codec.probe(codec.encode(photos[0][:20, :20], QUICK).data)
    assert info.quality is None


@pytest.mark.parametrize("size", [(1, 1), (13, 20), (22, 17)])
def test_files_decode_by_the_specification(tiny, tiny_folder, photos, size):
    from tests.independent import decoder as independent

    files = {tiny.id: tiny_folder / "tiny" / "model.safetensors"}
    rows, columns = size
    photo = photos[0][:rows, :columns].copy()
    for pixels in (photo, np.repeat(photo[..., :1], 3, 2)):
        data = codec.encode(pixels, LOSSLESS).data
        assert np.array_equal(independent.decode(data, files), pixels)


def test_an_update_by_the_specification(tiny, tiny_folder, photos):
    from tests.independent import decoder as independent

    files = {tiny.id: tiny_folder / "tiny" / "model.safetensors"}
    pixels = unlike(photos[0][:24, :24])
    data = codec.encode(pixels, LOSSLESS).data
    assert Tag.UPDATE in Container.unpack(data).chunks
    assert np.array_equal(independent.decode(data, files), pixels)
