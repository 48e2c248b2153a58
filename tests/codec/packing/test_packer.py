"""Checkpoints to packed files and back: types, bases, sizes, folding."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from bitstream import InvalidField
from bitstream.tensors import DTYPES, FLOATS, Archive, Levels, Product, Raw, Zeros, item_size
from codec.errors import OptionError, WeightsError
from codec.packing import Base, Checkpoint, PackOptions, StoredTensor, pack, pack_to_size, unpack

OPTIONS = PackOptions()


def network(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "conv.weight": rng.normal(0, 0.1, (24, 12, 3, 3)).astype(np.float32),
        "conv.bias": rng.normal(0, 0.3, 24).astype(np.float32),
        "head.weight": rng.normal(0, 0.05, (10, 96)).astype(np.float16),
        "steps": np.array(123456789012, np.int64),
        "table": rng.integers(-100, 100, (5, 7), np.int32),
    }


def checkpoint(tensors: dict[str, np.ndarray]) -> Checkpoint:
    return Checkpoint.parse(save(tensors, metadata={"format": "np"}))


def base_of(tensors: dict[str, np.ndarray]) -> Base:
    return Base.parse(save(tensors))


def codings(data: bytes) -> dict[str, object]:
    return {tensor.name: tensor.coding for tensor in Archive.unpack(data).tensors}


def test_unpacks_to_what_safetensors_reads() -> None:
    before = network()
    restored = unpack(pack(checkpoint(before), OPTIONS))
    after = load(restored.serialize())
    assert restored.notes == {"format": "np"}
    for name, tensor in before.items():
        assert (after[name].dtype, after[name].shape) == (tensor.dtype, tensor.shape)
        if tensor.dtype.kind == "i":
            np.testing.assert_array_equal(after[name], tensor)
    error = np.square(after["conv.weight"] - before["conv.weight"]).mean()
    assert 0 < error < 0.1**2 * 0.1**2 / 12 * 1.3


def test_serialized_files_parse_to_the_same() -> None:
    data = checkpoint(network()).serialize()
    again = Checkpoint.parse(data)
    assert again.serialize() == data
    assert again.notes == {"format": "np"}


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_any_shape_and_type_survives(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(DTYPES))
    shape = tuple(data.draw(st.lists(st.integers(0, 9), max_size=4)))
    size = int(np.prod(shape)) * item_size(dtype)
    stored = data.draw(st.binary(min_size=size, max_size=size))
    if dtype == "BOOL":
        stored = bytes(byte & 1 for byte in stored)
    before = Checkpoint({"t": StoredTensor(dtype, shape, stored)}, {})
    after = unpack(pack(before, OPTIONS)).tensors["t"]
    assert (after.dtype, after.shape, len(after.data)) == (dtype, shape, size)
    if dtype not in FLOATS:
        assert after.data == stored


@pytest.mark.parametrize("dtype", sorted(FLOATS))
def test_floats_of_every_type_are_quantised(dtype: str) -> None:
    values = np.random.default_rng(0).normal(0, 1, 32 * 32)
    before = StoredTensor.of(values, dtype, (32, 32))
    data = pack(Checkpoint({"t": before}, {}), PackOptions(0.25))
    assert isinstance(codings(data)["t"], Levels)
    after = unpack(data).tensors["t"]
    assert np.abs(after.values() - values).max() < 1
    assert np.square(after.values() - values).mean() < 0.25**2 / 10


def test_bfloat16_rounds_to_even() -> None:
    exact = np.array([1.0, 1 + 2**-7, 1.0, -(1 + 2**-6)])
    ties = np.array([0, 2**-8, 2**-8, 0]) + exact
    data = StoredTensor.of(ties, "BF16", (4,))
    assert data.values().tolist() == [1.0, 1 + 2**-6, 1.0, -(1 + 2**-6)]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_kept_as_bytes(bad: float) -> None:
    values = np.array([[1, bad], [0, -0.0]], np.float32)
    restored = unpack(pack(checkpoint({"t": values}), OPTIONS)).tensors["t"]
    assert restored.data == values.tobytes()


def test_outliers_beyond_all_levels_are_kept_as_bytes() -> None:
    values = {"a": np.full((4, 4), 1e-20, np.float32), "b": np.full((4, 4), 1e20, np.float32)}
    data = pack(checkpoint(values), PackOptions(2.0**-24, spread=0))
    assert unpack(data).tensors["b"].data == values["b"].tobytes()


def test_steps_so_fine_that_they_do_not_pay_keep_bytes() -> None:
    before = checkpoint({"t": network()["head.weight"]})
    data = pack(before, PackOptions(2.0**-20))
    assert unpack(data).tensors["t"].data == before.tensors["t"].data


def test_spread_and_vectors_set_the_steps() -> None:
    rng = np.random.default_rng(0)
    tensors = {"big": rng.normal(0, 1, (64, 64)), "small": rng.normal(0, 0.1, (64, 64))}
    tensors |= {"vector": rng.normal(0, 1, 64)}

    def steps(spread: float) -> np.ndarray:
        found = codings(pack(checkpoint(tensors), PackOptions(0.1, spread)))
        return np.array([found[name].step for name in sorted(tensors)])

    big, small, vector = steps(0)
    assert big == small
    # A trellis has 1.2 times the step of a uniform quantiser of the same pitch.
    assert any(big / vector == pytest.approx(8 * factor, rel=0.01) for factor in (1, 1.2))
    big, small, _ = steps(1)
    assert big / small == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize("target", [700, 1500, 5000])
def test_target_size_is_reached_and_not_exceeded(target: int) -> None:
    data = pack_to_size(checkpoint(network()), OPTIONS, target)
    assert 0.97 * target < len(data) <= target


def test_target_size_out_of_reach() -> None:
    with pytest.raises(WeightsError, match="cannot be packed in 50 bytes; the coarsest"):
        pack_to_size(checkpoint(network()), OPTIONS, 50)


def test_target_size_beyond_everything_gives_the_finest() -> None:
    before = checkpoint({"t": network()["conv.weight"]})
    after = unpack(pack_to_size(before, OPTIONS, 10**6))
    error = after.tensors["t"].values() - before.tensors["t"].values()
    assert np.abs(error).max() < 0.1 * 2.0**-19


def test_pruning() -> None:
    before = network()
    after = load(unpack(pack(checkpoint(before), PackOptions(0.01, prune=0.75))).serialize())
    zeros = after["conv.weight"] == 0
    assert zeros.mean() == pytest.approx(0.75, abs=0.02)
    assert np.abs(before["conv.weight"][zeros]).max() < np.abs(before["conv.weight"][~zeros]).max()
    assert after["conv.bias"].all()


def test_a_base_leaves_only_the_change() -> None:
    old, new = network(), network()
    new["conv.weight"] = old["conv.weight"] + np.float32(0.001) * network(1)["conv.weight"]
    new["table"] = old["table"] + 1
    whole = pack(checkpoint(new), OPTIONS)
    data = pack(checkpoint(new), PackOptions(0.5), base_of(old))
    assert len(data) < 0.5 * len(whole)
    found = codings(data)
    assert isinstance(found["conv.bias"], Zeros)
    after = load(unpack(data, base_of(old)).serialize())
    np.testing.assert_array_equal(after["conv.bias"], old["conv.bias"])
    np.testing.assert_array_equal(after["table"], new["table"])
    assert np.abs(after["conv.weight"] - new["conv.weight"]).max() < 1e-4


def test_a_change_of_low_rank_is_a_product() -> None:
    rng = np.random.default_rng(0)
    old = {"w": rng.normal(0, 1, (96, 128)).astype(np.float32)}
    update = rng.normal(0, 0.01, (96, 2)) @ rng.normal(0, 1, (2, 128))
    new = {"w": (old["w"] + update).astype(np.float32)}
    options = PackOptions(0.1, rank=2)
    data = pack(checkpoint(new), options, base_of(old))
    assert isinstance(codings(data)["w"], Product)
    assert len(data) < 0.2 * len(pack(checkpoint(new), PackOptions(0.1), base_of(old)))
    after = load(unpack(data, base_of(old)).serialize())["w"]
    assert np.abs(after - new["w"]).std() < 0.1 * update.std()


def test_an_unrelated_base_is_not_used() -> None:
    data = pack(checkpoint(network()), OPTIONS, base_of({"other": np.zeros(3, np.float32)}))
    assert data == pack(checkpoint(network()), OPTIONS)


def test_another_base_is_refused() -> None:
    old, new = network(), network()
    new["conv.bias"] = new["conv.bias"] + np.float32(0.01)
    data = pack(checkpoint(new), OPTIONS, base_of(old))
    digest = hashlib.sha256(save(old)).hexdigest()[:32]
    with pytest.raises(WeightsError, match=f"belongs to another base.* {digest}"):
        unpack(data, base_of(new))
    with pytest.raises(WeightsError, match=f"needs its base.* {digest}"):
        unpack(data)


def test_a_base_without_the_tensor_is_refused() -> None:
    """A file that lies about its base: the right hash, but no such tensor."""
    old, new = network(), network()
    new["conv.bias"] = new["conv.bias"] + np.float32(0.01)
    data = pack(checkpoint(new), OPTIONS, base_of(old))
    right = base_of(old)
    stripped = {k: v for k, v in right.checkpoint.tensors.items() if k != "conv.bias"}
    with pytest.raises(InvalidField, match="base has no tensor"):
        unpack(data, Base(right.hash, Checkpoint(stripped, {})))


def batch_norm(name: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    parts = {part: rng.uniform(0.5, 2, 6) for part in ("weight", "running_var")}
    parts |= {part: rng.normal(0, 1, 6) for part in ("bias", "running_mean")}
    tensors = {f"{name}.{part}": v.astype(np.float32) for part, v in parts.items()}
    return tensors | {f"{name}.num_batches_tracked": np.array(7)}


@pytest.mark.parametrize(("conv", "norm"), [("a.conv2", "a.bn2"), ("a.0", "a.1"), ("conv", "bn")])
def test_folded_norms_compute_the_same(conv: str, norm: str) -> None:
    rng = np.random.default_rng(0)
    tensors = batch_norm(norm, rng) | {
        f"{conv}.weight": rng.normal(0, 1, (6, 4, 1, 1)).astype(np.float32),
        f"{conv}.bias": rng.normal(0, 1, 6).astype(np.float32),
    }
    x = rng.normal(0, 1, 4)
    y = tensors[f"{conv}.weight"].reshape(6, 4) @ x + tensors[f"{conv}.bias"]
    y = (y - tensors[f"{norm}.running_mean"]) / np.sqrt(tensors[f"{norm}.running_var"] + 1e-5)
    y = y * tensors[f"{norm}.weight"] + tensors[f"{norm}.bias"]

    data = pack(checkpoint(tensors), PackOptions(1e-4, fold=True))
    after = load(unpack(data).serialize())
    assert sorted(after) == [f"{conv}.bias", f"{conv}.weight"]
    folded = after[f"{conv}.weight"].reshape(6, 4) @ x + after[f"{conv}.bias"]
    np.testing.assert_allclose(folded, y, atol=1e-2)


def test_norms_that_cannot_be_folded_are_refused() -> None:
    options = PackOptions(fold=True)
    with pytest.raises(WeightsError, match="no batch norm to fold"):
        pack(checkpoint(network()), options)
    norm = batch_norm("bn", np.random.default_rng(0))
    with pytest.raises(WeightsError, match="'bn' has no convolution 'conv'"):
        pack(checkpoint(norm), options)
    del norm["bn.bias"]
    with pytest.raises(WeightsError, match="does not have the tensors"):
        pack(checkpoint(norm), options)


@pytest.mark.parametrize(
    "options",
    [
        {"step": 0.0},
        {"step": float("nan")},
        {"spread": 1.5},
        {"vector_divisor": 0.5},
        {"prune": 1.0},
        {"rank": -1},
    ],
)
def test_options_out_of_range(options: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        PackOptions(**options)


def test_raw_is_the_last_resort() -> None:
    found = codings(pack(checkpoint(network()), OPTIONS))
    assert [name for name, coding in found.items() if isinstance(coding, Raw)] == ["steps"]
