"""What is done with one file.  Jobs can be pickled, sent to other processes, and run again.

Names are relative to `folder`, so that a process elsewhere finds the same files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Protocol, Self

import codec
from codec import files
from codec.batch.results import Decoded, Encoded, Failed, Result, Verified
from codec.errors import FileError, ImageError, blaming
from codec.options import DecodeOptions, EncodeOptions

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
        return name if name == files.STREAM else str(Path(self.folder, name))

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


@dataclass(frozen=True, kw_only=True)
class EncodeJob(WritingJob):
    """A picture to a file."""

    options: EncodeOptions

    def run(self, on_progress: OnProgress) -> Encoded:
        """Encodes."""
        from codec import image

        with blaming(self.source):
            pixels = image.load(BytesIO(self.read()))
            encoded = codec.encode(pixels, self.options, on_progress)
        target = self.path(self.target)
        with blaming(self.target), files.open_output(target, force=self.force) as file:
            file.write(encoded.data)
        report = encoded.report
        return Encoded(
            self.source,
            self.target,
            len(encoded.data),
            report.update_bytes,
            report.bpp,
            report.psnr_db,
            report.seconds,
        )


@dataclass(frozen=True, kw_only=True)
class DecodeJob(WritingJob):
    """A file to a picture."""

    options: DecodeOptions

    def run(self, on_progress: OnProgress) -> Decoded:
        """Decodes."""
        from codec import image

        with blaming(self.source):
            pixels = codec.decode(self.read(), self.options)
        target = self.path(self.target)
        with blaming(self.target), files.open_output(target, force=self.force) as file:
            image.save_png(pixels, file)
        height, width, _ = pixels.shape
        return Decoded(self.source, self.target, width, height)


@dataclass(frozen=True, kw_only=True)
class VerifyJob(FileJob):
    """A file to nothing: whether it decodes, and how close to the picture `against`."""

    options: DecodeOptions
    against: str | None = None

    def run(self, on_progress: OnProgress) -> Verified:
        """Decodes, and compares."""
        with blaming(self.source):
            pixels = codec.decode(self.read(), self.options)
        height, width, _ = pixels.shape
        if self.against is None:
            return Verified(self.source, width, height)
        from codec import image

        with blaming(self.against):
            reference = image.load(BytesIO(files.read(self.path(self.against))))
            if reference.shape != pixels.shape:
                raise ImageError(f"is not {width} x {height}, the size of {self.source}")
        return Verified(self.source, width, height, image.psnr_db(pixels, reference))


def ignore_progress(_stage: str, _fraction: float) -> None:
    """Where nobody watches."""


def attempt(job: Job, on_progress: OnProgress = ignore_progress) -> Result:
    """Runs a job; whatever goes wrong becomes its result."""
    try:
        return job.run(on_progress)
    except FileError as error:
        return Failed(job.source, str(error))
