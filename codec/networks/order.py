"""The order in which latents are coded; needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

Phase = tuple[int, int]
"""Positions (2i + di, 2j + dj)."""
PAIRS: tuple[tuple[Phase, ...], ...] = (((0, 0), (1, 1)), ((0, 1), (1, 0)))
"""A checkerboard: the positions that are coded together, first and then."""
Slices = tuple[tuple[int, ...], ...]
"""Channels of each group, in the parts that are coded one after the other."""


@dataclass(frozen=True)
class Slot:
    """One step of the scan: channels [start, stop) at the positions of some phases."""

    start: int
    stop: int
    phases: tuple[Phase, ...]
