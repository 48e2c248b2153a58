"""The order in which latents are coded; needs no torch."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

Phase = tuple[int, int]
"""Positions (2i + di, 2j + dj)."""
Phases = tuple[tuple[Phase, ...], ...]
"""Positions (di, dj) of every 2x2, by step."""
FOUR_PHASES: Phases = (((0, 0),), ((1, 1),), ((0, 1),), ((1, 0),))
TWO_PHASES: Phases = (((0, 0), (1, 1)), ((0, 1), (1, 0)))


@dataclass(frozen=True)
class Slot:
    """One step of the scan: channels [start, stop) at positions (2i + di, 2j + dj)."""

    start: int
    stop: int
    phases: tuple[Phase, ...]


def phases_of(group: int) -> Phases:
    """The steps of a group: the coarse ones have few channels, and take more of them."""
    return FOUR_PHASES if group < 2 else TWO_PHASES


def slots(groups: tuple[int, ...]) -> Iterator[Slot]:
    """All steps, given the channels of each group."""
    bounds = itertools.pairwise([0, *itertools.accumulate(groups)])
    for number, (start, stop) in enumerate(bounds):
        for phases in phases_of(number):
            yield Slot(start, stop, phases)
