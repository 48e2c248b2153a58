"""Adapts the post-filter to one picture: content -> UPDATE payload, if it pays."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from bitstream import InvalidField
from bitstream import subspace as subspace_payload
from codec import update
from codec.fixed_point import FRACTION_BITS
from codec.job import Adapted, Content, Job
from codec.picture import pad_to_multiple, to_pixels
from codec.postfilter import PostFilter
from codec.transform import PIXELS_PER_UNIT
from codec.update import Method
from codec.update.fit import FitTask, fit
from codec.update.normal import NormalEquations, normal_equations

FRAMING_BYTES = 2
"""Tag and length of a chunk."""


@torch.no_grad()
def adapt(job: Job, content: Content) -> Adapted:
    """The update that lowers the cost of the real result most, else none.

    The features do not depend on the last layer, so they are computed once; what a candidate
    decodes to is then exact and cheap.
    """
    base = job.model.postfilter
    features = base.features(content.unfiltered, job.model.quality(job.half))

    def result(payload: bytes, postfilter: PostFilter) -> Adapted:
        height, width = job.pixels.shape[:2]
        pixels = to_pixels(postfilter.combine(content.unfiltered, features), width, height)
        framing = FRAMING_BYTES + (len(payload) > 127) if payload else 0
        bits = 8 * (len(content.payload) + len(payload) + framing)
        cost = bits + content.weight * job.squared_error(pixels)
        return Adapted(content, payload, postfilter, pixels, pixels, cost)

    none = result(b"", base)
    if not job.effort.update:
        return none
    filtered = base.combine(content.unfiltered, features)
    task = FitTask(
        equations(features, filtered, job.original),
        job.model.subspace,
        job.model.tables,
        # Errors in picture units, summed over channels -> `Job.squared_error`.
        content.weight * PIXELS_PER_UNIT**2 / 3,
    )
    fitted = fit(task, thorough=job.effort.thorough)
    if fitted is None:
        return none
    body = subspace_payload.pack(fitted.payload, job.model.subspace.scales, job.model.tables)
    payload = bytes([Method.SUBSPACE]) + body
    try:
        found = result(payload, update.apply(payload, job.model))
    except InvalidField:  # the search left the range that updates may have
        return none
    return replace(found, base=none.pixels) if found.cost < none.cost else none


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
