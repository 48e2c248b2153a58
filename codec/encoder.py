"""THE encode story: picture -> CONTENT; decoded picture -> fitted filter -> UPDATE.

Every search is followed by the real coder and the real decoder, and its result is kept only if it
lowers distortion + lambda * rate of what comes out.
"""

from __future__ import annotations

import time

import numpy as np
import torch

from bitstream import Container, Header, Tag
from codec import content, weights
from codec.adapt import adapt
from codec.decoder import decode
from codec.effort import effort_at
from codec.errors import OptionError, VerifyError
from codec.image import psnr_db
from codec.job import Job, OnProgress
from codec.options import DecodeOptions, EncodeOptions
from codec.picture import Pixels, check_pixels, from_pixels
from codec.report import EncodeResult, Report
from codec.techniques import techniques


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
        ModelError: there is no model for that content.
        VerifyError: the file does not decode to what the encoder saw (never expected).
    """
    start = time.perf_counter()
    options = options or EncodeOptions()
    height, width = check_pixels(pixels)
    job = make_job(pixels, options, on_progress or (lambda stage, fraction: None))

    found = content.encode(job)
    adapted = adapt(job, found)

    chunks = {Tag.CONTENT: found.payload}
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
            base_psnr_db=psnr_db(adapted.base, pixels),
            update_bytes=len(adapted.payload),
            seconds=time.perf_counter() - start,
        ),
    )


def make_job(pixels: Pixels, options: EncodeOptions, progress: OnProgress) -> Job:
    """Loads the model and prepares the picture."""
    effort = effort_at(options.effort)
    # At effort 0, and for the name "none", there is none.
    technique = techniques().get(options.update) if effort.update else None
    return Job(
        pixels,
        from_pixels(pixels),
        round(2 * options.quality),
        weights.load_default(options.content),
        effort,
        pick_device(options.device),
        progress,
        technique,
    )


def pick_device(name: str) -> torch.device:
    """The device of that name; "auto" takes a GPU if there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    elif name == "cuda" and not torch.cuda.is_available():
        raise OptionError("there is no CUDA device; leave out --device or use cpu")
    return torch.device(name)
