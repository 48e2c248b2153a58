"""THE lossless story: picture -> UPDATE -> CONTENT, and back.

The update comes first: it changes the networks that the whole content is coded with.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial

import torch

from bitstream import Container, Header, Tag
from bitstream.file.header import LOSSLESS_QUALITY
from codec.contract import techniques
from codec.contract.effort import effort_at
from codec.contract.options import QUALITY_MAX, EncodeOptions
from codec.contract.report import EncodeResult, Report, TracePoint
from codec.decoding.lossless.coder import encode_pixels
from codec.decoding.lossless.decoder import CONTENT
from codec.encoding.lossless import fit
from codec.models import released
from codec.picture.pixels import Pixels

OnProgress = Callable[[str, float], None]


@torch.no_grad()
@torch.autocast("cpu", enabled=False)  # lower precision would break exactness
def encode(
    pixels: Pixels,
    extras: Mapping[Tag, bytes],
    options: EncodeOptions,
    on_progress: OnProgress | None = None,
) -> EncodeResult:
    """Encodes a picture without loss.

    Args:
        pixels: uint8 [h w 3], RGB.
        extras: other chunks of the file.
        options: effort and update count.
        on_progress: called with a stage and the fraction of it that is done.

    Raises:
        ModelError: there is no model for it.
    """
    start = time.perf_counter()
    model = released.load_default(CONTENT)
    height, width, _ = pixels.shape
    trace: list[TracePoint] = []

    def pack(found: fit.Update | None) -> bytes:
        networks = found.networks if found else model.networks
        chunks = {**extras, Tag.CONTENT: encode_pixels(pixels, networks, model.tables)}
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
    report = Report(
        bpp=8 * len(data) / (width * height),
        psnr_db=float("inf"),
        base_psnr_db=float("inf"),
        update_bytes=len(found.payload) if found else 0,
        seconds=time.perf_counter() - start,
        quality=QUALITY_MAX,
    )
    return EncodeResult(data, report, tuple(trace))


def _note(trace: list[TracePoint], on_progress: OnProgress, done: float, cost: float) -> None:
    on_progress("update", done)
    trace.append(TracePoint("update", cost))
