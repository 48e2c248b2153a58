"""What came of a file: one dataclass for each outcome; `str` is the line for people."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from codec.contract.report import EncodeResult
    from codec.picture.metrics import Figures


@dataclass(frozen=True)
class Encoded:
    """A picture became a file; figures and note as in `codec.Report`."""

    input: str
    output: str
    bytes: int
    update_bytes: int
    bpp: float
    psnr_db: float
    seconds: float
    quality: float
    note: str = ""

    @classmethod
    def of(cls, result: EncodeResult, source: str, target: str) -> Self:
        """What is said of a result, and where it came from and went."""
        report = result.report
        return cls(
            source,
            target,
            len(result.data),
            report.update_bytes,
            report.bpp,
            report.psnr_db,
            report.seconds,
            report.quality,
            report.note,
        )

    def __str__(self) -> str:
        figures = (
            f"{self.input} -> {self.output}",
            f"{self.bytes:,} B",
            f"{self.bpp:.3f} bpp",
            f"{self.psnr_db:.2f} dB" if math.isfinite(self.psnr_db) else "lossless",
            f"{self.seconds:.1f} s",
            self.note,
        )
        return "  ".join(filter(None, figures))


@dataclass(frozen=True)
class Shared:
    """The update file of a set of pictures; if it does not pay, it is not written and has no bytes.

    Attributes:
        output: its name.
        bytes: its length.
        sharing: how many pictures use it.
        pictures: how many there are.
    """

    output: str
    bytes: int
    sharing: int
    pictures: int

    def __str__(self) -> str:
        if not self.bytes:
            return f"{self.output} is not written: no common update pays, each picture has its own"
        return f"{self.output}  {self.bytes:,} B  for {self.sharing} of {self.pictures} pictures"


@dataclass(frozen=True)
class Enhanced:
    """A standard file carries an update now; figures and note as in `codec.contract.report`."""

    input: str
    output: str
    bytes: int
    plain_bytes: int
    update_bytes: int
    bpp: float
    psnr_db: float
    plain_psnr_db: float
    seconds: float
    note: str = ""

    def __str__(self) -> str:
        figures = (
            f"{self.input} -> {self.output}",
            f"{self.plain_bytes:,} + {self.bytes - self.plain_bytes:,} B",
            f"{self.plain_psnr_db:.2f} -> {self.psnr_db:.2f} dB",
            f"{self.seconds:.1f} s",
            self.note,
        )
        return "  ".join(filter(None, figures))


@dataclass(frozen=True)
class Stripped:
    """A standard file without what it carried."""

    input: str
    output: str
    bytes: int
    plain_bytes: int

    def __str__(self) -> str:
        return f"{self.input} -> {self.output}  {self.bytes:,} -> {self.plain_bytes:,} B"


@dataclass(frozen=True)
class Decoded:
    """A file became a picture; `warning` says why without its update, if so.

    `note` says what the format of the picture does not hold.
    """

    input: str
    output: str
    width: int
    height: int
    warning: str = ""
    note: str = ""

    def __str__(self) -> str:
        size = f"{self.input} -> {self.output}  {self.width} x {self.height}"
        return "  ".join(filter(None, (size, self.note)))


@dataclass(frozen=True)
class Verified:
    """A file decodes; figures are against the picture to compare with, if there is one."""

    input: str
    width: int
    height: int
    figures: Figures

    def __str__(self) -> str:
        from codec.picture.metrics import texts

        found = f"{self.input}: ok", f"{self.width} x {self.height}", *texts(self.figures)
        return "  ".join(found)


@dataclass(frozen=True)
class Skipped:
    """The output was there already, and newer than the input."""

    input: str
    output: str
    skipped: bool = True

    def __str__(self) -> str:
        return f"{self.input} -> {self.output}  is done already"


@dataclass(frozen=True)
class Failed:
    """There is no output; `error` is one line that names the file it is about."""

    input: str
    error: str

    def __str__(self) -> str:
        return self.error


Result = Encoded | Enhanced | Stripped | Decoded | Verified | Skipped | Failed


def facts(result: Any) -> dict[str, Any]:
    """A dataclass of results for machines; what metrics measured stands among the other facts."""
    found = asdict(result)
    figures: dict[str, Any] = found.pop("figures", {})
    return found | figures
