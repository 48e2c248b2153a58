"""Packed weight files: round trips, golden bytes, exact probabilities, refused bad input."""

from __future__ import annotations

import dataclasses
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstream import FormatError, InvalidField, LimitExceeded
from bitstream.limits import MAX_PACKED_LEVEL
from bitstream.tensors import (
    Archive,
    Levels,
    PackedTensor,
    Product,
    Raw,
    Scan,
    Zeros,
    level_bytes,
)
from bitstream.tensors.level_coder import LevelReader, LevelWriter, code_levels
from bitstream.tensors.level_model import SYMBOLS, LevelModel

GOLDEN = (
    "8e4e570101000102030405060708090a0b0c0d0e0f0106666f726d617402707405000161060202"
    "0202003f0250000a6c617965722e6269617302020105003f02a806046d61736b0c01010301000106"
    "06776569676874001302030301003f0120003f01a200076e6f7468696e6701000200070576ebd996"
    "df5712b334491621611ffe8925a5"
)


def levels_of(values: list[int], lanes: int = 1, trellis: bool = False) -> Levels:
    array = np.array(values, np.int32)
    return Levels(array, Scan.fitting(array, lanes, trellis=trellis), step=0.5)


def small_archive() -> Archive:
    """Every coding once."""
    product = Product(1, levels_of([1, -2, 3]), levels_of([4, 0, -5], trellis=True))
    return Archive(
        [
            PackedTensor("a", "I16", (2, 2), levels_of([0, -300, 32767, 1], lanes=2)),
            PackedTensor("layer.bias", "BF16", (5,), levels_of([1, 0, -1, 40, 3], 2, True)),
            PackedTensor("layer.mask", "BOOL", (3,), Raw(b"\1\0\1")),
            PackedTensor("layer.weight", "F32", (3, 3), product, based=True),
            PackedTensor("nothing", "F16", (0, 7), Zeros()),
        ],
        notes={"format": "pt"},
        base=bytes(range(16)),
    )


def assert_equal(first: Archive, second: Archive) -> None:
    assert (first.notes, first.base) == (second.notes, second.base)
    for a, b in zip(first.tensors, second.tensors, strict=True):
        assert (a.name, a.dtype, a.shape, a.based) == (b.name, b.dtype, b.shape, b.based)
        assert type(a.coding) is type(b.coding)
        if isinstance(a.coding, Raw):
            assert a.coding == b.coding
        np.testing.assert_array_equal(a.values(), b.values())


def sealed(body: bytes) -> bytes:
    return body + struct.pack("<I", zlib.crc32(body))


def test_golden_bytes() -> None:
    assert small_archive().pack().hex() == GOLDEN


def test_golden_bytes_unpack() -> None:
    assert_equal(Archive.unpack(bytes.fromhex(GOLDEN)), small_archive())


def test_trellis_points_by_hand() -> None:
    """States 0, 2 (odd), 3 (even), 6 (odd), 1: the second quantiser holds for the last two."""
    levels = levels_of([1, 2, 3, -2, 2], trellis=True)
    # 0 -1-> 2 -0-> 1 -1-> 5 -0-> 5
    assert levels.points().tolist() == [2, 4, 5, -3, 3]


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_levels_round_trip(data: st.DataObject) -> None:
    level = st.just(0) | st.integers(-3, 3) | st.integers(-MAX_PACKED_LEVEL, MAX_PACKED_LEVEL)
    values = data.draw(st.lists(level, min_size=1, max_size=60))
    lanes = data.draw(st.integers(1, len(values)))
    if len(values) > 64 * lanes * lanes:
        lanes = len(values)
    tensor = PackedTensor(
        "t", "F64", (len(values),), levels_of(values, lanes, data.draw(st.booleans()))
    )
    assert_equal(Archive.unpack(Archive([tensor], {}).pack()), Archive([tensor], {}))


