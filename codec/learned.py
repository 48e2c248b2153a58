"""The learned content codec: picture -> latents -> symbols, and back to the unfiltered picture."""

from __future__ import annotations

import time
from functools import partial

import torch
from torch import Tensor

from bitstream import Header
from codec import refine
from codec.job import Content, Job
from codec.latents import Grid, decode_latents, encode_latents
from codec.model import Model
from codec.picture import pad_to, to_pixels
from codec.quality import IntegerLevel, lambda_at, level_at
from codec.transform import BLOCK_PX
from codec.weights import ReleasedModel

SEARCH_WEIGHT = 1.6
"""The slope of the codec's own rate-distortion curve in units of the lambda that its networks were
trained with (measured on CID22 validation: 1.2 at high rates to 1.9 at low ones).  Trading at that
slope is what lowers the rate at equal quality."""
CODINGS_AFTER_SEARCH = 5.0
"""What a deadline leaves time for, in units of coding once: coding the refined latents, comparing,
fitting the filter, and decoding to verify (measured: 4.6)."""


def encode(job: Job) -> Content:
    """Latents from the analysis, refined if that lowers the cost of the real result."""
    search = job.model.search().to(job.device)
    level = level_at(torch.tensor([job.half / 2], device=job.device))
    weight = SEARCH_WEIGHT * float(lambda_at(job.half / 2))
    original = job.original.to(job.device)
    height, width = job.pixels.shape[:2]
    grid = Grid.of_picture(width, height)
    with torch.no_grad():
        y = search.analysis(
            pad_to(original, grid.height * BLOCK_PX, grid.width * BLOCK_PX), level.quality
        )
    plain = _code(job, y, grid, weight)
    deadline = job.deadline.earlier(CODINGS_AFTER_SEARCH * plain.seconds)
    too_large = height * width > refine.MAX_PIXELS
    if not job.effort.latent_steps or too_large or deadline.passed:
        return plain
    refined = refine.refine(
        y,
        original,
        search,
        level,
        weight,
        deadline.pace(job.effort.latent_steps),
        partial(job.on_step, "latents"),
    )
    return min(plain, _code(job, refined, grid, weight), key=lambda found: _cost(job, found))


def decode(payload: bytes, header: Header, model: ReleasedModel) -> Tensor:
    """CONTENT payload -> the picture before the post-filter: integers [1 3 H W]."""
    level = model.level(header.quality)
    grid = Grid.of_picture(header.width, header.height)
    values = decode_latents(payload, model.networks.context, level, grid, model.tables)
    return synthesize(model.networks, values, level)


def synthesize(networks: Model, values: Tensor, level: IntegerLevel) -> Tensor:
    """Latent values -> the picture before the post-filter."""
    features = networks.context.features.normalized(values, 0, values.shape[1])
    return networks.synthesis(values, features, level.quality)


@torch.no_grad()
def _code(job: Job, y: Tensor, grid: Grid, weight: float) -> Content:
    """Codes latents, and decodes them exactly as the decoder will."""
    networks, level = job.model.networks, job.model.level(job.half)
    start = time.perf_counter()
    payload, values = encode_latents(y.cpu(), networks.context, level, grid, job.model.tables)
    unfiltered = synthesize(networks, values, level)
    return Content(payload, unfiltered, weight, time.perf_counter() - start)


@torch.no_grad()
def _cost(job: Job, content: Content) -> float:
    """Bits, and what the errors are worth in bits."""
    filtered = job.model.postfilter(content.unfiltered, job.model.quality(job.half))
    height, width = job.pixels.shape[:2]
    error = job.squared_error(to_pixels(filtered, width, height))
    return 8 * len(content.payload) + content.weight * error
