"""Effort levels 0 to 9: how long the encoder searches."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """One level.

    Attributes:
        filter_steps: gradient steps of overfitting the post-filter; 0 sends no update.
    """

    filter_steps: int


EFFORTS = tuple(Effort(steps) for steps in (0, 25, 50, 75, 100, 150, 250, 500, 1000, 2000))


def effort_at(level: int) -> Effort:
    """Effort of a level 0..9."""
    return EFFORTS[level]
