"""The learned content codec: picture -> latents -> symbols, and back to the unfiltered picture."""

from __future__ import annotations

import time
from functools import partial

import torch
from torch import Tensor

from bitstream import chunk_bytes
from codec.contract.quality import HALVES, Level, lambda_at, level_at
from codec.decoding import prior
from codec.decoding.engines.choice import chosen
from codec.encoding.contents import refine
from codec.encoding.contents.annealing import AGAIN, FIRST
from codec.encoding.contents.latents import CodedLatents, encode_latents
from codec.encoding.contents.tiles import tiles
from codec.encoding.task import Adapted, Content, EncodeTask
from codec.encoding.updates import prior as prior_fit
from codec.models.kinds import LearnedModel
from codec.networks.integers import Scales
from codec.networks.order import BLOCK_PX, Exchange, Grid, Latents
from codec.networks.pictures import from_halves, pad_to
from codec.networks.strips import in_strips
from codec.networks.twins import set_last_layer

QUALITIES = range(HALVES + 1)
SEARCH_WEIGHT = 1.6
"""The slope of the codec's own rate-distortion curve in units of the lambda that its networks were
trained with (measured on CID22 validation: 1.2 at high rates to 1.9 at low ones).  Trading at that
slope is what lowers the rate at equal quality."""
CODINGS_AFTER_SEARCH = 5.0
"""What a deadline leaves time for, in units of coding once: coding the refined latents, comparing,
fitting the filter, and decoding to verify (measured: 4.6)."""


def encode(task: EncodeTask, model: LearnedModel) -> Content:
    """Latents from the analysis, rounded."""
    return _code(task, model, analyze(task, model))


def refined(task: EncodeTask, model: LearnedModel, adapted: Adapted, number: int) -> Content | None:
    """Better latents for the filter that the picture has now, in round `number` of the search.

    None if no time is left.
    """
    before = adapted.content
    deadline = task.deadline.earlier(CODINGS_AFTER_SEARCH * before.seconds)
    if before.latents is None or deadline.passed:
        return None
    decoder = model.search()
    set_last_layer(decoder.postfilter, adapted.postfilter)
    if before.prior:
        prior_fit.set_scales(decoder, prior.apply(before.prior, model))
    decoder = refine.round_kernels(decoder.to(task.device))
    original, distortion = task.original.to(task.device), task.distortion.to(task.device)
    y, level = before.latents.clone(), _level(task)
    parts = list(tiles(*y.shape[2:]))
    for done, tile in enumerate(parts):
        outer = (..., tile.outer_rows, tile.outer_columns)
        rows, columns = (slice(BLOCK_PX * side.start, BLOCK_PX * side.stop) for side in outer[1:])
        found = refine.refine(
            y[outer],
            original[..., rows, columns],
            distortion.part(rows, columns),
            decoder,
            level,
            before.weight,
            AGAIN if number else FIRST,
            task.effort.latent_steps,
            deadline.first_of(len(parts) - done),
            partial(task.on_step, "refining", part=done, parts=len(parts)),
        )
        y[..., tile.rows, tile.columns] = found[(..., *tile.inside)]
    return _code(task, model, y)


@torch.no_grad()
def analyze(task: EncodeTask, model: LearnedModel) -> Tensor:
    """The picture's latents: float [1 c h w]."""
    search = model.search().to(task.device)
    grid = _grid(task)
    padded = pad_to(task.original, grid.height * BLOCK_PX, grid.width * BLOCK_PX)
    quality = _level(task).quality

    def analyze(part: Tensor) -> Tensor:
        latents: Tensor = search.analysis(part.to(task.device), quality)
        return latents

    return in_strips(analyze, padded, halo=search.analysis.halo, scale=1)


def code_latents(
    task: EncodeTask, model: LearnedModel, y: Tensor, scales: Scales | None = None
) -> CodedLatents:
    """Codes latents, float [1 c h w], with the scales of the model, or others."""
    grid = _grid(task)
    level, usual = model.level(task.half), Scales.plain(model.config.channels)

    def scan(exchange: Exchange) -> Latents:
        return chosen().scan(model, scales or usual, grid, level, exchange)

    return encode_latents(y.cpu(), scan, level, grid, model.tables)


@torch.no_grad()
def _code(task: EncodeTask, model: LearnedModel, y: Tensor) -> Content:
    """Codes latents, and decodes them exactly as the decoder will."""
    start = time.perf_counter()
    level = model.level(task.half)
    weight = SEARCH_WEIGHT * float(lambda_at(task.half / 2))
    latents = code_latents(task, model, y)
    payload, update = latents.payload, b""
    if task.technique is not None and model.prior is not None and not task.deadline.passed:
        thorough = task.effort.thorough
        found = prior_fit.fit_prior(latents.symbols, model, level, thorough=thorough)
        if found:
            # The same values in another codeword.
            again = code_latents(task, model, y, prior.apply(found, model)).payload
            if len(again) + chunk_bytes(found) < len(payload):
                payload, update = again, found
    unfiltered = from_halves(chosen().synthesize(model, latents.values, level))
    return Content(payload, unfiltered, weight, y, update, time.perf_counter() - start)


def _grid(task: EncodeTask) -> Grid:
    height, width = task.pixels.shape[:2]
    return Grid.of_picture(width, height)


def _level(task: EncodeTask) -> Level:
    return level_at(torch.tensor([task.half / 2], device=task.device))
