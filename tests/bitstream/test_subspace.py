"""Weight updates in a subspace: round trips, golden bytes, cost, bad data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstream import CdfTables, FormatError, InvalidField, Truncated
from bitstream.limits import MAX_SUBSPACE_LEVEL
from bitstream.update.subspace import STEPS, SubspacePayload, pack, table_of, unpack


def geometric_table(radius: int, halvings: float) -> np.ndarray:
    """Frequencies that fall by 2**-halvings from each magnitude to the next."""
    magnitudes = np.abs(np.append(np.arange(-radius, radius + 1), radius + 1))
    table = np.maximum((2.0 ** (20 - halvings * magnitudes)).astype(np.int64), 1)
    table[radius] += 2**24 - table.sum()
    return table


TABLES = CdfTables(tuple(geometric_table(radius, 4 / (radius + 1)) for radius in range(6)))
SCALES = (np.arange(12).reshape(4, 3) % 6).astype(np.int16)


def payload_of(step: int, spread: int, levels: list[int]) -> SubspacePayload:
    return SubspacePayload(step, spread, np.array(levels, np.int32).reshape(SCALES.shape))


def assert_equal(first: SubspacePayload, second: SubspacePayload) -> None:
    assert (first.step, first.spread) == (second.step, second.spread)
    assert first.levels.dtype == second.levels.dtype == np.int32
    assert np.array_equal(first.levels, second.levels)


def test_golden_bytes() -> None:
    payload = payload_of(21, -1, [0, 0, 1, 0, 0, -7, 0, 0, 0, -1, 2, 1024])
    data = pack(payload, SCALES, TABLES)
    assert data.hex() == "157ff76901dea0c6e3"
    assert_equal(unpack(data, SCALES, TABLES), payload)


def test_tables_follow_the_scale_and_the_spread() -> None:
    assert table_of(SCALES, 0, TABLES).tolist() == SCALES.tolist()
    assert table_of(SCALES, 2, TABLES)[1].tolist() == [5, 5, 5]
    assert table_of(SCALES, -128, TABLES).max() == 0
    assert table_of(SCALES, 127, TABLES).min() == 5


@given(
    step=st.integers(0, STEPS - 1),
    spread=st.integers(-128, 127),
    levels=st.lists(
        st.integers(-3, 3) | st.integers(-MAX_SUBSPACE_LEVEL, MAX_SUBSPACE_LEVEL),
        min_size=SCALES.size,
        max_size=SCALES.size,
    ),
)
@settings(max_examples=60)
def test_round_trip(step: int, spread: int, levels: list[int]) -> None:
    payload = payload_of(step, spread, levels)
    assert_equal(unpack(pack(payload, SCALES, TABLES), SCALES, TABLES), payload)


@given(st.binary(max_size=40))
@settings(max_examples=200)
def test_any_bytes_raise_only_format_errors(data: bytes) -> None:
    try:
        payload = unpack(data, SCALES, TABLES)
    except FormatError as error:
        assert "\n" not in str(error)
        return
    assert_equal(unpack(pack(payload, SCALES, TABLES), SCALES, TABLES), payload)


def test_likely_levels_cost_little() -> None:
    """Their size is that of the entropy under the tables, and two bytes."""
    flat = TABLES.frequencies[5]
    rng = np.random.default_rng(0)
    values = rng.choice(np.arange(-5, 6), (200, 12), p=flat[:-1] / flat[:-1].sum())
    scales = np.full(values.shape, 5)
    bits = (24 - np.log2(flat[values + 5])).sum()
    data = pack(SubspacePayload(0, 0, values.astype(np.int32)), scales, TABLES)
    assert 2 + bits / 8 <= len(data) + 1 <= 2 + bits / 8 + 4


@pytest.mark.parametrize("data", [b"", b"\x05"])
def test_without_step_and_spread_it_is_truncated(data: bytes) -> None:
    with pytest.raises(Truncated, match="update s"):
        unpack(data, SCALES, TABLES)


def test_a_step_beyond_the_last_is_rejected() -> None:
    with pytest.raises(InvalidField, match="step 64"):
        unpack(bytes([64, 128]), SCALES, TABLES)
    with pytest.raises(InvalidField, match="step -1"):
        pack(payload_of(-1, 0, [0] * 12), SCALES, TABLES)


@pytest.mark.parametrize("spread", [-129, 128])
def test_a_spread_that_is_no_byte_is_rejected(spread: int) -> None:
    with pytest.raises(InvalidField, match="spread"):
        pack(payload_of(0, spread, [0] * 12), SCALES, TABLES)


@pytest.mark.parametrize("level", [MAX_SUBSPACE_LEVEL + 1, -MAX_SUBSPACE_LEVEL - 1, -(2**31)])
def test_a_level_beyond_the_limit_is_rejected(level: int, monkeypatch) -> None:
    payload = payload_of(0, 0, [0] * 11 + [level])
    with pytest.raises(InvalidField, match="level"):
        pack(payload, SCALES, TABLES)
    if abs(level) < 2**24:
        with monkeypatch.context() as patch:
            patch.setattr("bitstream.update.subspace.MAX_SUBSPACE_LEVEL", 2**24)
            data = pack(payload, SCALES, TABLES)
        with pytest.raises(InvalidField, match="level"):
            unpack(data, SCALES, TABLES)
