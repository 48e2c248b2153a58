"""What is done with one file.  Jobs can be pickled, sent to other processes, and run again.

Names are relative to `folder`, so that a process elsewhere finds the same files.  The jobs
themselves are in `decode_jobs` and `encode_jobs`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, Self

from codec import files
from codec.batch.results import Failed, Result
from codec.contract.report import OnProgress
from codec.errors import FileError, blaming


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


def ignore_progress(_stage: str, _fraction: float) -> None:
    """Where nobody watches."""


def attempt(job: Job, on_progress: OnProgress = ignore_progress) -> Result:
    """Runs a job; whatever goes wrong becomes its result."""
    try:
        return job.run(on_progress)
    except FileError as error:
        return Failed(job.source, str(error))
