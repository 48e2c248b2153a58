"""JPEG, WebP and AVIF below a post-filter: as content of a file, and what is refused of them."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from bitstream import Container, Header, InvalidField, Tag
from codec import decode, encode
from codec.contract.modes import Lossy
from codec.contract.options import EncodeOptions
from codec.decoding.contents import standard as contents_standard
from codec.errors import ImageError
from codec.models import released
from codec.picture import halves
from codec.picture.pixels import psnr_db
from codec.picture.standard import STANDARD, StandardCodec
from tests.codec.tiny_model import picture

SIZES = [(1, 1), (7, 1), (5, 3), (17, 33), (64, 48)]


@pytest.fixture(params=STANDARD)
def content(request, tiny) -> str:
    """The name of a content whose tiny model is installed."""
    return request.param


def pillow(data: bytes) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


def with_content(data: bytes, payload: bytes) -> bytes:
    container = Container.unpack(data)
    return dataclasses.replace(container, chunks={Tag.CONTENT: payload}).pack()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_round_trip(content, size):
    original = picture(*size, seed=1)
    result = encode(original, EncodeOptions(Lossy(quality=90, content=content), effort=1))
    container = Container.unpack(result.data)
    model = released.load_default(content)
    assert container.header == Header(*size, 180, model.id)
    assert pillow(container.chunks[Tag.CONTENT]).shape == original.shape
    assert result.report.psnr_db == psnr_db(decode(result.data), original)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_what_the_filter_sees(content, size):
    """Pixels around mid-grey in sixteenths, repeated up to the next multiple of 8."""
    payload = STANDARD[content].write(picture(*size), 80)
    model, (width, height) = released.load_default(content), size
    found = contents_standard.decode(payload, Header(*size, 160, model.id), model)
    rows, columns = (-(-side // 8) * 8 for side in (height, width))
    expected = np.pad(
        pillow(payload), ((0, rows - height), (0, columns - width), (0, 0)), mode="edge"
    )
    planes = halves.to_planes(found).transpose(1, 2, 0)
    assert np.array_equal(planes, 16 * expected.astype(int) - 2048)


def test_an_update_pays_for_itself(content):
    original = picture(96, 64)
    options = EncodeOptions(Lossy(quality=90, content=content), effort=2)
    result = encode(original, options)
    plain = encode(original, dataclasses.replace(options, update="none"))
    assert Tag.UPDATE in Container.unpack(result.data).chunks
    assert result.report.psnr_db > result.report.base_psnr_db == plain.report.psnr_db


def test_the_content_is_the_file_as_it_is(content):
    original = picture(40, 24)
    data = encode(original, EncodeOptions(Lossy(quality=61, content=content), effort=0)).data
    payload = Container.unpack(data).chunks[Tag.CONTENT]
    assert payload == STANDARD[content].write(original, 61)


@pytest.fixture
def data(content) -> bytes:
    return encode(picture(20, 18), EncodeOptions(Lossy(quality=70, content=content), effort=0)).data


def test_another_kind_of_content_is_refused(content, data):
    others = [b"", b"text", Container.unpack(data).chunks[Tag.CONTENT][:-200]]
    others += [codec.write(picture(20, 18), 70) for codec in STANDARD.values()]
    own = STANDARD[content].write(picture(20, 18), 70)
    for payload in (other for other in others if other != own):
        with pytest.raises(InvalidField, match=f"content is not a readable {content.upper()}") as e:
            decode(with_content(data, payload))
        assert "\n" not in str(e.value)


@pytest.mark.parametrize("size", [(18, 20), (20, 17), (600, 600)], ids=str)
def test_a_content_of_another_size_is_refused_before_it_is_decoded(
    content, data, size, monkeypatch
):
    payload = STANDARD[content].write(np.zeros((*size[::-1], 3), np.uint8), 10)
    monkeypatch.setattr(StandardCodec, "read", None)
    with pytest.raises(InvalidField, match="another size"):
        decode(with_content(data, payload))


def test_better_quality_is_larger(content):
    sizes = [len(STANDARD[content].write(picture(64, 64), quality)) for quality in (5, 50, 95)]
    assert sizes == sorted(sizes)


def test_files_of_other_formats_are_errors():
    with pytest.raises(ImageError, match="not a readable JPEG"):
        STANDARD["jpeg"].read(STANDARD["webp"].write(picture(8, 8), 50))
