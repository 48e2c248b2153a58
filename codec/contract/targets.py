"""What an encode may aim for instead of a quality.

Most targets are limits on what comes out: on the real file, all bytes counted, or on the decoded
8-bit pixels.  The *excess* of a result says by how much it breaks a limit, on a scale nearly linear
in the quality.  It is positive where the limit is broken, and below -SLACK where a result keeps
more distance than it should.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from codec.contract.quality import HALVES, quality_at
from codec.errors import OptionError

if TYPE_CHECKING:
    from codec.contract.report import Assessed

CLOSE_SHARE = 0.98
"""A file that fills this share of its ceiling is close enough."""
CLOSE_DB = 0.1
OCTAVES_PER_HALF = 0.025
DB_PER_HALF = 0.09
LACK_OCTAVES_PER_HALF = 0.02
"""By how much the size and the PSNR of a photograph grow per half a unit of quality, and what its
SSIMULACRA2 lacks to 100 falls, about (CID22 validation)."""
EQUAL_SSIMULACRA2 = 100


@dataclass(frozen=True)
class Lambda:
    """The trade itself: bits per pixel that are worth one mean squared error (pixel values)."""

    value: float

    def __post_init__(self) -> None:
        _check_positive("lambda", self.value)
        if not 0 <= self.half <= HALVES:
            raise OptionError(f"lambda {self.value:g} is beyond what qualities 0 to 100 mean")

    @property
    def half(self) -> int:
        """The quality that trades so, in halves."""
        return round(2 * quality_at(self.value))


@dataclass(frozen=True)
class MaxBytes:
    """A file of at most so many bytes."""

    value: int

    SLACK: ClassVar[float] = -math.log2(CLOSE_SHARE)
    SLOPE: ClassVar[float] = OCTAVES_PER_HALF

    def __post_init__(self) -> None:
        _check_positive("the target size", self.value)

    def __str__(self) -> str:
        return f"at most {self.value:,} bytes"

    def excess(self, result: Assessed) -> float:
        """In octaves; rises with the quality."""
        return math.log2(len(result.data) / self.value)

    def measured(self, result: Assessed) -> str:
        """What is limited, in words."""
        return f"{len(result.data):,} bytes"


@dataclass(frozen=True)
class MaxBpp:
    """A file of at most so many bits per pixel."""

    value: float

    SLACK: ClassVar[float] = MaxBytes.SLACK
    SLOPE: ClassVar[float] = MaxBytes.SLOPE

    def __post_init__(self) -> None:
        _check_positive("the target rate", self.value)

    def __str__(self) -> str:
        return f"at most {self.value:g} bpp"

    def excess(self, result: Assessed) -> float:
        """In octaves; rises with the quality."""
        return math.log2(result.report.bpp / self.value)

    def measured(self, result: Assessed) -> str:
        """What is limited, in words."""
        return f"{result.report.bpp:.4f} bpp"


@dataclass(frozen=True)
class MinPsnr:
    """Decoded pixels of at least so many decibels, over all three channels."""

    value: float

    SLACK: ClassVar[float] = CLOSE_DB
    SLOPE: ClassVar[float] = -DB_PER_HALF

    def __post_init__(self) -> None:
        _check_positive("the target PSNR", self.value)

    def __str__(self) -> str:
        return f"at least {self.value:g} dB"

    def excess(self, result: Assessed) -> float:
        """In dB; falls with the quality."""
        return self.value - result.report.psnr_db

    def measured(self, result: Assessed) -> str:
        """What is limited, in words."""
        return f"{result.report.psnr_db:.2f} dB"


@dataclass(frozen=True)
class MinSsimulacra2:
    """Decoded pixels of at least that SSIMULACRA 2.1: 90 cannot be told apart, 30 is low.

    Only this target measures it, once for each trial.  The limit is on what it lacks to 100, which
    falls by a like share per step of quality.
    """

    value: float

    SLACK: ClassVar[float] = MaxBytes.SLACK
    SLOPE: ClassVar[float] = -LACK_OCTAVES_PER_HALF

    def __post_init__(self) -> None:
        _check_positive("the target SSIMULACRA2", self.value)
        if self.value >= EQUAL_SSIMULACRA2:
            raise OptionError(f"SSIMULACRA2 {self.value:g} is no target: equal pictures have 100")

    def __str__(self) -> str:
        return f"at least SSIMULACRA2 {self.value:g}"

    def excess(self, result: Assessed) -> float:
        """In octaves; falls with the quality."""
        lack = EQUAL_SSIMULACRA2 - self._figure(result)
        return math.log2(lack / (EQUAL_SSIMULACRA2 - self.value)) if lack > 0 else -math.inf

    def measured(self, result: Assessed) -> str:
        """What is limited, in words."""
        return f"SSIMULACRA2 {self._figure(result):.2f}"

    def _figure(self, result: Assessed) -> float:
        figure = result.figure("ssimulacra2")
        if figure is None:
            raise OptionError("the picture is too small for SSIMULACRA2")
        return figure


Limit = MaxBytes | MaxBpp | MinPsnr | MinSsimulacra2
Target = Lambda | Limit


def _check_positive(name: str, value: float) -> None:
    if not (value > 0 and math.isfinite(value)):
        raise OptionError(f"{name} must be a positive number, not {value}")
