"""Finds the quality whose file keeps a limit and comes closest to it.

It knows nothing of how a picture is encoded, only what came out.  Quick encodes locate the quality,
then full ones near it settle it, because a longer search moves both rate and distortion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from codec.contract.report import Assessed
from codec.contract.targets import Limit
from codec.encoding.deadline import Deadline
from codec.errors import OptionError

BISECT_EVERY = 3
"""Interpolation finds a smooth crossing at once; each third step halves the bracket regardless."""


C = TypeVar("C", bound=Assessed)
Attempt = Callable[[int, bool, Deadline], C]
"""Quality in halves, whether a quick encode will do, when to be done -> what came out."""


def reach(
    limit: Limit,
    halves: Sequence[int],
    attempt: Attempt[C],
    deadline: Deadline,
    *,
    quick_only: bool,
) -> tuple[C, str]:
    """The candidate that keeps a limit most closely, and why it is no closer, if it is not close.

    Args:
        limit: what to keep.
        halves: the qualities there are, rising.
        attempt: encodes.
        deadline: when to settle for any candidate that keeps the limit.
        quick_only: whether quick encodes are all that is wanted.

    Raises:
        OptionError: no quality keeps the limit.
    """
    # Along the grid a limit is kept at first and broken at last.
    grid = halves if limit.SLOPE > 0 else halves[::-1]
    slope = abs(limit.SLOPE * (grid[1] - grid[0]))

    def point(at: int, *, quick: bool, until: Deadline) -> Tried[C]:
        candidate = attempt(grid[at], quick, until)
        return Tried(at, limit.excess(candidate), candidate)

    found: Crossing[C] = Crossing(len(grid) - 1, slope, limit.SLACK)
    while not found.settled and not (found.inside and deadline.passed):
        found.add(point(found.next(), quick=True, until=deadline))
    if quick_only or (found.inside and deadline.passed):
        return _outcome(found, limit)

    quick, found = found, Crossing(len(grid) - 1, slope, limit.SLACK)
    at = quick.inside.at if quick.inside else 0
    while True:
        # Half of the time that is left for each: the first matter most, and more may be needed.
        found.add(point(at, quick=False, until=deadline.first_of(2)))
        kept = found.inside or quick.inside
        if found.settled or (kept and deadline.passed):
            break
        at = found.next()
    return _outcome(found if found.inside or not kept else quick, limit)


@dataclass(frozen=True)
class Tried(Generic[C]):
    """A candidate, its place on the grid, and by how much it breaks the limit."""

    at: int
    excess: float
    candidate: C


@dataclass
class Crossing(Generic[C]):
    """Where a rising curve crosses zero, between a point inside the limit and one outside.

    Attributes:
        last: the grid goes from 0 to here.
        slope: of the curve from place to place, about.
        slack: a point inside that is so close to zero is close enough.
        inside: the last point known that keeps the limit.
        outside: the first one known that does not.
        turns: how many points were sought.
    """

    last: int
    slope: float
    slack: float
    inside: Tried[C] | None = None
    outside: Tried[C] | None = None
    turns: int = 0

    def add(self, point: Tried[C]) -> None:
        """Narrows the bracket."""
        if point.excess <= 0:
            if self.inside is None or point.at > self.inside.at:
                self.inside = point
        elif self.outside is None or point.at < self.outside.at:
            self.outside = point

    @property
    def close(self) -> bool:
        """Whether a point is inside and close enough."""
        return self.inside is not None and self.inside.excess >= -self.slack

    @property
    def settled(self) -> bool:
        """Whether another point can make no difference."""
        if self.inside is None:
            return self.outside is not None and self.outside.at == 0
        if self.close or self.inside.at == self.last:
            return True
        return self.outside is not None and self.outside.at <= self.inside.at + 1

    def next(self) -> int:
        """The place to look at next."""
        inside, outside, stride = self.inside, self.outside, 2**self.turns
        self.turns += 1
        if inside is None:
            if outside is None:
                return self.last // 2
            return int(max(outside.at - max(stride, outside.excess / self.slope + 1), 0))
        if outside is None:
            return int(min(inside.at + max(stride, -inside.excess / self.slope), self.last))
        share = 0.5
        if self.turns % BISECT_EVERY and inside.excess > float("-inf"):
            share = inside.excess / (inside.excess - outside.excess)
        place = inside.at + int(share * (outside.at - inside.at))
        return min(max(place, inside.at + 1), outside.at - 1)


def _outcome(found: Crossing[C], limit: Limit) -> tuple[C, str]:
    inside, outside = found.inside, found.outside
    if inside is None:
        gives = f": {_figures(outside, limit)}" if outside else ""
        raise OptionError(f"{limit} cannot be reached{gives}")
    reached = f"{limit.measured(inside.candidate)} for {limit}"
    if found.close:
        remark = ""
    elif inside.at == found.last:
        quality = inside.candidate.report.quality
        remark = f"{reached}: quality {quality:g} is the end of the scale"
    elif found.settled and outside:
        remark = f"{reached}: the next {_figures(outside, limit, ',')}"
    else:
        remark = f"{reached}: the time limit ended the search"
    return inside.candidate, remark


def _figures(tried: Tried[C], limit: Limit, comma: str = "") -> str:
    """What a quality gives, in words."""
    quality = f"{tried.candidate.report.quality:g}"
    return f"quality{comma} {quality}{comma} gives {limit.measured(tried.candidate)}"
