"""Adapts the post-filter to one picture: content -> UPDATE payload, if it pays."""

from __future__ import annotations

import time
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from bitstream import InvalidField
from bitstream import subspace as subspace_payload
from codec import update
from codec.fixed_point import FRACTION_BITS
from codec.job import Adapted, Content, Job
from codec.picture import pad_to_multiple, to_pixels
from codec.transform import PIXELS_PER_UNIT
from codec.update import Method
from codec.update.fit import FitTask, fit
from codec.update.normal import NormalEquations, normal_equations

FRAMING_BYTES = 2
"""Tag and length of a chunk."""


@torch.no_grad()
def adapt(job: Job, content: Content) -> Adapted:
    """The update that lowers the cost of the real result most, else none.

    The features do not depend on the last layer, so they are computed once; what each candidate
    decodes to is then exact and cheap.
    """
    model, unfiltered = job.model, content.unfiltered
    height, width = job.pixels.shape[:2]
    start = time.perf_counter()
    features = model.postfilter.features(unfiltered, model.quality(job.half))
    picture = model.postfilter.combine(unfiltered, features)
    base = to_pixels(picture, width, height)
    filter_seconds = time.perf_counter() - start
    none = Adapted(b"", base, base)
    if not job.effort.update:
        return none
    task = FitTask(
        equations(features, picture, job.original),
        model.subspace,
        model.tables,
        # Errors in picture units, summed over channels -> `Job.squared_error`.
        content.weight * PIXELS_PER_UNIT**2 / 3,
    )
    # The file is decoded once more to verify it.
    deadline = job.deadline.earlier(content.seconds + filter_seconds)
    on_step = partial(job.on_step, "update")
    fitted = fit(task, thorough=job.effort.thorough, deadline=deadline, on_step=on_step)
    if fitted is None:
        return none
    body = subspace_payload.pack(fitted.payload, model.subspace.scales, model.tables)
    payload = bytes([Method.SUBSPACE]) + body
    try:
        postfilter = update.apply(payload, model)
    except InvalidField:  # the search left the range that updates may have
        return none
    pixels = to_pixels(postfilter.combine(unfiltered, features), width, height)
    found = Adapted(payload, pixels, base)
    return min(none, found, key=lambda adapted: _cost(job, content, adapted))


def equations(features: Tensor, picture: Tensor, original: Tensor) -> NormalEquations:
    """Normal equations of the last layer, in picture units.

    Args:
        features: integers [1 c H/2 W/2], and the picture [1 3 H W] that the base filter makes.
        original: float [1 3 h w], pixel values - 128.
    """
    unit = 2**FRACTION_BITS
    target = pad_to_multiple(original, 2) / PIXELS_PER_UNIT
    errors = target - picture[:, :, : target.shape[2], : target.shape[3]].float() / unit
    return normal_equations(features.float() / unit, functional.pixel_unshuffle(errors, 2))


def _cost(job: Job, content: Content, adapted: Adapted) -> float:
    framing = FRAMING_BYTES + (len(adapted.payload) > 127) if adapted.payload else 0
    bits = 8 * (len(adapted.payload) + framing)
    return bits + content.weight * job.squared_error(adapted.pixels)
