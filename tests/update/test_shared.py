"""One update for several pictures: the file, the reference, and who pays."""

from __future__ import annotations

import pytest

from bitstream import (
    BadMagic,
    Container,
    InvalidField,
    Tag,
    Truncated,
    UnknownUpdate,
    UnsupportedVersion,
)
from bitstream.shared import SharedUpdate, update_id
from codec import DecodeOptions, EncodeOptions, decode
from codec.shared import encode_shared
from codec.update import Method

FILE = SharedUpdate(b"abcd", b"\x01payload")


def test_an_update_file_has_the_bytes_of_the_format():
    assert FILE.pack() == b"NNU\x01abcd\x01payload"
    assert SharedUpdate.unpack(FILE.pack()) == FILE
    assert update_id(FILE.pack()).hex() == "37e689e6"


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
    pixels = [page[top : top + 64, 40:200] for top in (20, 100)]
    return [crop[..., None].repeat(3, 2).copy() for crop in pixels]


@pytest.fixture(scope="module")
def encoded(crops):
    return encode_shared(crops, EncodeOptions(quality=60, effort=1))


def test_pictures_name_the_update_and_decode_with_it(encoded):
    assert encoded.update
    reference = bytes([Method.SHARED]) + update_id(encoded.update)
    payloads = [Container.unpack(file).chunks.get(Tag.UPDATE) for file in encoded.files]
    assert payloads == [reference, reference]
    # encode_shared itself compares the decoded pixels.
    decode(encoded.files[0], DecodeOptions(updates=(b"NNU\x01another", encoded.update)))


def test_without_its_update_a_picture_is_refused(encoded):
    with pytest.raises(UnknownUpdate, match=update_id(encoded.update).hex()):
        decode(encoded.files[0])


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda file: b"NNU\x01abcd" + file[8:], "another model"),
        (lambda file: file[:8] + bytes([Method.SHARED]) + bytes(4), "unknown method 7"),
    ],
)
def test_a_wrong_update_is_refused(encoded, change, error):
    other = change(encoded.update)
    container = Container.unpack(encoded.files[0])
    chunks = container.chunks | {Tag.UPDATE: bytes([Method.SHARED]) + update_id(other)}
    data = Container(container.header, chunks).pack()
    with pytest.raises(InvalidField, match=error):
        decode(data, DecodeOptions(updates=(other,)))
