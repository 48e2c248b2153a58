"""The payload of a standard file: golden bytes, what its checksum covers, what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstream.carriers.enhancement import Enhancement, PictureSamples
from bitstream.errors import FormatError, InvalidField, Truncated, UnsupportedVersion

# The example of FORMAT.md, section 12.4.
PICTURE = PictureSamples(2, 1, bytes.fromhex("ff0000 0000ff"))
GOLDEN = bytes.fromhex("01 01020304 4b 4566e25e 7570")
MODEL = bytes([1, 2, 3, 4])


def test_golden_bytes():
    found = Enhancement.of_picture(PICTURE, MODEL, 75, b"up")
    assert found.pack() == GOLDEN
    assert Enhancement.unpack(GOLDEN) == found
    assert found.matches(PICTURE)


def test_an_update_may_be_empty():
    found = Enhancement.of_picture(PICTURE, MODEL, 0, b"")
    assert len(found.pack()) == 10
    assert Enhancement.unpack(found.pack()) == found
    assert found.matches(PICTURE)


@pytest.mark.parametrize(
    "other",
    [
        PictureSamples(1, 2, PICTURE.samples),
        replace(PICTURE, samples=bytes.fromhex("ff0000 0000fe")),
        replace(PICTURE, samples=bytes.fromhex("0000ff ff0000")),
    ],
)
def test_checksum_covers_the_picture(other):
    assert not Enhancement.unpack(GOLDEN).matches(other)


@pytest.mark.parametrize("place", range(1, len(GOLDEN)))
def test_checksum_covers_the_payload(place):
    damaged = bytearray(GOLDEN)
    damaged[place] ^= 1
    assert not Enhancement.unpack(bytes(damaged)).matches(PICTURE)
    assert not Enhancement.unpack(GOLDEN + b"\0").matches(PICTURE)


@pytest.mark.parametrize("length", range(10))
def test_cut_short(length):
    with pytest.raises(Truncated):
        Enhancement.unpack(GOLDEN[:length])


def test_another_version_is_refused():
    with pytest.raises(UnsupportedVersion, match="version 2"):
        Enhancement.unpack(b"\x02" + GOLDEN[1:])


def test_values_out_of_range_are_refused():
    with pytest.raises(InvalidField, match="quality 201"):
        Enhancement.unpack(GOLDEN[:5] + b"\xc9" + GOLDEN[6:])
    with pytest.raises(InvalidField, match="4 bytes"):
        Enhancement(MODEL[:3], 75, bytes(4), b"")


@given(st.binary(max_size=30))
def test_any_bytes_are_refused_or_come_back(data):
    try:
        found = Enhancement.unpack(data)
    except FormatError:
        return
    assert found.pack() == data
