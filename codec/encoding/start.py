"""Starts an encode: loads the model, prepares the picture, picks the device."""

from __future__ import annotations

import torch

from codec.contract.contents import FOREIGN
from codec.contract.effort import effort_at
from codec.contract.modes import Lossy, Standard
from codec.contract.options import EncodeOptions
from codec.contract.report import OnProgress
from codec.contract.targets import Lambda
from codec.contract.techniques import techniques
from codec.encoding.deadline import Deadline
from codec.encoding.distortion import EVEN, Distortion
from codec.encoding.task import EncodeTask
from codec.errors import OptionError
from codec.models import released
from codec.models.kinds import FilteredModel, as_kind
from codec.networks.pictures import from_pixels
from codec.picture.pixels import Pixels


def make_task(
    pixels: Pixels,
    options: EncodeOptions,
    mode: Lossy | Standard,
    on_progress: OnProgress | None = None,
    distortion: Distortion = EVEN,
) -> EncodeTask:
    """Loads the model and prepares the picture.

    Args:
        pixels: uint8 [h w 3].
        options: effort, update, tune, device and time limit count.
        mode: content and quality.
        on_progress: called with a stage and the fraction of it that is done.
        distortion: what the searches weigh against bits, before it is tuned.

    Raises:
        OptionError: the device is not there, or the picture is too small to be tuned.
        ModelError: there is no model for that content.
    """
    deadline = Deadline.after(options.time_limit)
    effort = effort_at(options.effort)
    content = mode.family if isinstance(mode, Lossy) else mode.format
    model = as_kind(released.load_default(content), FilteredModel)
    return EncodeTask(
        pixels,
        from_pixels(pixels),
        _half(mode),
        model,
        effort,
        pick_device(options.device),
        on_progress or (lambda stage, fraction: None),
        # At effort 0, and for the name "none", there is none.
        techniques().get(options.update) if effort.update else None,
        deadline,
        mode.content if isinstance(mode, Lossy) else mode.format,
        distortion=distortion.tuned(options.tune, pixels),
    )


def _half(mode: Lossy | Standard) -> int:
    """The quality in halves."""
    if isinstance(mode, Lossy):
        if mode.family == FOREIGN:
            from codec.encoding.contents import compressai

            return compressai.half_of(mode.content)
        if isinstance(mode.target, Lambda):
            return mode.target.half
    return round(2 * mode.quality)


def pick_device(name: str) -> torch.device:
    """Picks the device of that name; "auto" takes a GPU if there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    elif name == "cuda" and not torch.cuda.is_available():
        raise OptionError("there is no CUDA device; leave out --device or use cpu")
    return torch.device(name)
