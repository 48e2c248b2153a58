"""The adaptive binary coder: round trips, golden bytes, efficiency, speed, any bytes."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstream.coding.binary_coder import BinaryCoder, BinaryDecoder, BinaryEncoder, Context
from bitstream.errors import Truncated
from bitstream.limits import MAX_BYTES_PAST_END

HALF = 0x8000


def code_all(coder: BinaryCoder, bits: list[int], contexts: list[Context]) -> list[int]:
    """Every bit in a context, cyclically."""
    return [coder.code(bit, contexts[i % len(contexts)]) for i, bit in enumerate(bits)]


def biased(size: int, probability: float, seed: int) -> list[int]:
    generator = random.Random(seed)
    return [int(generator.random() < probability) for _ in range(size)]


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 65_535))),
    st.integers(1, 65_535),
)
def test_round_trip(operations: list[tuple[int, int, int]], start: int) -> None:
    encoder, contexts = BinaryEncoder(), [Context(start), Context(1)]
    for kind, bit, value in operations:
        encoder.bypass(value, 16) if kind == 2 else encoder.code(bit, contexts[kind])
    data = encoder.finish()
    assert not data.endswith(b"\0")
    decoder, contexts = BinaryDecoder(data), [Context(start), Context(1)]
    for kind, bit, value in operations:
        if kind == 2:
            assert decoder.bypass(0, 16) == value
        else:
            assert decoder.code(0, contexts[kind]) == bit


@pytest.mark.parametrize("bit", [0, 1])
@pytest.mark.parametrize("start", [1, HALF, 65_535])
def test_long_runs_keep_probabilities_open(bit: int, start: int) -> None:
    context = Context(start)
    bits = [bit] * 3_000 + [1 - bit] + [bit] * 3_000
    encoder = BinaryEncoder()
    for value in bits:
        encoder.code(value, context)
        assert 0 < context.fast < 65_536
        assert 0 < context.slow < 65_536
    decoder, fresh = BinaryDecoder(encoder.finish()), Context(start)
    assert [decoder.code(0, fresh) for _ in bits] == bits


def test_carry_runs_through_many_bytes() -> None:
    encoder = BinaryEncoder()
    context = Context(HALF)
    encoder.bypass(0x7FFFFFFF, 31)
    encoder.bypass((1 << 200) - 1, 200)
    bits = [0] * 40
    for bit in bits:
        encoder.code(bit, context)
    decoder, fresh = BinaryDecoder(encoder.finish()), Context(HALF)
    assert decoder.bypass(0, 31) == 0x7FFFFFFF
    assert decoder.bypass(0, 200) == (1 << 200) - 1
    assert [decoder.code(1, fresh) for _ in bits] == bits


def test_golden_bytes() -> None:
    encoder = BinaryEncoder()
    contexts = [Context(HALF), Context(0x2000)]
    code_all(encoder, biased(200, 0.15, seed=0), contexts)
    encoder.bypass(0xC0FFEE, 24)
    code_all(encoder, biased(50, 0.9, seed=1), contexts)
    assert encoder.finish().hex() == "fb23923739f31e8479e57a2f4b7389152d219404000043bafea603f0"


def test_nothing_written_is_no_bytes() -> None:
    assert BinaryEncoder().finish() == b""


@pytest.mark.parametrize("probability", [0.01, 0.1, 0.5, 0.8])
def test_size_is_close_to_the_entropy(probability: float) -> None:
    size = 20_000
    encoder = BinaryEncoder()
    code_all(encoder, biased(size, probability, seed=2), [Context(HALF)])
    entropy_bits = -sum(p * math.log2(p) for p in (probability, 1 - probability))
    assert len(encoder.finish()) < size * (entropy_bits + 0.006) / 8 + 8


@given(st.binary(max_size=50))
@settings(deadline=None)
def test_any_bytes_decode_to_something_until_their_end(data: bytes) -> None:
    decoder, context = BinaryDecoder(data), Context(HALF)
    for _ in range(3 * len(data)):
        assert decoder.code(0, context) in (0, 1)
    with pytest.raises(Truncated, match="more than 16 bytes past its end"):
        for _ in range(8 * (len(data) + MAX_BYTES_PAST_END)):
            assert 0 <= decoder.bypass(0, 1) < 2
