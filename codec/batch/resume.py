"""What a stopped run has left: which outputs are done, and which are made again.

An output that is older than its input, empty, cut short, or made with other settings is replaced.
But only what this program has surely written: on decoding, an older `photo.png` beside `photo.nni`
may be the original.  No list of what was done is kept; outputs say it themselves.

    files of this codec   mode, quality, networks, kinds of metadata, whether there is an update
    enhanced files        quality and networks
    PNG                   the file that they were decoded from, by a hash in a chunk of their own

Effort, the way to an update and a region of interest leave no sure trace there: `recipes` notes
them where the file system can; elsewhere `--force` makes such files again.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import zlib
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path

from bitstream import MAGIC, BadMagic, Container, FormatError, Tag
from bitstream.carriers import carrier_of, jpeg
from bitstream.carriers.enhancement import Enhancement
from bitstream.file.compressai import ZooPayload
from bitstream.file.header import Header
from codec.batch import recipes
from codec.contract import techniques
from codec.contract.contents import FOREIGN, LEARNED, LOSSLESS, SMALLEST
from codec.contract.effort import effort_at
from codec.contract.modes import Lossless, Lossy, Standard
from codec.contract.options import METADATA, EncodeOptions
from codec.contract.targets import Lambda, MaxBpp, MaxBytes
from codec.models.registry import default_ids

END_OF_IMAGE = b"\xff\xd9"
PNG_HEAD = b"\x89PNG\r\n\x1a\n"
PNG_MARK_PLACE = len(PNG_HEAD) + 25
"""After the chunk IHDR, which is the first and has a fixed length (PNG, section 11.2.2)."""
PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
MARK = b"nnSR"
"""Ancillary, private, and not to be copied by programs that change the picture (section 5.4)."""
HASH_BYTES = 16


class Made(Enum):
    """What an output that exists is."""

    AS_ASKED = auto()
    """By this program, whole, and with the same settings as far as it tells."""
    OTHERWISE = auto()
    """By this program, but cut short or with other settings."""
    UNKNOWN = auto()
    """Perhaps by this program."""
    ELSEWHERE = auto()
    """Not by this program."""


Check = Callable[[bytes, str], Made]
"""(what an output holds, name of its input) -> what it is."""


class Left(Enum):
    """What is to be done about an output."""

    DONE = auto()
    REPLACE = auto()
    AS_EVER = auto()
    """It is new, or one that only `--force` may replace."""


def left(target: str, source: str, check: Check, recipe: bytes = b"") -> Left:
    """What a stopped run has left of an output.

    Args:
        target: name of the output.
        source: name of its input.
        check: says what the output is.
        recipe: how it is to be made, see `recipes`; empty for outputs that are not signed.
    """
    try:
        state = os.stat(target)
        if not stat.S_ISREG(state.st_mode) or os.path.samefile(target, source):
            return Left.AS_EVER
        if not state.st_size:
            return Left.REPLACE
        newer = state.st_mtime_ns >= os.stat(source).st_mtime_ns
        data = Path(target).read_bytes()
        signed = recipes.signed(target, data) if recipe else None
        if signed is None:
            made = check(data, source)
        else:
            made = Made.AS_ASKED if signed == recipe else Made.OTHERWISE
    except OSError:
        return Left.AS_EVER
    if made == Made.OTHERWISE or (made == Made.AS_ASKED and not newer):
        return Left.REPLACE
    return Left.DONE if newer and made != Made.ELSEWHERE else Left.AS_EVER


def unknown(_data: bytes, _source: str) -> Made:
    """The check of outputs that tell nothing."""
    return Made.UNKNOWN


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


def mark(png: bytes, source: bytes, scale: int = 1) -> bytes:
    """Writes into a PNG file which file it was decoded from, and at what part of its size."""
    digest = _source_digest(source, scale)
    body = MARK + digest
    chunk = struct.pack(">I", len(digest)) + body + struct.pack(">I", zlib.crc32(body))
    return png[:PNG_MARK_PLACE] + chunk + png[PNG_MARK_PLACE:]


def _source_digest(source: bytes, scale: int) -> bytes:
    part = f"1/{scale}".encode() if scale > 1 else b""
    return hashlib.sha256(source + part).digest()[:HASH_BYTES]


def decoded(data: bytes, source: str, scale: int = 1) -> Made:
    """The check of what `decode` writes."""
    if not data.startswith(PNG_HEAD):
        return Made.OTHERWISE if PNG_HEAD.startswith(data) else Made.UNKNOWN
    length, tag = data[PNG_MARK_PLACE : PNG_MARK_PLACE + 4], data[PNG_MARK_PLACE + 4 :][:4]
    if not tag:  # it ends where the mark would be, and holds no picture
        return Made.OTHERWISE
    if tag != MARK or int.from_bytes(length, "big") != HASH_BYTES:
        return Made.UNKNOWN
    digest = data[PNG_MARK_PLACE + 8 :][:HASH_BYTES]
    same = digest == _source_digest(Path(source).read_bytes(), scale)
    return Made.AS_ASKED if same and data.endswith(PNG_END) else Made.OTHERWISE
