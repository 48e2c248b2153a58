"""Exact integer layers against int64 arithmetic."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from codec.contract.quality import IntegerLevel
from codec.networks.fixed_context import (
    MAGNITUDE_LIMIT,
    IntegerLatentFeatures,
    IntegerPrediction,
)
from codec.networks.fixed_point import (
    FLOAT32_LIMIT,
    IntegerConv,
    IntegerInverseKlt,
    IntegerQualityBias,
    plan_split,
    rescale,
    split_digits,
)
from codec.networks.integers import BoundError, IntegerLayer

LEVEL = IntegerLevel(-37, 2395, round(8 * 2**24 / 2395), 1340)


def rounded(x: Tensor, shift: int) -> Tensor:
    return (x + (1 << (shift - 1))) >> shift


def reference_conv(layer: IntegerConv, x: Tensor) -> Tensor:
    """The convolution of FORMAT.md section 8.1, in int64."""
    weight, bias = layer.weight.long(), layer.offset.long()
    x = functional.pad(x.long().clamp(-layer.limit, layer.limit), (layer.padding,) * 4)
    size = weight.shape[2]
    windows = x.unfold(2, size, layer.stride).unfold(3, size, layer.stride)
    total = torch.einsum("bchwyx,ocyx->bohw", windows, weight) + bias.view(1, -1, 1, 1)
    out = rounded(total, layer.shift)
    return torch.where(out < 0, rounded(out, 3), out) if layer.activate else out


def make_conv(
    inputs: int, magnitude: int, *, kernel: int = 3, limit: int = 4096, seed: int = 0, **options
) -> IntegerConv:
    generator = torch.Generator().manual_seed(seed)
    shape = (5, inputs, kernel, kernel)
    weight = torch.randint(-magnitude, magnitude + 1, shape, generator=generator)
    bias = torch.randint(-(2**20), 2**20, (5,), generator=generator)
    # Outputs must fit float32, whatever the sums take.
    largest = inputs * kernel**2 * magnitude * limit
    shift = max(8, largest.bit_length() - 23)
    settings = {"shift": shift, "stride": 1, "padding": kernel // 2, "activate": False} | options
    return IntegerConv(weight, bias, limit=limit, **settings)


def inputs_of(layer: IntegerConv, size: tuple[int, int] = (9, 6), batch: int = 2) -> list[Tensor]:
    """Random inputs beyond the clamp, and the signs that make one output as large as it can be."""
    generator = torch.Generator().manual_seed(1)
    shape = (batch, layer.weight.shape[1], *size)
    beyond = 2 * layer.limit
    wild = torch.randint(-beyond, beyond + 1, shape, generator=generator).float()
    worst = torch.full(shape, float(layer.limit))
    kernel = layer.weight.shape[2]
    if size[0] >= kernel and size[1] >= kernel:
        worst[:, :, :kernel, :kernel] *= layer.weight[0].sign()
    return [wild, worst, -worst]


# (input channels, largest weight) -> (groups, digits)
SPLITS = {
    (8, 20): (1, 1),
    (64, 20): (2, 1),
    (64, 60): (8, 1),
    (8, 3000): (1, 2),
    (64, 900): (4, 2),
    (8, 30_000): (1, 3),
    (16, 2**26): (2, 4),
}


@pytest.mark.parametrize(("sizes", "split"), SPLITS.items())
@pytest.mark.parametrize("activate", [False, True])
def test_convolution_is_exact_for_every_split(sizes, split, activate):
    layer = make_conv(*sizes, activate=activate)
    assert (layer.split.groups, layer.split.digits) == split
    for x in inputs_of(layer):
        out = layer(x)
        assert torch.equal(out.long(), reference_conv(layer, x))
        assert torch.equal(layer(x), out)


@pytest.mark.parametrize(
    "options",
    [{"stride": 2}, {"stride": 2, "padding": 0}, {"kernel": 1}, {"kernel": 1, "shift": 5}],
    ids=str,
)
@pytest.mark.parametrize("sizes", [(8, 20), (64, 900)], ids=str)
def test_convolution_is_exact_for_other_kernels(options, sizes):
    layer = make_conv(*sizes, **options)
    for x in inputs_of(layer, (8, 10)):
        assert torch.equal(layer(x), reference_conv(layer, x).float())


@pytest.mark.parametrize("sizes", SPLITS, ids=str)
@pytest.mark.parametrize("kernel", [1, 3])
def test_a_layer_does_not_change_itself(sizes, kernel):
    """Also for one position, where expanding the bias makes no copy of it."""
    layer = make_conv(*sizes, kernel=kernel)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    for x in inputs_of(layer, (1, 1), batch=1):
        assert torch.equal(layer(x), reference_conv(layer, x).float())
    for name, value in layer.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.filterwarnings("ignore:TF32 acceleration")
@pytest.mark.parametrize("sizes", SPLITS, ids=str)
def test_layout_threads_and_library_change_nothing(sizes, threads):
    layer = make_conv(*sizes, activate=True)
    for x in inputs_of(layer, (33, 34)):
        expected = layer(x)
        for count, onednn, layout in itertools.product(
            (1, 2), (True, False), (torch.contiguous_format, torch.channels_last)
        ):
            with threads(count), torch.backends.mkldnn.flags(enabled=onednn):
                assert torch.equal(layer(x.contiguous(memory_format=layout)), expected)


def test_the_rounding_of_the_leaky_relu():
    layer = IntegerConv(
        torch.ones(1, 1, 1, 1), torch.zeros(1), shift=1, limit=4096, stride=1, padding=0,
        activate=True,
    )  # fmt: skip
    x = torch.tensor([-26.0, -24, -9, -8, -7, -1, 0, 1, 9]).view(1, 1, 1, -1)
    # Halves round up: -13, -12, -4, -4, -3, 0, 0, 1, 5, then an eighth of what is negative.
    assert layer(x).flatten().tolist() == [-2, -1, 0, 0, 0, 0, 0, 1, 5]


def test_what_cannot_be_proven_is_refused():
    with pytest.raises(BoundError):
        make_conv(64, 2**30)
    with pytest.raises(BoundError):
        plan_split(torch.full((1, 7, 3, 3), 2**20), 2**19, 0)


def test_a_changed_layer_is_proven_anew():
    layer = make_conv(64, 20)
    weight, bias = layer.weight.int().numpy(), layer.offset.int().numpy()
    numbers = IntegerLayer(weight, bias, layer.shift, layer.limit)
    more = numbers.plus(np.full(weight.shape, 3), np.ones(bias.shape, np.int64))
    changed = layer.with_numbers(more)
    assert torch.equal(changed.weight, layer.weight + 3)
    for x in inputs_of(changed):
        assert torch.equal(changed(x).long(), reference_conv(changed, x))
    with pytest.raises(BoundError):
        numbers.plus(np.full(weight.shape, 2**30), np.zeros(bias.shape, np.int64))
    with pytest.raises(BoundError, match="int16"):
        replace(numbers, weight=weight.astype(np.int16)).plus(
            np.full(weight.shape, 2**15), np.zeros(bias.shape, np.int64)
        )


@given(
    weights=st.lists(st.integers(-(2**31), 2**31), min_size=1, max_size=8),
    bits=st.integers(1, 16),
    count=st.integers(1, 4),
)
def test_digits_add_up(weights, bits, count):
    weight = torch.tensor(weights)
    digits = split_digits(weight, bits, count)
    assert len(digits) == count
    assert torch.equal(sum(d << (bits * k) for k, d in enumerate(digits)), weight)
    for digit in digits[:-1]:
        assert digit.min() >= -(2 ** (bits - 1)) and digit.max() < 2 ** (bits - 1)


@given(st.integers(-(2**22), 2**22), st.integers(1, 20))
def test_rescale_rounds_half_up(value, shift):
    expected = (value + 2 ** (shift - 1)) // 2**shift
    for dtype in (torch.float32, torch.float64):
        assert int(rescale(torch.tensor(value, dtype=dtype), shift)) == expected


def test_quality_vector():
    vector = torch.tensor([-(2**31), -4096, -1, 0, 1, 2**31 - 1])
    x = torch.arange(6.0).view(1, 6, 1, 1)
    for quality in (-100, -1, 0, 77, 100):
        expected = [i + (v * quality + 2048) // 4096 for i, v in enumerate(vector.tolist())]
        out = IntegerQualityBias(vector)(x.double(), quality)
        assert out.flatten().long().tolist() == expected


def test_inverse_klt():
    generator = torch.Generator().manual_seed(0)
    basis = torch.randint(-(2**15), 2**15, (768, 3), generator=generator, dtype=torch.int16)
    values = torch.randint(-(2**21), 2**21, (2, 3, 2, 2), generator=generator)
    picture = IntegerInverseKlt(basis)(values.double())
    sums = torch.einsum("kn,bnij->bkij", basis.long(), values.clamp(-(2**20), 2**20))
    expected = functional.pixel_shuffle(rounded(sums, 16), 16)
    assert torch.equal(picture, expected.float())


def test_inverse_klt_out_of_bounds_is_refused():
    with pytest.raises(BoundError):
        IntegerInverseKlt(torch.full((1, 2**19), 2**15, dtype=torch.int32))


def test_latent_features():
    reciprocal = torch.tensor([1, 77, 2**17])
    table = torch.arange(MAGNITUDE_LIMIT + 1) * 3 % 2500
    features = IntegerLatentFeatures(reciprocal, table)
    rng = np.random.default_rng(0)
    drawn = rng.integers(-(2**15), 2**15, (2, 4))
    drawn[0] = [0, -(2**38), 2**38, 1]
    out = features(torch.from_numpy(drawn).double().view(1, 2, 1, 4), 1, 3, LEVEL)
    for channel, row in enumerate(drawn.tolist()):
        scale = reciprocal[1 + channel].item()
        normalized = [min(max((v * scale + 2**13) >> 14, -4096), 4096) for v in row]
        steps = [(abs(v) * LEVEL.step_reciprocal + 2**23) >> 24 for v in row]
        magnitude = [table[min(s, MAGNITUDE_LIMIT)].item() for s in steps]
        assert out[0, channel, 0].long().tolist() == normalized
        assert out[0, 2 + channel, 0].long().tolist() == magnitude


def test_prediction():
    deviation, log2_deviation = torch.tensor([9, 500, 250_000]), torch.tensor([0, 3000, 1234])
    steps = torch.arange(8192, 8192 + 17)
    means, scales = [-4000, 3999, 7, -1], [-9000, 0, 9000, 123]
    parts = (means, scales, [-900, 15, 16, 300], [-300, 127, 128, 700])
    raw = torch.tensor([row for row in parts for _ in range(2)]).view(1, 8, 2, 2)
    predicted = IntegerPrediction(deviation, log2_deviation, steps)(raw.float(), 1, 3, LEVEL)
    ks, shapes = (-8, 0, 1, 8), (0, 0, 1, 3)
    for channel in range(2):
        scale, offset = deviation[1 + channel].item(), log2_deviation[1 + channel].item()
        expected = [(v * scale + 512) >> 10 for v in means]
        assert predicted.mean[0, channel].flatten().long().tolist() == expected
        widths = [((8192 + k + 8) * LEVEL.step + 2**13) >> 14 for k in ks]
        assert predicted.step[0, channel].flatten().long().tolist() == widths
        said = [v + offset - LEVEL.log2_step - 32 * k for v, k in zip(scales, ks, strict=True)]
        tables = [
            54 * shape + min(max((v + 32) >> 6, 0), 53)
            for v, shape in zip(said, shapes, strict=True)
        ]
        assert predicted.table[0, channel].flatten().long().tolist() == tables


@pytest.mark.parametrize("name", ["tiny", "released"])
def test_no_output_of_a_model_leaves_float32(name, request):
    """What a layer can give at most, and the sum of two such, are exact in float32."""
    model = request.getfixturevalue(name).networks
    layers = {n: m for n, m in model.named_modules() if isinstance(m, IntegerConv)}
    assert len(layers) > 30
    for layer in layers.values():
        sums = layer.weight.long().abs().flatten(1).sum(1) * layer.limit
        most = int((sums + layer.offset.long().abs()).max() + 2**layer.shift) >> layer.shift
        assert most < FLOAT32_LIMIT // 4
    basis = model.synthesis.linear.basis.abs().sum(1).max() * 2**20 / 2**16
    assert basis < FLOAT32_LIMIT // 4
