"""What the decoder refuses: damaged, foreign, impossible and oversized files."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstream import (
    BadMagic,
    ChecksumMismatch,
    Container,
    FormatError,
    Header,
    InvalidField,
    LimitExceeded,
    Tag,
    Truncated,
)
from bitstream.update.levels import UpdatePayload
from bitstream.update.methods import Method
from codec import decode, encode
from codec.contract.decoding import DecodeOptions
from codec.contract.modes import Lossy
from codec.contract.options import EncodeOptions
from codec.decoding import update as updates
from codec.decoding.parameters import PARAMETERS
from tests.codec.tiny_model import picture

METHODS = st.sampled_from([b"", *(bytes([method]) for method in Method)])


@pytest.fixture
def data(tiny):
    return encode(picture(20, 18), EncodeOptions(Lossy(quality=95), effort=1)).data


def test_every_truncation_is_rejected(data):
    for length in range(len(data)):
        with pytest.raises((Truncated, ChecksumMismatch)):
            decode(data[:length])


def test_a_longer_file_is_rejected(data):
    with pytest.raises(ChecksumMismatch):
        decode(data + b"\0")


def test_every_flipped_bit_is_rejected(data):
    for bit in range(8 * min(len(data), 200)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(FormatError):
            decode(bytes(damaged))


@pytest.mark.parametrize("other", [b"", b"\x89PNG\r\n\x1a\n" + bytes(40), b"GIF89a", b"text" * 9])
def test_other_files_are_rejected(tiny, other):
    with pytest.raises(BadMagic if other else Truncated):
        decode(other)


@given(
    content=st.binary(max_size=60),
    update=st.none()
    | st.builds(bytes.__add__, st.sampled_from([b"", b"\1", b"\2"]), st.binary(max_size=40)),
)
@settings(max_examples=40)
def test_any_payload_decodes_or_is_rejected(model_id, content, update):
    """With a valid checksum, whatever the chunks hold."""
    chunks = {Tag.CONTENT: content} | ({} if update is None else {Tag.UPDATE: update})
    data = Container(Header(21, 35, 111, model_id), chunks).pack()
    try:
        pixels = decode(data)
    except FormatError:
        return
    assert pixels.shape == (35, 21, 3)


@pytest.fixture(scope="module")
def model_id(tiny_folder):
    from codec.models import released

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(released, "PRETRAINED", tiny_folder)
        patch.setattr(released, "REGISTRY", tiny_folder / "models.toml")
        yield released.load_default().id


def test_an_update_of_a_file_out_of_the_exact_range_is_rejected(tiny, data):
    layout = PARAMETERS[Method.KERNELS].layout(tiny.postfilter)
    levels = tuple(np.full((t.rows, t.columns), 2**15 - 1, np.int32) for t in layout)
    container = Container.unpack(data)
    payload = updates.pack(Method.KERNELS, UpdatePayload((15, 15), levels), tiny)
    bad = container.chunks | {Tag.UPDATE: payload}
    with pytest.raises(InvalidField, match="exact range"):
        decode(dataclasses.replace(container, chunks=bad).pack())


def test_more_pixels_than_allowed_are_rejected(data):
    with pytest.raises(LimitExceeded, match="20x18"):
        decode(data, DecodeOptions(max_pixels=20 * 18 - 1))
    assert decode(data, DecodeOptions(max_pixels=20 * 18)).shape == (18, 20, 3)


def test_a_few_bytes_that_claim_a_huge_picture_are_refused_by_default(tiny):
    chunks = {Tag.CONTENT: b""}
    data = Container(Header(2**14, 2**14, 100, tiny.id), chunks).pack()
    with pytest.raises(LimitExceeded, match="max_pixels"):
        decode(data)
