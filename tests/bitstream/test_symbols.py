"""The range coder of the latents: round trips, an independent decoder, golden bytes, bad data."""

from __future__ import annotations

import time

import numpy as np
import pytest
from constriction import stream
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bitstream import CdfTables, FormatError, InvalidField, SymbolReader, SymbolWriter
from bitstream.errors import LimitExceeded

TOTAL = 1 << 24


def table_of(weights: list[float]) -> NDArray[np.int64]:
    """A table of 2**24 in proportion to `weights`, each frequency at least 1."""
    share = np.array(weights) / sum(weights)
    frequencies = 1 + np.floor(share * (TOTAL - len(weights))).astype(np.int64)
    frequencies[np.argmax(frequencies)] += TOTAL - frequencies.sum()
    return frequencies


def laplace_tables() -> CdfTables:
    tables = []
    for scale in 2.0 ** np.arange(-5, 8.25, 0.25):
        radius = min(int(12 * scale) + 1, 1024)
        symbols = np.arange(-radius, radius + 1)
        tables.append(table_of([*np.exp(-np.abs(symbols) / scale), 1e-5]))
    return CdfTables(tuple(tables))


LAPLACE = laplace_tables()
SKEWED = CdfTables(
    (
        np.array([TOTAL - 1, 1]),
        np.array([1, TOTAL - 1]),
        np.array([1, 1, TOTAL - 3, 1]),
        np.array([TOTAL - 5, 1, 1, 1, 1, 1]),
        np.array([3, 1, 5_592_405, 1, 11_184_805, 1]),
        table_of([1.0] * 1_000),
        table_of([0.1, 7.0, 0.3, 1e-9]),
    )
)


