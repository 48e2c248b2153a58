"""THE encode story: picture -> CONTENT; decoded picture -> fitted filter -> UPDATE.

Every search is followed by the real coder and the real decoder, and its result is kept only if it
lowers distortion + lambda * rate of what comes out.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import torch

from bitstream import Container, Header, Tag
from codec import content, weights
from codec.adapt import adapt
from codec.deadline import Deadline
from codec.decoder import decode
from codec.effort import effort_at
from codec.errors import OptionError, VerifyError
from codec.image import psnr_db
from codec.job import Job, OnProgress
from codec.options import DecodeOptions, EncodeOptions
from codec.picture import Pixels, check_pixels, from_pixels
from codec.rate_control import reach
from codec.report import EncodeResult, Report, TracePoint
from codec.targets import Lambda, Limit


@dataclass(frozen=True)
class Coded:
    """A file with its figures, and the pixels that it should decode to."""

    result: EncodeResult
    pixels: Pixels


def encode(
    pixels: Pixels, options: EncodeOptions | None = None, on_progress: OnProgress | None = None
) -> EncodeResult:
    """Encodes a picture.

    Args:
        pixels: uint8 [h w 3], RGB.
        options: quality, effort and so on.
        on_progress: called with a stage and the fraction of it that is done.

    Raises:
        ImageError: not such an array, or larger than the format allows.
        OptionError: the device is not there, or no quality reaches the target.
        ModelError: there is no model for that content.
        VerifyError: the file does not decode to what the encoder saw (never expected).
    """
    start = time.perf_counter()
    options = options or EncodeOptions()
    check_pixels(pixels)
    job = make_job(pixels, options, on_progress or _ignore)

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
    found = content.encode(job)
    adapted = adapt(job, found)

    chunks = {Tag.CONTENT: found.payload}
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
        effort = quickest if quick else job.effort
        job.progress(f"quality {half / 2:g}", 0.0)
        return _code(replace(job, half=half, effort=effort, deadline=deadline, trace=[]))

    halves = content.qualities(job.model)
    quick_only = job.effort == quickest
    coded, remark = reach(limit, halves, attempt, job.deadline, quick_only=quick_only)
    report = replace(coded.result.report, remark=remark)
    return replace(coded, result=replace(coded.result, report=report))


def make_job(pixels: Pixels, options: EncodeOptions, progress: OnProgress) -> Job:
    """Loads the model and prepares the picture."""
    deadline = Deadline.after(options.time_limit)
    effort = effort_at(options.effort)
    if not options.update:
        effort = replace(effort, update=False)
    target = options.target
    return Job(
        pixels,
        from_pixels(pixels),
        target.half if isinstance(target, Lambda) else round(2 * options.quality),
        weights.load_default(options.content),
        effort,
        pick_device(options.device),
        progress,
        deadline,
    )


def _ignore(_stage: str, _done: float) -> None:
    """Progress that nobody watches."""


def pick_device(name: str) -> torch.device:
    """The device of that name; "auto" takes a GPU if there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    elif name == "cuda" and not torch.cuda.is_available():
        raise OptionError("there is no CUDA device; leave out --device or use cpu")
    return torch.device(name)
