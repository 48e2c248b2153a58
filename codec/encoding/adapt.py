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
from codec.encoding.reweighting import reweighted
from codec.encoding.task import Adapted, Content, EncodeTask
from codec.encoding.updates.equations import equations
from codec.encoding.updates.normal import NormalEquations
from codec.encoding.updates.search import SearchTask, search
from codec.networks.postfilter import PostFilter
from codec.networks.twins import changed
from codec.picture.pixels import Pixels


@torch.no_grad()
def distortion_scaled(task: EncodeTask, content: Content) -> EncodeTask:
    """The task with its distortion on the scale that a first content gives it."""
    if task.distortion.tune is None:
        return task
    filtering = Filtering(content.unfiltered, task.model.postfilter, centred(task.half))
    height, width = task.pixels.shape[:2]
    pixels = filtering.pixels(task.model.postfilter, width, height)
    return replace(task, distortion=task.distortion.at(pixels, task.pixels))


@torch.no_grad()
def adapt(task: EncodeTask, content: Content) -> Adapted:
    """The update of the task's technique if it lowers the cost of the real result, else none."""
    model, unfiltered, quality = task.model, content.unfiltered, centred(task.half)
    start = time.perf_counter()
    filtering = Filtering(unfiltered, model.postfilter, quality)
    none = applied(task, content, b"", model.postfilter, filtering)
    filter_seconds = time.perf_counter() - start
    if task.technique is None:
        return none
    wanted = SearchTask(
        model,
        normal_equations(task, filtering, none.pixels),
        unfiltered,
        task.original,
        task.distortion,
        task.half,
        content.weight,
        task.effort.thorough,
        task.device,
        partial(task.on_step, "update"),
        # The file is decoded once more to verify it.
        task.deadline.earlier(content.seconds + filter_seconds),
    )
    payload = search(task.technique, wanted)
    if not payload:
        return none
    try:
        postfilter = changed(model.postfilter, update.apply(payload, model))
    except InvalidField:  # the search left the range that updates may have
        return none
    if not task.technique.changes_last_layer_alone:
        filtering = Filtering(unfiltered, postfilter, quality)
    found = applied(task, content, payload, postfilter, filtering)
    return replace(found, base=none.pixels) if found.cost < none.cost else none


def normal_equations(task: EncodeTask, filtering: Filtering, base: Pixels) -> NormalEquations:
    """Those of the last layer, for the whole distortion around the base filter's picture."""
    squares = reweighted(task.distortion, base, task.original)
    return equations(filtering, task.original, squares)


def applied(
    task: EncodeTask, content: Content, payload: bytes, postfilter: PostFilter, filtering: Filtering
) -> Adapted:
    """What a content becomes with a filter, all of whose layers but the last are `filtering`'s."""
    height, width = task.pixels.shape[:2]
    pixels = filtering.pixels(postfilter, width, height)
    bits = 8 * (content.bytes + chunk_bytes(payload))
    cost = bits + content.weight * task.error(pixels)
    return Adapted(content, payload, postfilter, pixels, pixels, cost)
