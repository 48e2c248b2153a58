"""Lossless files: FORMAT.md section 14, for `decoder`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from .containers import ALPHA, CONTENT, PRIOR, UPDATE, File, Model, Tensors
from .correction import Traces, corrected
from .entropy_coders import Array, RangeDecoder, decode_call, require
from .filters import MANTISSAS, exact, subspace_body
from .layers import act, conv, over_positions, rescale

PHASES = ((1, 1), (0, 1), (1, 0))


def decode(file: File, model: Model) -> NDArray[np.uint8]:
    """14: pixels, uint8 [h w 3]."""
    t = model.tensors
    require(PRIOR not in file.chunks, "14.4", "an update of the prior")
    if UPDATE in file.chunks:
        t.update(update(file.chunks[UPDATE], model))
    decoder = RangeDecoder(file.chunks[CONTENT])
    # 14.2 Grids
    grey = decode_call(decoder, np.array([4]), model.below)[0]
    require(grey in (0, 1), "14.2", "neither grey nor not")
    channels = 1 if grey else 3
    last = decode_call(decoder, np.full(channels, 1311), model.below)
    known = np.zeros((3, 1, 1), np.int64)
    known[:channels, 0, 0] = in_range(last + np.array([128, 0, 0])[:channels])
    sizes = [(file.height, file.width)]
    while sizes[-1] != (1, 1):
        sizes.append(tuple(-(-side // 2) for side in sizes[-1]))
    kept = np.zeros((2, 3, 1, 1), np.int64)
    for grid in reversed(range(len(sizes) - 1)):
        known, kept = finer(decoder, known, kept, grid, sizes[grid], channels, model)
    # 14.1 Colour
    green, red, blue = known[0], known[1] + known[0], known[2] + known[0]
    pixels = np.stack([red, green, blue], -1)
    require(pixels.min() >= 0 and pixels.max() <= 255, "14.1", "not a colour")
    return pixels.astype(np.uint8)


def in_range(values: Array) -> Array:
    require(np.abs(values).max(initial=0) <= 255, "14.1", "not a pixel")
    return values


def edges(x: Array, margin: int) -> Array:
    return np.pad(x, ((0, 0), (margin, margin), (margin, margin)), mode="edge")


def loud(t: Tensors, x: Array) -> Array:
    return t["loudness.table"][np.minimum(rescale(np.abs(x), 3), 4095)]


def bound(x: Array) -> Array:
    return np.clip(x, -4096, 4096)


def kernels(weight: Array, x: Array) -> Array:
    """A convolution without rescaling; x has the margins already."""
    rows, columns = x.shape[1] - weight.shape[2] + 1, x.shape[2] - weight.shape[3] + 1
    total = np.zeros((len(weight), rows, columns), np.int64)
    for u in range(weight.shape[2]):
        for v in range(weight.shape[3]):
            window = x[:, u : u + rows, v : v + columns]
            total += np.einsum("on,nij->oij", weight[:, :, u, v], window)
    return total


# 14.3 Passes


def finer(
    decoder: RangeDecoder,
    a: Array,
    kept: Array,
    grid: int,
    size: tuple[int, int],
    channels: int,
    model: Model,
) -> tuple[Array, Array]:
    """From the pixels of phase A, and their errors and moves, to those of the grid."""
    traces = Traces(*kept)
    t, k = model.tensors, min(grid, 3)
    phases, errors = [32 * a], []
    right = np.diff(edges(32 * a, 1)[:, 1:-1, 1:], axis=2)
    down = np.diff(edges(32 * a, 1)[:, 1:, 1:-1], axis=1)
    for p, (d, e) in enumerate(PHASES):
        rows, columns = (size[0] - d + 1) // 2, (size[1] - e + 1) // 2
        z = np.clip(np.concatenate(phases) >> 5, -256, 256)
        base = rescale(kernels(t[f"passes.{p}.linear.weight"][k], edges(z, 2)), 9)
        planes = [phase - base for phase in phases] + [loud(t, right), loud(t, down)]
        planes += [base - over_positions(np.array([4096, 0, 0]))]
        planes += [loud(t, error) for error in errors]
        enter = act(t, f"passes.{p}.enter", edges(np.concatenate(planes), 1))[:, 1:-1, 1:-1]
        x = bound(enter) + over_positions(t[f"passes.{p}.grid"][k])
        for b in range(model.networks["blocks"]):
            dot = f"passes.{p}.blocks.{b}."
            x = x + bound(conv(t, f"{dot}reduce", act(t, f"{dot}expand", x)))
        around = nearest(phases, p)
        pixels, error = [], base[:0]
        for c in range(3):
            h, own, dot = x, base[c], f"passes.{p}.heads.{c}."
            if c:
                h = x + bound(conv(t, f"{dot}seen", np.concatenate([error, loud(t, error)])))
                seen = np.pad(np.clip(error, -16384, 16384), ((0, 0), (1, 1), (1, 1)))
                across = t[f"passes.{p}.linear.across"][k, c : c + 1, :c]
                own = own + rescale(kernels(across, seen), 14)[0]
            raw = conv(t, f"{dot}leave", act(t, f"{dot}fuse", h))
            pixel = rescale(own, 5)
            if c < channels:
                inside = np.s_[:rows, :columns]
                candidates = np.concatenate([around[:, c] - own, error])
                mean = own + rescale(raw[0], 3) + rescale((raw[3:] * candidates).sum(0), 8)
                limited = (np.clip(part, -16384, 16384) for part in (own, mean))
                said = (*limited, raw[1], raw[2])
                found = corrected(decoder, traces, p, c, said, (rows, columns), model)
                pixel[inside] = found[inside]
            else:
                pixel[:] = 0
            pixels.append(32 * pixel)
            error = np.concatenate([error, (32 * pixel - own)[None]])
        phases.append(np.stack(pixels))
        errors.append(error)
    whole = np.zeros((3, 2 * a.shape[1], 2 * a.shape[2]), np.int64)
    for (d, e), phase in zip([(0, 0), *PHASES], phases, strict=True):
        whole[:, d::2, e::2] = phase >> 5
    now = np.s_[..., : size[0], : size[1]]
    return whole[now], np.stack([traces.error, traces.move])[now]


NEAREST = (
    [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1)],
    [(0, 0, 0), (0, 0, 1), (1, -1, 0), (1, 0, 0)],
    [(0, 0, 0), (0, 1, 0), (1, 0, -1), (1, 0, 0)],
)


def nearest(phases: list[Array], p: int) -> Array:
    """The pixels that candidates are made of: [4 3 rows columns]."""
    _, rows, columns = phases[0].shape
    found = []
    for phase, i, j in NEAREST[p]:
        padded = edges(phases[phase], 1)
        found.append(padded[:, 1 + i : 1 + i + rows, 1 + j : 1 + j + columns])
    return np.stack(found)


# 14.4 Update


def update(payload: bytes, model: Model) -> Tensors:
    """The weights and biases that an update changes."""
    require(len(payload) >= 1, "9.1", "no method")
    method, t = payload[0], model.tensors
    require(method == 1, "14.4", "unknown method")
    names = [f"passes.{p}.heads.{c}" for p in range(3) for c in range(3)]
    scales = [t[f"{name}.update.scales"] for name in names]
    joined = np.concatenate([part.ravel() for part in scales])
    step, levels = subspace_body(payload[1:], joined, model.below[4 : 41 * 8 : 8])
    changed: Tensors = {}
    for name, part in zip(names, scales, strict=True):
        own, levels = levels[: part.size].reshape(part.shape), levels[part.size :]
        product = t[f"{name}.update.inner"] @ own @ t[f"{name}.update.outer"]
        scaled = rescale(product, 14) * MANTISSAS[step % 4]
        shift = 13 + step // 4
        weight, bias = t[f"{name}.leave.weight"], t[f"{name}.leave.bias"]
        weight = weight + rescale(scaled[:-1].T, shift)[:, :, None, None]
        bias = bias + rescale(scaled[-1], shift - 8)
        exact(weight, bias, t[f"{name}.leave.format"])
        changed |= {f"{name}.leave.weight": weight, f"{name}.leave.bias": bias}
    return changed


# 14.6 Bitstreams of other codecs

OTHER_CODECS = {
    b"VP8L": ("webp", 3),
    b"VP8A": ("webp", 4),
    b"JXL ": ("jxl", 3),
    b"JXLA": ("jxl", 4),
}


def of_other_codec(
    file: File, standards: Mapping[str, Callable[[bytes], NDArray[np.uint8]]]
) -> NDArray[np.uint8]:
    """Pixels, uint8 [h w 3] or [h w 4]; `standards` keep an opacity."""
    require(file.half == 201, "14.6", "another quality")
    require(not {UPDATE, PRIOR} & set(file.chunks), "14.6", "an update without networks")
    content = file.chunks[CONTENT]
    name, channels = OTHER_CODECS[file.model]
    if name == "webp":
        size = len(content).to_bytes(4, "little")
        chunk = b"VP8L" + size + content + bytes(len(content) % 2)
        content = b"RIFF" + (4 + len(chunk)).to_bytes(4, "little") + b"WEBP" + chunk
    pixels = standards[name](content)
    require(pixels.shape == (file.height, file.width, channels), "14.6", "another size")
    require(channels == 3 or ALPHA not in file.chunks, "14.6", "two opacities")
    return pixels
