"""What is done with one file.  Jobs can be pickled, sent to other processes, and run again.

Names are relative to `folder`, so that a process elsewhere finds the same files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Protocol, Self

import numpy as np

import codec
from codec import files
from codec.batch.results import Decoded, Encoded, Enhanced, Failed, Result, Stripped, Verified
from codec.contract.modes import Lossless
from codec.contract.options import DecodeOptions, EncodeOptions
from codec.contract.report import EncodeResult
from codec.errors import FileError, ImageError, VerifyError, blaming
from codec.opening import StandardFile, open_standard
from codec.picture import formats
from codec.picture.pixels import psnr_db

OnProgress = Callable[[str, float], None]


class Job(Protocol):
    """One file to work on: a frozen dataclass."""

    source: str

    def run(self, on_progress: OnProgress) -> Result:
        """Does the work.  Raises FileError."""

    def repeated(self) -> Self:
        """The same job for another attempt, after one that may have written its output."""

    def anywhere(self, folder: str) -> Self:
        """The same job for a process whose current folder may not be `folder`."""


@dataclass(frozen=True, kw_only=True)
class FileJob:
    """What all jobs have.

    Attributes:
        source: name of the input, as the user gave it, or `files.STREAM`.
        folder: what `source` and `target` are relative to; empty for the current folder.
    """

    source: str
    folder: str = ""

    def repeated(self) -> Self:
        """See `Job`; what writes nothing can be repeated as it is."""
        return self

    def anywhere(self, folder: str) -> Self:
        """See `Job`."""
        return replace(self, folder=folder)

    def path(self, name: str) -> str:
        """Where a file is."""
        return name if name in ("", files.STREAM) else str(Path(self.folder, name))

    def read(self) -> bytes:
        """The input."""
        return files.read(self.path(self.source))


@dataclass(frozen=True, kw_only=True)
class WritingJob(FileJob):
    """A job with an output.

    Attributes:
        target: name of the output, or `files.STREAM`.
        force: whether to replace an output that exists.
    """

    target: str
    force: bool = False

    def repeated(self) -> Self:
        """See `Job`; the output is replaced."""
        return replace(self, force=True)

    def read_standard(self) -> StandardFile:
        """Reads the input, which must be a standard file; the output must be named like one."""
        with blaming(self.source):
            file = open_standard(self.read())
        with blaming(self.target):
            formats.check_name(self.target, file.carrier.NAME)
        return file

    def write(self, data: bytes) -> None:
        """Writes the output."""
        with (
            blaming(self.target),
            files.open_output(self.path(self.target), force=self.force) as file,
        ):
            file.write(data)


@dataclass(frozen=True, kw_only=True)
class EncodeJob(WritingJob):
    """A picture to a file.

    Attributes:
        report: name of a page to write on the encode; empty for none.
    """

    options: EncodeOptions
    report: str = ""

    def run(self, on_progress: OnProgress) -> Encoded:
        """Encodes."""
        with blaming(self.source):
            data = self.read()
            encoded = codec.encode(data, self.options, on_progress)
        self.write(encoded.data)
        if self.report:
            self.write_report(data, encoded)
        return Encoded.of(encoded, self.source, self.target)

    def write_report(self, picture: bytes, encoded: EncodeResult) -> None:
        """Writes the page."""
        from codec.pages.report.page import render
        from codec.picture import reading

        with blaming(self.report):
            raster = reading.read(BytesIO(picture))
            pixels = (
                raster if isinstance(self.options.mode, Lossless) else raster.continued()
            ).pixels
            page = render(self.source, pixels, encoded, self.options)
            with files.open_output(self.path(self.report), force=self.force) as file:
                file.write(page.encode())


@dataclass(frozen=True, kw_only=True)
class EnhanceJob(WritingJob):
    """A standard file to the same file with an update.

    Attributes:
        original: name of the picture that the file was made from.
    """

    original: str
    options: EncodeOptions

    def run(self, on_progress: OnProgress) -> Enhanced:
        """Enhances."""
        from codec.picture import reading, transparency

        with blaming(self.original):
            raster = reading.read(BytesIO(files.read(self.path(self.original))))
        data = self.read_standard().data
        with blaming(self.source):
            original = transparency.join(raster.pixels, raster.alpha)
            enhanced = codec.enhance(original, data, self.options, on_progress).noting(raster.note)
        self.write(enhanced.data)
        report = enhanced.report
        return Enhanced(
            self.source,
            self.target,
            len(enhanced.data),
            report.plain_bytes,
            report.update_bytes,
            report.bpp,
            report.psnr_db,
            report.plain_psnr_db,
            report.seconds,
            report.note,
        )


@dataclass(frozen=True, kw_only=True)
class StripJob(WritingJob):
    """A standard file to the same file without an update."""

    def run(self, on_progress: OnProgress) -> Stripped:
        """Strips."""
        file = self.read_standard()
        with blaming(self.source):
            plain = file.plain
        self.write(plain)
        return Stripped(self.source, self.target, len(file.data), len(plain))


@dataclass(frozen=True, kw_only=True)
class DecodeJob(WritingJob):
    """A file to a picture."""

    options: DecodeOptions

    def run(self, on_progress: OnProgress) -> Decoded:
        """Decodes."""
        from codec.picture import reading

        with blaming(self.source):
            restored = codec.restore(self.path(self.source), self.options)
        png = BytesIO()
        reading.save_png(restored.pixels, png, restored.metadata)
        self.write(png.getvalue())
        height, width, _ = restored.pixels.shape
        return Decoded(self.source, self.target, width, height, restored.complaint)


@dataclass(frozen=True, kw_only=True)
class VerifyJob(FileJob):
    """A file to nothing: whether it decodes, and how close to the picture `against`."""

    options: DecodeOptions
    against: str | None = None

    def run(self, on_progress: OnProgress) -> Verified:
        """Decodes, and compares."""
        from codec.picture import reading, transparency

        with blaming(self.source):
            restored = codec.restore(self.path(self.source), self.options)
            if restored.complaint:
                raise VerifyError(restored.complaint)
        pixels = restored.upright
        height, width, _ = pixels.shape
        if self.against is None:
            return Verified(self.source, width, height)
        with blaming(self.against):
            reference = reading.load(BytesIO(files.read(self.path(self.against))))
            if reference.shape[:2] != (height, width):
                raise ImageError(f"is not {width} x {height}, the size of {self.source}")
            if not np.array_equal(pixels[..., 3:], reference[..., 3:]):
                raise ImageError(f"has another transparency than {self.source}")
            if not restored.lossless:
                reference = transparency.continued(reference)
        found = psnr_db(pixels[..., :3], reference[..., :3])
        return Verified(self.source, width, height, found)


def ignore_progress(_stage: str, _fraction: float) -> None:
    """Where nobody watches."""


def attempt(job: Job, on_progress: OnProgress = ignore_progress) -> Result:
    """Runs a job; whatever goes wrong becomes its result."""
    try:
        return job.run(on_progress)
    except FileError as error:
        return Failed(job.source, str(error))
