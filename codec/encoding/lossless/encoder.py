"""THE lossless story: picture -> UPDATE -> CONTENT, or the bitstream of another codec.

The update comes before the content: it changes the networks that the whole content is coded with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch

from bitstream import Container, Header, Tag
from bitstream.file import pixel_checksum
from bitstream.file.header import LOSSLESS_QUALITY
from codec.contract import techniques
from codec.contract.contents import LEARNED, LOSSLESS
from codec.contract.effort import Effort, effort_at
from codec.contract.modes import Lossless
from codec.contract.options import EncodeOptions
from codec.contract.quality import HALVES
from codec.contract.report import OnProgress, TracePoint
from codec.decoding.engines.choice import chosen
from codec.decoding.lossless.coder import encode_pixels
from codec.decoding.lossless.update import heads_of
from codec.encoding.frame import Coded, figures
from codec.encoding.lossless import fine, fit
from codec.encoding.lossy import extras_of
from codec.errors import ImageError
from codec.models import released
from codec.models.kinds import LosslessModel, as_kind
from codec.picture import exact, transparency
from codec.picture import scaling as scales
from codec.picture.pixels import Pixels, Samples, samples_of
from codec.picture.reading import Raster

HOPELESS = 0.8
"""Where another codec takes that much of what the networks take, no update is sought: it saves a
twentieth in the mean, and at most 15 % (`results/0.1.0/*-lossless.tsv`)."""
PROMISING = 1.5
"""How much larger than that of the networks a quick bitstream may be for a thorough one to be
tried: of screens and graphics that saves much more than of photographs."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A picture, and what its file is to hold besides.

    Attributes:
        pixels: uint8 [h w 3], of deeper samples the first eight bits.
        samples: the same, with the opacity if there is one.
        decoded: what the file is to decode to.
        extras: chunks, the opacity's and that of more than 8 bits among them.
    """

    pixels: Pixels
    samples: Pixels
    decoded: Samples
    extras: Mapping[Tag, bytes]

    @classmethod
    def of(cls, raster: Raster, options: EncodeOptions) -> Subject:
        """That of a picture that has been read."""
        pixels, extras = raster.pixels, extras_of(raster, options)
        decoded: Samples = transparency.join_opacity(pixels, raster.alpha)
        if raster.deep is not None:
            scaling, values = scales.found_in(raster.deep)
            pixels, extras[Tag.FINE] = fine.encode(values, scaling)
            decoded = transparency.deepened(raster.deep, raster.alpha)
        extras[Tag.PIXELS] = pixel_checksum.pack(samples_of(decoded))
        samples = transparency.join_opacity(pixels, raster.alpha)
        return cls(pixels, samples, decoded, extras)

    def coded(self, model: bytes, chunks: Mapping[Tag, bytes]) -> Coded:
        """A file of it."""
        height, width, _ = self.pixels.shape
        data = Container(Header(width, height, LOSSLESS_QUALITY, model), dict(chunks)).pack()
        update_bytes, same = len(chunks.get(Tag.UPDATE, b"")), self.pixels
        report = figures(data, same, same, same, update_bytes=update_bytes, half=HALVES)
        return Coded(data, self.decoded, report)


@torch.no_grad()
def encode(
    raster: Raster,
    options: EncodeOptions,
    mode: Lossless,
    on_progress: OnProgress | None = None,
) -> Coded:
    """Encodes a picture without loss.

    Args:
        raster: pixels, and what the file is to hold besides.
        options: effort and update count.
        mode: what contents to try.
        on_progress: called with a stage and the fraction of it that is done.

    Raises:
        ModelError: there is no model for it, or no plugin.
        ImageError: the picture is too large for the content that is asked for.
    """
    subject, effort = Subject.of(raster, options), effort_at(options.effort)
    if mode.content in exact.BY_NAME:
        found = _bitstream(subject, exact.BY_NAME[mode.content], thorough=effort.thorough)
        if found is None:
            raise ImageError(f"is too large for {mode.content} content")
        return found
    model = as_kind(released.load_default(LOSSLESS), LosslessModel)
    best = _networks(subject, model)
    size = len(best.data)
    other = None if mode.content == LEARNED else _webp(subject, effort, size)
    hopeless = other is not None and len(other.data) < HOPELESS * size
    if effort.update and options.update != techniques.NONE and not hopeless:
        best = _adapted(subject, model, effort, best, on_progress)
    return best if other is None else min(best, other, key=lambda coded: len(coded.data))


def _webp(subject: Subject, effort: Effort, size: int) -> Coded | None:
    """The picture as WebP, as small as makes sense beside a file of `size` bytes."""
    quick = _bitstream(subject, exact.WEBP, thorough=False)
    if quick is None or not effort.update or len(quick.data) > PROMISING * size:
        return quick
    return _bitstream(subject, exact.WEBP, thorough=True)


def _bitstream(subject: Subject, codec: exact.ExactCodec, *, thorough: bool) -> Coded | None:
    """The picture by another codec, the opacity in its content; None if it is too large."""
    content = codec.write(subject.samples, thorough=thorough)
    if content is None:
        return None
    chunks = dict(subject.extras)
    chunks.pop(Tag.ALPHA, None)
    chunks[Tag.CONTENT] = content
    return subject.coded(codec.id(subject.samples), chunks)


def _networks(subject: Subject, model: LosslessModel, found: fit.Update | None = None) -> Coded:
    """The picture by our networks, with an update or without."""
    refine = chosen().refine(model, found.heads if found else heads_of(model))
    content = encode_pixels(subject.pixels, refine, model.tables)
    chunks = {**subject.extras, Tag.CONTENT: content}
    if found:
        chunks[Tag.UPDATE] = found.payload
    return subject.coded(model.id, chunks)


def _adapted(
    subject: Subject,
    model: LosslessModel,
    effort: Effort,
    plain: Coded,
    on_progress: OnProgress | None,
) -> Coded:
    """The picture with an update, if its file is smaller than the plain one."""
    trace: list[TracePoint] = []
    note = partial(_note, trace, on_progress or (lambda stage, done: None))
    found = fit.fit_heads(subject.pixels, model, thorough=effort.thorough, on_step=note)
    # What the search saves is an estimate: the files decide.
    tried = [plain] if found is None else [plain, _networks(subject, model, found)]
    return replace(min(tried, key=lambda coded: len(coded.data)), trace=tuple(trace))


def _note(trace: list[TracePoint], on_progress: OnProgress, done: float, cost: float) -> None:
    on_progress("update", done)
    trace.append(TracePoint("update", cost))
