"""One weight update for a small set of pictures: its bytes are written once.

The squared error of every picture is a quadratic in the change of the last layer, so the best
common change needs no more than the sum of their normal equations, each weighted by its lambda.  A
picture that does better with an update of its own, or with none, gets that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from bitstream import Container, Header, Tag
from bitstream.shared import SharedUpdate, update_id
from codec import content as contents
from codec import update
from codec.adapt import adapt, cost, equations
from codec.decoder import decode
from codec.encoder import make_job
from codec.errors import VerifyError
from codec.job import Adapted, Content, Job
from codec.options import DecodeOptions, EncodeOptions
from codec.picture import Pixels, check_pixels, to_pixels
from codec.transform import PIXELS_PER_UNIT
from codec.update import Method
from codec.update.fit import FitTask, fit
from codec.update.normal import NormalEquations


@dataclass(frozen=True)
class SharedResult:
    """Files of a set of pictures.

    Attributes:
        files: one per picture, in order.
        update: the file of the shared update, empty if it does not pay.
    """

    files: tuple[bytes, ...]
    update: bytes


def encode_shared(pictures: Sequence[Pixels], options: EncodeOptions) -> SharedResult:
    """Encodes pictures so that those that gain by it share one update.

    Args:
        pictures: uint8 [h w 3] each, RGB.
        options: for all of them; `update` is not used.

    Raises:
        What `codec.encode` raises.
    """
    for pixels in pictures:
        check_pixels(pixels)
    plain = replace(options, update="subspace")
    jobs = [make_job(pixels, plain, lambda stage, fraction: None) for pixels in pictures]
    coded = [contents.encode(job) for job in jobs]
    alone = [adapt(job, found) for job, found in zip(jobs, coded, strict=True)]
    data, shared = share(jobs, coded, alone)
    files = []
    for job, found, adapted in zip(jobs, coded, shared, strict=True):
        files.append(_file(job, found, adapted))
        if options.verify:
            anything = DecodeOptions(max_pixels=None, updates=(data,) if data else ())
            if not np.array_equal(decode(files[-1], anything), adapted.pixels):
                raise VerifyError("a file does not decode to the encoded picture")
    return SharedResult(tuple(files), data)


def share(
    jobs: Sequence[Job], coded: Sequence[Content], alone: Sequence[Adapted]
) -> tuple[bytes, list[Adapted]]:
    """The update file, and what each picture is then coded with; no file if it does not pay.

    Args:
        jobs: pictures of one model.
        coded: their contents.
        alone: what each has without sharing.
    """
    model = jobs[0].model
    normal = _sum([_weighted(job, found) for job, found in zip(jobs, coded, strict=True)])
    task = FitTask(normal, model.subspace, model.tables, 1.0)
    fitted = fit(task, thorough=True)
    if fitted is None:
        return b"", list(alone)
    data = SharedUpdate(model.id, update.pack(Method.SUBSPACE, fitted.payload, model)).pack()
    chosen, saved = [], -8.0 * len(data)
    for job, found, own in zip(jobs, coded, alone, strict=True):
        together = _with(job, found, data, own)
        best = min(own, together, key=lambda adapted: cost(job, found, adapted))
        saved += cost(job, found, own) - cost(job, found, best)
        chosen.append(best)
    return (data, chosen) if saved > 0 else (b"", list(alone))


@torch.no_grad()
def _weighted(job: Job, found: Content) -> NormalEquations:
    """Normal equations in bits."""
    quality = job.model.quality(job.half)
    features = job.model.postfilter.features(found.unfiltered, quality)
    picture = job.model.postfilter.combine(found.unfiltered, features)
    normal = equations(features, picture, job.original)
    weight = found.weight * PIXELS_PER_UNIT**2 / 3
    return NormalEquations(
        normal.gram * weight,
        normal.cross * weight,
        normal.energy * weight,
        normal.positions * weight,
    )


def _sum(equations: Sequence[NormalEquations]) -> NormalEquations:
    return NormalEquations(
        sum(e.gram for e in equations),
        sum(e.cross for e in equations),
        sum(e.energy for e in equations),
        sum(e.positions for e in equations),
    )


@torch.no_grad()
def _with(job: Job, found: Content, data: bytes, own: Adapted) -> Adapted:
    """A picture with the shared update."""
    payload = bytes([Method.SHARED]) + update_id(data)
    postfilter = update.apply(payload, job.model, (data,))
    filtered = postfilter(found.unfiltered, job.model.quality(job.half))
    height, width = job.pixels.shape[:2]
    return Adapted(payload, to_pixels(filtered, width, height), own.base)


def _file(job: Job, found: Content, adapted: Adapted) -> bytes:
    chunks = {Tag.CONTENT: found.payload}
    if adapted.payload:
        chunks[Tag.UPDATE] = adapted.payload
    height, width = job.pixels.shape[:2]
    return Container(Header(width, height, job.half, job.model.id), chunks).pack()
