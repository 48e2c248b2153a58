"""What an encode returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, Self

OnProgress = Callable[[str, float], None]
"""Called with a stage of the work and the fraction of it that is done, 0 to 1."""


@dataclass(frozen=True)
class Report:
    """What an encode gave; all figures from the real file and its decoded 8-bit pixels."""

    bpp: float
    psnr_db: float
    base_psnr_db: float
    """Of the same content with the base filter."""
    update_bytes: int
    seconds: float
    quality: float
    """As the file stores it: chosen by the search where a target was given."""
    note: str = ""
    """What went otherwise than asked for, in one line, if anything."""

    def noting(self, note: str) -> Self:
        """The same with one more note; none if it is empty."""
        return replace(self, note="; ".join(filter(None, (self.note, note))))


@dataclass(frozen=True, kw_only=True)
class EnhanceReport(Report):
    """What a standard file gained; `note` says so if that is nothing."""

    plain_bytes: int
    plain_psnr_db: float
    """Of what every viewer shows."""


@dataclass(frozen=True)
class TracePoint:
    """One step of a search.

    Attributes:
        stage: the search.
        cost: of what the step found, in bits: rate and weighted distortion, up to a constant of
            the stage.
    """

    stage: str
    cost: float


class Outcome(Protocol):
    """A file and its figures, in whatever they come."""

    @property
    def data(self) -> bytes:
        """The file."""

    @property
    def report(self) -> Report:
        """The figures."""


class Assessed(Outcome, Protocol):
    """A file whose picture can be held against its original."""

    def figure(self, metric: str) -> float | None:
        """By the name of a metric, measured when it is asked for; None: too small a picture."""


@dataclass(frozen=True)
class EncodeResult:
    """The file, the figures, and how the searches went."""

    data: bytes
    report: Report
    trace: tuple[TracePoint, ...] = ()

    def noting(self, note: str) -> EncodeResult:
        """The same with one more note; none if it is empty."""
        return replace(self, report=self.report.noting(note))


@dataclass(frozen=True)
class SharedResult:
    """A set of pictures that share a weight update.

    Attributes:
        pictures: file and figures of each, in order.  The update file is not part of the figures;
            seconds are an equal part of what the whole set took.
        update: the update file (.nnu), which decoders need; empty if no common update pays.
        sharing: how many of the pictures use it; the others have updates of their own, or none.
    """

    pictures: tuple[EncodeResult, ...]
    update: bytes
    sharing: int
