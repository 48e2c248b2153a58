"""Effort levels 0 to 9: how long the encoder searches."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """One level.

    Attributes:
        latent_steps: gradient steps of refining the latents.
        filter_steps: gradient steps of overfitting the post-filter; 0 sends no update.
    """

    latent_steps: int
    filter_steps: int


EFFORTS = (
    Effort(0, 0),
    Effort(0, 50),
    Effort(0, 150),
    Effort(5, 150),
    Effort(10, 150),
    Effort(20, 150),
    Effort(40, 250),
    Effort(80, 500),
    Effort(160, 1000),
    Effort(320, 2000),
)


def effort_at(level: int) -> Effort:
    """Effort of a level 0..9."""
    return EFFORTS[level]
