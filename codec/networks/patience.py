"""How long the work at hand may take: asked between its pieces, wherever they are.

The limit belongs to the context (`contextvars`), so that neither networks nor coders, which an
encoder runs too, have to hand it on; threads and tasks have one each.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from bitstream import LimitExceeded

clock = time.monotonic
"""Seconds."""


@dataclass(frozen=True)
class Patience:
    """A moment of `clock`, and the seconds that led to it."""

    until: float
    seconds: float


_ENDLESS = Patience(math.inf, math.inf)
_patience: ContextVar[Patience] = ContextVar("patience", default=_ENDLESS)


@contextmanager
def limited(seconds: float | None) -> Iterator[None]:
    """Lets the block take so many seconds, None for any: then `check` refuses to go on."""
    patience = _ENDLESS if seconds is None else Patience(clock() + seconds, seconds)
    token = _patience.set(patience)
    try:
        yield
    finally:
        _patience.reset(token)


def check() -> None:
    """Refuses to go on when the time is over.

    Raises:
        LimitExceeded: it is.
    """
    patience = _patience.get()
    if clock() > patience.until:
        raise LimitExceeded(
            f"takes longer than {patience.seconds:g} seconds to decode; "
            "a larger --time-limit (time_limit) accepts it"
        )
