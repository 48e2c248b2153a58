"""The pictures that one or two files can be compared by, as PNG, and what is known of each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path

from bitstream import Tag
from bitstream.carriers.enhancement import Enhancement
from bitstream.errors import BadMagic
from codec.contract.decoding import DecodeOptions
from codec.decoding.decoder import restore
from codec.decoding.restored import Restored
from codec.errors import FileError, ImageError, blaming
from codec.info import FileInfo, StandardInfo, describe
from codec.opening import CodedFile, OpenedFile, StandardFile
from codec.pages import maps
from codec.picture import standard, transparency, writing
from codec.picture.metadata import upright
from codec.picture.metrics import METRICS
from codec.picture.pixels import Pixels
from codec.terminal import escaped

FIGURES = ("psnr_db", "ssimulacra2")
"""The metrics that the page has room for."""
ERRORS = f"Errors × {maps.AMPLIFICATION}"
DECODED, WITHOUT, PLAIN = "decoded", "no-update", "plain"


@dataclass(frozen=True)
class Entry:
    """A file to look at: its name, what was opened, and limits of its decoder."""

    name: str
    file: OpenedFile
    options: DecodeOptions = field(default_factory=DecodeOptions)


@dataclass(frozen=True)
class Variant:
    """One picture.

    Attributes:
        key: its name in addresses.
        title: its name for people.
        png: the picture.
        figures: against the original, as people read them, by the names of metrics; none if there
            is no original, or if it is the original.
    """

    key: str
    title: str
    png: bytes
    figures: dict[str, str]


@dataclass(frozen=True)
class Shown:
    """What is known of a file.

    Attributes:
        name: as it was given, harmless to print.
        info: what the file says about itself.
        parts: bytes of its parts by their names, in their order.
        decoded: key of its picture.
        remark: why the update of a standard file is left out; empty if it is not.
    """

    name: str
    info: FileInfo | StandardInfo
    parts: dict[str, int]
    decoded: str
    remark: str


@dataclass(frozen=True)
class Comparison:
    """All pictures, of equal size, and the facts of the files."""

    files: tuple[Shown, ...]
    width: int
    height: int
    variants: tuple[Variant, ...]


def compare(entries: Sequence[Entry], original: Pixels | None = None) -> Comparison:
    """Decodes files, with and without their updates; standard files as any program, too.

    Args:
        entries: one file, or two to compare with each other.
        original: uint8 [h w 3] or [h w 4], the picture that was encoded; without it two files are
            compared with each other alone.

    Raises:
        FileError: a file is not valid, holds no picture, or one of another size than the first.
        ImageError: the original has another size.
    """
    decoded = [restored(entry) for entry in entries]
    height, width, _ = decoded[0].pixels.shape
    for entry, found in zip(entries, decoded, strict=True):
        if found.pixels.shape[:2] != (height, width):
            reason = f"is not {width} x {height}, the size of the first file's picture"
            raise FileError(f"{entry.name}: {reason}")
    if original is not None and original.shape[:2] != (height, width):
        raise ImageError(f"the original is not {width} x {height}, the size of the file's picture")
    if original is not None and not any(found.lossless for found in decoded):
        original = transparency.continued(original)
    variants = [] if original is None else [Variant("original", "Original", _png(original), {})]
    shown = []
    for number, (entry, found) in enumerate(zip(entries, decoded, strict=True), start=1):
        mark = "" if number == 1 else f"-{number}"
        label = _label(entry, entries)
        for key, title, pixels in _pictures(entry, found):
            figures = {} if original is None else _figures(pixels, original)
            named = f"{label}: {title}" if label else title
            variants.append(Variant(key + mark, named, _png(pixels), figures))
        if original is not None:
            title = f"{label}: {ERRORS}" if label else ERRORS
            variants.append(_difference("errors" + mark, title, original, found.pixels))
        shown.append(_shown(entry, DECODED + mark, found.complaint))
    if original is None and len(decoded) > 1:
        pair = (found.pixels for found in decoded)
        title = f"Difference × {maps.AMPLIFICATION}"
        variants.append(_difference("difference", title, *pair))
    return Comparison(tuple(shown), width, height, tuple(variants))


def restored(entry: Entry) -> Restored:
    """The picture of a file; of a standard file that carries nothing, what any program shows."""
    file = entry.file
    with blaming(entry.name):
        if isinstance(file, StandardFile) and file.payload is None:
            metadata = standard.read_metadata(file.data)
            pixels = standard.read_pixels(file.data, entry.options.max_pixels)
            return Restored(upright(pixels, metadata.orientation), metadata.upright())
        return restore(file, replace(entry.options, eight_bits=True))


def known_of(entry: Entry) -> FileInfo | StandardInfo:
    """What a file with a picture says about itself.  Raises FileError for another."""
    with blaming(entry.name):
        info = describe(entry.file)
        if isinstance(info, FileInfo | StandardInfo):
            return info
        raise BadMagic("is an update that pictures share, not a picture")


def _label(entry: Entry, entries: Sequence[Entry]) -> str:
    """What tells a file from the others: its last name if that does, empty for the only one."""
    if len(entries) == 1:
        return ""
    short = [Path(other.name).name for other in entries]
    return escaped(Path(entry.name).name if len({*short}) == len(short) else entry.name)


def _pictures(entry: Entry, found: Restored) -> Iterator[tuple[str, str, Pixels]]:
    """Key, title and pixels of the pictures of a file, the decoded one first."""
    file = entry.file
    if isinstance(file, CodedFile):
        yield DECODED, "Decoded", found.pixels
        if Tag.UPDATE in file.container.chunks and not file.container.header.lossless:
            base = restore(file.without(Tag.UPDATE), entry.options)
            yield WITHOUT, "Without update", base.pixels
    elif isinstance(file, StandardFile):
        plain = f"{file.carrier.NAME.upper()} as in any program"
        if file.payload is None:
            yield DECODED, plain, found.pixels
            return
        yield DECODED, "Decoded", found.pixels
        pixels = standard.read_pixels(file.data, entry.options.max_pixels)
        info = describe(file)
        if isinstance(info, StandardInfo) and info.matches and info.update_bytes:
            carried = Enhancement.unpack(file.payload)
            picture = standard.picture_of(pixels)
            bare = Enhancement.of_picture(picture, carried.model, carried.quality, b"")
            filtered = restore(file.carrying(bare.pack()), entry.options)
            yield WITHOUT, "Without update", filtered.pixels
        yield PLAIN, plain, upright(pixels, standard.read_metadata(file.data).orientation)


def _figures(pixels: Pixels, original: Pixels) -> dict[str, str]:
    """How close a picture is, in words."""
    found = {}
    for name in FIGURES:
        figure = METRICS[name].measure(pixels[..., :3], original[..., :3])
        if figure is not None:
            found[name] = METRICS[name].text(figure) if math.isfinite(figure) else "lossless"
    return found


def _difference(key: str, title: str, first: Pixels, second: Pixels) -> Variant:
    return Variant(key, title, _png(maps.errors(first[..., :3], second[..., :3])), {})


def _shown(entry: Entry, decoded: str, remark: str) -> Shown:
    info = known_of(entry)
    if isinstance(info, FileInfo):
        parts = info.chunks
    else:
        parts = {"update": info.update_bytes} if info.update_bytes else {}
        parts[info.format] = info.bytes - (info.payload_bytes or 0)
    return Shown(escaped(entry.name), info, parts, decoded, remark)


def _png(pixels: Pixels) -> bytes:
    file = BytesIO()
    writing.save_png(pixels, file)
    return file.getvalue()
