"""The synthesis as a program of the kernel (FORMAT.md, section 10.1)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.decoding.engines.objects import KernelJob, Program
from codec.decoding.engines.programs import (
    ADD,
    DIGITS,
    FEATURES,
    HALF,
    Builder,
    blocks_last,
    outputs_last,
    quality_bias,
)
from codec.networks.integers import Arrays, IntegerLayer

VALUE_LIMIT = 2**20
"""Latents are clamped to +-VALUE_LIMIT before the inverse KLT, whose sums are divided by ..."""
KLT_SHIFT = 16
"""... 2^KLT_SHIFT; they are proven to stay below ..."""
KLT_BITS = 30
HALVES = 8
"""Positions at half resolution in a row of a block."""
FINER = 3
STAGES = ("16", "8", "4", "2")
BLOCK = ("enter", "middle", "leave")


class SynthesisProgram:
    """Latents -> the picture before the post-filter.

    Args:
        level: name of an instruction set.
        arrays: of the model file.
        blocks: bottleneck blocks at 1/16, 1/8, 1/4 and 1/2 of the resolution.
    """

    def __init__(self, level: str, arrays: Arrays, blocks: tuple[int, ...]) -> None:
        build = Builder(level)
        basis = arrays["synthesis.linear.basis"]
        channels = basis.shape[1]
        self.source = build.register(64, channels, external=True)
        self.target = build.register(32, HALF, finer=FINER, external=True)
        digits = build.register(16, 2 * (channels + channels % 2))
        build.other(DIGITS, self.source, narrow=[(digits, 0, 1)], parameters=[VALUE_LIMIT])
        zero = np.zeros(len(basis), np.int32)
        klt = IntegerLayer(blocks_last(basis)[:, :, None, None], zero, KLT_SHIFT, VALUE_LIMIT)
        build.conv(klt, digits, wide=self.target, shuffle=HALVES, bits=KLT_BITS)
        self._reciprocal = arrays["context.features.reciprocal"].astype(np.int64)
        self._vector = arrays["synthesis.quality.vector"]
        self._network(build, arrays, channels, blocks)
        self.program: Program = build.program()

    def _network(
        self, build: Builder, arrays: Arrays, channels: int, blocks: tuple[int, ...]
    ) -> None:
        def layer(name: str) -> IntegerLayer:
            return IntegerLayer.of_arrays(arrays, f"synthesis.{name}")

        enter = layer("enter")
        before = build.register(16, channels)
        build.other(
            FEATURES,
            self.source,
            narrow=[(before, 0, enter.limit)],
            parameters=[0, channels, len(self._vector)],
        )
        for finer, stage in enumerate(STAGES):
            expand, reduce = layer(f"stage_{stage}.expand"), layer(f"stage_{stage}.reduce")
            width = len(reduce.weight)
            seen = build.register(16, width, finer=finer, pad=1)
            hidden = build.register(16, len(expand.weight), finer=finer, pad=1)
            wide = build.register(32, width, finer=finer)
            narrow = [(seen, 0, expand.limit)]
            if finer:
                up = outputs_last(layer(f"up_{stage}"))
                build.conv(up, before, narrow=narrow, wide=wide, shuffle=2)
            else:
                build.conv(enter, before, narrow=narrow, wide=wide, bias=0)
            build.conv(expand, seen, narrow=[(hidden, 0, reduce.limit)], activate=True)
            deeper = [
                tuple(layer(f"deeper_{stage}.{number}.{part}") for part in BLOCK)
                for number in range(blocks[finer])
            ]
            then = layer("leave" if finer == FINER else f"up_{STAGES[finer + 1]}")
            limits = [*(block[0].limit for block in deeper), then.limit]
            build.conv(reduce, hidden, narrow=[(seen, 0, limits[0])], wide=wide, flags=ADD)
            for (into, middle, leave), limit in zip(deeper, limits[1:], strict=True):
                half = len(into.weight)
                entered = build.register(16, half, finer=finer, pad=1)
                mixed = build.register(16, half, finer=finer)
                build.conv(into, seen, narrow=[(entered, 0, middle.limit)], activate=True)
                build.conv(middle, entered, narrow=[(mixed, 0, leave.limit)], activate=True)
                build.conv(leave, mixed, narrow=[(seen, 0, limit)], wide=wide, flags=ADD)
            before = seen
        build.conv(outputs_last(layer("leave")), before, wide=self.target, flags=ADD)

    def blank(self, latents: NDArray[np.int64]) -> NDArray[np.int32]:
        """An array for the picture of latents [h w c]."""
        rows, columns, _ = latents.shape
        return np.empty((HALVES * rows, HALVES * columns, HALF), np.int32)

    def job(
        self, latents: NDArray[np.int64], quality: int, unfiltered: NDArray[np.int32]
    ) -> KernelJob:
        """The work of making a picture [8h 8w 12] of latents [h w c]."""
        constants = np.concatenate([quality_bias(self._vector, quality), self._reciprocal])
        arrays: dict[int, NDArray[Any]] = {self.source: latents, self.target: unfiltered}
        base = latents.shape[:2]
        return KernelJob(self.program, base, base, arrays, constants)
