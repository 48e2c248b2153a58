"""The definitions of FORMAT.md section 8.1 and what networks are built from, for `decoder`."""

from __future__ import annotations

import numpy as np

from .containers import File, Tensors
from .entropy_coders import Array


def rescale(a: Array, n: int) -> Array:
    return (a + 2 ** (n - 1)) >> n


def over_positions(vector: Array) -> Array:
    return vector[:, None, None]


def conv(t: Tensors, name: str, x: Array, stride: int = 1) -> Array:
    weight, bias, (shift, limit) = t[f"{name}.weight"], t[f"{name}.bias"], t[f"{name}.format"]
    k = weight.shape[2]
    _, rows, columns = x.shape
    margin = k // 2
    c = np.pad(np.clip(x, -limit, limit), ((0, 0), (margin, margin), (margin, margin)))
    total = np.zeros((len(weight), rows, columns), np.int64) + over_positions(bias)
    for u in range(k):
        for v in range(k):
            window = c[:, u : u + rows, v : v + columns]
            total += np.einsum("on,nij->oij", weight[:, :, u, v], window)
    return rescale(total, int(shift))[:, ::stride, ::stride]


def act(t: Tensors, name: str, x: Array, stride: int = 1) -> Array:
    out = conv(t, name, x, stride)
    return np.where(out >= 0, out, rescale(out, 3))


def quality_bias(t: Tensors, name: str, x: Array, file: File) -> Array:
    return x + over_positions(rescale(t[f"{name}.vector"] * (file.half - 100), 12))


def shuffle(x: Array, n: int) -> Array:
    channels, rows, columns = x.shape
    parts = x.reshape(channels // n**2, n, n, rows, columns)  # [c u v i j]
    return parts.transpose(0, 3, 1, 4, 2).reshape(-1, n * rows, n * columns)


def unshuffle(x: Array, n: int) -> Array:
    channels, rows, columns = x.shape
    parts = x.reshape(channels, rows // n, n, columns // n, n)  # [c i u j v]
    return parts.transpose(0, 2, 4, 1, 3).reshape(-1, rows // n, columns // n)


def residual(t: Tensors, name: str, x: Array) -> Array:
    return x + conv(t, f"{name}.reduce", act(t, f"{name}.expand", x))
