"""Finds the quality that suits a standard file of an unknown writer best.

The post-filter is conditioned on the quality that its training files were written at.  Other
writers have other scales, so that what counts is measured: the error that the base filter leaves.
"""

from __future__ import annotations

import torch

from bitstream.file.header import MAX_QUALITY
from codec.contract.quality import centred
from codec.encoding.task import EncodeTask
from codec.networks.pictures import to_pixels, to_unfiltered
from codec.picture import standard
from codec.picture.pixels import Pixels

CROP_PX = 384
GRID_PX = 16
"""Crops keep the grid of the blocks that standard codecs work in."""
COARSE = range(20, MAX_QUALITY, 40)
STEPS = (20, 10, 5)
"""Halves of a quality.  Finer ones change less than 0.01 dB."""


@torch.no_grad()
def find_half(task: EncodeTask, data: bytes, pixels: Pixels) -> int:
    """Quality in halves, 0..200, for which the base filter brings a file closest to its original.

    Args:
        task: the original, in the orientation of the file.
        data: the file.
        pixels: what it decodes to.
    """
    window = tuple(map(_centre, pixels.shape[:2]))
    cropped = pixels[window]
    height, width, _ = cropped.shape
    unfiltered = to_unfiltered(cropped, task.model.multiple)
    original, distortion = task.pixels[window], task.distortion.part(*window)
    errors: dict[int, float] = {}

    def error(half: int) -> float:
        if half not in errors:
            picture = task.model.postfilter(unfiltered, centred(half))
            errors[half] = distortion.squared_error(to_pixels(picture, width, height), original)
            task.progress("quality", len(errors) / (len(COARSE) + 2 * len(STEPS)))
        return errors[half]

    best = min(_starts(data), key=error)
    for step in STEPS:
        nearby = (best, best - step, best + step)
        best = min((half for half in nearby if 0 <= half <= MAX_QUALITY), key=error)
    return best


def _starts(data: bytes) -> list[int]:
    """Where to begin: JPEG files tell by their tables."""
    quality = standard.jpeg_quality(data)
    if quality is None:
        return list(COARSE)
    return [min(max(round(2 * quality), 0), MAX_QUALITY)]


def _centre(side: int) -> slice:
    start = max(0, side - CROP_PX) // 2 // GRID_PX * GRID_PX
    return slice(start, start + CROP_PX)
