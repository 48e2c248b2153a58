"""Effort levels 0 to 9: how long the encoder searches."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """One level.

    Attributes:
        update: whether the post-filter is adapted.
        thorough: whether that tries several quantiser steps.
        rounds: how often the latents are refined for the filter and the filter fitted again.
        latent_steps: gradient steps of each refinement.
        rdoq_steps: steps of rate-distortion optimised quantisation after them.
    """

    update: bool
    thorough: bool = False
    rounds: int = 0
    latent_steps: int = 0
    rdoq_steps: int = 0


EFFORTS = (
    Effort(update=False),
    Effort(update=True),
    Effort(update=True, thorough=True),
    Effort(update=True, thorough=True, rounds=1, rdoq_steps=6),
    Effort(update=True, thorough=True, rounds=1, latent_steps=10, rdoq_steps=5),
    Effort(update=True, thorough=True, rounds=1, latent_steps=20, rdoq_steps=10),
    Effort(update=True, thorough=True, rounds=1, latent_steps=20, rdoq_steps=30),
    Effort(update=True, thorough=True, rounds=2, latent_steps=20, rdoq_steps=30),
    Effort(update=True, thorough=True, rounds=3, latent_steps=20, rdoq_steps=40),
    Effort(update=True, thorough=True, rounds=4, latent_steps=20, rdoq_steps=80),
)


def effort_at(level: int) -> Effort:
    """Effort of a level 0..9."""
    return EFFORTS[level]