class OracleReader:
    """A range decoder in plain integers, written from FORMAT.md 6.2 and 7 alone."""

    def __init__(self, data: bytes, tables: CdfTables) -> None:
        self.stream = iter(data)
        self.tables = [table.tolist() for table in tables.frequencies]
        self.low = 0
        self.range = 2**64 - 1
        self.point = self.take(8)

    def take(self, size: int) -> int:
        return int.from_bytes(bytes(next(self.stream, 0) for _ in range(size)), "big")

    def symbol(self, frequencies: list[int]) -> int:
        scale = self.range >> 24
        quantile = (self.point - self.low) % 2**64 // scale
        left = 0
        for symbol, frequency in enumerate(frequencies):  # noqa: B007
            if quantile < left + frequency:
                break
            left += frequency
        self.low = (self.low + scale * left) % 2**64
        self.range = scale * frequency
        if self.range < 2**32:
            self.low = (self.low << 32) % 2**64
            self.range <<= 32
            self.point = (self.point << 32) % 2**64 + self.take(4)
        return symbol

    def bit(self) -> int:
        return self.symbol([TOTAL // 2, TOTAL // 2])

    def code(self, table: list[int]) -> list[int]:
        values: dict[int, int | None] = {}
        for index in sorted(set(table)):
            escape = len(self.tables[index]) - 1
            radius = escape // 2
            for place in (place for place, used in enumerate(table) if used == index):
                symbol = self.symbol(self.tables[index])
                values[place] = None if symbol == escape else symbol - radius
        for place in sorted(values):
            if values[place] is None:
                negative = self.bit()
                length = 0
                while self.bit():
                    length += 1
                excess = 1
                for _ in range(length):
                    excess = 2 * excess + self.bit()
                magnitude = excess - 1 + len(self.tables[table[place]]) // 2
                values[place] = -magnitude if negative else magnitude
        return [values[place] for place in range(len(table))]


def random_message(
    tables: CdfTables, size: int, seed: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Values as the tables expect them, with escapes where they expect those."""
    rng = np.random.default_rng(seed)
    table = rng.integers(len(tables.frequencies), size=size)
    values = np.empty(size, np.int32)
    for index, frequencies in enumerate(tables.frequencies):
        where = np.flatnonzero(table == index)
        radius = len(frequencies) // 2 - 1
        values[where] = rng.choice(len(frequencies), len(where), p=frequencies / TOTAL) - radius
        escaped = where[values[where] > radius]
        values[escaped] = (radius + rng.geometric(0.05, len(escaped))) * rng.choice([-1, 1])
    return values, table


def written(tables: CdfTables, *calls: tuple[NDArray[np.int32], NDArray[np.int64]]) -> bytes:
    writer = SymbolWriter(tables)
    for values, table in calls:
        assert writer.code(values, table) is values
    return writer.finish()


@pytest.mark.parametrize("tables", [LAPLACE, SKEWED], ids=["laplace", "skewed"])
@pytest.mark.parametrize("seed", range(6))
def test_an_independent_integer_decoder_agrees(tables: CdfTables, seed: int) -> None:
    calls = [random_message(tables, size, seed) for size in (1, 40, 0, 300)]
    oracle = OracleReader(written(tables, *calls), tables)
    for values, table in calls:
        assert oracle.code(table.tolist()) == values.tolist()


@pytest.mark.parametrize("frequencies", SKEWED.frequencies + LAPLACE.frequencies[::8])
def test_constriction_uses_exactly_our_frequencies(frequencies: NDArray[np.int64]) -> None:
    """The decoder's point walks over both sides of every boundary of the table."""
    tables = CdfTables((frequencies,))
    scale = (2**64 - 1) >> 24
    radius = len(frequencies) // 2 - 1
    right = np.cumsum(frequencies).tolist()
    for symbol in range(len(frequencies) - 1):
        for quantile, expected in ((right[symbol] - 1, symbol), (right[symbol], symbol + 1)):
            if expected == 2 * radius + 1:
                continue
            reader = SymbolReader((quantile * scale).to_bytes(8, "big"), tables)
            decoded = reader.code(np.zeros(1, np.int32), np.zeros(1, np.int64))
            assert decoded.tolist() == [expected - radius]


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_round_trip(data: st.DataObject) -> None:
    tables = data.draw(st.sampled_from([LAPLACE, SKEWED]))
    indices = st.integers(0, len(tables.frequencies) - 1)
    extreme = st.integers(-3, 3) | st.integers(-(2**25) + 1, 2**25 - 1)
    calls = []
    for pairs in data.draw(st.lists(st.lists(st.tuples(extreme, indices), max_size=20))):
        calls.append(
            (np.array([a for a, _ in pairs], np.int32), np.array([b for _, b in pairs], int))
        )
    encoded = written(tables, *calls)
    assert not encoded.endswith(b"\0")
    reader = SymbolReader(encoded, tables)
    for values, table in calls:
        decoded = reader.code(np.zeros_like(values), table)
        assert decoded.dtype == np.int32
        assert decoded.tolist() == values.tolist()


def test_shape_is_kept_and_raster_order_is_used() -> None:
    values, table = random_message(LAPLACE, 24, seed=0)
    flat = written(LAPLACE, (values, table))
    shaped = written(LAPLACE, (values.reshape(2, 3, 4), table.reshape(2, 3, 4)))
    assert shaped == flat
    decoded = SymbolReader(flat, LAPLACE).code(
        np.zeros((2, 3, 4), np.int32), table.reshape(2, 3, 4)
    )
    np.testing.assert_array_equal(decoded, values.reshape(2, 3, 4))


def test_golden_bytes() -> None:
    values = np.array([0, 1, -1, 0, 7, -40, 3, 0], np.int32)
    table = np.array([0, 4, 4, 2, 1, 1, 5, 3])
    tables = CdfTables(tuple(table_of(w) for w in ([1, 4, 1, 1], [2, 1]) * 3))
    assert written(tables, (values, table)).hex() == "ad73604e0b"


def test_example_of_the_specification() -> None:
    tables = CdfTables((np.array([2_396_745, 9_586_980, 2_396_745, 2_396_746]),))
    assert written(tables, (np.zeros(1, np.int32), np.zeros(1, int))) == b"\x25"


def test_nothing_written_is_no_bytes() -> None:
    assert written(LAPLACE) == b""


def test_size_is_within_two_bytes_of_the_information() -> None:
    for seed in range(20):
        values, table = random_message(LAPLACE, 500, seed)
        radius = LAPLACE.radii[table]
        inside = np.abs(values) <= radius
        values = np.where(inside, values, 0).astype(np.int32)
        share = [
            LAPLACE.frequencies[t][v + r] / TOTAL
            for v, t, r in zip(values, table, radius, strict=True)
        ]
        information = -np.log2(share).sum() / 8
        assert len(written(LAPLACE, (values, table))) <= information + 2


def test_fast_enough_for_a_large_picture() -> None:
    values, table = random_message(LAPLACE, 200_000, seed=1)
    start = time.perf_counter()
    encoded = written(LAPLACE, (values, table))
    decoded = SymbolReader(encoded, LAPLACE).code(np.zeros_like(values), table)
    assert time.perf_counter() - start < 2
    np.testing.assert_array_equal(decoded, values)


@given(st.binary(max_size=64) | st.integers(0, 64).map(lambda size: b"\xff" * size))
@settings(max_examples=300, deadline=None)
def test_any_bytes_raise_only_format_errors(data: bytes) -> None:
    for tables in (LAPLACE, SKEWED):
        table = np.arange(60) % len(tables.frequencies)
        reader = SymbolReader(data, tables)
        try:
            decoded = reader.code(np.zeros(60, np.int32), table)
            assert decoded.shape == (60,)
        except FormatError:
            pass


def test_unreachable_codeword_is_rejected() -> None:
    with pytest.raises(InvalidField, match="range-coded data"):
        SymbolReader(b"\xff" * 8, LAPLACE).code(np.zeros(1, np.int32), np.zeros(1, int))


def test_endless_escape_prefix_is_rejected() -> None:
    tables = CdfTables((np.array([1, TOTAL - 1]),))
    encoder = stream.queue.RangeEncoder()
    encoder.encode(1, tables.models[0])
    encoder.encode(np.ones(40, np.int32), stream.model.Uniform(2))
    data = encoder.get_compressed().astype(">u4").tobytes()
    with pytest.raises(InvalidField, match="prefix is longer than 24"):
        SymbolReader(data, tables).code(np.zeros(1, np.int32), np.zeros(1, int))


@pytest.mark.parametrize("value", [2**25 + 5, -(2**31)])
def test_value_beyond_the_escape_code_is_rejected(value: int) -> None:
    with pytest.raises(LimitExceeded, match=str(value)):
        written(SKEWED, (np.array([value], np.int32), np.zeros(1, int)))


@pytest.mark.parametrize(
    "table",
    [
        np.array([TOTAL]),
        np.array([1, 1, TOTAL - 2]),
        np.array([0, TOTAL]),
        np.array([TOTAL, 1]),
        np.array([1.0, TOTAL - 1]),
        np.array([[1, TOTAL - 1]]),
    ],
    ids=["one symbol", "even symbols", "zero frequency", "sum", "dtype", "rank"],
)
def test_invalid_table_is_rejected(table: NDArray[np.int64]) -> None:
    with pytest.raises(InvalidField, match="probability table 0"):
        CdfTables((table,))
