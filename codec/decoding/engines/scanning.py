"""The scan of the latents as a program of the kernel, run step by step (FORMAT.md, section 8)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codec.contract.quality import IntegerLevel
from codec.decoding.engines.objects import KernelJob, Program
from codec.decoding.engines.programs import (
    CLEAR,
    FEATURES,
    PLUS_PHASE,
    PREDICT,
    SETTLE,
    SOURCE_PHASE,
    TARGET_PHASE,
    Builder,
    quality_bias,
)
from codec.networks.integers import Arrays, IntegerLayer, Scales
from codec.networks.order import Slices

Instructions = tuple[int, int]
"""The first, and the one after the last."""
OUTPUTS = 4
"""Of the networks for each latent: mean, logarithms of scale and step, shape."""
SHAPES = 4
"""Of distributions; each has a table for every scale."""
STEP_BITS = 14
"""Fractional bits of a step in units of the quality's."""


@dataclass(frozen=True)
class SliceSteps:
    """What is run for a slice of channels.

    Attributes:
        start: channels before it.
        stop: the same and its own.
        predict: run for each phase of a pair, before the symbols of the slot are coded.
        settle: run for each phase, after.
    """

    start: int
    stop: int
    predict: Instructions
    settle: Instructions


@dataclass(frozen=True)
class GroupSteps:
    """What is run for a group of channels.

    Attributes:
        once: run one after the other on all rows, before anything else.
        enter: run for each phase of a pair, before its first slice.
        slices: of the group.
        leave: run for each phase of the first pair, after its last slice.
    """

    once: tuple[Instructions, ...]
    enter: Instructions
    slices: tuple[SliceSteps, ...]
    leave: Instructions


