"""What an output of `encode`, `enhance` or `strip` says of its making."""

from __future__ import annotations

from pathlib import Path

from bitstream import MAGIC, BadMagic, Container, FormatError, Tag
from bitstream.carriers import carrier_of, jpeg
from bitstream.carriers.enhancement import Enhancement
from bitstream.file.compressai import ZooPayload
from bitstream.file.header import Header
from codec.batch.resume import Check, Made
from codec.contract import techniques
from codec.contract.contents import FOREIGN, LEARNED, LOSSLESS, SMALLEST
from codec.contract.effort import effort_at
from codec.contract.modes import Lossless, Lossy, Standard
from codec.contract.options import METADATA, EncodeOptions
from codec.contract.targets import Lambda, MaxBpp, MaxBytes
from codec.models.registry import default_ids

END_OF_IMAGE = b"\xff\xd9"


def encoded(options: EncodeOptions) -> Check:
    """The check of what `encode` writes with these options."""

    def check(data: bytes, _source: str) -> Made:
        mode = options.mode
        if isinstance(mode, Standard):
            return _enhanced(data, options, mode)
        if not data.startswith(MAGIC):
            return Made.OTHERWISE if MAGIC.startswith(data) else Made.ELSEWHERE
        try:
            container = Container.unpack(data)
        except FormatError:
            return Made.OTHERWISE
        same = _as_asked(container, len(data), options, mode)
        return Made.AS_ASKED if same else Made.OTHERWISE

    return check


def _as_asked(
    container: Container, size: int, options: EncodeOptions, mode: Lossy | Lossless
) -> bool:
    """Whether a file of this codec has the settings that it tells of."""
    header, chunks = container.header, container.chunks
    made = _content_as_asked(header, mode)
    unwanted = {Tag[kind.upper()] for kind in METADATA if kind not in options.metadata}
    if _without_update(options):
        unwanted |= {Tag.UPDATE, Tag.PRIOR}
    return (
        not unwanted & set(chunks)
        and made
        and header.lossless == isinstance(mode, Lossless)
        and (not isinstance(mode, Lossy) or _has_quality(container, size, mode))
    )


def _content_as_asked(header: Header, mode: Lossy | Lossless) -> bool:
    """Whether a file has the networks that are asked for, or the codec in place of them."""
    content = mode.family if isinstance(mode, Lossy) else LOSSLESS
    networks = header.model == default_ids().get(content, header.model)
    if isinstance(mode, Lossy) or mode.content == LEARNED:
        return networks
    other = header.exact.codec if header.exact else ""
    return other == mode.content or (mode.content == SMALLEST and (networks or other == "webp"))


def _has_quality(container: Container, size: int, mode: Lossy) -> bool:
    header, target = container.header, mode.target
    if mode.family == FOREIGN:
        found = ZooPayload.unpack(container.chunks[Tag.CONTENT])
        return mode.content == f"{FOREIGN}:{found.name}:{found.quality}"
    if isinstance(target, MaxBytes):
        return size <= target.value
    if isinstance(target, MaxBpp):
        return 8 * size <= target.value * header.width * header.height
    if isinstance(target, Lambda):
        return header.quality == target.half
    return target is not None or header.quality == round(2 * mode.quality)


def _without_update(options: EncodeOptions) -> bool:
    return options.update == techniques.NONE or not effort_at(options.effort).update


def _enhanced(data: bytes, options: EncodeOptions, mode: Standard) -> Made:
    """A standard file; one without a payload, because nothing was gained, is as any other."""
    try:
        carrier = carrier_of(data)
        if carrier is None or carrier.NAME != mode.format:
            return Made.ELSEWHERE
        payload = carrier.extract(data)
        if payload is None:
            return Made.UNKNOWN
        found = Enhancement.unpack(payload)
    except FormatError:
        return Made.UNKNOWN
    whole = carrier is not jpeg or data.endswith(END_OF_IMAGE)
    same = (
        found.model == default_ids().get(mode.format, found.model)
        and found.quality == round(2 * mode.quality)
        and not (found.update and _without_update(options))
    )
    return Made.AS_ASKED if whole and same else Made.OTHERWISE


def stripped(data: bytes, source: str) -> Made:
    """The check of what `strip` writes: it is made again, and compared."""
    plain = Path(source).read_bytes()
    try:
        carrier = carrier_of(plain)
        if carrier is None:
            raise BadMagic
        plain = carrier.strip(plain)
    except FormatError:
        return Made.ELSEWHERE
    if data == plain:
        return Made.AS_ASKED
    return Made.OTHERWISE if plain.startswith(data) else Made.ELSEWHERE
