"""Updates of kernels between their levels and the network that they change."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bitstream import InvalidField
from bitstream.update.levels import UpdatePayload
from bitstream.update.methods import Method
from codec.decoding import update
from codec.decoding.parameters import Kernels
from codec.networks.twins import build_integer, changed


def random_payload(postfilter, seed=0, shifts=(2, 3), magnitude=3):
    rng = np.random.default_rng(seed)
    levels = []
    for tensor in Kernels().layout(postfilter):
        shape = (tensor.rows, tensor.columns)
        drawn = rng.integers(-magnitude, magnitude + 1, shape) * (rng.random(shape) < 0.2)
        levels.append(drawn.astype(np.int32))
    return UpdatePayload(shifts, tuple(levels))


@pytest.fixture
def pictures():
    generator = torch.Generator().manual_seed(0)
    return torch.randint(-2200, 2200, (1, 3, 32, 48), generator=generator).float()


@pytest.fixture
def base(tiny):
    return tiny.postfilter


def test_layout_is_kernel_and_bias_of_each_layer(base):
    sizes = [(t.rows, t.columns, t.group) for t in Kernels().layout(base)]
    assert sizes == [(8, 108, 0), (1, 8, 1), (8, 72, 0), (1, 8, 1), (12, 252, 0), (1, 12, 1)]


def applied(payload, tiny):
    """The filter of a file with that update."""
    layers = update.apply(update.pack(Method.KERNELS, payload, tiny), tiny)
    return changed(tiny.postfilter, layers)


def test_an_update_of_zeros_is_the_base(tiny, base, pictures):
    payload = random_payload(base, magnitude=0)
    assert torch.equal(applied(payload, tiny)(pictures, 40), base(pictures, 40))


@pytest.mark.parametrize("shifts", [(0, 0), (2, 3), (5, 1)], ids=str)
def test_an_update_adds_to_the_integers_of_the_model(tiny, base, pictures, shifts):
    payload = random_payload(base, shifts=shifts)
    tensors = dict(tiny.tensors)
    levels = iter(payload.levels)
    for layer in ("enter", "middle", "leave"):
        for part, unit in (("weight", 2 ** shifts[0]), ("bias", 2 ** (shifts[1] + 8))):
            name = f"postfilter.{layer}.{part}"
            change = torch.from_numpy(next(levels)).long() * unit
            tensors[name] = tensors[name].long() + change.view(tensors[name].shape)
    expected = build_integer(tiny.config, tensors).postfilter(pictures, -20)
    before = base(pictures, -20)
    assert torch.equal(applied(payload, tiny)(pictures, -20), expected)
    assert not torch.equal(expected, before)
    assert torch.equal(base(pictures, -20), before), "the base itself has changed"


def test_an_update_out_of_the_exact_range_is_refused(tiny, base):
    payload = random_payload(base, shifts=(15, 0))
    payload.levels[0][:] = 2**15 - 1
    with pytest.raises(InvalidField, match="exact range"):
        applied(payload, tiny)
