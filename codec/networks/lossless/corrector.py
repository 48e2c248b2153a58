"""The small networks that say what known errors mean for a pixel; see `correction`.

There is one for each pass, channel and step, since each knows other pixels.  All are exact integers
with FRACTION_BITS; their layers have the form of the others (FORMAT.md, section 14.7).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from codec.networks.integers import Arrays, BoundError, IntegerLayer
from codec.networks.lossless.shape import CHANNELS, PHASES

STEPS = 3
HIDDEN, OUTPUTS = 16, 3
"""Units, and what comes out: changes of the mean in widths, of the scale and of the odds."""
LIMIT = 2**12
"""Of all inputs, and of what comes out."""
SUM_LIMIT = 2**31
REACH = 2
"""Known errors come from 5x5 pixels."""
TOLD = 8
"""Inputs that are no single errors; see `correction.ChannelSteps.inputs`."""
LEAK_SHIFT = 3

Offset = tuple[int, int]
"""Rows and columns between two pixels of a grid."""
Case = tuple[int, int, int]
"""Pass, channel and step."""


def cases() -> Iterator[Case]:
    """All of them, in coding order."""
    return np.ndindex(len(PHASES), CHANNELS, STEPS)


@cache
def places(index: int, step: int) -> tuple[Offset, ...]:
    """Where a pixel's own channel is known around it when a step of a pass is coded."""
    earlier = {(0, 0), *PHASES[:index]}
    (row, column), found = PHASES[index], []
    for down, right in np.ndindex(2 * REACH + 1, 2 * REACH + 1):
        offset = down - REACH, right - REACH
        phase = (row + offset[0]) % 2, (column + offset[1]) % 2
        # Of the same phase, the second step knows the first, and the third one both.
        odd = offset[0] // 2 % 2 + offset[1] // 2 % 2
        if phase in earlier or (phase == PHASES[index] and odd == (0, 2, 1)[step] > 0):
            found.append(offset)
    return tuple(found)


def seen(case: Case) -> list[tuple[int, Offset]]:
    """The channel and the place of every single error that a case knows."""
    index, channel, step = case
    return [
        (before, offset)
        for before in range(channel + 1)
        for offset in (*places(index, step), *([(0, 0)] if before < channel else []))
    ]


def input_count(case: Case) -> int:
    """How many numbers go in."""
    return 2 * len(seen(case)) + TOLD


@dataclass(frozen=True, eq=False)
class Corrector:
    """The network of one case.

    Attributes:
        enter: inputs -> HIDDEN.
        leave: these and the inputs -> OUTPUTS.
    """

    enter: IntegerLayer
    leave: IntegerLayer

    @staticmethod
    def name(case: Case) -> str:
        """How tensors of its layers begin."""
        index, channel, step = case
        return f"passes.{index}.heads.{channel}.steps.{step}"

    @classmethod
    def of_arrays(cls, arrays: Arrays, case: Case) -> Corrector:
        """That of a model file.

        Raises:
            BoundError: its shape is another, or a sum may leave 32 bits.
        """
        name, count = cls.name(case), input_count(case)
        layers = [IntegerLayer.of_arrays(arrays, f"{name}.{part}") for part in ("enter", "leave")]
        shapes = (HIDDEN, count, 1, 1), (OUTPUTS, HIDDEN + count, 1, 1)
        for layer, shape in zip(layers, shapes, strict=True):
            if layer.weight.shape != shape or layer.limit != LIMIT:
                raise BoundError(f"{name} is of another shape")
            sums = LIMIT * np.abs(layer.weight.astype(np.int64)).sum((1, 2, 3))
            if (sums + np.abs(layer.bias.astype(np.int64))).max() + 2**layer.shift >= SUM_LIMIT:
                raise BoundError(f"sums of {name} exceed 32 bits")
        return cls(*layers)

    def __call__(self, inputs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Inputs [n k] -> outputs [n 3]."""
        hidden = _convolved(self.enter, inputs)
        hidden = np.where(hidden < 0, (hidden + (1 << (LEAK_SHIFT - 1))) >> LEAK_SHIFT, hidden)
        changes = _convolved(self.leave, np.concatenate([hidden, inputs], 1))
        return np.clip(changes, -LIMIT, LIMIT)


Correctors = dict[Case, Corrector]


def correctors_of(arrays: Arrays) -> Correctors:
    """All of a model file.  Raises BoundError, see `Corrector.of_arrays`."""
    return {case: Corrector.of_arrays(arrays, case) for case in cases()}


def _convolved(layer: IntegerLayer, inputs: NDArray[np.int64]) -> NDArray[np.int64]:
    # Doubles hold these sums, and multiply matrices faster.
    bounded = np.clip(inputs, -LIMIT, LIMIT).astype(np.float64)
    sums = bounded @ layer.weight[:, :, 0, 0].T.astype(np.float64) + layer.bias
    return (sums.astype(np.int64) + (1 << (layer.shift - 1))) >> layer.shift
