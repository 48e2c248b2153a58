"""Networks as programs of the kernel: which layers run on what, in which order.

Latents are [row column channel]; pictures between synthesis and post-filter are [row column 12] at
half resolution, each position with its 2x2 pixels in the order row, column, colour.  That order is
the kernel's; model files have the colour first, so weights are put in order here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from codec.decoding.engines.objects import Layer, Program
from codec.networks.integers import IntegerLayer

COLOURS, HALF = 3, 12
"""Channels of a picture, and at half resolution."""
BLOCK_HALVES = 8
"""Rows and columns of half resolution of a latent."""
QUALITY_SHIFT = 12
(
    CONV,
    MAP,
    PIXELS,
    FEATURES,
    DIGITS,
    PREDICT,
    SETTLE,
    CLEAR,
    EDGES,
    PREDICT_PIXELS,
    SETTLE_PIXELS,
) = range(11)
ADD, SOURCE_PHASE, PLUS_PHASE, TARGET_PHASE = 1, 2, 4, 8

Narrow = tuple[int, int, int]
"""A register of 16 bits, the first channel in it, and the clamp."""


def colours_last(array: NDArray[np.integer], axis: int) -> NDArray[np.integer]:
    """Puts an axis of channels colour, row, column of 2x2 pixels in the kernel's order."""
    shape = array.shape
    split = array.reshape(*shape[:axis], -1, 2, 2, *shape[axis + 1 :])
    return np.moveaxis(split, axis, axis + 2).reshape(shape)


def blocks_last(array: NDArray[np.integer]) -> NDArray[np.integer]:
    """The same of 16x16 blocks, axis 0: to row, column of half resolution, row, column, colour."""
    split = array.reshape(COLOURS, BLOCK_HALVES, 2, BLOCK_HALVES, 2, -1)
    return split.transpose(1, 3, 2, 4, 0, 5).reshape(array.shape)


def quality_bias(vector: NDArray[np.integer], quality: int) -> NDArray[np.int64]:
    """What a quality vector adds at a quality of -100..100."""
    return (vector.astype(np.int64) * quality + (1 << (QUALITY_SHIFT - 1))) >> QUALITY_SHIFT


def outputs_last(layer: IntegerLayer) -> IntegerLayer:
    """Puts outputs in the order that the kernel shuffles: row, column, channel."""
    weight, bias = (colours_last(array, 0) for array in (layer.weight, layer.bias))
    return replace(layer, weight=weight, bias=bias)


def inputs_last(layer: IntegerLayer, first: int = 0) -> IntegerLayer:
    """Puts a picture at half resolution, the inputs from `first` on, in the kernel's order."""
    ordered = colours_last(layer.weight[:, first:], 1)
    return replace(layer, weight=np.concatenate([layer.weight[:, :first], ordered], 1))


class Builder:
    """Collects registers, layers and instructions."""

    def __init__(self, level: str) -> None:
        self._level = level
        self._registers: list[tuple[int, int, int, int, int]] = []
        self._instructions: list[list[int]] = []
        self._layers: list[Layer] = []

    def register(
        self, bits: int, channels: int, *, finer: int = 0, pad: int = 0, external: bool = False
    ) -> int:
        """A new register; its grid is 2^finer times as fine as the base grid."""
        self._registers.append((bits, finer, channels, pad, int(external)))
        return len(self._registers) - 1

    @property
    def place(self) -> int:
        """Number of the next instruction."""
        return len(self._instructions)

    def conv(
        self,
        layer: IntegerLayer,
        source: int,
        *,
        narrow: Sequence[Narrow] = (),
        wide: int = -1,
        plus: int = -1,
        bias: int = -1,
        shuffle: int = 1,
        bound: int = 0,
        flags: int = 0,
        stride: int = 1,
        activate: bool = False,
        bits: int = 24,
    ) -> None:
        """A layer and the instruction that runs it; see `nnc_instruction`."""
        self._layers.append(
            Layer(
                self._level,
                layer.weight,
                layer.bias,
                shift=layer.shift,
                limit=layer.limit,
                stride=stride,
                activate=activate,
                bits=bits,
            )
        )
        self._append(
            CONV,
            len(self._layers) - 1,
            source,
            flags=flags,
            shuffle=shuffle,
            bound=bound,
            bias=bias,
            plus=plus,
            wide=wide,
            narrow=narrow,
        )

    def map(
        self,
        source: int,
        channels: int,
        *,
        first: int = 0,
        beside: tuple[int, int] = (0, 0),
        shifts: tuple[int, int] = (0, 0),
        loud: bool = False,
        bias: int = -1,
        minus: int = -1,
        wide: int = -1,
        narrow: Narrow | None = None,
    ) -> None:
        """Differences, logarithms, clamps and copies; see MAP in `kernel/execute.c`."""
        self._append(
            MAP,
            -1,
            source,
            bias=bias,
            plus=minus,
            wide=wide,
            narrow=[narrow] if narrow else [],
            parameters=[first, channels, *beside, *shifts, int(loud)],
        )

    def other(
        self,
        operation: int,
        source: int = -1,
        *,
        wide: int = -1,
        narrow: Sequence[Narrow] = (),
        flags: int = 0,
        parameters: Sequence[int] = (),
    ) -> None:
        """Any other instruction."""
        self._append(
            operation, -1, source, flags=flags, wide=wide, narrow=narrow, parameters=parameters
        )

    def _append(
        self,
        operation: int,
        layer: int,
        source: int,
        *,
        flags: int = 0,
        shuffle: int = 1,
        bound: int = 0,
        bias: int = -1,
        plus: int = -1,
        wide: int = -1,
        narrow: Sequence[Narrow] = (),
        parameters: Sequence[int] = (),
    ) -> None:
        targets = [*narrow, (-1, 0, 1), (-1, 0, 1)][:2]
        numbers = [*parameters, *[0] * 8][:8]
        fields = [operation, layer, source, flags, shuffle, bound, bias, plus, wide]
        self._instructions.append([*fields, *targets[0], *targets[1], *numbers])

    def program(self) -> Program:
        """All of it."""
        registers, instructions = (
            np.array(rows, np.int32) for rows in (self._registers, self._instructions)
        )
        return Program(registers, instructions, self._layers)
