"""The scan of the latents as a program of the kernel, run step by step (FORMAT.md, section 8)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.contract.quality import IntegerLevel
from codec.decoding.engines.objects import Job, Program
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

Instructions = tuple[int, int]
"""The first, and the one after the last."""


@dataclass(frozen=True)
class GroupSteps:
    """What is run for a group of channels.

    Attributes:
        start: channels before the group.
        stop: the same and those of the group.
        once: run one after the other on all rows, before the group's first step.
        predict: run for each phase of a step, before its symbols are coded.
        settle: run for each phase of a step, after.
    """

    start: int
    stop: int
    once: tuple[Instructions, ...]
    predict: Instructions
    settle: Instructions


class ScanProgram:
    """The networks of the context model.

    Args:
        level: name of an instruction set.
        arrays: of the model file.
        groups: channels of each group.
        tables: number of probability tables.
    """

    def __init__(self, level: str, arrays: Arrays, groups: Sequence[int], tables: int) -> None:
        self._arrays = arrays
        self.channels = sum(groups)
        hidden = len(arrays["context.groups.0.mix_own.weight"])
        self._hidden, self._count, self._tables = hidden, len(groups), tables
        build = Builder(level)
        self.latents = build.register(64, self.channels, external=True)
        self._own = build.register(16, hidden, pad=1)
        self._below = build.register(32, hidden)
        self._embedded = build.register(16, hidden, pad=1)
        self._join = build.register(16, hidden, finer=-1)
        self._fused = build.register(16, hidden, finer=-1)
        # Of the constants: quality vectors, then what belongs to channels, then to the level.
        self._reciprocal = len(groups) * hidden
        self._scales = self._reciprocal + self.channels
        self._level = self._scales + 4 * self.channels
        bounds = np.cumsum([0, *groups]).tolist()
        self.groups = {
            start: self._group(build, number, start, stop)
            for number, (start, stop) in enumerate(itertools.pairwise(bounds))
        }
        """The steps of each group, by its first channel."""
        self.program: Program = build.program()

    def _group(self, build: Builder, number: int, start: int, stop: int) -> GroupSteps:
        def layer(name: str) -> IntegerLayer:
            return IntegerLayer.of_arrays(self._arrays, f"context.groups.{number}.{name}")

        count, once = stop - start, []
        mix, fuse, leave = layer("mix_own"), layer("fuse"), layer("leave")
        first = build.place
        build.other(CLEAR, narrow=[(self._own, 0, 1)])
        if start:
            embed_below, mix_below = layer("embed_below"), layer("mix_below")
            seen = self._features(build, 0, start, embed_below.limit)
            narrow = [(self._embedded, 0, mix_below.limit)]
            build.conv(embed_below, seen, narrow=narrow, activate=True)
            once.append((first, build.place))
            first = build.place
            build.conv(mix_below, self._embedded, wide=self._below, activate=True)
        once.append((first, build.place))
        raw = build.register(32, 2 * count, finer=-1)
        first = build.place
        build.conv(
            mix,
            self._own,
            narrow=[(self._join, 0, fuse.limit)],
            plus=self._below if start else -1,
            bias=number * self._hidden,
            flags=SOURCE_PHASE | PLUS_PHASE,
            stride=2,
            activate=True,
        )
        build.conv(fuse, self._join, narrow=[(self._fused, 0, leave.limit)], activate=True)
        build.conv(leave, self._fused, wide=raw)
        parameters = [start, count, self._scales, self._tables]
        build.other(PREDICT, raw, parameters=parameters)
        predict = (first, build.place)
        first = build.place
        build.other(
            SETTLE,
            wide=self.latents,
            flags=TARGET_PHASE,
            parameters=[start, count, self._level + 1],
        )
        embed = layer("embed_own")
        seen = self._features(build, start, count, embed.limit, finer=-1)
        narrow = [(self._own, 0, mix.limit)]
        build.conv(embed, seen, narrow=narrow, flags=TARGET_PHASE, activate=True)
        return GroupSteps(start, stop, tuple(once), predict, (first, build.place))

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
    ) -> Job:
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
        of_level = [level.step_reciprocal, level.step]
        parts = [*vectors, t["context.features.reciprocal"], of_channels, of_level]
        constants = np.concatenate(parts).astype(np.int64)
        logs = np.ascontiguousarray(t["context.features.log2_table"], np.int16)
        arrays = {self.latents: latents}
        return Job(self.program, latents.shape[:2], kept, arrays, constants, logs)
