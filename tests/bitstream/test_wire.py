"""Primitive fields: round trips, golden bytes, and one test per rejection rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstream.coding.codeword import shortest_codeword
from bitstream.errors import InvalidField, Truncated
from bitstream.wire import ByteReader, ByteWriter


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "8001"),
        (16_383, "ff7f"),
        (16_384, "808001"),
        (2**32 - 1, "ffffffff0f"),
    ],
)
def test_varint_golden_bytes(value: int, encoded: str) -> None:
    writer = ByteWriter()
    writer.varint(value)
    assert writer.getvalue().hex() == encoded


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 255), st.binary())
def test_round_trip(varint: int, u32: int, u8: int, raw: bytes) -> None:
    writer = ByteWriter()
    writer.varint(varint)
    writer.u32(u32)
    writer.u8(u8)
    writer.raw(raw)
    reader = ByteReader(writer.getvalue())
    assert reader.varint("a") == varint
    assert reader.u32("b") == u32
    assert reader.u8("c") == u8
    assert reader.raw(len(raw), "d") == raw
    assert reader.remaining == 0


def test_u32_is_little_endian() -> None:
    writer = ByteWriter()
    writer.u32(0x01020304)
    assert writer.getvalue() == b"\x04\x03\x02\x01"


@pytest.mark.parametrize("data", ["8000", "ff00", "80808000"])
def test_varint_not_shortest_is_rejected(data: str) -> None:
    with pytest.raises(InvalidField, match="shortest"):
        ByteReader(bytes.fromhex(data)).varint("size")


def test_varint_longer_than_five_bytes_is_rejected() -> None:
    with pytest.raises(InvalidField, match="longer than 5"):
        ByteReader(b"\x80\x80\x80\x80\x80\x01").varint("size")


def test_varint_beyond_32_bits_is_rejected() -> None:
    with pytest.raises(InvalidField, match="32 bits"):
        ByteReader(b"\xff\xff\xff\xff\x10").varint("size")


@pytest.mark.parametrize("value", [-1, 2**32])
def test_value_that_does_not_fit_is_not_written(value: int) -> None:
    with pytest.raises(InvalidField):
        ByteWriter().varint(value)
    with pytest.raises(InvalidField):
        ByteWriter().u32(value)


def test_truncated_says_what_and_where() -> None:
    reader = ByteReader(b"\x01\x02\x03")
    reader.u8("first")
    with pytest.raises(Truncated, match=r"in second at byte 1 \(expected 2 more bytes\)"):
        reader.u32("second")


@given(st.binary())
def test_varint_of_any_bytes_is_canonical(data: bytes) -> None:
    reader = ByteReader(data)
    try:
        value = reader.varint("size")
    except (InvalidField, Truncated):
        return
    writer = ByteWriter()
    writer.varint(value)
    assert writer.getvalue() == data[: reader.position]


@given(st.data(), st.integers(1, 6))
def test_shortest_codeword_is_inside_and_shortest(data: st.DataObject, size: int) -> None:
    low = data.draw(st.integers(0, 256**size - 1))
    width = data.draw(st.integers(1, 256**size - low))
    codeword = shortest_codeword(low, width, size)
    assert low <= int.from_bytes(codeword.ljust(size, b"\0"), "big") < low + width
    if codeword:
        unit = 256 ** (size - len(codeword) + 1)
        assert -(-low // unit) * unit >= low + width, "one byte less would do"
