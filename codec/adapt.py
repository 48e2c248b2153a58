"""Adapts the post-filter to one picture: content -> UPDATE payload, if it pays."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from bitstream import InvalidField
from codec import update
from codec.fixed_point import FRACTION_BITS
from codec.job import Adapted, Content, Job
from codec.picture import pad_to_multiple, to_pixels
from codec.postfilter import PostFilter
from codec.transform import PIXELS_PER_UNIT
from codec.update.normal import NormalEquations, normal_equations
from codec.update.search import SearchTask, search

FRAMING_BYTES = 2
"""Tag and length of a chunk."""


@torch.no_grad()
def adapt(job: Job, content: Content) -> Adapted:
    """The update of the job's technique if it lowers the cost of the real result, else none.

    The features before the last layer are computed once; what a change of that layer decodes to is
    then exact and cheap.
    """
    model, unfiltered, quality = job.model, content.unfiltered, job.model.quality(job.half)
    start = time.perf_counter()
    features = model.postfilter.features(unfiltered, quality)
    filter_seconds = time.perf_counter() - start
    none = applied(job, content, b"", model.postfilter, features)
    if job.technique is None:
        return none
    task = SearchTask(
        model,
        equations(features, model.postfilter.combine(unfiltered, features), job.original),
        unfiltered,
        job.original,
        job.half,
        content.weight,
        job.effort.thorough,
        job.device,
        partial(job.on_step, "update"),
        # The file is decoded once more to verify it.
        job.deadline.earlier(content.seconds + filter_seconds),
    )
    payload = search(job.technique, task)
    if not payload:
        return none
    try:
        postfilter = update.apply(payload, model)
    except InvalidField:  # the search left the range that updates may have
        return none
    if job.technique.loss is not None:  # layers before the last one have changed too
        features = postfilter.features(unfiltered, quality)
    found = applied(job, content, payload, postfilter, features)
    return replace(found, base=none.pixels) if found.cost < none.cost else none


def applied(
    job: Job, content: Content, payload: bytes, postfilter: PostFilter, features: Tensor
) -> Adapted:
    """What a content becomes with a filter, given the features that its last layer combines."""
    height, width = job.pixels.shape[:2]
    pixels = to_pixels(postfilter.combine(content.unfiltered, features), width, height)
    framing = FRAMING_BYTES + (len(payload) > 127) if payload else 0
    bits = 8 * (len(content.payload) + len(payload) + framing)
    cost = bits + content.weight * job.squared_error(pixels)
    return Adapted(content, payload, postfilter, pixels, pixels, cost)


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
