"""How weights are packed: a value that is complete and valid, or an error in one line."""

from __future__ import annotations

import math
from dataclasses import dataclass

from codec.errors import OptionError


@dataclass(frozen=True)
class PackOptions:
    """Everything that a caller may choose.

    Attributes:
        step: distance of the quantiser's points, in units of the root mean square of all values
            that are quantised. The error is that of a uniform quantiser with this distance.
        spread: how a tensor's own root mean square bears on its step. 0: not at all, which gives
            the least squared error for a size; 1: in proportion, so that all tensors have the
            same relative error; in between, the geometric mean. The released synthesis network
            kept its pictures closer with 0 than with 0.5, in 7 % fewer bytes.
        vector_divisor: how much finer the steps of tensors with fewer than two dimensions are:
            biases and norms are few, and reach every output.
        prune: fraction of the values in tensors of two or more dimensions that become 0, the
            smallest of each tensor.
        rank: rank of the products that replace matrices where that costs less; 0 tries none.
        fold: fold batch norms into the convolutions before them (`codec.packing.folding`).

    Raises:
        OptionError: one of them is out of its range.
    """

    step: float = 0.1
    spread: float = 0.0
    vector_divisor: float = 8.0
    prune: float = 0.0
    rank: int = 0
    fold: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.step) and 2**-24 <= self.step <= 2**24):
            raise OptionError("the step must be between 2**-24 and 2**24")
        if not 0 <= self.spread <= 1:
            raise OptionError("the spread must be between 0 and 1")
        if not 1 <= self.vector_divisor <= 2**10:
            raise OptionError("the divisor of vectors must be between 1 and 1024")
        if not 0 <= self.prune < 1:
            raise OptionError("the fraction to prune must be at least 0 and below 1")
        if self.rank < 0:
            raise OptionError("the rank must not be negative")
