"""A decoder of packed weights, written from docs/packed-weights.md, agrees with ours."""

from __future__ import annotations

import numpy as np
import pytest

from bitstream.tensors import from_bytes
from codec.packing import Checkpoint, PackOptions, StoredTensor, pack, unpack
from tests.independent.packed_weights import decode


def stored(values: np.ndarray, dtype: str = "F64") -> StoredTensor:
    return StoredTensor.of(values, dtype, values.shape)


@pytest.mark.parametrize("step", [0.02, 0.4, 2.0])
def test_decoders_agree(step: float) -> None:
    rng = np.random.default_rng(0)
    low_rank = rng.normal(0, 1, (24, 1)) @ rng.normal(0, 1, (1, 40))
    tensors = {
        "a.bias": stored(rng.normal(0, 1, 21)),
        "a.weight": stored(rng.normal(0, 1, (20, 6, 3, 3)) * np.exp(rng.normal(0, 1, (6, 1, 1)))),
        "b.product": stored(low_rank),
        "b.sparse": stored(rng.laplace(0, 3, (30, 30)) * (rng.random((30, 30)) < 0.05)),
        "c.large": stored(rng.integers(-(2**31) + 1, 2**31, 40), "I32"),
        "c.ramp": stored(np.arange(-300, 300) ** 3 // 1000, "I64"),
        "d.zero": stored(np.zeros((3, 5))),
        "e.raw": StoredTensor("F8_E4M3", (3,), b"abc"),
    }
    data = pack(Checkpoint(tensors, {"note": "x"}), PackOptions(step, rank=1))
    ours, theirs = unpack(data).tensors, decode(data)
    assert list(theirs) == list(tensors)
    for name, tensor in ours.items():
        if name == "e.raw":
            assert theirs[name] == tensor.data == b"abc"
        else:
            np.testing.assert_array_equal(theirs[name], from_bytes(tensor.data, tensor.dtype))
