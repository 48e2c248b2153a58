"""The subspace of updates: exact integers, bounds, tensors, and what an update does to a filter."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bitstream import InvalidField, Truncated
from bitstream.limits import MAX_SUBSPACE_LEVEL
from bitstream.update.methods import Method
from bitstream.update.subspace import STEPS, SubspacePayload
from codec.decoding import update
from codec.models.subspace import Subspace, step_size
from codec.networks.twins import build_integer, changed

CHANNELS, OUTPUTS, RANK = 2, 3, 5
FEATURES = 9 * CHANNELS + 1
MANTISSAS = (256, 215, 181, 152)


def random_subspace(seed: int = 0, largest: int = 2**18) -> Subspace:
    rng = np.random.default_rng(seed)
    return Subspace(
        rng.integers(-largest, largest, (FEATURES, RANK)),
        rng.integers(-(2**14), 2**14, (OUTPUTS, OUTPUTS)),
        rng.integers(0, 54, (RANK, OUTPUTS)).astype(np.int16),
    )


SHAPE = (OUTPUTS, CHANNELS, 3, 3)


def random_levels(largest: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(-largest, largest, (RANK, OUTPUTS), endpoint=True).astype(np.int32)


def by_the_format(subspace: Subspace, payload: SubspacePayload) -> list[list[int]]:
    """Change of every feature and output as FORMAT.md 9.2 says it, in integers of any size."""
    inner, outer = subspace.inner.tolist(), subspace.outer.tolist()
    levels = payload.levels.tolist()

    def rescale(value: int, shift: int) -> int:
        return (value + 2 ** (shift - 1)) // 2**shift

    changes = []
    for feature in range(FEATURES):
        shift = 13 + payload.step // 4 - (8 if feature == FEATURES - 1 else 0)
        row = []
        for output in range(OUTPUTS):
            total = sum(
                inner[feature][i] * levels[i][j] * outer[j][output]
                for i in range(RANK)
                for j in range(OUTPUTS)
            )
            row.append(rescale(rescale(total, 14) * MANTISSAS[payload.step % 4], shift))
        changes.append(row)
    return changes


@pytest.mark.parametrize("step", [0, 1, 2, 3, 4, 23, 42, STEPS - 1])
@pytest.mark.parametrize("largest", [1, 9, MAX_SUBSPACE_LEVEL])
def test_changes_are_exact(step, largest):
    subspace = random_subspace(step)
    payload = SubspacePayload(step, 0, random_levels(largest, seed=step))
    kernel, bias = subspace.change(payload, SHAPE)
    assert kernel.dtype == bias.dtype == np.int64
    expected = by_the_format(subspace, payload)
    found = [*kernel.reshape(OUTPUTS, -1).T.tolist(), bias.tolist()]
    assert found == expected


def test_golden_integers():
    subspace = Subspace(
        np.array([[65536, -40000], *([[0, 0]] * 8), [7, 123_456]]),
        np.array([[8192, 8192], [8192, -8192]]),
        np.zeros((2, 2), np.int16),
    )
    payload = SubspacePayload(17, 0, np.array([[3, -1], [2, 5]], np.int32))
    kernel, bias = subspace.change(payload, (2, 1, 3, 3))
    assert kernel[:, 0, 0, 0].tolist() == [-122, 313]
    assert bias.tolist() == [181_450, -77_757]


def test_the_largest_allowed_bases_stay_exact():
    """All entries and levels as large as the bound lets them be, all of one sign."""
    inner = np.full((FEATURES, RANK), (2**62 - 1) // (3 * 2**14 * 2**11) // RANK)
    subspace = Subspace(inner, np.full((3, 3), 2**14), np.zeros((RANK, OUTPUTS), np.int16))
    levels = np.full((RANK, OUTPUTS), 2 * MAX_SUBSPACE_LEVEL, np.int32)
    for sign in (1, -1):
        payload = SubspacePayload(0, 0, sign * levels)
        kernel, _ = subspace.change(payload, SHAPE)
        assert kernel.flatten()[0] == by_the_format(subspace, payload)[0][0]
    with pytest.raises(InvalidField, match="exact range"):
        Subspace(2 * inner, subspace.outer, subspace.scales)


def test_steps_are_quarter_octaves():
    sizes = np.array([step_size(index) for index in range(STEPS)])
    assert sizes[0] == 1 and sizes[4] == 0.5 and sizes[-4] == 2**-15
    assert np.allclose(np.log2(sizes), -np.arange(STEPS) / 4, atol=0.0025)


def test_tensors_hold_a_subspace():
    subspace = random_subspace()
    copy = Subspace.of_arrays(subspace.to_arrays())
    for name in ("inner", "outer", "scales"):
        assert np.array_equal(getattr(copy, name), getattr(subspace, name))


# In a model


@pytest.fixture
def pictures():
    generator = torch.Generator().manual_seed(0)
    return torch.randint(-2200, 2200, (1, 3, 32, 48), generator=generator).float()


def tiny_update(tiny, step: int, seed: int = 0) -> tuple[SubspacePayload, bytes]:
    rng = np.random.default_rng(seed)
    levels = rng.integers(-9, 10, tiny.subspace.scales.shape).astype(np.int32)
    payload = SubspacePayload(step, 2, levels)
    return payload, update.pack(Method.SUBSPACE, payload, tiny)


@pytest.mark.parametrize("step", [20, 29, 35])
def test_an_update_adds_to_the_last_layer(tiny, pictures, step):
    payload, data = tiny_update(tiny, step)
    tensors = dict(tiny.tensors)
    changes = tiny.subspace.change(payload, tiny.filter_layers.leave.weight.shape)
    for part, change in zip(("weight", "bias"), changes, strict=True):
        name = f"postfilter.leave.{part}"
        tensors[name] = tensors[name].long() + torch.from_numpy(change)
    expected = build_integer(tiny.config, tensors).postfilter(pictures, -20)
    before = tiny.postfilter(pictures, -20)
    assert torch.equal(changed(tiny.postfilter, update.apply(data, tiny))(pictures, -20), expected)
    assert not torch.equal(expected, before)
    assert torch.equal(tiny.postfilter(pictures, -20), before), "the base itself has changed"


def test_an_update_out_of_the_exact_range_is_refused(tiny):
    payload = SubspacePayload(0, 0, np.full(tiny.subspace.scales.shape, 999, np.int32))
    with pytest.raises(InvalidField, match="exact range"):
        update.apply(update.pack(Method.SUBSPACE, payload, tiny), tiny)


@pytest.mark.parametrize("method", [0, len(Method) + 1, 255])
def test_an_unknown_method_is_refused(tiny, method):
    with pytest.raises(InvalidField, match=f"method {method} "):
        update.apply(bytes([method, 20, 128]), tiny)


def test_an_empty_update_is_refused(tiny):
    with pytest.raises(Truncated, match="empty"):
        update.apply(b"", tiny)