@pytest.mark.parametrize("scale", [0.01, 0.3, 2.0, 50.0, 3000.0])
@pytest.mark.parametrize("trellis", [False, True])
def test_cost_is_close_to_the_entropy(scale: float, trellis: bool) -> None:
    """Laplace levels in rows, against the entropy of their own histogram per quantiser."""
    rng = np.random.default_rng(0)
    values = np.rint(rng.laplace(0, scale, 20_000)).astype(np.int32)
    tensor = PackedTensor("t", "F32", (200, 100), levels_of(values.tolist(), 100, trellis))
    archive = Archive([tensor], {})
    # Differential entropy for large levels, the histogram's for small ones.
    ideal = 20_000 * np.log2(2 * np.e * scale) / 8
    if scale < 20:
        counts = np.unique(values, return_counts=True)[1]
        ideal = float(-(counts * np.log2(counts / counts.sum())).sum() / 8)
    assert len(archive.pack()) < 1.02 * ideal + 60
    assert sum(level_bytes(archive)) == pytest.approx(len(archive.pack()), abs=40)


def test_scales_that_differ_by_lane_are_learned() -> None:
    rng = np.random.default_rng(0)
    spread = np.exp(rng.normal(0, 1.5, 64))
    values = np.rint(rng.laplace(0, 1, (128, 64)) * spread).astype(np.int32).ravel()
    sizes = [
        len(Archive([PackedTensor("t", "F32", (8192,), levels_of(v.tolist(), 64))], {}).pack())
        for v in (values, rng.permutation(values))
    ]
    assert sizes[0] < 0.85 * sizes[1]


def test_frequencies_are_exact() -> None:
    """Every row sums to 2**24 with no frequency below 1, at any scale and after any counts."""
    model = LevelModel()
    rng = np.random.default_rng(0)
    scale = np.concatenate([[0, 1, 2, 2**42], 2 ** rng.integers(0, 42, 500)])
    for _ in range(200):
        expected = model.expect(scale, rng.integers(0, 2, len(scale)))
        assert (expected.frequencies.sum(axis=1) == 1 << 24).all()
        assert expected.frequencies.min() >= 1
        model.update(expected, np.minimum(rng.geometric(0.9, len(scale)) - 1, SYMBOLS - 1))


