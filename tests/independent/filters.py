"""The weight update and the post-filter: FORMAT.md sections 9 to 9.3, 9.8 and 10.3."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

import numpy as np

from .containers import File, Model, Tensors
from .entropy_coders import (
    Array,
    BinaryDecoder,
    LevelDecoder,
    RangeDecoder,
    decode_call,
    require,
)
from .layers import act, conv, quality_bias, rescale, residual, shuffle, unshuffle

LAYERS = ("enter", "middle", "leave")
Shape = tuple[int, int, int | None]
"""Rows, columns and group of a tensor of levels; None for one whose step another tensor has."""
MANTISSAS = (256, 215, 181, 152)
NEXT = ((0, 7, 1, 6, 2, 5, 3, 4), (2, 5, 3, 4, 0, 7, 1, 6))
"""[parity of the level][state]."""
COSINES = np.array(
    [
        [5461, 5461, 5461, 5461, 5461, 5461, 5461, 5461, 5461],
        [6689, 0, -6689, 6689, 0, -6689, 6689, 0, -6689],
        [3862, -7723, 3862, 3862, -7723, 3862, 3862, -7723, 3862],
        [6689, 6689, 6689, 0, 0, 0, -6689, -6689, -6689],
        [8192, 0, -8192, 0, 0, 0, -8192, 0, 8192],
        [4730, -9459, 4730, 0, 0, 0, -4730, 9459, -4730],
        [3862, 3862, 3862, -7723, -7723, -7723, 3862, 3862, 3862],
        [4730, 0, -4730, -9459, 0, 9459, 4730, 0, -4730],
        [2731, -5461, 2731, -5461, 10923, -5461, 2731, -5461, 2731],
    ]
)


# 9 Weight update


def update(payload: bytes, model: Model, file: File, given: Sequence[bytes]) -> Tensors:
    """9: the weights and biases of the post-filter that an update changes."""
    require(len(payload) >= 1, "9.1", "no method")
    if payload[0] == SHARED:
        payload = shared(payload[1:], file, given)
    method, body = payload[0], payload[1:]
    require(method in METHODS, "9.1", "unknown method")
    t = model.tensors
    changed: Tensors = {}
    for part, change in METHODS[method](body, model).items():
        name = f"postfilter.{part}"
        changed[name] = t[name] + change.reshape(t[name].shape)
    check_exact(t | changed)
    return changed


def shared(name: bytes, file: File, given: Sequence[bytes]) -> bytes:
    """9.7: the payload of the update file of that name."""
    require(len(name) == 16, "9.7", "a name of another length")
    found = {data for data in given if sha256(data).digest()[:16] == name}
    require(len(found) == 1, "9.7", "a shared update that is not given, or twice")
    data = found.pop()
    require(data[:4] == b"NNU\1" and len(data) > 8, "9.7", "not an update file")
    require(data[4:8] == file.model, "9.7", "an update of another model")
    require(data[8] != SHARED, "9.7", "an update file that names another")
    return data[8:]


def subspace(body: bytes, model: Model) -> Tensors:
    """9.2."""
    step, levels = subspace_levels(body, model)
    return subspace_changes(step, levels, model.tensors)


def trellis(body: bytes, model: Model) -> Tensors:
    """9.2."""
    step, levels = subspace_levels(body, model)
    trellis_multiples(levels)
    return subspace_changes(step, levels, model.tensors)


def trellis_multiples(levels: Array) -> None:
    """9.2: puts what they stand for in place of levels."""
    state = 0
    for place, k in enumerate(levels.flat):
        levels.flat[place] = 2 * k - (state % 2) * np.sign(k)
        state = NEXT[k % 2][state]


def subspace_levels(body: bytes, model: Model) -> tuple[int, Array]:
    """9.2: the step, and the levels as they are coded."""
    return subspace_body(body, model.tensors["update.scales"], model.below)


def subspace_body(body: bytes, scales: Array, below: list[Array]) -> tuple[int, Array]:
    """The same with tables of one's own."""
    require(len(body) >= 2, "9.2", "no step or no spread")
    step, spread = body[0], body[1] - 128
    require(step < 64, "9.2", "step out of range")
    tables = np.clip(scales + spread, 0, min(54, len(below)) - 1)
    levels = decode_call(RangeDecoder(body[2:]), tables.ravel(), below)
    require(np.abs(levels).max() <= 2**10, "9.2", "a level is too large")
    return step, levels.reshape(scales.shape)


def subspace_changes(step: int, levels: Array, t: Tensors) -> Tensors:
    """9.2."""
    weights, biases = change_of(t["update.inner"] @ levels @ t["update.outer"], step)
    return {"leave.weight": weights[:-1].T, "leave.bias": biases[-1]}


def change_of(product: Array, step: int) -> tuple[Array, Array]:
    """9.2: what a product adds to weights, and what to biases."""
    scaled = rescale(product, 14) * MANTISSAS[step % 4]
    shift = 13 + step // 4
    return rescale(scaled, shift), rescale(scaled, shift - 8)


