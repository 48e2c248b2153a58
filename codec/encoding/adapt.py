"""Adapts the post-filter to one picture: content -> UPDATE payload, if it pays."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

import torch

from bitstream import InvalidField, chunk_bytes
from codec.contract.quality import centred
from codec.decoding import update
from codec.decoding.filtering import Filtering
from codec.encoding.job import Adapted, Content, Job
from codec.encoding.updates.equations import equations
from codec.encoding.updates.search import SearchTask, search
from codec.networks.postfilter import PostFilter
from codec.networks.twins import changed


@torch.no_grad()
def adapt(job: Job, content: Content) -> Adapted:
    """The update of the job's technique if it lowers the cost of the real result, else none."""
    model, unfiltered, quality = job.model, content.unfiltered, centred(job.half)
    start = time.perf_counter()
    filtering = Filtering(unfiltered, model.postfilter, quality)
    none = applied(job, content, b"", model.postfilter, filtering)
    filter_seconds = time.perf_counter() - start
    if job.technique is None:
        return none
    task = SearchTask(
        model,
        equations(filtering, job.original, job.distortion),
        unfiltered,
        job.original,
        job.distortion,
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
        postfilter = changed(model.postfilter, update.apply(payload, model))
    except InvalidField:  # the search left the range that updates may have
        return none
    if job.technique.loss is not None:  # layers before the last one have changed too
        filtering = Filtering(unfiltered, postfilter, quality)
    found = applied(job, content, payload, postfilter, filtering)
    return replace(found, base=none.pixels) if found.cost < none.cost else none


def applied(
    job: Job, content: Content, payload: bytes, postfilter: PostFilter, filtering: Filtering
) -> Adapted:
    """What a content becomes with a filter, all of whose layers but the last are `filtering`'s."""
    height, width = job.pixels.shape[:2]
    pixels = filtering.pixels(postfilter, width, height)
    bits = 8 * (content.bytes + chunk_bytes(payload))
    cost = bits + content.weight * job.squared_error(pixels)
    return Adapted(content, payload, postfilter, pixels, pixels, cost)
