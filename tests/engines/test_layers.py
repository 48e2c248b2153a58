"""Layers of the kernel against the definition of FORMAT.md, and the proof of their bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.decoding.engines import library
from codec.decoding.engines.library import ExactRangeError, KernelError
from codec.decoding.engines.objects import KernelJob, Layer
from codec.decoding.engines.programs import Builder
from codec.networks.integers import IntegerLayer

try:
    LEVELS = library.levels()
except OSError:
    pytest.skip("there is no kernel", allow_module_level=True)

NOTHING = np.zeros(0, np.int64)


def by_the_format(layer, x, *, stride, activate):
    """`conv` and `act` of FORMAT.md, section 8.1, in integers of any size; x: [h w c]."""
    weight, bias = layer.weight.astype(object), layer.bias.astype(object)
    size = weight.shape[2]
    clamped = np.clip(x, -layer.limit, layer.limit).astype(object)
    padded = np.pad(clamped, [(size // 2, size // 2)] * 2 + [(0, 0)])
    rows, columns = (-(-side // stride) for side in x.shape[:2])
    out = np.empty((rows, columns, len(weight)), object)
    for i in range(rows):
        for j in range(columns):
            seen = padded[i * stride : i * stride + size, j * stride : j * stride + size]
            out[i, j] = bias + np.einsum("onuv,uvn->o", weight, seen)
    out = (out + (1 << (layer.shift - 1))) >> layer.shift
    return np.where((out < 0) & activate, (out + 4) >> 3, out).astype(np.int64)


def by_the_kernel(level, layer, x, *, stride, activate, bits=24):
    """The same by a program of that layer alone, and in how many parts it is summed."""
    build = Builder(level)
    rows, columns, inputs = x.shape
    source = build.register(32, inputs, external=True)
    pad = layer.weight.shape[2] // 2
    seen = build.register(16, inputs, pad=pad)
    target = build.register(32, len(layer.weight), finer=1 - stride, external=True)
    build.map(source, inputs, narrow=(seen, 0, min(layer.limit, 2**15 - 1)))
    build.conv(layer, seen, wide=target, stride=stride, activate=activate, bits=bits)
    program = build.program()
    out = np.empty((rows // stride, columns // stride, len(layer.weight)), np.int32)
    arrays = {source: np.ascontiguousarray(x, np.int32), target: out}
    program.run(KernelJob(program, (rows, columns), (columns, rows), arrays, NOTHING), 0, rows)
    return out


def random_layer(rng, outputs, inputs, size, *, largest=60, shift=8, limit=4096):
    weight = rng.integers(-largest, largest, (outputs, inputs, size, size), np.int64, endpoint=True)
    bias = rng.integers(-(2**20), 2**20, outputs)
    return IntegerLayer(weight.astype(np.int32), bias.astype(np.int32), shift, limit)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("outputs", [1, 3, 8, 12, 16, 24, 31, 40, 96])
@pytest.mark.parametrize(
    ("inputs", "size", "stride"), [(1, 1, 1), (5, 3, 1), (12, 3, 2), (7, 5, 1)]
)
def test_a_layer_is_what_the_format_says(level, outputs, inputs, size, stride):
    rng = np.random.default_rng(outputs + inputs)
    layer = random_layer(rng, outputs, inputs, size)
    x = rng.integers(-9000, 9000, (6, 34, inputs))
    for activate in (False, True):
        expected = by_the_format(layer, x, stride=stride, activate=activate)
        found = by_the_kernel(level, layer, x, stride=stride, activate=activate)
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("largest", "bias", "parts"), [(400, 0, 1), (20_000, 0, 2), (30_000, 2**31 - 1, 2)]
)
def test_sums_beyond_32_bits_are_exact(level, largest, bias, parts):
    """As large as FORMAT.md, section 10.2, allows: below 2^35 with a shift of 11."""
    rng = np.random.default_rng(1)
    layer = random_layer(rng, 12, 28, 3, largest=largest, shift=11)
    layer.weight[0] = largest  # all of one sign
    layer.bias[0] = bias
    x = rng.integers(-9000, 9000, (4, 10, 28))
    x[1] = 2**20
    x[2] = -(2**20)
    assert Layer(level, layer.weight, layer.bias, shift=11, limit=4096).parts == parts
    expected = by_the_format(layer, x, stride=1, activate=False)
    assert np.array_equal(by_the_kernel(level, layer, x, stride=1, activate=False), expected)
    assert (parts == 1) == (np.abs(expected).max() < 2**20)


@pytest.mark.parametrize("level", LEVELS)
def test_weights_beyond_16_bits_are_exact(level):
    rng = np.random.default_rng(2)
    layer = random_layer(rng, 3, 6, 5, largest=2**19, shift=9, limit=256)
    x = rng.integers(-300, 300, (5, 9, 6))
    expected = by_the_format(layer, x, stride=1, activate=False)
    found = by_the_kernel(level, layer, x, stride=1, activate=False, bits=28)
    assert np.array_equal(found, expected)


@given(
    sum_of=st.integers(1, 2**16),
    shift=st.integers(1, 14),
    log2_limit=st.integers(6, 14),
    bias=st.integers(0, 2**24),
)
def test_what_exceeds_the_exact_range_is_refused(sum_of, shift, log2_limit, bias):
    weights = np.full((1, 2, 1, 1), sum_of // 2, np.int32)
    largest = 2 * (sum_of // 2) * 2**log2_limit + bias + 2**shift
    arguments = weights, np.array([-bias], np.int32)
    if largest >= 2 ** (24 + shift):
        with pytest.raises(ExactRangeError):
            Layer("portable", *arguments, shift=shift, limit=2**log2_limit)
    else:
        Layer("portable", *arguments, shift=shift, limit=2**log2_limit)


@pytest.mark.parametrize(
    "wrong",
    [{"shift": 0}, {"shift": 40}, {"limit": 0}, {"limit": 2**30}, {"stride": 3}, {"bits": 40}],
    ids=str,
)
def test_a_description_that_makes_no_sense_is_refused(wrong):
    good = {"shift": 8, "limit": 4096, "stride": 1, "bits": 24}
    weights, bias = np.ones((2, 2, 3, 3), np.int32), np.zeros(2, np.int32)
    Layer("portable", weights, bias, **good)
    with pytest.raises(KernelError):
        Layer("portable", weights, bias, **good | wrong)
    with pytest.raises(KernelError):
        Layer("portable", weights[..., :2], bias, **good)


def test_an_instruction_set_can_be_named(monkeypatch):
    monkeypatch.setenv(library.LEVEL_VARIABLE, "portable")
    assert library.best_level() == "portable"
    monkeypatch.setenv(library.LEVEL_VARIABLE, "none")
    with pytest.raises(KernelError, match="none: here run portable"):
        library.best_level()
    monkeypatch.delenv(library.LEVEL_VARIABLE)
    assert library.best_level() == LEVELS[-1]
