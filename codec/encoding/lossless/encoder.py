"""THE lossless story: picture -> UPDATE -> CONTENT.

The update comes first: it changes the networks that the whole content is coded with.
"""

from __future__ import annotations

from functools import partial

import torch

from bitstream import Container, Header, Tag
from bitstream.file import pixel_checksum
from bitstream.file.header import LOSSLESS_QUALITY
from codec.contract import techniques
from codec.contract.effort import effort_at
from codec.contract.modes import LOSSLESS
from codec.contract.options import EncodeOptions
from codec.contract.quality import HALVES
from codec.contract.report import OnProgress, TracePoint
from codec.decoding.engines.choice import chosen
from codec.decoding.lossless.coder import encode_pixels
from codec.decoding.lossless.update import heads_of
from codec.encoding.frame import Coded, figures
from codec.encoding.lossless import fit
from codec.encoding.lossy import extras_of
from codec.models import released
from codec.models.kinds import LosslessModel
from codec.picture import transparency
from codec.picture.pixels import samples_of
from codec.picture.reading import Raster


@torch.no_grad()
def encode(raster: Raster, options: EncodeOptions, on_progress: OnProgress | None = None) -> Coded:
    """Encodes a picture without loss.

    Args:
        raster: pixels, and what the file is to hold besides.
        options: effort and update count.
        on_progress: called with a stage and the fraction of it that is done.

    Raises:
        ModelError: there is no model for it.
    """
    model = released.load_default(LOSSLESS)
    assert isinstance(model, LosslessModel)  # noqa: S101 (for the type checker)
    pixels, extras = raster.pixels, extras_of(raster, options)
    decoded = transparency.join(pixels, raster.alpha)
    extras[Tag.PIXELS] = pixel_checksum.pack(samples_of(decoded))
    height, width, _ = pixels.shape
    trace: list[TracePoint] = []

    def pack(found: fit.Update | None) -> bytes:
        refine = chosen().refine(model, found.heads if found else heads_of(model))
        chunks = {**extras, Tag.CONTENT: encode_pixels(pixels, refine, model.tables)}
        if found:
            chunks[Tag.UPDATE] = found.payload
        return Container(Header(width, height, LOSSLESS_QUALITY, model.id), chunks).pack()

    data, found = pack(None), None
    effort = effort_at(options.effort)
    if effort.update and options.update != techniques.NONE:
        note = partial(_note, trace, on_progress or (lambda stage, done: None))
        found = fit.search(pixels, model, thorough=effort.thorough, on_step=note)
    if found:
        # What the search saves is an estimate: the files decide.
        adapted = pack(found)
        data, found = min((data, None), (adapted, found), key=lambda pair: len(pair[0]))
    update_bytes = len(found.payload) if found else 0
    report = figures(data, pixels, pixels, pixels, update_bytes=update_bytes, half=HALVES)
    return Coded(data, decoded, report, tuple(trace))


def _note(trace: list[TracePoint], on_progress: OnProgress, done: float, cost: float) -> None:
    on_progress("update", done)
    trace.append(TracePoint("update", cost))
