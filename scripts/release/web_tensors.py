"""The tensors of a model file for web pages, and what describes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from codec.contract.quality import HALVES, IntegerLevel
from codec.decoding.engines.objects import Layer, Program
from codec.models.subspace import Subspace

UNIT = 4096
"""A quality at which a quality vector counts as itself."""
Description = dict[str, object]


class File:
    """Collects the tensors of one file, each under the name of its content."""

    def __init__(self) -> None:
        self.tensors: dict[str, NDArray] = {}

    def put(self, array: NDArray) -> str:
        """The name of a tensor, in the smallest type that holds it; the same for equal ones."""
        kinds = (np.int16, np.int32)
        smallest = next(k for k in kinds if (array == array.astype(k)).all())
        kept = np.ascontiguousarray(array, smallest)
        for name, before in self.tensors.items():
            same = before.dtype == kept.dtype and before.shape == kept.shape
            if same and np.array_equal(before, kept):
                return name
        name = str(len(self.tensors))
        self.tensors[name] = kept
        return name

    def program(self, program: Program) -> Description:
        """Registers, instructions and layers."""
        return {
            "registers": program.registers.tolist(),
            "instructions": program.instructions.tolist(),
            "layers": [self.layer(layer) for layer in program.layers],
        }

    def layer(self, layer: Layer) -> Description:
        """What the kernel makes it of."""
        return {
            "shape": [getattr(layer.shape, name) for name, *_ in layer.shape._fields_],
            "weights": self.put(layer.numbers[0]),
            "bias": self.put(layer.numbers[1]),
        }

    def space(self, space: Subspace) -> Description:
        """Bases and scales of an update; the page takes the inner one apart by its rows."""
        return {
            "inner": self.put(space.inner),
            "outer": self.put(space.outer),
            "scales": self.put(space.scales),
        }

    def constants(
        self, of: Callable[[IntegerLevel], NDArray[np.int64]], levels: Sequence[IntegerLevel]
    ) -> Description:
        """The constants of a job as a function of the quality.

        That is a sum: of a base, of a vector times the quality (FORMAT.md, section 8.1), and, where
        the step of the quality counts, of one of a few rows with a number for each quality.
        """

        def at(quality: int, half: int) -> NDArray[np.int64]:
            return of(IntegerLevel(quality, *_step(levels[half])))

        base = at(0, 0)
        moves = np.stack([at(0, half) - base for half in range(HALVES + 1)], 1)
        rows, row = np.unique(moves, axis=0, return_inverse=True)
        return {
            "base": self.put(base),
            "vector": self.put(at(UNIT, 0) - base),
            "rows": self.put(rows),
            "row": self.put(row.ravel()),
        }


def _step(level: IntegerLevel) -> tuple[int, int, int]:
    return level.step, level.step_reciprocal, level.log2_step
