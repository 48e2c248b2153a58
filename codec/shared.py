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
from codec.adapt import adapt, applied
from codec.decoder import decode
from codec.errors import VerifyError
from codec.filtering import Filtering
from codec.job import Adapted, Content, Job, make_job
from codec.options import DecodeOptions, EncodeOptions
from codec.picture import Pixels, check_pixels
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
    jobs = [make_job(pixels, plain) for pixels in pictures]
    alone = [adapt(job, contents.encode(job)) for job in jobs]
    data, shared = share(jobs, alone)
    files = []
    for job, adapted in zip(jobs, shared, strict=True):
        files.append(_file(job, adapted))
        if options.verify:
            anything = DecodeOptions(max_pixels=None, updates=(data,) if data else ())
            if not np.array_equal(decode(files[-1], anything), adapted.pixels):
                raise VerifyError("a file does not decode to the encoded picture")
    return SharedResult(tuple(files), data)


def share(jobs: Sequence[Job], alone: Sequence[Adapted]) -> tuple[bytes, list[Adapted]]:
    """The update file, and what each picture is then coded with; no file if it does not pay.

    Args:
        jobs: pictures of one model.
        alone: what each has without sharing.
    """
    model = jobs[0].model
    normal = _sum([_weighted(job, own.content) for job, own in zip(jobs, alone, strict=True)])
    task = FitTask(normal, model.subspace, model.tables, 1.0)
    fitted = fit(task, thorough=True)
    if fitted is None:
        return b"", list(alone)
    data = SharedUpdate(model.id, update.pack(Method.SUBSPACE, fitted.payload, model)).pack()
    chosen = [
        min(own, _with(job, data, own), key=lambda adapted: adapted.cost)
        for job, own in zip(jobs, alone, strict=True)
    ]
    saved = sum(own.cost - best.cost for own, best in zip(alone, chosen, strict=True))
    return (data, chosen) if saved > 8 * len(data) else (b"", list(alone))


@torch.no_grad()
def _weighted(job: Job, found: Content) -> NormalEquations:
    """Normal equations in bits."""
    quality = job.model.quality(job.half)
    filtering = Filtering(found.unfiltered, job.model.postfilter, quality)
    normal = filtering.equations(job.original)
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
def _with(job: Job, data: bytes, own: Adapted) -> Adapted:
    """A picture with the shared update."""
    model, content = job.model, own.content
    payload = bytes([Method.SHARED]) + update_id(data)
    filtering = Filtering(content.unfiltered, model.postfilter, model.quality(job.half))
    together = applied(job, content, payload, update.apply(payload, model, (data,)), filtering)
    return replace(together, base=own.base)


def _file(job: Job, adapted: Adapted) -> bytes:
    chunks = {Tag.CONTENT: adapted.content.payload}
    if adapted.payload:
        chunks[Tag.UPDATE] = adapted.payload
    height, width = job.pixels.shape[:2]
    return Container(Header(width, height, job.half, job.model.id), chunks).pack()
