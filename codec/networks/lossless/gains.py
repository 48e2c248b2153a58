"""How much of each correction of lossless predictions is believed (FORMAT.md, section 14.7)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Gains:
    """Those of one step, in 1/64; `rest` in 1/256 octave.

    Attributes:
        rest: added to the scale.
        near: of the scale of errors nearby.
        seen: of the scale of each error of the channels before.
        across: of what follows from each error of the channels before.
        move: of what follows from the network's move.
        drift: of the mean error nearby.
    """

    rest: int
    near: int
    seen: int
    across: int
    move: int
    drift: int


AllGains = tuple[tuple[tuple[Gains, ...], ...], ...]
GAINS: AllGains = tuple(
    tuple(tuple(Gains(*numbers) for numbers in steps) for steps in channels)
    for channels in (
        (
            ((-9, 0, 0, 0, 1, 0), (-7, 9, 0, 0, 7, -7), (-27, 22, 0, 0, 15, 35)),
            ((-30, 0, 2, 15, -3, 0), (-12, 6, 1, 17, 1, -11), (-22, 22, 1, 25, 7, 27)),
            ((-55, 0, 2, 17, 9, 0), (-19, 7, 1, 23, 7, -7), (-18, 22, 0, 28, 8, 27)),
        ),
        (
            ((-14, 5, 0, 0, 4, -3), (-3, 8, 0, 0, 7, 1), (-13, 14, 0, 0, 11, -11)),
            ((-62, 6, 3, 21, 2, -3), (-36, 9, 3, 22, 7, 3), (-46, 17, 2, 24, 14, -7)),
            ((-77, 6, 2, 19, 7, -8), (-58, 13, 2, 24, 7, -3), (-65, 16, 2, 26, 9, -9)),
        ),
        (
            ((-13, 7, 0, 0, 12, 1), (-8, 9, 0, 0, 11, 4), (-13, 11, 0, 0, 16, -8)),
            ((-22, 6, 2, 29, 6, 4), (-22, 5, 2, 32, 8, 10), (-26, 12, 2, 33, 10, -11)),
            ((-30, 6, 1, 26, 14, 7), (-30, 5, 1, 28, 12, 14), (-23, 13, 1, 32, 18, -7)),
        ),
    )
)
"""By pass, channel and step; fitted to training pictures as `scripts/train/corrections.py` does."""
