"""What a packed weight file says about a tensor, as values; their bytes are in `archive`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitstream.coding.trellis import all_points
from bitstream.errors import InvalidField
from bitstream.tensors.dtypes import INTEGERS, Values, item_size
from bitstream.tensors.level_coder import Scan


@dataclass(frozen=True, eq=False)
class Levels:
    """Quantised values.

    Attributes:
        levels: int32 [n].
        scan: how they are coded.
        step: what a quantiser point counts in; a float32 whose lower 16 bits are 0.
    """

    levels: NDArray[np.int32]
    scan: Scan
    step: float

    def points(self) -> NDArray[np.int64]:
        """The quantiser points, int64 [n]; a value is its point times the step."""
        return all_points(self.levels, self.scan.lanes, self.scan.trellis)

    def values(self) -> NDArray[np.float64]:
        """float64 [n], exact: a point has at most 33 bits, a step 8."""
        return self.points() * np.float64(self.step)


@dataclass(frozen=True, eq=False)
class Product:
    """A matrix of low rank as the product of two.

    Attributes:
        rank: columns of `left`, rows of `right`.
        left, right: levels of the factors, in raster order.
    """

    rank: int
    left: Levels
    right: Levels

    def values(self) -> NDArray[np.float64]:
        """float64 [rows * columns].

        The sums are of integers, so that no machine's order of summation shows.

        Raises:
            InvalidField: a sum could leave 53 bits.
        """
        left = self.left.points().reshape(-1, self.rank)
        right = self.right.points().reshape(self.rank, -1)
        # Bounded in Python's integers, then exact in float64, which is the fast matrix product.
        largest = int(np.abs(left).max(initial=0)) * int(np.abs(right).max(initial=0))
        if largest * self.rank >= 1 << 53:
            raise InvalidField("the sums of a product of low rank could be too large")
        sums = left.astype(np.float64) @ right.astype(np.float64)
        return sums.ravel() * (self.left.step * self.right.step)


@dataclass(frozen=True)
class Raw:
    """Values as their bytes, in raster order, least significant byte first."""

    data: bytes


@dataclass(frozen=True)
class Zeros:
    """Values that are all 0; in a difference, no change."""


Coding = Zeros | Raw | Levels | Product


@dataclass(frozen=True, eq=False)
class PackedTensor:
    """A tensor of a packed weight file.

    Attributes:
        name: unique in the file.
        dtype: a name of `dtypes.DTYPES`.
        shape: its dimensions.
        coding: its values, or their difference to the base's.
        based: whether `coding` is a difference to the tensor of that name in the base.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    coding: Coding
    based: bool = False

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    def values(self) -> Values:
        """What the coding stands for, flat: int64 for a type of `dtypes.INTEGERS`, else float64.

        Raises:
            InvalidField: the values cannot be computed exactly, or are not whole.
        """
        if isinstance(self.coding, Levels | Product):
            values = self.coding.values()
        else:
            values = np.zeros(self.size)
        return values.astype(np.int64) if self.dtype in INTEGERS else values

    def raw_size(self) -> int:
        """Bytes of the unpacked tensor."""
        return self.size * item_size(self.dtype)
