"""When searches must end.

A search asks for its *pace*: how far it is before each step.  Without a deadline that is the share
of the steps done; with one, the share of the time where that is more.  So a schedule that cools
down as the pace goes from 0 to 1 does so completely, however few steps the time allows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from codec.networks.patience import clock


@dataclass(frozen=True)
class Deadline:
    """A moment of `clock`."""

    at: float = math.inf

    @classmethod
    def after(cls, seconds: float | None) -> Deadline:
        """So many seconds from now; None for no deadline."""
        return NEVER if seconds is None else cls(clock() + seconds)

    def earlier(self, seconds: float) -> Deadline:
        """One that leaves time for what follows."""
        return Deadline(self.at - seconds)

    def first_of(self, parts: int) -> Deadline:
        """The first of so many equal parts of the time that is left."""
        left = self.left() if math.isfinite(self.at) else 0.0
        return self.earlier(left * (parts - 1) / parts)

    def left(self) -> float:
        """Seconds until then: negative afterwards."""
        return self.at - clock()

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return self.left() <= 0

    def pace(self, steps: int) -> Iterator[float]:
        """The fraction of a search that is done before each of its steps, from 0 to below 1.

        Ends before a step that would come too late if it took as long as those before it.

        Args:
            steps: how many there are at most.
        """
        start, available = clock(), self.left()
        for step in range(steps):
            spent = clock() - start
            if spent + spent / max(step, 1) >= available:
                return
            yield max(step / steps, spent / available)


NEVER = Deadline()
