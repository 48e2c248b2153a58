"""The post-filter as a program of the kernel (FORMAT.md, section 10.3)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.decoding.engines.objects import KernelJob, Program
from codec.decoding.engines.programs import (
    ADD,
    HALF,
    PIXELS,
    Builder,
    inputs_last,
    outputs_last,
    quality_bias,
)
from codec.networks.integers import Arrays, FilterLayers, IntegerLayer


def in_kernel_order(layers: FilterLayers) -> FilterLayers:
    """The same layers with pictures among their inputs and outputs in the order of the kernel."""
    enter, middle, leave = layers
    hidden = leave.weight.shape[1] - HALF
    return FilterLayers(inputs_last(enter), middle, inputs_last(outputs_last(leave), hidden))


class FilterProgram:
    """A post-filter, perhaps with an update applied.

    Args:
        level: name of an instruction set.
        arrays: of the model file.
        widths: channels at 1/2, 1/4, ... of the resolution.
        blocks: residual blocks at 1/4, 1/8, ...
        layers: those that an update may change.

    Raises:
        ExactRangeError: sums can't be proven exact.
    """

    def __init__(
        self,
        level: str,
        arrays: Arrays,
        widths: tuple[int, ...],
        blocks: tuple[int, ...],
        layers: FilterLayers,
    ) -> None:
        self._build, self._arrays = Builder(level), arrays
        self._vectors: list[NDArray[np.integer]] = []
        build, width = self._build, widths[0]

        enter, middle, leave = in_kernel_order(layers)
        self.source = build.register(32, HALF, external=True)
        self.target = build.register(8, 3, finer=1, external=True)
        picture = build.register(16, HALF, pad=1)
        hidden = build.register(16, width, pad=1)
        joined = build.register(16, 2 * width + HALF, pad=1)
        result = build.register(32, HALF)
        build.map(self.source, HALF, narrow=(picture, 0, enter.limit))
        build.map(self.source, HALF, narrow=(joined, 2 * width, leave.limit))
        entered = [(hidden, 0, middle.limit), (joined, width, leave.limit)]
        bias = self._bias("postfilter.quality")
        if widths[1:]:
            below = "postfilter.coarser."
            seen = build.register(16, width, pad=1)
            wide = build.register(32, width)
            narrow = [(seen, 0, self._limit(f"{below}down"))]
            build.conv(enter, picture, narrow=narrow, wide=wide, bias=bias, activate=True)
            self._coarser(below, (seen, wide), entered, widths[1:], blocks, -1)
        else:
            build.conv(enter, picture, narrow=entered, bias=bias, activate=True)
        build.conv(middle, hidden, narrow=[(joined, 0, leave.limit)], activate=True)
        build.conv(leave, joined, wide=result, plus=self.source)
        build.other(PIXELS, result, wide=self.target)
        self.program: Program = build.program()

    def _limit(self, name: str) -> int:
        return int(self._arrays[f"{name}.format"][1])

    def _bias(self, name: str) -> int:
        """Where the constants of a quality vector begin."""
        offset = sum(len(vector) for vector in self._vectors)
        self._vectors.append(self._arrays[f"{name}.vector"])
        return offset

    def _coarser(
        self,
        name: str,
        above: tuple[int, int],
        narrow: list[tuple[int, int, int]],
        widths: tuple[int, ...],
        blocks: tuple[int, ...],
        finer: int,
    ) -> None:
        """A coarser level, added to `above` (16 and 32 bits), whose sum goes to `narrow`."""
        build, arrays, width = self._build, self._arrays, widths[0]
        seen, wide = (
            build.register(16, width, finer=finer, pad=1),
            build.register(32, width, finer=finer),
        )
        hidden = build.register(16, width, finer=finer, pad=1)
        bodies = [f"{name}body.{number}." for number in range(blocks[0])]
        after = [*(f"{body}expand" for body in bodies), f"{name}up"]
        first = f"{name}coarser.down" if widths[1:] else after[0]
        build.conv(
            IntegerLayer.of_arrays(arrays, f"{name}down"),
            above[0],
            narrow=[(seen, 0, self._limit(first))],
            wide=wide,
            bias=self._bias(f"{name}quality"),
            stride=2,
            activate=True,
        )
        if widths[1:]:
            sums = [(seen, 0, self._limit(after[0]))]
            self._coarser(f"{name}coarser.", (seen, wide), sums, widths[1:], blocks[1:], finer - 1)
        for body, then in zip(bodies, after[1:], strict=True):
            expand, reduce = (
                IntegerLayer.of_arrays(arrays, body + part) for part in ("expand", "reduce")
            )
            build.conv(expand, seen, narrow=[(hidden, 0, reduce.limit)], activate=True)
            sums = [(seen, 0, self._limit(then))]
            build.conv(reduce, hidden, narrow=sums, wide=wide, flags=ADD)
        up = outputs_last(IntegerLayer.of_arrays(arrays, f"{name}up"))
        build.conv(up, seen, narrow=narrow, wide=above[1], shuffle=2, flags=ADD)

    def job(
        self, unfiltered: NDArray[np.int32], quality: int, pixels: NDArray[np.uint8]
    ) -> KernelJob:
        """The work of filtering a picture [rows columns 12] into pixels [h w 3]."""
        constants = [quality_bias(vector, quality) for vector in self._vectors]
        height, width, _ = pixels.shape
        arrays: dict[int, NDArray[Any]] = {self.source: unfiltered, self.target: pixels}
        kept = (width, height)
        return KernelJob(
            self.program, unfiltered.shape[:2], kept, arrays, np.concatenate(constants)
        )
