"""THE encode story: picture -> CONTENT; decoded picture -> fitted filter -> UPDATE; and again.

Every search is followed by the real coder and the real decoder, and its result is kept only if it
lowers distortion + lambda * rate of what comes out.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from bitstream import Container, Header, Tag
from codec import content, enhancer
from codec.adapt import adapt
from codec.deadline import Deadline
from codec.decoder import decode
from codec.effort import effort_at
from codec.errors import VerifyError
from codec.image import psnr_db
from codec.job import Adapted, Job, OnProgress, make_job
from codec.metadata import Metadata
from codec.options import DecodeOptions, EncodeOptions
from codec.picture import Pixels, check_pixels
from codec.rate_control import reach
from codec.report import EncodeResult, Report, TracePoint
from codec.targets import Limit


@dataclass(frozen=True)
class Coded:
    """A file with its figures, and the pixels that it should decode to."""

    result: EncodeResult
    pixels: Pixels


def encode(
    pixels: Pixels,
    options: EncodeOptions | None = None,
    on_progress: OnProgress | None = None,
    metadata: Metadata | None = None,
) -> EncodeResult:
    """Encodes a picture.

    Args:
        pixels: uint8 [h w 3], RGB.
        options: quality, effort and so on.
        on_progress: called with a stage and the fraction of it that is done.
        metadata: what a standard file is to hold besides; the container of this codec has no room.

    Raises:
        ImageError: not such an array, or larger than the format allows.
        OptionError: the device is not there, or no quality reaches the target.
        ModelError: there is no model for that content.
        VerifyError: the file does not decode to what the encoder saw (never expected).
    """
    start = time.perf_counter()
    options = options or EncodeOptions()
    check_pixels(pixels)
    if options.standard_file:
        return enhancer.encode(pixels, options, on_progress, metadata)
    job = make_job(pixels, options, on_progress)

    if isinstance(options.target, Limit):
        coded = _reach(job, options.target)
    else:
        coded = _code(job)

    result = coded.result
    anything = DecodeOptions(max_pixels=None)
    if options.verify and not np.array_equal(decode(result.data, anything), coded.pixels):
        raise VerifyError("the file does not decode to the encoded picture; nothing was written")
    return replace(result, report=replace(result.report, seconds=time.perf_counter() - start))


def _code(job: Job) -> Coded:
    """Encodes a job at its quality."""
    start = time.perf_counter()
    return coded_as(job, search(job), start)


def coded_as(job: Job, adapted: Adapted, start: float) -> Coded:
    """The file of what searches found since the time `start`."""
    chunks = {Tag.CONTENT: adapted.content.payload}
    if adapted.payload:
        chunks[Tag.UPDATE] = adapted.payload
    height, width, _ = job.pixels.shape
    data = Container(Header(width, height, job.half, job.model.id), chunks).pack()
    report = Report(
        bpp=8 * len(data) / (width * height),
        psnr_db=psnr_db(adapted.pixels, job.pixels),
        base_psnr_db=psnr_db(adapted.base, job.pixels),
        update_bytes=len(adapted.payload),
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

    halves = content.qualities(job.model)
    quick_only = job.effort == quickest
    coded, remark = reach(limit, halves, attempt, job.deadline, quick_only=quick_only)
    report = replace(coded.result.report, note=remark)
    return replace(coded, result=replace(coded.result, report=report))


def search(job: Job) -> Adapted:
    """Content, filter for it, content for that filter, and so on: the cheapest of all.

    The filter comes first because it is found in one step; latents refined for it then save more
    than latents refined for the base filter (9.8 against 8.8 % in the first pictures of CID22).
    """
    best = adapt(job, content.encode(job))
    for _ in range(job.effort.rounds):
        again = content.refined(job, best)
        if again is None:
            break
        best = min(best, adapt(job, again), key=lambda adapted: adapted.cost)
    return best
