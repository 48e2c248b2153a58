"""THE encode story: picture -> latents -> CONTENT; decoded picture -> fitted filter -> UPDATE.

Every search is followed by the real coder and the real decoder, and its result is kept only if it
lowers distortion + lambda * rate of what comes out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bitstream import Container, Header, InvalidField, Tag
from codec import refine, update, weights
from codec.decoder import decode, synthesize
from codec.effort import effort_at
from codec.errors import OptionError, VerifyError
from codec.fixed_point import FRACTION_BITS
from codec.image import psnr_db
from codec.latents import Grid, encode_latents
from codec.model import Model
from codec.options import DecodeOptions, EncodeOptions
from codec.overfit import OverfitTask, overfit
from codec.picture import Pixels, check_pixels, from_pixels, pad, to_pixels
from codec.quality import IntegerLevel, Level, lambda_at, level_at
from codec.report import EncodeResult, Report
from codec.weights import ReleasedModel

STEP_SHIFTS = (2, 2)
"""Quantiser steps of kernels and biases: 2^(2-11)."""
SEARCH_WEIGHT = 1.6
"""The slope of the codec's own rate-distortion curve in units of the lambda that its networks were
trained with (measured on CID22 validation: 1.2 at high rates to 1.9 at low ones).  Trading at that
slope is what lowers the rate at equal quality."""

OnProgress = Callable[[str, float], None]


@dataclass(frozen=True)
class Job:
    """What all stages need to know of one encode."""

    pixels: Pixels
    original: Tensor
    """float [1 3 h w], pixel values - 128, on the search's device."""
    grid: Grid
    half: int
    """Quality in halves."""
    model: ReleasedModel
    search: Model
    """Float twin of the model, on the search's device."""
    progress: OnProgress

    @property
    def weight(self) -> float:
        """What the search pays for a mean squared error, in bits per pixel."""
        return SEARCH_WEIGHT * float(lambda_at(self.half / 2))

    @property
    def level(self) -> IntegerLevel:
        return self.model.level(self.half)

    @property
    def float_level(self) -> Level:
        return level_at(torch.tensor([self.half / 2], device=self.original.device))

    def cost_bits(self, payload: bytes, pixels: Pixels) -> float:
        """Rate-distortion cost in bits of a payload and the picture that it gives."""
        error = np.square(pixels.astype(np.float64) - self.pixels).sum() / 3
        return 8 * len(payload) + self.weight * error


@dataclass(frozen=True)
class Content:
    """A CONTENT payload, the picture before the post-filter, and after the base filter."""

    payload: bytes
    unfiltered: Tensor
    pixels: Pixels


@dataclass(frozen=True)
class Adapted:
    """An UPDATE payload (empty for none) and the picture that it gives."""

    payload: bytes
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
        OptionError: the device is not there.
        VerifyError: the file does not decode to what the encoder saw (never expected).
    """
    start = time.perf_counter()
    options = options or EncodeOptions()
    effort = effort_at(options.effort)
    height, width = check_pixels(pixels)
    job = make_job(pixels, options, on_progress or (lambda stage, fraction: None))

    content = find_content(job, effort.latent_steps)
    adapted = Adapted(b"", content.pixels)
    if options.update and effort.filter_steps:
        adapted = find_update(job, content, effort.filter_steps)

    chunks = {Tag.CONTENT: content.payload}
    if adapted.payload:
        chunks[Tag.UPDATE] = adapted.payload
    data = Container(Header(width, height, job.half, job.model.id), chunks).pack()
    anything = DecodeOptions(max_pixels=None)
    if options.verify and not np.array_equal(decode(data, anything), adapted.pixels):
        raise VerifyError("the file does not decode to the encoded picture; nothing was written")
    return EncodeResult(
        data,
        Report(
            bpp=8 * len(data) / (width * height),
            psnr_db=psnr_db(adapted.pixels, pixels),
            base_psnr_db=psnr_db(content.pixels, pixels),
            update_bytes=len(adapted.payload),
            seconds=time.perf_counter() - start,
        ),
    )


def make_job(pixels: Pixels, options: EncodeOptions, progress: OnProgress) -> Job:
    """Loads the model and prepares the picture."""
    device = pick_device(options.device)
    height, width, _ = pixels.shape
    model = weights.load_default()
    return Job(
        pixels,
        from_pixels(pixels).to(device),
        Grid.of_picture(width, height),
        round(2 * options.quality),
        model,
        model.search().to(device),
        progress,
    )


def find_content(job: Job, latent_steps: int) -> Content:
    """Latents from the analysis, refined if that lowers the cost of the real result."""
    with torch.no_grad():
        y = job.search.analysis(pad(job.original, job.grid), job.float_level.quality)
    plain = code_content(job, y)
    if not latent_steps or job.original[0, 0].numel() > refine.MAX_PIXELS:
        return plain
    refined = refine.refine(
        y,
        job.original,
        job.search,
        job.float_level,
        job.weight,
        latent_steps,
        lambda fraction: job.progress("latents", fraction),
    )
    found = (plain, code_content(job, refined))
    return min(found, key=lambda content: job.cost_bits(content.payload, content.pixels))


@torch.no_grad()
def code_content(job: Job, y: Tensor) -> Content:
    """Codes latents, and decodes them exactly as the decoder will."""
    integer = job.model.integer
    payload, values = encode_latents(
        y.cpu(), integer.context, job.level, job.grid, job.model.tables
    )
    unfiltered = synthesize(integer, values, job.level)
    filtered = integer.postfilter(unfiltered, job.level.quality)
    height, width = job.pixels.shape[:2]
    return Content(payload, unfiltered, to_pixels(filtered, width, height))


def find_update(job: Job, content: Content, steps: int) -> Adapted:
    """The overfitted filter's update if it lowers the cost of the real result, else none."""
    none = Adapted(b"", content.pixels)
    task = OverfitTask(
        (content.unfiltered / 2**FRACTION_BITS).to(job.original.device),
        job.original,
        job.float_level.quality,
        job.weight,
        STEP_SHIFTS,
        steps,
    )
    found = overfit(job.search.postfilter, task, lambda fraction: job.progress("update", fraction))
    base = job.model.integer.postfilter
    try:
        payload = update.pack(found, base)
        changed = update.apply(found, base)
    except InvalidField:  # the search left the range that updates may have
        return none
    height, width = job.pixels.shape[:2]
    with torch.no_grad():
        picture = changed(content.unfiltered, job.level.quality)
    adapted = Adapted(payload, to_pixels(picture, width, height))
    # The chunk around an update takes a tag and a length besides the payload.
    framing = bytes(2 + (len(payload) > 127))
    gain = job.cost_bits(b"", none.pixels) - job.cost_bits(payload + framing, adapted.pixels)
    return adapted if gain > 0 else none


def pick_device(name: str) -> torch.device:
    """The device of that name; "auto" takes a GPU if there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    elif name == "cuda" and not torch.cuda.is_available():
        raise OptionError("there is no CUDA device; leave out --device or use cpu")
    return torch.device(name)
