"""Samples of 16 bits that stand for fewer: what they stand for, and back (FORMAT.md section 14.8).

Files have room for 8 or 16 bits a sample.  What has 10 or 12 is written as 16 in one of three ways,
and the bits that this adds say nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

EIGHT, SIXTEEN = 8, 16
TOP = 2**SIXTEEN - 1
TRIED = 4096
"""Samples that are looked at before all are."""

Deep = NDArray[np.uint16]


class Rule(IntEnum):
    """How a value becomes a sample of 16 bits."""

    SHIFTED = 0
    """Zeros follow."""
    REPEATED = 1
    """Its own bits follow, from the first."""
    NEAREST = 2
    """The nearest of 0..65535 for a part of the greatest value."""


@dataclass(frozen=True)
class Scaling:
    """What samples stand for.

    Attributes:
        depth: bits of a value, 8 to 16.
        rule: how it becomes a sample.
    """

    depth: int
    rule: Rule

    def samples(self, values: NDArray[np.integer]) -> Deep:
        """Values below 2**depth -> samples, any shape."""
        found: Deep = self._table()[values]
        return found

    def values(self, samples: Deep) -> Deep | None:
        """The inverse of `samples`; None if the samples are no such ones."""
        if not np.array_equal(self.samples(self._nearest(samples[:1])), samples[:1]):
            return None
        found = self._nearest(samples)
        return found if np.array_equal(self.samples(found), samples) else None

    def _nearest(self, samples: Deep) -> Deep:
        if self.rule is not Rule.NEAREST:
            return samples >> np.uint16(SIXTEEN - self.depth)
        every = (np.arange(TOP + 1) * (2**self.depth - 1) + TOP // 2) // TOP
        found: Deep = every.astype(np.uint16)[samples]
        return found

    def _table(self) -> Deep:
        """The sample of each value."""
        value, added = np.arange(2**self.depth), SIXTEEN - self.depth
        if self.rule is Rule.SHIFTED:
            every = value << added
        elif self.rule is Rule.REPEATED:
            every = value << added | value >> (self.depth - added)
        else:
            most = 2**self.depth - 1
            every = (2 * value * TOP + most) // (2 * most)
        return every.astype(np.uint16)


def found_in(samples: Deep) -> tuple[Scaling, Deep]:
    """The fewest bits that samples stand for, and their values in these."""
    few = samples.reshape(-1)[:TRIED]
    for depth in range(EIGHT, SIXTEEN):
        for rule in Rule:
            scaling = Scaling(depth, rule)
            if scaling.values(few) is not None and (values := scaling.values(samples)) is not None:
                return scaling, values
    return Scaling(SIXTEEN, Rule.SHIFTED), samples
