"""The linear space in which the change of the post-filter's last layer is coded.

The last layer sees n features (the 3x3 neighbourhoods of its inputs, and a constant) and has m
outputs.  Its change is

    inner [n r] . levels [r m] . outer [m m] * step

where `inner` first whitens the features (so that equal levels change the picture equally much) and
then turns to the principal axes of what images ask for; `outer` does that for the outputs.  In
these coordinates few levels matter, and the model knows which: `scales` holds how far each usually
moves, which is all the prior that the coder needs.  The space is learned from the solutions of many
images when a model is made (`scripts/train/subspaces.py`), a Karhunen-Loeve transform of
weight updates with the metric of Wiener filtering.

Everything here is integer arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitstream import InvalidField
from bitstream.limits import MAX_SUBSPACE_LEVEL
from bitstream.update.subspace import SubspacePayload
from codec.networks.integers import FRACTION_BITS, PARAMETER_BITS, Arrays

INNER_BITS, OUTER_BITS = 16, 14
"""Fractional bits of the two bases."""
STEPS_PER_OCTAVE = 4
STEP_BITS = 8
STEP_MANTISSAS = (256, 215, 181, 152)
"""round(256 * 2^(-k/4)): step `index` is mantissa[index % 4] / 256 * 2^-(index // 4)."""
SUM_LIMIT = 2**62
"""Bound of inner . levels . outer.  Without OUTER_BITS it leaves room for a mantissa in 64 bits."""


def step_size(index: int) -> float:
    """Quantiser step of an index: 1 down to 2^-15.75."""
    octaves = STEP_BITS + index // STEPS_PER_OCTAVE
    return STEP_MANTISSAS[index % STEPS_PER_OCTAVE] / float(2**octaves)


@dataclass(frozen=True, eq=False)
class Subspace:
    """The bases and the prior; they ship with the model.

    Attributes:
        inner: int64 [n r], INNER_BITS fractional bits.
        outer: int64 [m m], OUTER_BITS fractional bits; a row for each coordinate.
        scales: int16 [r m], log2 of each coordinate's logistic scale in quarter octaves.

    Raises:
        InvalidField: the sums of an update could leave the exact range.
    """

    inner: NDArray[np.int64]
    outer: NDArray[np.int64]
    scales: NDArray[np.int16]

    def __post_init__(self) -> None:
        # A level of a trellis counts two steps.
        largest = int(np.abs(self.outer).sum(0).max(initial=0)) * 2 * MAX_SUBSPACE_LEVEL
        if int(np.abs(self.inner).sum(1).max(initial=0)) * largest >= SUM_LIMIT:
            raise InvalidField("the bases of the update exceed the exact range")

    @classmethod
    def of_arrays(cls, arrays: Arrays, name: str = "update") -> Subspace:
        """From the tensors of a model file."""
        return cls(
            arrays[f"{name}.inner"].astype(np.int64),
            arrays[f"{name}.outer"].astype(np.int64),
            arrays[f"{name}.scales"].astype(np.int16),
        )

    def to_arrays(self, name: str = "update") -> dict[str, NDArray[np.integer]]:
        """Inverse of `of_arrays`."""
        return {
            f"{name}.inner": np.ascontiguousarray(self.inner, np.int32),
            f"{name}.outer": np.ascontiguousarray(self.outer, np.int16),
            f"{name}.scales": np.ascontiguousarray(self.scales),
        }

    @property
    def bases(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Inner and outer as real numbers."""
        return self.inner / 2**INNER_BITS, self.outer / 2**OUTER_BITS

    def change(
        self, payload: SubspacePayload, shape: tuple[int, ...]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Integers to add to the kernel, of that shape, and the bias of a layer: int64."""
        kernel, bias = self.moves(payload)
        return kernel[:-1].T.reshape(shape), bias[-1]

    def moves(self, payload: SubspacePayload) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The change of every feature's weights as that of a kernel, and as that of a bias.

        int64 [n m] each, in units of the last bit of the one and of the other.
        """
        levels = payload.levels.astype(np.int64)
        mantissa = STEP_MANTISSAS[payload.step % STEPS_PER_OCTAVE]
        octaves = payload.step // STEPS_PER_OCTAVE
        product = _rescale(self.inner @ (levels @ self.outer), OUTER_BITS) * mantissa
        excess = INNER_BITS + STEP_BITS + octaves - PARAMETER_BITS
        return _rescale(product, excess), _rescale(product, excess - FRACTION_BITS)


Subspaces = tuple[Subspace, ...]
"""One for each head of the lossless networks (`codec.models.heads`)."""


def _rescale(values: NDArray[np.int64], shift: int) -> NDArray[np.int64]:
    """floor((values + 2^(shift-1)) / 2^shift)."""
    return (values + (1 << (shift - 1))) >> shift