def tensors_of_levels(body: bytes, shapes: list[Shape]) -> list[Array]:
    """9.3: levels times 2**(step shift) of their group, if it counts."""
    require(sum(rows * columns for rows, columns, _ in shapes) <= 2**22, "3.3", "too many levels")
    decoder = BinaryDecoder(body)
    groups = 1 + max(group for _, _, group in shapes if group is not None)
    shifts = [sum(decoder.bypass() << place for place in (3, 2, 1, 0)) for _ in range(groups)]
    levels = LevelDecoder(decoder)
    return [
        levels.tensor(rows, columns) * (1 if group is None else 2 ** shifts[group])
        for rows, columns, group in shapes
    ]


def each_layer(
    body: bytes, t: Tensors, shapes: Callable[[int, int], list[Shape]]
) -> Iterator[tuple[str, Array, list[Array]]]:
    """The layers, their weights and their levels; `shapes` are those for outputs and inputs."""
    weights = {layer: t[f"postfilter.{layer}.weight"] for layer in LAYERS}
    each = {layer: shapes(*weight.shape[:2]) for layer, weight in weights.items()}
    levels = iter(tensors_of_levels(body, [shape for layer in LAYERS for shape in each[layer]]))
    for layer, weight in weights.items():
        yield layer, weight, [next(levels) for _ in each[layer]]


def kernels(body: bytes, model: Model) -> Tensors:
    """9.3."""
    changes: Tensors = {}
    shapes = lambda out, n: [(out, 9 * n, 0), (1, out, 1)]  # noqa: E731
    for layer, _, (weight, bias) in each_layer(body, model.tensors, shapes):
        changes |= {f"{layer}.weight": weight, f"{layer}.bias": bias * 2**8}
    return changes


def scales(body: bytes, model: Model) -> Tensors:
    """9.3."""
    changes: Tensors = {}
    shapes = lambda out, _: [(1, out, 0), (1, out, 1)]  # noqa: E731
    for layer, weight, (scale, bias) in each_layer(body, model.tensors, shapes):
        scaled = rescale(weight * scale.reshape(-1, 1, 1, 1), 10)
        changes |= {f"{layer}.weight": scaled, f"{layer}.bias": bias * 2**8}
    return changes


def low_rank(body: bytes, model: Model) -> Tensors:
    """9.3."""
    out, n = model.tensors["postfilter.leave.weight"].shape[:2]
    tensors = [(4, out, None), (4, 9 * n + 1, 0)]
    left, right = tensors_of_levels(body, tensors)
    product = left.T @ right
    return {"leave.weight": product[:, :-1], "leave.bias": product[:, -1] * 2**8}


def cosine(body: bytes, model: Model) -> Tensors:
    """9.3."""
    changes: Tensors = {}
    shapes = lambda out, n: [(out, n, 0), (out, 8 * n, 1), (1, out, 2)]  # noqa: E731
    for layer, weight, (mean, waves, bias) in each_layer(body, model.tensors, shapes):
        out, n = weight.shape[:2]
        c = np.concatenate([mean.reshape(out, n, 1), waves.reshape(out, n, 8)], 2)
        changes |= {f"{layer}.weight": rescale(c @ COSINES, 14), f"{layer}.bias": bias * 2**8}
    return changes


SHARED = 7
METHODS = {1: subspace, 2: kernels, 3: scales, 4: low_rank, 5: cosine, 6: trellis}


def check_exact(t: Tensors) -> None:
    """9.8: what a decoder has to reject."""
    for layer in LAYERS:
        dot = f"postfilter.{layer}."
        exact(t[f"{dot}weight"], t[f"{dot}bias"], t[f"{dot}format"])


def exact(weight: Array, bias: Array, form: Array) -> None:
    """9.8: the sums, for one layer."""
    weight, bias, (shift, limit) = np.abs(weight), np.abs(bias), form
    require(weight.max() < 2**15 and bias.max() < 2**31, "9.8", "a weight is too large")
    largest = weight.sum((1, 2, 3)) * limit + bias.max() + 2**shift
    require((largest < 2 ** (24 + shift)).all(), "9.8", "a layer leaves the exact range")


# 10.3 Post-filter


def postfilter(unfiltered: Array, file: File, model: Model) -> Array:
    """10.3."""
    t, dot = model.tensors, "postfilter."
    x = unshuffle(unfiltered, 2)
    h = quality_bias(t, f"{dot}quality", act(t, f"{dot}enter", x), file)
    h = h + coarser(t, dot, h, file)
    seen = np.concatenate([act(t, f"{dot}middle", h), h, x])
    return unfiltered + shuffle(conv(t, f"{dot}leave", seen), 2)


def coarser(t: Tensors, dot: str, above: Array, file: File) -> Array | int:
    """10.3: what the levels below the one called `dot` add to it."""
    dot = f"{dot}coarser."
    if f"{dot}down.weight" not in t:
        return 0
    h = quality_bias(t, f"{dot}quality", act(t, f"{dot}down", above, stride=2), file)
    h = h + coarser(t, dot, h, file)
    block = 0
    while f"{dot}body.{block}.expand.weight" in t:
        h = residual(t, f"{dot}body.{block}", h)
        block += 1
    return shuffle(conv(t, f"{dot}up", h), 2)
