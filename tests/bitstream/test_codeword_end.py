"""The end of a codeword (FORMAT.md 6.1): read 16 bytes past it and no further, by every coder."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "independent"))

from entropy_coders import DecodeError, RangeDecoder

from bitstream import CdfTables, FormatError, SymbolReader, SymbolWriter, Truncated
from bitstream.coding.binary_coder import BinaryDecoder, BinaryEncoder, Context
from bitstream.coding.range_coder import RangeReader
from bitstream.limits import MAX_BYTES_PAST_END
from bitstream.tensors import Scan
from bitstream.tensors.level_coder import LevelReader, code_levels
from bitstream.tensors.level_model import LevelModel

TOTAL = 1 << 24
LIKELY = CdfTables((np.array([1, TOTAL - 3, 1, 1]),))
RARE_FIRST = CdfTables((np.array([TOTAL >> 4, TOTAL - (TOTAL >> 4) - 2, 1, 1]),))
"""Its first symbol, of 4 bits, is all that a codeword of zeros says."""


def zeros(count: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full(count, -1, np.int32), np.zeros(count, np.int64)


@pytest.mark.parametrize("count", [1, 15, 16, 17, 100, 1000, 5000])
def test_a_codeword_of_zeros_is_as_long_as_its_reader_needs(count: int) -> None:
    values, table = zeros(count)
    writer = SymbolWriter(RARE_FIRST)
    writer.code(values, table)
    data = writer.finish()
    np.testing.assert_array_equal(SymbolReader(data, RARE_FIRST).code(values, table), values)
    assert not any(data)
    if data:
        with pytest.raises(Truncated, match="more than 16 bytes past its end"):
            SymbolReader(data[:-1], RARE_FIRST).code(values, table)


@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0, 1, 0x8000, 0xFFFF])), max_size=40))
def test_a_binary_codeword_is_as_long_as_its_reader_needs(runs: list[tuple[int, int]]) -> None:
    bits = [bit for bit, length in runs for _ in range(length % 251)]
    encoder, context = BinaryEncoder(), Context(0x0800)
    for bit in bits:
        encoder.code(bit, context)
    decoder, fresh = BinaryDecoder(encoder.finish()), Context(0x0800)
    assert [decoder.code(0, fresh) for _ in bits] == bits


def test_a_binary_codeword_of_zeros_ends_too() -> None:
    encoder = BinaryEncoder()
    encoder.bypass(0, 900)
    data = encoder.finish()
    assert 0 < len(data) < 900 / 8 and not any(data)
    assert BinaryDecoder(data).bypass(0, 900) == 0
    with pytest.raises(Truncated):
        BinaryDecoder(data[:-1]).bypass(0, 900)


@given(st.binary(max_size=40), st.integers(0, 2))
def test_both_decoders_stop_at_the_same_symbol(data: bytes, zeros_after: int) -> None:
    """One symbol at a time, ours and the one that was written from FORMAT.md."""
    data += bytes(zeros_after)
    frequencies = RARE_FIRST.frequencies[0]
    below = np.concatenate([[0], np.cumsum(frequencies)])
    ours, theirs = RangeReader(data), RangeDecoder(data)
    for _ in range(20_000):
        found = []
        for read in (
            lambda: int(ours.symbols(RARE_FIRST.models[0], 1)[0]),
            lambda: theirs.symbol(below),
        ):
            try:
                found.append(read())
            except (FormatError, DecodeError):
                found.append(None)
        assert found[0] == found[1]
        if found[0] is None:
            return


def test_what_costs_nothing_needs_no_bytes() -> None:
    values, table = np.zeros(200_000, np.int32), np.zeros(200_000, np.int64)
    writer = SymbolWriter(LIKELY)
    writer.code(values, table)
    data = writer.finish()
    assert len(data) < 4
    np.testing.assert_array_equal(SymbolReader(data, LIKELY).code(values, table), values)


def test_levels_of_packed_weights_end_too() -> None:
    scan = Scan(64, trellis=True, scale_code=60)
    with pytest.raises(Truncated):
        code_levels(LevelReader(b""), LevelModel(), np.zeros(4096, np.int32), scan)


def test_a_reader_gets_no_further_than_its_bytes() -> None:
    reader, read = SymbolReader(bytes(8), RARE_FIRST), 0
    with pytest.raises(Truncated):
        while True:
            reader.code(*zeros(1))
            read += 1
    assert 4 * read <= 8 * (8 + MAX_BYTES_PAST_END)
