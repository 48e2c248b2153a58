"""THE encode story: picture -> latents -> CONTENT; decoded picture -> fitted filter -> UPDATE."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from bitstream import Container, Header, InvalidField, Tag
from bitstream.limits import MAX_DIMENSION, MAX_PIXELS
from codec import update, weights
from codec.decoder import decode, synthesize, to_pixels
from codec.effort import effort_at
from codec.errors import ImageError, OptionError, VerifyError
from codec.fixed_point import FRACTION_BITS
from codec.image import psnr_db
from codec.latents import Grid, encode_latents
from codec.options import EncodeOptions
from codec.overfit import OverfitTask, overfit
from codec.postfilter import PostFilter
from codec.quality import lambda_at, level_at
from codec.transform import BLOCK_PX

STEP_SHIFTS = (2, 2)
"""Quantiser steps of kernels and biases: 2^(2-11)."""

Pixels = NDArray[np.uint8]
OnProgress = Callable[[str, float], None]


@dataclass(frozen=True)
class Report:
    """What an encode gave; all figures from the real file and its decoded 8-bit pixels."""

    bpp: float
    psnr_db: float
    base_psnr_db: float
    """Of the same content with the base filter."""
    update_bytes: int
    seconds: float


@dataclass(frozen=True)
class EncodeResult:
    """The file and the figures."""

    data: bytes
    report: Report


@dataclass(frozen=True)
class Filtered:
    """One way to finish the picture: an UPDATE payload (empty for none) and its result."""

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
    progress = on_progress or (lambda stage, fraction: None)
    height, width = check_pixels(pixels)
    device = pick_device(options.device)
    model = weights.load_default()
    search = model.search().to(device)
    half = round(2 * options.quality)
    level, float_level = model.level(half), level_at(torch.tensor([half / 2], device=device))
    weight = float(lambda_at(half / 2))

    progress("content", 0.0)
    original = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() - 128
    grid = Grid.of_picture(width, height)
    with torch.no_grad():
        y = search.analysis(pad(original, grid).to(device), float_level.quality).cpu()
        content, values = encode_latents(y, model.integer.context, level, grid, model.tables)
        unfiltered = synthesize(model.integer, values, level)
        base_filter = model.integer.postfilter
        base = Filtered(b"", to_pixels(base_filter(unfiltered, level.quality), width, height))
    progress("content", 1.0)

    best = base
    steps = effort_at(options.effort).filter_steps if options.update else 0
    if steps:
        task = OverfitTask(
            (unfiltered / 2**FRACTION_BITS).to(device),
            original.to(device),
            float_level.quality,
            weight,
            STEP_SHIFTS,
            steps,
        )
        adapted = adapt(search.postfilter, base_filter, task, unfiltered, level.quality, progress)
        best = min((base, *adapted), key=lambda found: cost_bits(found, pixels, weight))

    chunks = {Tag.CONTENT: content} | ({Tag.UPDATE: best.payload} if best.payload else {})
    data = Container(Header(width, height, half, model.id), chunks).pack()
    if options.verify and not np.array_equal(decode(data), best.pixels):
        raise VerifyError("the file does not decode to the encoded picture; nothing was written")
    return EncodeResult(
        data,
        Report(
            bpp=8 * len(data) / (width * height),
            psnr_db=psnr_db(best.pixels, pixels),
            base_psnr_db=psnr_db(base.pixels, pixels),
            update_bytes=len(best.payload),
            seconds=time.perf_counter() - start,
        ),
    )


def check_pixels(pixels: Pixels) -> tuple[int, int]:
    """Height and width of a picture that can be encoded."""
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise ImageError(f"expected uint8 pixels [h w 3], not {pixels.dtype} {list(pixels.shape)}")
    height, width, _ = pixels.shape
    if max(height, width) > MAX_DIMENSION or height * width > MAX_PIXELS:
        raise ImageError(f"{width}x{height} is larger than the format allows")
    return height, width


def adapt(
    float_filter: PostFilter,
    base_filter: PostFilter,
    task: OverfitTask,
    unfiltered: Tensor,
    quality: int,
    progress: OnProgress,
) -> list[Filtered]:
    """Overfits the filter, and applies the coded update exactly as the decoder will.

    Returns nothing if the search left the range that updates may have.
    """
    found = overfit(float_filter, task, lambda fraction: progress("update", fraction))
    height, width = task.original.shape[2:]
    try:
        payload = update.pack(found, base_filter)
        changed = update.apply(found, base_filter)
    except InvalidField:
        return []
    with torch.no_grad():
        picture = changed(unfiltered, quality)
    return [Filtered(payload, to_pixels(picture, width, height))]


def cost_bits(found: Filtered, pixels: Pixels, weight: float) -> float:
    """Rate-distortion cost of a finished picture in bits: the decision about the update."""
    error = np.square(found.pixels.astype(np.float64) - pixels).mean()
    # An UPDATE chunk also costs its tag and length: 2 bytes, 3 from 128 on.
    framing = (2 + (len(found.payload) > 127)) if found.payload else 0
    return 8 * (len(found.payload) + framing) + weight * error * pixels.shape[0] * pixels.shape[1]


def pad(picture: Tensor, grid: Grid) -> Tensor:
    """Repeats the last row and column until the picture fills the latent grid."""
    height, width = picture.shape[2:]
    missing = (0, grid.width * BLOCK_PX - width, 0, grid.height * BLOCK_PX - height)
    return functional.pad(picture, missing, mode="replicate")


def pick_device(name: str) -> torch.device:
    """The device of that name; "auto" takes a GPU if there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    elif name == "cuda" and not torch.cuda.is_available():
        raise OptionError("there is no CUDA device; leave out --device or use cpu")
    return torch.device(name)
