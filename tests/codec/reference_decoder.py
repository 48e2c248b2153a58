"""A second decoder, in plain int64 numpy, laid out as FORMAT.md sections 8 to 11 are.

It shares with the real one only the entropy coders (`bitstream`), so that a slip in either, or in
the specification that it follows, shows as a difference in pixels.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from bitstream import CdfTables, Container, SymbolReader, Tag, TensorLayout, unpack_update

Integers = NDArray[np.int64]
PHASE_SLOTS = {4: [[(0, 0)], [(1, 1)], [(0, 1)], [(1, 0)]], 2: [[(0, 0), (1, 1)], [(0, 1), (1, 0)]]}


def rounded(x: Integers, shift: int) -> Integers:
    return (x + (1 << (shift - 1))) >> shift


def shuffle(x: Integers, n: int) -> Integers:
    """[c n n, h, w] -> [c, n h, n w]"""
    c, h, w = len(x) // n**2, *x.shape[1:]
    return x.reshape(c, n, n, h, w).transpose(0, 3, 1, 4, 2).reshape(c, n * h, n * w)


def unshuffle(x: Integers, n: int) -> Integers:
    """[c, n h, n w] -> [c n n, h, w]"""
    c, h, w = len(x), x.shape[1] // n, x.shape[2] // n
    return x.reshape(c, h, n, w, n).transpose(0, 2, 4, 1, 3).reshape(c * n * n, h, w)


class ReferenceDecoder:
    def __init__(self, model_file: Path) -> None:
        with safe_open(model_file, "numpy") as file:
            self.base = {name: file.get_tensor(name) for name in file.keys()}
            architecture = json.loads(file.metadata()["architecture"])
        self.groups = architecture["groups"]
        self.hidden = architecture["context_hidden"]
        sizes = self.base["tables.sizes"]
        frequencies = self.base["tables.frequencies"].astype(np.int64)
        self.tables = CdfTables(tuple(np.split(frequencies, np.cumsum(sizes)[:-1])))

    def decode(self, data: bytes) -> NDArray[np.uint8]:
        container = Container.unpack(data)
        header = container.header
        self.t = {
            name: value.astype(np.int64) if value.dtype.kind == "i" else value
            for name, value in self.base.items()
        }
        self.quality = header.quality - 100
        self.step, self.step_reciprocal, self.log2_step = self.t["levels"][header.quality]
        if Tag.UPDATE in container.chunks:
            self.apply_update(container.chunks[Tag.UPDATE])
        self.rows, self.columns = -(-header.height // 16), -(-header.width // 16)
        values = self.scan(SymbolReader(container.chunks[Tag.CONTENT], self.tables))
        picture = self.postfilter(self.synthesis(values))
        pixels = np.clip(((picture + 8) >> 4) + 128, 0, 255).astype(np.uint8)
        return pixels[:, : header.height, : header.width].transpose(1, 2, 0)

    def conv(
        self, name: str, x: Integers, *, stride: int = 1, pad: bool = True, activate: bool = False
    ) -> Integers:
        weight, bias = self.t[f"{name}.weight"], self.t[f"{name}.bias"]
        shift, limit = (int(n) for n in self.t[f"{name}.format"])
        size = weight.shape[2]
        x = np.clip(x, -limit, limit)
        if pad:
            x = np.pad(x, ((0, 0), (size // 2,) * 2, (size // 2,) * 2))
        windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (1, 2))
        windows = windows[:, ::stride, ::stride]
        total = np.tensordot(weight, windows, ((1, 2, 3), (0, 3, 4)))
        out = rounded(total + bias[:, None, None], shift)
        return np.where(out < 0, rounded(out, 3), out) if activate else out

    def add_quality(self, name: str, x: Integers) -> Integers:
        return x + rounded(self.t[f"{name}.vector"] * self.quality, 12)[:, None, None]

    # Section 8

    def normalized(self, values: Integers, start: int) -> Integers:
        reciprocal = self.t["context.features.reciprocal"][start : start + len(values)]
        return np.clip(rounded(values * reciprocal[:, None, None], 14), -4096, 4096)

    def features(self, values: Integers, start: int) -> Integers:
        steps = np.minimum(rounded(np.abs(values) * self.step_reciprocal, 24), 4095)
        magnitude = self.t["context.features.log2_table"][steps]
        return np.concatenate([self.normalized(values, start), magnitude])

    def scan(self, reader: SymbolReader) -> Integers:
        height, width = self.rows + self.rows % 2, self.columns + self.columns % 2
        inside = np.zeros((height, width), bool)
        inside[: self.rows, : self.columns] = True
        values = np.zeros((sum(self.groups), height, width), np.int64)
        start = 0
        for group, size in enumerate(self.groups):
            name, stop = f"context.groups.{group}", start + size
            own = np.zeros((self.hidden, height, width), np.int64)
            below = np.zeros_like(own)
            if group:
                seen = self.features(values[:start], 0)
                below = self.conv(f"{name}.embed_below", seen, activate=True)
                below = self.conv(f"{name}.mix_below", below, activate=True)
            for phases in PHASE_SLOTS[4 if group < 2 else 2]:
                predicted = [self.predict(name, own, below, phase, start) for phase in phases]
                masks = [
                    np.broadcast_to(inside[di::2, dj::2], (size, height // 2, width // 2))
                    for di, dj in phases
                ]
                mean, index, mask = (
                    np.stack(part)
                    for part in ([p[0] for p in predicted], [p[1] for p in predicted], masks)
                )
                symbols = reader.code(np.zeros(mask.sum(), np.int32), index[mask])
                got = np.zeros_like(mean)
                got[mask] = mean[mask] + symbols.astype(np.int64) * self.step
                for (di, dj), part in zip(phases, got, strict=True):
                    values[start:stop, di::2, dj::2] = part
                    seen = self.features(part, start)
                    own[:, di::2, dj::2] = self.conv(f"{name}.embed_own", seen, activate=True)
            start = stop
        return values

    def predict(
        self, name: str, own: Integers, below: Integers, phase: tuple[int, int], start: int
    ) -> tuple[Integers, Integers]:
        di, dj = phase
        padded = np.pad(own, ((0, 0), (1, 1), (1, 1)))[:, di:, dj:]
        h = self.conv(f"{name}.mix_own", padded, stride=2, pad=False, activate=True)
        h = self.add_quality(f"{name}.quality", h + below[:, di::2, dj::2])
        raw = self.conv(f"{name}.leave", self.conv(f"{name}.fuse", h, activate=True))
        raw_mean, raw_scale = np.split(raw, 2)
        place = slice(start, start + len(raw_mean))
        deviation = self.t["context.prediction.deviation"][place, None, None]
        offset = self.t["context.prediction.log2_deviation"][place, None, None] - self.log2_step
        index = np.clip(rounded(raw_scale + offset, 6), 0, len(self.t["tables.sizes"]) - 1)
        return rounded(raw_mean * deviation, 10), index

    # Section 10

    def synthesis(self, values: Integers) -> Integers:
        def residual(name: str, x: Integers) -> Integers:
            h = self.conv(f"{name}.expand", x, activate=True)
            return x + self.conv(f"{name}.reduce", h)

        flat = np.clip(values, -(2**20), 2**20)
        linear = rounded(np.tensordot(self.t["synthesis.linear.basis"], flat, 1), 16)
        h = self.conv("synthesis.enter", self.normalized(values, 0))
        h = residual("synthesis.stage_16", self.add_quality("synthesis.quality", h))
        for size in (8, 4, 2):
            h = shuffle(self.conv(f"synthesis.up_{size}", h), 2)
            h = residual(f"synthesis.stage_{size}", h)
        return shuffle(linear, 16) + shuffle(self.conv("synthesis.leave", h), 2)

    def postfilter(self, picture: Integers) -> Integers:
        halves = unshuffle(picture, 2)
        h = self.conv("postfilter.enter", halves, activate=True)
        h = self.add_quality("postfilter.quality", h)
        h = self.conv("postfilter.middle", h, activate=True)
        return shuffle(halves + self.conv("postfilter.leave", h), 2)

    def apply_update(self, data: bytes) -> None:
        names = [
            f"postfilter.{layer}.{part}"
            for layer in ("enter", "middle", "leave")
            for part in ("weight", "bias")
        ]
        layout = []
        for name in names:
            rows = len(self.t[name]) if name.endswith("weight") else 1
            layout.append(TensorLayout(rows, self.t[name].size // rows, int(rows == 1)))
        payload = unpack_update(data, layout)
        for name, levels in zip(names, payload.levels, strict=True):
            kernel_shift, bias_shift = payload.step_shifts
            shift = kernel_shift if name.endswith("weight") else bias_shift + 8
            change = levels.astype(np.int64) << shift
            self.t[name] = self.t[name] + change.reshape(self.t[name].shape)
