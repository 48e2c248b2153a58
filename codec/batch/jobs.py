"""What is done with one file.  Jobs can be pickled, sent to other processes, and run again.

Names are relative to `folder`, so that a process elsewhere finds the same files.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

import codec
from bitstream import MAGIC
from codec import files
from codec.batch import recipes, resume
from codec.batch.results import Decoded, Encoded, Enhanced, Failed, Result, Stripped, Verified
from codec.contract.decoding import DecodeOptions
from codec.contract.modes import Lossless
from codec.contract.options import EncodeOptions, ReadOptions
from codec.contract.report import EncodeResult, EnhanceReport, OnProgress
from codec.errors import FileError, ImageError, VerifyError, blaming
from codec.opening import StandardFile, open_standard
from codec.picture import formats
from codec.picture.metrics import measure

if TYPE_CHECKING:
    from codec.picture.reading import Raster

EVERYTHING = ReadOptions(max_pixels=None)


class Job(Protocol):
    """One file to work on: a frozen dataclass."""

    @property
    def source(self) -> str:
        """Name of the input, as the user gave it, or `files.STREAM`."""

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
        preserve: whether the output gets the times of the input.
    """

    target: str
    force: bool = False
    preserve: bool = False

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
        if self.preserve and not files.is_stream(self.source) and not files.is_stream(self.target):
            with blaming(self.target):
                times = os.stat(self.path(self.source))
                os.utime(self.path(self.target), ns=(times.st_atime_ns, times.st_mtime_ns))


@dataclass(frozen=True, kw_only=True)
class EncodeJob(WritingJob):
    """A picture to a file.

    Attributes:
        report: name of a page to write on the encode; empty for none.
        roi: name of a picture that says where errors weigh more; empty for none.
        recipe: what to note on the output about its making, see `recipes`; empty for nothing.
    """

    options: EncodeOptions
    report: str = ""
    roi: str = ""
    recipe: bytes = b""

    def run(self, on_progress: OnProgress) -> Encoded:
        """Encodes."""
        roi = self.read_roi() if self.roi else None
        with blaming(self.source):
            data = self.read()
            # A file of this codec may need an update file beside it, which is found by its name.
            named = data.startswith(MAGIC) and os.path.isfile(self.path(self.source))
            picture = self.path(self.source) if named else data
            encoded = codec.encode(picture, self.options, on_progress, roi=roi)
        self.write(encoded.data)
        if self.recipe and not files.is_stream(self.target):
            recipes.sign(self.path(self.target), encoded.data, self.recipe)
        if self.report:
            self.write_report(picture, encoded)
        return Encoded.of(encoded, self.source, self.target)

    def read_roi(self) -> Raster:
        """Reads the region of interest."""
        from codec.pictures import load_raster

        with blaming(self.roi):
            return load_raster(files.read(self.path(self.roi)), EncodeOptions(metadata=()))

    def write_report(self, picture: bytes | str, encoded: EncodeResult) -> None:
        """Writes the page."""
        from codec.pages.report.page import render
        from codec.pictures import load_raster

        with blaming(self.report):
            raster = load_raster(picture, self.options)
            is_lossless = isinstance(self.options.mode, Lossless)
            pixels = (raster if is_lossless else raster.continued()).pixels
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
        from codec.picture import transparency
        from codec.pictures import load_raster

        with blaming(self.original):
            options = replace(self.options, metadata=())  # the file has its own
            raster = load_raster(files.read(self.path(self.original)), options)
        data = self.read_standard().data
        with blaming(self.source):
            original = transparency.join_opacity(raster.pixels, raster.alpha)
            enhanced = codec.enhance(original, data, self.options, on_progress).noting(raster.note)
        self.write(enhanced.data)
        report = enhanced.report
        assert isinstance(report, EnhanceReport)  # noqa: S101 (for the type checker)
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
    """A file to a picture.

    Attributes:
        format: of the picture, a name in `codec.picture.formats`.
    """

    options: DecodeOptions
    format: str = "png"

    def run(self, on_progress: OnProgress) -> Decoded:
        """Decodes."""
        from codec.picture import writing
        from codec.picture.notes import Notes

        with blaming(self.source):
            restored, notes = codec.restore(self.path(self.source), self.options), Notes()
            form = formats.BY_NAME[self.format]
            picture = writing.save(restored.pixels, restored.metadata, form, notes)
        place = self.path(self.source)
        if form is formats.PNG and Path(place).is_file():
            picture = resume.mark(picture, files.read(place), self.options.scale)
        self.write(picture)
        height, width, _ = restored.pixels.shape
        note = "; ".join(note.text for note in notes)
        return Decoded(self.source, self.target, width, height, restored.complaint, note)


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
        pixels = restored.pixels
        height, width, _ = pixels.shape
        if self.against is None:
            return Verified(self.source, width, height)
        with blaming(self.against):
            reference = reading.load_pixels(files.read(self.path(self.against)), EVERYTHING)
            if reference.shape[:2] != (height, width):
                raise ImageError(f"is not {width} x {height}, the size of {self.source}")
            if not np.array_equal(pixels[..., 3:], reference[..., 3:]):
                raise ImageError(f"has another transparency than {self.source}")
            if not restored.lossless:
                reference = transparency.continued(reference)
        found = measure(pixels[..., :3], reference[..., :3])
        return Verified(self.source, width, height, found)


def ignore_progress(_stage: str, _fraction: float) -> None:
    """Where nobody watches."""


def attempt(job: Job, on_progress: OnProgress = ignore_progress) -> Result:
    """Runs a job; whatever goes wrong becomes its result."""
    try:
        return job.run(on_progress)
    except FileError as error:
        return Failed(job.source, str(error))
