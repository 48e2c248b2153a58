"""Starts an encode: loads the model, prepares the picture, picks the device."""

from __future__ import annotations

import torch

from codec.contract.effort import effort_at
from codec.contract.options import FOREIGN, EncodeOptions
from codec.contract.targets import Lambda
from codec.contract.techniques import techniques
from codec.encoding.contents import compressai
from codec.encoding.deadline import Deadline
from codec.encoding.job import Job, OnProgress
from codec.errors import OptionError
from codec.models import released
from codec.networks.pictures import from_pixels
from codec.picture.pixels import Pixels


def make_job(pixels: Pixels, options: EncodeOptions, on_progress: OnProgress | None = None) -> Job:
    """Loads the model and prepares the picture."""
    deadline = Deadline.after(options.time_limit)
    effort = effort_at(options.effort)
    return Job(
        pixels,
        from_pixels(pixels),
        _half(options),
        released.load_default(options.content_family),
        effort,
        pick_device(options.device),
        on_progress or (lambda stage, fraction: None),
        # At effort 0, and for the name "none", there is none.
        techniques().get(options.update) if effort.update else None,
        deadline,
        options.content,
    )


def _half(options: EncodeOptions) -> int:
    """The quality in halves."""
    if options.content_family == FOREIGN:
        return compressai.half_of(options.content)
    if isinstance(options.target, Lambda):
        return options.target.half
    return round(2 * options.quality)


def pick_device(name: str) -> torch.device:
    """The device of that name; "auto" takes a GPU if there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    elif name == "cuda" and not torch.cuda.is_available():
        raise OptionError("there is no CUDA device; leave out --device or use cpu")
    return torch.device(name)
