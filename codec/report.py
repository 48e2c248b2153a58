"""What an encode returns."""

from __future__ import annotations

from dataclasses import dataclass


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
    remark: str = ""
    """Why the file is no closer to its target than it is, in one line; empty if it is close."""


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


@dataclass(frozen=True)
class EncodeResult:
    """The file, the figures, and how the searches went."""

    data: bytes
    report: Report
    trace: tuple[TracePoint, ...] = ()
