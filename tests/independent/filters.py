"""The weight update and the post-filter: FORMAT.md sections 9 to 9.3, 10.2 and 10.3."""

from __future__ import annotations

import numpy as np
from containers import File, Model, Tensors
from entropy_coders import (
    Array,
    BinaryDecoder,
    LevelDecoder,
    RangeDecoder,
    decode_call,
    require,
)
from layers import act, conv, quality_bias, rescale, residual, shuffle, unshuffle

LAYERS = ("enter", "middle", "leave")
MANTISSAS = (256, 215, 181, 152)


# 9 Weight update


def update(payload: bytes, model: Model) -> Tensors:
    """9: the weights and biases of the post-filter that an update changes."""
    require(len(payload) >= 1, "9", "no method")
    method, body = payload[0], payload[1:]
    require(method in (1, 2), "9", "unknown method")
    t = model.tensors
    changes = subspace_changes(body, model) if method == 1 else kernel_changes(body, t)
    changed = {name: t[name] + change.reshape(t[name].shape) for name, change in changes.items()}
    check_exact(t | changed)
    return changed


def subspace_changes(body: bytes, model: Model) -> Tensors:
    """9.2 and 10.2."""
    require(len(body) >= 2, "9.2", "no step or no spread")
    step, spread = body[0], body[1] - 128
    require(step < 64, "9.2", "step out of range")
    t = model.tensors
    scales = t["update.scales"]
    tables = np.clip(scales + spread, 0, len(model.below) - 1)
    levels = decode_call(RangeDecoder(body[2:]), tables.ravel(), model.below)
    require(np.abs(levels).max() <= 2**10, "9.2", "a level is too large")
    product = t["update.inner"] @ levels.reshape(scales.shape) @ t["update.outer"]
    scaled = rescale(product, 14) * MANTISSAS[step % 4]
    shift = 13 + step // 4
    return {
        "postfilter.leave.weight": rescale(scaled[:-1], shift).T,
        "postfilter.leave.bias": rescale(scaled[-1], shift - 8),
    }


def kernel_changes(body: bytes, t: Tensors) -> Tensors:
    """9.3 and 10.2."""
    names = [f"postfilter.{layer}.{kind}" for layer in LAYERS for kind in ("weight", "bias")]
    require(sum(t[name].size for name in names) <= 2**22, "3.3", "too many levels")
    decoder = BinaryDecoder(body)
    shifts = [sum(decoder.bypass() << place for place in (3, 2, 1, 0)) for _ in range(2)]
    levels = LevelDecoder(decoder)
    changes: Tensors = {}
    for name in names:
        if name.endswith("weight"):
            changes[name] = levels.tensor(len(t[name]), t[name][0].size) * 2 ** shifts[0]
        else:
            changes[name] = levels.tensor(1, t[name].size) * 2 ** (shifts[1] + 8)
    return changes


def check_exact(t: Tensors) -> None:
    """10.2: what a decoder has to reject."""
    for layer in LAYERS:
        weight, bias = (np.abs(t[f"postfilter.{layer}.{kind}"]) for kind in ("weight", "bias"))
        shift, limit = t[f"postfilter.{layer}.format"]
        require(weight.max() < 2**15 and bias.max() < 2**31, "10.2", "a weight is too large")
        largest = weight.sum((1, 2, 3)) * limit + bias.max() + 2**shift
        require((largest < 2 ** (24 + shift)).all(), "10.2", "a layer leaves the exact range")


# 10.3 Post-filter


def postfilter(unfiltered: Array, file: File, model: Model) -> Array:
    """10.3."""
    t, dot = model.tensors, "postfilter."
    x = unshuffle(unfiltered, 2)
    h = quality_bias(t, f"{dot}quality", act(t, f"{dot}enter", x), file)
    h = np.concatenate([act(t, f"{dot}middle", h + coarser(t, dot, h, file)), x])
    return unfiltered + shuffle(conv(t, f"{dot}leave", h), 2)


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
