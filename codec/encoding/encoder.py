"""THE encode story: picture -> CONTENT; decoded picture -> fitted filter -> UPDATE; and again.

Every search is followed by the real coder and the real decoder, and its result is kept only if it
lowers distortion + lambda * rate of what comes out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from bitstream import Container, Header, Tag
from bitstream.file import alpha
from codec.contract.effort import effort_at
from codec.contract.options import DecodeOptions, EncodeOptions
from codec.contract.report import EncodeResult, Report, TracePoint
from codec.contract.targets import Limit
from codec.decoding.decoder import decode
from codec.encoding import enhance
from codec.encoding.adapt import adapt
from codec.encoding.contents import registry
from codec.encoding.deadline import Deadline
from codec.encoding.job import Adapted, Job, OnProgress
from codec.encoding.lossless import encoder as lossless
from codec.encoding.rate_control import reach
from codec.encoding.start import make_job
from codec.errors import VerifyError
from codec.picture import transparency
from codec.picture.pixels import Pixels, check_pixels, psnr_db
from codec.picture.reading import Raster


@dataclass(frozen=True)
class Coded:
    """A file with its figures, and the pixels that it should decode to."""

    result: EncodeResult
    pixels: Pixels


def encode(
    raster: Raster,
    options: EncodeOptions | None = None,
    on_progress: OnProgress | None = None,
) -> EncodeResult:
    """Encodes a picture.

    Args:
        raster: pixels, and what the file is to hold besides.
        options: quality, effort and so on.
        on_progress: called with a stage and the fraction of it that is done.

    Raises:
        ImageError: its pixels are not uint8 [h w 3], or larger than the format allows.
        OptionError: the device is not there, or no quality reaches the target.
        ModelError: there is no model for that content.
        VerifyError: the file does not decode to what the encoder saw (never expected).
    """
    start = time.perf_counter()
    options = options or EncodeOptions()
    if options.standard_file:
        check_pixels(raster.pixels)
        raster = replace(raster, metadata=raster.metadata.only(options.metadata))
        return enhance.encode(raster, options, on_progress).noting(raster.note)
    if options.lossless:
        check_pixels(raster.pixels)
        extras = _extras(raster, options)
        result = lossless.encode(raster.pixels, extras, options, on_progress)
        coded = Coded(result, raster.pixels)
    else:
        job = prepare(raster, options, on_progress)
        coded = _reach(job, options.target) if isinstance(options.target, Limit) else _code(job)

    if options.verify:
        verify(coded, raster)
    report = replace(coded.result.report, seconds=time.perf_counter() - start)
    return replace(coded.result, report=report).noting(raster.note)


def prepare(raster: Raster, options: EncodeOptions, on_progress: OnProgress | None) -> Job:
    """The job of a picture, with what its file is to hold besides."""
    check_pixels(raster.pixels)
    job = make_job(raster.continued().pixels, options, on_progress)
    return replace(job, extras=_extras(raster, options))


def _extras(raster: Raster, options: EncodeOptions) -> dict[Tag, bytes]:
    """What the file of a picture is to hold besides."""
    extras = raster.metadata.only(options.metadata).chunks()
    if raster.alpha is not None:
        extras[Tag.ALPHA] = alpha.pack(raster.alpha)
    return extras


def verify(coded: Coded, raster: Raster, updates: tuple[bytes, ...] = ()) -> None:
    """Decodes the file of a picture, given the update files that it may name, and compares.

    Raises:
        VerifyError: it does not decode to what the encoder saw.
    """
    anything = DecodeOptions(max_pixels=None, updates=updates)
    expected = transparency.join(coded.pixels, raster.alpha)
    if not np.array_equal(decode(coded.result.data, anything), expected):
        raise VerifyError("the file does not decode to the encoded picture; nothing was written")


def _code(job: Job) -> Coded:
    """Encodes a job at its quality."""
    start = time.perf_counter()
    return coded_as(job, search(job), start)


def coded_as(job: Job, adapted: Adapted, start: float) -> Coded:
    """The file of what searches found since the time `start`."""
    chunks = {**job.extras, Tag.CONTENT: adapted.content.payload}
    optional = {Tag.UPDATE: adapted.payload, Tag.PRIOR: adapted.content.prior}
    chunks |= {tag: payload for tag, payload in optional.items() if payload}
    height, width, _ = job.pixels.shape
    data = Container(Header(width, height, job.half, job.model.id), chunks).pack()
    report = Report(
        bpp=8 * len(data) / (width * height),
        psnr_db=psnr_db(adapted.pixels, job.pixels),
        base_psnr_db=psnr_db(adapted.base, job.pixels),
        update_bytes=sum(map(len, optional.values())),
        seconds=time.perf_counter() - start,
        quality=job.half / 2,
    )
    trace = tuple(TracePoint(stage, float(cost)) for stage, cost in job.trace)
    return Coded(EncodeResult(data, report, trace), adapted.pixels)


def _reach(job: Job, limit: Limit) -> Coded:
    """Encodes a job at the quality that keeps a limit most closely."""
    quickest = effort_at(0)

    def attempt(half: int, quick: bool, deadline: Deadline) -> Coded:
        job.progress(f"quality {half / 2:g}", 0.0)
        trial = replace(job, half=half, deadline=deadline, trace=[])
        return _code(replace(trial, effort=quickest, technique=None) if quick else trial)

    halves = registry.qualities(job.model)
    quick_only = job.effort == quickest
    coded, remark = reach(limit, halves, attempt, job.deadline, quick_only=quick_only)
    return replace(coded, result=coded.result.noting(remark))


def search(job: Job) -> Adapted:
    """The cheapest content and filter."""
    *_, best = rounds(job)
    return best


def rounds(job: Job) -> Iterator[Adapted]:
    """Content, filter for it, content for that filter, and so on: the cheapest after each.

    The filter comes first because it is found in one step; latents refined for it then save more
    than latents refined for the base filter.
    """
    best = adapt(job, registry.encode(job))
    yield best
    for number in range(job.effort.rounds):
        again = registry.refined(job, best, number)
        if again is None:
            return
        best = min(best, adapt(job, again), key=lambda adapted: adapted.cost)
        yield best
