"""What a stopped run has left: which outputs are done, and which are made again.

An output that is older than its input, empty, cut short, or made with other settings is replaced.
But only what this program has surely written: on decoding, an older `photo.png` beside `photo.nni`
may be the original.  No list of what was done is kept; outputs say it themselves.

    files of this codec   mode, quality, networks, kinds of metadata, whether there is an update
    enhanced files        quality and networks; both in `checks`
    PNG                   the file that they were decoded from, by a hash in a chunk of their own,
                          in `mark`

Effort, the way to an update and a region of interest leave no sure trace there: `recipes` notes
them where the file system can; elsewhere `--force` makes such files again.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path

from codec.batch import recipes


class Made(Enum):
    """What an output that exists is."""

    AS_ASKED = auto()
    """By this program, whole, and with the same settings as far as it tells."""
    OTHERWISE = auto()
    """By this program, but cut short or with other settings."""
    UNKNOWN = auto()
    """Perhaps by this program."""
    ELSEWHERE = auto()
    """Not by this program."""


Check = Callable[[bytes, str], Made]
"""(what an output holds, name of its input) -> what it is."""


class Left(Enum):
    """What is to be done about an output."""

    DONE = auto()
    REPLACE = auto()
    AS_EVER = auto()
    """It is new, or one that only `--force` may replace."""


def left(target: str, source: str, check: Check, recipe: bytes = b"") -> Left:
    """What a stopped run has left of an output.

    Args:
        target: name of the output.
        source: name of its input.
        check: says what the output is.
        recipe: how it is to be made, see `recipes`; empty for outputs that are not signed.
    """
    try:
        state = os.stat(target)
        if not stat.S_ISREG(state.st_mode) or os.path.samefile(target, source):
            return Left.AS_EVER
        if not state.st_size:
            return Left.REPLACE
        newer = state.st_mtime_ns >= os.stat(source).st_mtime_ns
        data = Path(target).read_bytes()
        signed = recipes.signed(target, data) if recipe else None
        if signed is None:
            made = check(data, source)
        else:
            made = Made.AS_ASKED if signed == recipe else Made.OTHERWISE
    except OSError:
        return Left.AS_EVER
    if made == Made.OTHERWISE or (made == Made.AS_ASKED and not newer):
        return Left.REPLACE
    return Left.DONE if newer and made != Made.ELSEWHERE else Left.AS_EVER


def unknown(_data: bytes, _source: str) -> Made:
    """The check of outputs that tell nothing."""
    return Made.UNKNOWN
