"""The integers of a network, as model files and weight updates have them; needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FRACTION_BITS = 8
"""Fractional bits of activations and pictures in integer networks: the format Q4.8."""
PARAMETER_BITS = 11
"""Fractional bits of the weights that an update may change."""
BASIS_BITS = 14
"""Fractional bits of the inverse KLT."""
VALUE_LIMIT = 2**20
"""Latent values are clamped to +-VALUE_LIMIT before the inverse KLT."""
OUTPUT_BITS = 24
"""Outputs of a layer stay below 2^OUTPUT_BITS: FORMAT.md, section 10.2."""


SCALE_LIMIT = 2**53
"""Bound of gain * output + offset: FORMAT.md, section 8.4."""

Arrays = Mapping[str, NDArray[Any]]
"""The tensors of a model file by name."""


class BoundError(ValueError):
    """A network whose sums can't be proven exact."""


@dataclass(frozen=True, eq=False)
class IntegerLayer:
    """The numbers of a convolution.

    Attributes:
        weight: int16 [outputs inputs k k].
        bias: int32 [outputs], in units of the accumulator.
        shift: fractional bits of the weights.
        limit: inputs are clamped to +-limit (a power of two), which the bound rests on.
    """

    weight: NDArray[np.integer]
    bias: NDArray[np.integer]
    shift: int
    limit: int

    @classmethod
    def of_arrays(cls, arrays: Arrays, name: str) -> IntegerLayer:
        """The layer of that name in a model file."""
        shift, limit = arrays[f"{name}.format"].tolist()
        return cls(arrays[f"{name}.weight"], arrays[f"{name}.bias"], shift, limit)

    def plus(self, weight: NDArray[np.int64], bias: NDArray[np.int64]) -> IntegerLayer:
        """The layer with integers added to its parameters.

        Raises:
            BoundError: a sum does not fit the parameter's type, or outputs may leave the exact
                range of FORMAT.md, section 10.2.
        """
        kernel, offset = _added(self.weight, weight), _added(self.bias, bias)
        sums = np.abs(kernel.astype(np.int64)).reshape(len(kernel), -1).sum(1)
        extra = int(np.abs(offset.astype(np.int64)).max()) + 2**self.shift
        if int(sums.max()) * self.limit + extra >= 2 ** (OUTPUT_BITS + self.shift):
            raise BoundError("outputs exceed float32")
        return IntegerLayer(kernel, offset, self.shift, self.limit)


class FilterLayers(NamedTuple):
    """The layers of a post-filter that an update may change."""

    enter: IntegerLayer
    middle: IntegerLayer
    leave: IntegerLayer

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> FilterLayers:
        """Those of a model file."""
        return cls(*(IntegerLayer.of_arrays(arrays, f"postfilter.{name}") for name in cls._fields))


Changes = dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]
"""What an update adds to kernel and bias of the layers of a post-filter, by their names."""
HeadLayers = dict[str, IntegerLayer]
"""The last layers of the heads of the lossless networks, by the names of the heads."""


class Scales(NamedTuple):
    """How the logarithm of a latent's scale follows from what the networks say, by channel.

    Attributes:
        gain: int64 [c], PARAMETER_BITS fractional bits.
        offset: int64 [c], PARAMETER_BITS + FRACTION_BITS fractional bits.
    """

    gain: NDArray[np.int64]
    offset: NDArray[np.int64]

    @classmethod
    def plain(cls, channels: int) -> Scales:
        """Those of a model as it is."""
        return cls(np.full(channels, 2**PARAMETER_BITS), np.zeros(channels, np.int64))

    def plus(self, gain: NDArray[np.int64], offset: NDArray[np.int64]) -> Scales:
        """The same with integers added.

        Raises:
            BoundError: scales may leave the exact range of FORMAT.md, section 8.4.
        """
        scales = Scales(self.gain + gain, self.offset + offset)
        largest = [max(abs(int(part.min())), abs(int(part.max()))) for part in scales]
        if 2**OUTPUT_BITS * largest[0] + largest[1] >= SCALE_LIMIT:
            raise BoundError("scales exceed float64")
        return scales


def _added(base: NDArray[np.integer], change: NDArray[np.int64]) -> NDArray[np.integer]:
    total = base.astype(np.int64) + change
    if np.abs(total).max() > np.iinfo(base.dtype).max:
        raise BoundError(f"a changed parameter does not fit {base.dtype}")
    return total.astype(base.dtype)