class ScanProgram:
    """The networks of the context model.

    Args:
        level: name of an instruction set.
        arrays: of the model file.
        slices: channels of each group, in the parts that are coded one after the other.
        tables: number of probability tables.
    """

    def __init__(self, level: str, arrays: Arrays, slices: Slices, tables: int) -> None:
        self._arrays = arrays
        self.channels = sum(map(sum, slices))
        hidden = len(arrays["context.groups.0.mix_own.weight"])
        self._hidden, self._count, self._scales_of_shape = hidden, len(slices), tables // SHAPES
        build = Builder(level)
        self.latents = build.register(64, self.channels, external=True)
        self._own = build.register(16, hidden, pad=1)
        self._below = build.register(32, hidden)
        self._embedded = build.register(16, hidden, pad=1)
        # What the slices of a phase start from, and the same as the first of them takes it.
        self._around = build.register(32, hidden)
        self._first = build.register(16, hidden)
        self._seen = build.register(16, hidden, finer=-1)
        self._told = build.register(16, hidden, finer=-1)
        self._fused = build.register(16, hidden, finer=-1)
        # Of the constants: quality vectors, then what belongs to channels, then to the level.
        self._reciprocal = len(slices) * hidden
        self._scales = self._reciprocal + self.channels
        self._level = self._scales + 4 * self.channels
        starts = itertools.accumulate(map(sum, slices), initial=0)
        self.groups = [
            self._group(build, number, start, sizes)
            for number, (start, sizes) in enumerate(zip(starts, slices, strict=False))
        ]
        self.program: Program = build.program()

    def _layer(self, number: int, name: str) -> IntegerLayer:
        return IntegerLayer.of_arrays(self._arrays, f"context.groups.{number}.{name}")

    def _group(self, build: Builder, number: int, start: int, sizes: tuple[int, ...]) -> GroupSteps:
        once = []
        mix, fuse = self._layer(number, "mix_own"), self._layer(number, "fuse")
        first = build.place
        build.other(CLEAR, narrow=[(self._own, 0, 1)])
        if start:
            embed_below = self._layer(number, "embed_below")
            mix_below = self._layer(number, "mix_below")
            seen = self._features(build, 0, start, embed_below.limit)
            narrow = [(self._embedded, 0, mix_below.limit)]
            build.conv(embed_below, seen, narrow=narrow, activate=True)
            once.append((first, build.place))
            first = build.place
            build.conv(mix_below, self._embedded, wide=self._below, activate=True)
        once.append((first, build.place))
        first = build.place
        build.conv(
            mix,
            self._own,
            wide=self._around,
            narrow=[(self._first, 0, fuse.limit)],
            plus=self._below if start else -1,
            bias=number * self._hidden,
            flags=SOURCE_PHASE | PLUS_PHASE | TARGET_PHASE,
            stride=2,
            activate=True,
        )
        enter = (first, build.place)
        bounds = list(itertools.accumulate(sizes, initial=start))
        slices = tuple(
            self._slice(build, number, index, start, bounds[index : index + 2])
            for index in range(len(sizes))
        )
        first = build.place
        embed = self._layer(number, "embed_own")
        seen = self._features(build, start, sum(sizes), embed.limit, finer=-1)
        narrow = [(self._own, 0, mix.limit)]
        build.conv(embed, seen, narrow=narrow, flags=TARGET_PHASE, activate=True)
        return GroupSteps(tuple(once), enter, slices, (first, build.place))

    def _slice(
        self, build: Builder, number: int, index: int, group: int, bounds: list[int]
    ) -> SliceSteps:
        """A slice, given its number, the first channel of its group, and its own bounds."""
        start, stop = bounds
        dot, count = f"slices.{index}.", stop - start
        fuse, leave = self._layer(number, "fuse"), self._layer(number, f"{dot}leave")
        narrow = [(self._fused, 0, leave.limit)]
        first = build.place
        if start > group:
            embed, join = self._layer(number, f"{dot}embed"), self._layer(number, f"{dot}join")
            seen = self._features(build, group, start - group, embed.limit, finer=-1)
            build.conv(embed, seen, narrow=[(self._seen, 0, join.limit)], activate=True)
            told = [(self._told, 0, fuse.limit)]
            build.conv(join, self._seen, plus=self._around, narrow=told, flags=PLUS_PHASE)
            build.conv(fuse, self._told, narrow=narrow, activate=True)
        else:
            flags = SOURCE_PHASE
            build.conv(fuse, self._first, narrow=narrow, flags=flags, stride=2, activate=True)
        raw = build.register(32, OUTPUTS * count, finer=-1)
        build.conv(leave, self._fused, wide=raw)
        parameters = [start, count, self._scales, self._scales_of_shape, self._level + 1]
        build.other(PREDICT, raw, parameters=parameters)
        predict = (first, build.place)
        build.other(SETTLE, wide=self.latents, flags=TARGET_PHASE, parameters=[start, count])
        return SliceSteps(start, stop, predict, (predict[1], build.place))

    def _features(
        self, build: Builder, first: int, count: int, limit: int, *, finer: int = 0
    ) -> int:
        seen = build.register(16, 2 * count, finer=finer)
        build.other(
            FEATURES,
            self.latents,
            narrow=[(seen, 0, limit), (seen, count, limit)],
            flags=SOURCE_PHASE if finer else 0,
            parameters=[first, count, self._reciprocal, self._level],
        )
        return seen

    def job(
        self,
        latents: NDArray[np.int64],
        kept: tuple[int, int],
        level: IntegerLevel,
        scales: Scales,
    ) -> KernelJob:
        """The work on latents [h w c], h and w even.

        Args:
            latents: they are filled.
            kept: columns and rows that have symbols.
            level: the quality.
            scales: of the model, or changed.
        """
        t = self._arrays
        marginal = t["context.prediction.log2_deviation"].astype(np.int64) - level.log2_step
        deviation = t["context.prediction.deviation"]
        vectors = [
            quality_bias(t[f"context.groups.{number}.quality.vector"], level.quality)
            for number in range(self._count)
        ]
        of_channels = np.stack([deviation, marginal, *scales], 1).ravel()
        steps = t["context.prediction.steps"].astype(np.int64) * level.step
        of_level = [level.step_reciprocal, *((steps + 2 ** (STEP_BITS - 1)) >> STEP_BITS)]
        seen = t["context.features.reciprocal"]
        parts: list[ArrayLike] = [*vectors, seen, of_channels, of_level]
        constants = np.concatenate(parts).astype(np.int64)
        logs = np.ascontiguousarray(t["context.features.log2_table"], np.int16)
        arrays = {self.latents: latents}
        return KernelJob(self.program, latents.shape[:2], kept, arrays, constants, logs)
