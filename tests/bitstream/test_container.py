"""The file structure: golden bytes, its cost, and one test per rejection rule."""

from __future__ import annotations

import dataclasses
import zlib

import pytest
from hypothesis import given
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
    UnsupportedVersion,
)
from bitstream.file.container import ENVELOPE

HEADER = Header(width=768, height=512, quality=75, model=b"\x01\x02\x03\x04")
SMALL = Container(HEADER, {Tag.UPDATE: b"up", Tag.CONTENT: b"content"})
PREFIX = "8e4e4e01" + "8006" + "8004" + "4b" + "01020304"


def sealed(body: bytes) -> bytes:
    """`body` with a correct checksum, so that the rules behind it are reached."""
    return body + zlib.crc32(body).to_bytes(4, "little")


def with_chunks(chunks: str) -> bytes:
    return sealed(bytes.fromhex(PREFIX + chunks))


def with_header(header: str) -> bytes:
    return sealed(bytes.fromhex("8e4e4e01" + header + "0200"))


def test_golden_bytes() -> None:
    expected = PREFIX + "01" + "02" + b"up".hex() + "02" + "07" + b"content".hex() + "af6f73cf"
    assert SMALL.pack().hex() == expected


@given(
    width=st.integers(1, 65_535),
    height=st.integers(1, 4_096),
    quality=st.integers(0, 200),
    model=st.binary(min_size=4, max_size=4),
    content=st.binary(max_size=300),
    update=st.none() | st.binary(max_size=300),
)
def test_round_trip(
    width: int, height: int, quality: int, model: bytes, content: bytes, update: bytes | None
) -> None:
    chunks = {Tag.CONTENT: content} | ({} if update is None else {Tag.UPDATE: update})
    container = Container(Header(width, height, quality, model), chunks)
    assert Container.unpack(container.pack()) == container


def test_smallest_file_has_the_minimum_size() -> None:
    assert len(Container(Header(1, 1, 0, bytes(4)), {Tag.CONTENT: b""}).pack()) == ENVELOPE.smallest


def test_everything_but_the_payloads_costs_at_most_24_bytes() -> None:
    update, content = bytes((1 << 14) - 1), bytes((1 << 21) - 1)
    header = Header(width=16_383, height=16_383, quality=200, model=bytes(4))
    data = Container(header, {Tag.CONTENT: content, Tag.UPDATE: update}).pack()
    assert len(data) - len(update) - len(content) <= 24


def test_every_single_bit_flip_is_rejected() -> None:
    data = SMALL.pack()
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(FormatError):
            Container.unpack(bytes(flipped))


def test_every_truncation_is_rejected() -> None:
    data = SMALL.pack()
    for size in range(len(data)):
        with pytest.raises(FormatError):
            Container.unpack(data[:size])


@given(st.binary(max_size=60))
def test_any_bytes_with_a_correct_checksum_raise_only_format_errors(body: bytes) -> None:
    try:
        Container.unpack(sealed(bytes.fromhex("8e4e4e01") + body))
    except FormatError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n", b"NN", b"\x8eNM" + bytes(40)])
def test_bad_magic_is_rejected(data: bytes) -> None:
    with pytest.raises(BadMagic):
        Container.unpack(data)


@pytest.mark.parametrize("data", [b"", b"\x8e", SMALL.pack()[: ENVELOPE.smallest - 1]])
def test_shorter_than_the_minimum_is_truncated(data: bytes) -> None:
    with pytest.raises(Truncated):
        Container.unpack(data)


def test_unsupported_version_is_rejected() -> None:
    data = bytearray(SMALL.pack())
    data[3] = 2
    with pytest.raises(UnsupportedVersion, match="version 2"):
        Container.unpack(bytes(data))


def test_checksum_mismatch_is_rejected() -> None:
    data = bytearray(SMALL.pack())
    data[-1] ^= 1
    with pytest.raises(ChecksumMismatch):
        Container.unpack(bytes(data))


def test_trailing_bytes_are_rejected() -> None:
    with pytest.raises(ChecksumMismatch):
        Container.unpack(SMALL.pack() + b"\0")


def test_zero_dimension_is_rejected() -> None:
    with pytest.raises(InvalidField, match="width 0"):
        Container.unpack(with_header("00" + "01" + "00" + "00000000"))


def test_dimension_beyond_65535_is_rejected() -> None:
    with pytest.raises(InvalidField, match="height 65536"):
        Container.unpack(with_header("01" + "808004" + "00" + "00000000"))


def test_quality_beyond_that_of_lossless_files_is_rejected() -> None:
    with pytest.raises(InvalidField, match="quality 202"):
        Container.unpack(with_header("01" + "01" + "ca" + "00000000"))


def test_too_many_pixels_are_rejected() -> None:
    with pytest.raises(LimitExceeded, match="pixels"):
        Container.unpack(with_header("ffff03" + "ffff03" + "00" + "00000000"))


def test_model_of_another_size_is_rejected() -> None:
    with pytest.raises(InvalidField, match="model"):
        dataclasses.replace(HEADER, model=b"123")


def test_header_that_ends_early_is_truncated() -> None:
    with pytest.raises(Truncated, match="model"):
        Container.unpack(sealed(bytes.fromhex("8e4e4e01" + "808001" + "808001" + "00" + "000000")))


def test_missing_content_is_rejected() -> None:
    with pytest.raises(InvalidField, match="no CONTENT"):
        Container.unpack(with_chunks("0100"))


def test_content_is_mandatory_when_writing() -> None:
    with pytest.raises(InvalidField, match="no CONTENT"):
        Container(HEADER, {Tag.UPDATE: b""})


def test_unknown_critical_chunk_is_rejected() -> None:
    with pytest.raises(InvalidField, match="0x03: a newer version"):
        Container.unpack(with_chunks("0200" + "0300"))


def test_unknown_ancillary_chunk_is_skipped() -> None:
    container = Container.unpack(with_chunks("8101ff" + "0100" + "8100" + "020155" + "ff00"))
    assert container.chunks == {Tag.UPDATE: b"", Tag.CONTENT: b"\x55"}


def test_repeated_chunk_is_rejected() -> None:
    with pytest.raises(InvalidField, match="CONTENT is repeated"):
        Container.unpack(with_chunks("0200" + "0200"))


def test_chunk_out_of_order_is_rejected() -> None:
    with pytest.raises(InvalidField, match="UPDATE is repeated or out of order"):
        Container.unpack(with_chunks("0200" + "0100"))


def test_chunk_that_ends_early_is_truncated() -> None:
    with pytest.raises(Truncated, match="chunk 0x02"):
        Container.unpack(with_chunks("0203" + "aabb"))


def test_chunk_beyond_the_limit_is_rejected() -> None:
    with pytest.raises(LimitExceeded, match="chunk 0x02"):
        Container.unpack(with_chunks("02" + "8180808004"))
