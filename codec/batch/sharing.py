"""A set of pictures to files that share one weight update.

All pictures are read before the search begins, and nothing is written before it ends: first the
update file, so that no file ever names one that is not there, then the files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import codec
from codec import files
from codec.batch.encode_jobs import EncodeJob
from codec.batch.results import Encoded, Failed, Shared
from codec.contract.options import EncodeOptions
from codec.contract.report import OnProgress
from codec.errors import FileError, OutputError, blaming


def check_update_file(name: str, jobs: Sequence[EncodeJob], *, force: bool) -> None:
    """Refuses an update file that could not be written, or would replace an input.

    Raises:
        FileError: with the reason.
    """
    with blaming(name):
        if os.path.realpath(name) in {os.path.realpath(job.source) for job in jobs}:
            raise OutputError("is an input too")
        files.check_output(name, force=force)


def encode_set(
    jobs: Sequence[EncodeJob],
    name: str,
    options: EncodeOptions,
    on_progress: OnProgress,
    *,
    force: bool,
) -> Iterator[Encoded | Failed | Shared]:
    """Encodes pictures so that they share an update.

    Args:
        jobs: the pictures, and where their files go.
        name: of the update file, which is only written if it pays.
        options: for all pictures.
        on_progress: see `codec.encode_shared`.
        force: whether to replace an update file that exists.

    Yields:
        What came of the update file and of each picture; failures alone if a picture cannot be
        read, because there is no set then.

    Raises:
        CodecError: the set cannot be encoded, or the update file not be written.
    """
    pictures, failures = _read(jobs, options)
    if failures:
        yield from failures
        return
    result = codec.encode_shared(pictures, options, on_progress)
    if result.update:
        with blaming(name), files.open_output(name, force=force) as file:
            file.write(result.update)
    yield Shared(name, len(result.update), result.sharing, len(jobs))
    for job, encoded in zip(jobs, result.pictures, strict=True):
        try:
            job.write(encoded.data)
        except FileError as error:
            yield Failed(job.source, str(error))
        else:
            yield Encoded.of(encoded, job.source, job.target)


def _read(jobs: Sequence[EncodeJob], options: EncodeOptions) -> tuple[list[bytes], list[Failed]]:
    """The pictures, and which of them are none."""
    from codec.pictures import load_raster

    pictures, failures = [], []
    for job in jobs:
        try:
            with blaming(job.source):
                pictures.append(job.read())
                load_raster(pictures[-1], options)
        except FileError as error:
            failures.append(Failed(job.source, str(error)))
    return pictures, failures
