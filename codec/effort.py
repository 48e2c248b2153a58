"""Effort levels 0 to 9: how long the encoder searches."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """One level.

    Attributes:
        latent_steps: gradient steps of refining the latents.
        update: whether the post-filter is adapted.
        thorough: whether that tries several quantiser steps.
    """

    latent_steps: int
    update: bool
    thorough: bool = False


EFFORTS = (
    Effort(0, update=False),
    Effort(0, update=True),
    Effort(0, update=True, thorough=True),
    Effort(5, update=True, thorough=True),
    Effort(10, update=True, thorough=True),
    Effort(20, update=True, thorough=True),
    Effort(40, update=True, thorough=True),
    Effort(80, update=True, thorough=True),
    Effort(160, update=True, thorough=True),
    Effort(320, update=True, thorough=True),
)


def effort_at(level: int) -> Effort:
    """Effort of a level 0..9."""
    return EFFORTS[level]
