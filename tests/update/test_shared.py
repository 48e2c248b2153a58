"""One update for several pictures: the file, the reference, and who pays."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bitstream import (
    BadMagic,
    Container,
    InvalidField,
    Tag,
    Truncated,
    UnknownUpdate,
    UnsupportedVersion,
)
from bitstream.update.methods import Method, reference, referred, update_id
from bitstream.update.shared import SharedUpdate
from codec import (
    DecodeOptions,
    EncodeOptions,
    EncodeResult,
    MaxBytes,
    decode,
    encode,
    encode_shared,
)
from codec.contract.modes import Lossless, Lossy, Standard
from codec.contract.quality import lambda_at
from codec.encoding.contents.learned import SEARCH_WEIGHT
from codec.errors import OptionError

FILE = SharedUpdate(b"abcd", b"\x01payload")


def test_an_update_file_has_the_bytes_of_the_format():
    assert FILE.pack() == b"NNU\x01abcd\x01payload"
    assert SharedUpdate.unpack(FILE.pack()) == FILE
    assert update_id(FILE.pack()).hex() == "37e689e69352a0647c88d66646ab87e6"


def test_a_reference_is_read_back():
    assert referred(reference(FILE.pack())) == update_id(FILE.pack())
    assert referred(b"\x01payload") is None
    assert referred(b"") is None
    with pytest.raises(InvalidField):
        referred(reference(FILE.pack()) + b"\0")


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", BadMagic),
        (b"NNI\x01abcd\x01", BadMagic),
        (b"NNU\x02abcd\x01", UnsupportedVersion),
        (b"NNU\x01abc", Truncated),
        (b"NNU\x01abcd", InvalidField),
    ],
)
def test_what_is_no_update_file_is_refused(data, error):
    with pytest.raises(error):
        SharedUpdate.unpack(data)


@pytest.fixture(scope="module")
def crops():
    """Two crops of a page of text, which ask for the same change."""
    from skimage import data

    page = data.page()
    pixels = [page[top : top + 80, 20:220] for top in (10, 100)]
    return [crop[..., None].repeat(3, 2).copy() for crop in pixels]


@pytest.fixture(scope="module")
def encoded(crops):
    return encode_shared(crops, EncodeOptions(Lossy(quality=80), effort=1))


def test_pictures_name_the_update_and_decode_with_it(encoded):
    assert encoded.update
    files = [picture.data for picture in encoded.pictures]
    payloads = [Container.unpack(file).chunks.get(Tag.UPDATE) for file in files]
    assert payloads == [reference(encoded.update)] * 2
    assert encoded.sharing == 2
    # encode_shared itself compares the decoded pixels.
    decode(files[0], DecodeOptions(updates=(b"NNU\x01another", encoded.update)))


def cost(picture: EncodeResult, pixels: NDArray[np.uint8]) -> float:
    """Bits of a file at quality 80, and what its errors are worth in bits."""
    worth = SEARCH_WEIGHT * float(lambda_at(80.0)) * pixels.size / 3 * 255**2
    return 8 * len(picture.data) + worth * 10 ** (-picture.report.psnr_db / 10)


def test_sharing_costs_less_than_updates_of_their_own(encoded, crops):
    own = [encode(crop, EncodeOptions(Lossy(quality=80), effort=1)) for crop in crops]
    assert all(picture.report.update_bytes for picture in own)
    shared = 8 * len(encoded.update) + sum(map(cost, encoded.pictures, crops))
    assert shared < sum(map(cost, own, crops))


def test_pictures_that_ask_for_nothing_share_nothing():
    flat = [np.full((32, 48, 3), value, np.uint8) for value in (90, 200)]
    result = encode_shared(flat, EncodeOptions(effort=1))
    assert (result.update, result.sharing) == (b"", 0)
    for picture, pixels in zip(result.pictures, flat, strict=True):
        assert picture.data == encode(pixels, EncodeOptions(effort=1)).data


def test_contents_are_searched_as_the_effort_says(crops):
    small = [crop[:48, :64] for crop in crops]
    plain = encode_shared(small, EncodeOptions(Lossy(quality=80), effort=2))
    stages = set()
    options = EncodeOptions(Lossy(quality=80), effort=3)
    searched = encode_shared(small, options, lambda stage, fraction: stages.add(stage))
    assert {"picture 1: refining", "picture 2: refining"} <= stages
    costs = [
        8 * len(result.update) + sum(map(cost, result.pictures, small))
        for result in (plain, searched)
    ]
    assert costs[1] < costs[0]


@pytest.mark.parametrize(
    ("count", "options"),
    [
        (1, {}),
        (2, {"mode": Lossy(target=MaxBytes(1000))}),
        (2, {"time_limit": 1.0}),
        (2, {"update": "none"}),
        (2, {"mode": Standard("jpeg")}),
        (2, {"mode": Lossless()}),
    ],
)
def test_what_a_set_cannot_have_is_refused(crops, count, options):
    with pytest.raises(OptionError):
        encode_shared(crops[:count], EncodeOptions(**options))


def test_two_files_of_one_id_are_refused(encoded, monkeypatch):
    """As if somebody could make them: the id is the model's name, which all its updates share."""
    other = SharedUpdate.unpack(encoded.update).model
    for module in ("bitstream.update.methods", "codec.decoding.update"):
        monkeypatch.setattr(f"{module}.update_id", lambda file: file[4:8] * 4)
    container = Container.unpack(encoded.pictures[0].data)
    chunks = container.chunks | {Tag.UPDATE: bytes([Method.SHARED]) + other * 4}
    data = Container(container.header, chunks).pack()
    decode(data, DecodeOptions(updates=(encoded.update, encoded.update)))
    with pytest.raises(InvalidField, match="two different files"):
        decode(data, DecodeOptions(updates=(encoded.update, encoded.update + b"1")))


def test_without_its_update_a_picture_is_refused(encoded):
    with pytest.raises(UnknownUpdate, match=update_id(encoded.update).hex()):
        decode(encoded.pictures[0].data)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda file: b"NNU\x01abcd" + file[8:], "another model"),
        (lambda file: file[:8] + bytes([Method.SHARED]) + bytes(4), "unknown method 7"),
    ],
)
def test_a_wrong_update_is_refused(encoded, change, error):
    other = change(encoded.update)
    container = Container.unpack(encoded.pictures[0].data)
    chunks = container.chunks | {Tag.UPDATE: reference(other)}
    data = Container(container.header, chunks).pack()
    with pytest.raises(InvalidField, match=error):
        decode(data, DecodeOptions(updates=(other,)))