@given(st.binary(max_size=120), st.integers(0, 127), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_codeword_decodes_or_is_refused(data: bytes, code: int, trellis: bool) -> None:
    scan = Scan(5, trellis, code)
    try:
        levels = code_levels(LevelReader(data), LevelModel(), np.zeros(50, np.int32), scan)
    except FormatError:
        return
    writer = LevelWriter()
    code_levels(writer, LevelModel(), levels, scan)
    again = code_levels(LevelReader(writer.finish()), LevelModel(), np.zeros_like(levels), scan)
    np.testing.assert_array_equal(levels, again)


def test_every_truncation_is_refused() -> None:
    data = small_archive().pack()
    for size in range(len(data)):
        with pytest.raises(FormatError):
            Archive.unpack(data[:size])
        # Cut inside, with a fitting checksum: the head must notice, the codeword need not.
        if size >= 4:
            unpack_or_refuse(sealed(data[:size]))


def test_every_flipped_bit_is_refused() -> None:
    data = small_archive().pack()
    for place in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(FormatError):
            Archive.unpack(bytes(flipped))
        unpack_or_refuse(sealed(bytes(flipped[:-4])))


def unpack_or_refuse(data: bytes) -> None:
    try:
        archive = Archive.unpack(data)
    except FormatError:
        return
    assert_equal(Archive.unpack(archive.pack()), archive)


HEAD = b"\x8eNW\x01\0\0\x01\0\x01t"
"""Magic, version, no base, no notes, one tensor with the name "t"."""
TWO_GIBI = b"\x80\x80\x80\x80\x08"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (b"\x0f\0\0", "unknown type 15"),
        (b"\0\x04\0", "unknown coding 4"),
        (b"\0\x22\0", "unknown coding"),
        (b"\0\0\x09", "9 dimensions"),
        (b"\0\0\x01" + TWO_GIBI, "more than 67108864 values"),
        (b"\0\x02\x02" + TWO_GIBI + TWO_GIBI, "more than 67108864 values"),
        (b"\0\x01\x01\x80\x80\x80\x08", "truncated in values of a tensor"),
        (b"\0\x02\x01\x04\0\0\x02\0", "step 0x0000 is not a positive"),
        (b"\0\x02\x01\x04\x80\x7f\x02\0", "step 0x7F80 is not a positive"),
        (b"\0\x02\x01\x04\0\xbf\x02\0", "step 0xBF00 is not a positive"),
        (b"\0\x02\x01\x04\0\x3f\0\0", "0 lanes do not fit 4"),
        (b"\0\x02\x01\x04\0\x3f\x05\0", "5 lanes do not fit 4"),
        (b"\0\x02\x01\x80\x01\0\x3f\x01\0", "1 lanes do not fit 128"),
        (b"\0\x02\x01\x81\x80\x01\0\x3f\x81\x80\x01\0", "16385 lanes do not fit 16385"),
        (b"\x08\x02\x01\x04\x80\x3f\x02\0", "integers must not be quantised"),
        (b"\x08\x02\x01\x04\0\x3f\x02\x80", "integers must not be quantised"),
        (b"\x0d\x02\x01\x04\0\x3f\x02\0", "type F8_E4M3 has no levels"),
        (b"\x08\x03\x02\x02\x02\x01\0\x3f\x02\0\0\x3f\x02\0", "product is not for the type"),
        (b"\0\x03\x02\x02\x02\0", "rank of 0"),
        (b"\0\x03\x02\x02\x02\x03", "rank of 3"),
        (b"\0\x11\x01\x01\0\0\0\0", "raw values are not a difference"),
        (b"\0\x10\x01\x01", "the file names no base"),
    ],
)
def test_entries_that_break_a_rule_are_refused(entry: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        Archive.unpack(sealed(HEAD + entry))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x8eNW\x01\x02\0\0", "base 2 is neither"),
        (b"\x8eNW\x01\0\x02\0\0\0\0\0", "note '' is repeated"),
        (b"\x8eNW\x01\0\0\x01\x01\x01t\0\0\0", "repeats more than the name before"),
        (b"\x8eNW\x01\0\0\x01\0\x01\xff\0\0\0", "not valid UTF-8"),
        (b"\x8eNW\x01\0\0\x02\0\x01t\0\0\0\x01\0\0\0\0", "'t' is repeated"),
        (b"\x8eNW\x01\0\0\x02\0\x01t\0\0\0\0\x01a\0\0\0", "'a' is repeated or out of order"),
        (b"\x8eNW\x02\0\0\0", "version 2"),
        (b"\x8eNN\x01\0\0\0", "not a packed weight file"),
    ],
)
def test_heads_that_break_a_rule_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        Archive.unpack(sealed(data))


def test_claims_do_not_take_memory() -> None:
    """A thousand tensors, each of the largest size: the sum is refused before it is allocated."""
    entries = b"".join(
        b"\0\x02" + i.to_bytes(2, "big") + b"\0\x02\x01\x80\x80\x80\x20\0\x3f\x80\x80\x01\0"
        for i in range(1000)
    )
    data = sealed(b"\x8eNW\x01\0\0\xe8\x07" + entries)
    tracemalloc.start()
    with pytest.raises(FormatError):
        Archive.unpack(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300e6


def test_endless_prefix_is_refused() -> None:
    """Always the topmost symbol, by a codeword of ones: escapes that never end."""
    tensor = PackedTensor("t", "F32", (4,), levels_of([0, 0, 0, 0], 2))
    data = Archive([tensor], {}).pack()[:-4]
    with pytest.raises(InvalidField, match=r"prefix|invalid"):
        Archive.unpack(sealed(data + b"\xff" * 40))


def test_writer_refuses_what_a_reader_would() -> None:
    good = PackedTensor("t", "F32", (4,), levels_of([1, 2, 3, 4], 2))
    with pytest.raises(InvalidField, match="out of order"):
        Archive([good, good], {}).pack()
    odd_step = dataclasses.replace(good.coding, step=0.1)
    with pytest.raises(InvalidField, match="step"):
        Archive([dataclasses.replace(good, coding=odd_step)], {}).pack()
    with pytest.raises(LimitExceeded):
        Archive([PackedTensor("t", "F32", (2**13, 2**13 + 1), Zeros())], {}).pack()


def test_product_beyond_exact_sums_is_refused() -> None:
    huge = levels_of([2**30, 2**30])
    tensor = PackedTensor("t", "F32", (2, 2), Product(1, huge, huge))
    with pytest.raises(InvalidField, match="too large"):
        tensor.values()
