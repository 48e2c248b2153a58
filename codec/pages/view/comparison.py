"""The pictures that a file can be compared by, as PNG, and what is known of each."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

import codec
from bitstream import Container, Tag
from bitstream.carriers import carrier_of
from bitstream.carriers.enhancement import Enhancement
from codec.contract.options import DecodeOptions
from codec.errors import ImageError
from codec.info import FileInfo, StandardInfo
from codec.picture import reading, transparency
from codec.picture import standard as standard_file
from codec.picture.metadata import upright
from codec.picture.pixels import psnr_db
from codec.restored import restore

Pixels = NDArray[np.uint8]
WITHOUT = ("no-update", "Without update")


@dataclass(frozen=True)
class Variant:
    """One picture.

    Attributes:
        key: its name in addresses.
        title: its name for people.
        png: the picture.
        psnr_db: against the original; None if there is none, or if it is the original.
    """

    key: str
    title: str
    png: bytes
    psnr_db: float | None


@dataclass(frozen=True)
class Comparison:
    """All pictures of equal size, and the facts of the file.

    Attributes:
        info: what the file says about itself.
        width: of all pictures.
        height: of all pictures.
        parts: bytes of the parts of the file by their names, in their order.
        variants: the pictures.
        remark: why the update of a standard file is left out; empty if it is not.
    """

    info: FileInfo | StandardInfo
    width: int
    height: int
    parts: dict[str, int]
    variants: tuple[Variant, ...]
    remark: str = ""


def compare(
    data: bytes, original: Pixels | None = None, options: DecodeOptions | None = None
) -> Comparison:
    """Decodes a file, with and without its update; a standard file as any program, too.

    Args:
        data: the whole file.
        original: uint8 [h w 3] or [h w 4], the picture that was encoded.
        options: limits.

    Raises:
        FormatError: not a valid file.
        ImageError: the original has another size.
    """
    info = codec.probe(data)
    options = options or DecodeOptions()
    restored = restore(data, options)
    decoded = restored.upright
    height, width, _ = decoded.shape
    if original is not None and original.shape[:2] != (height, width):
        raise ImageError(f"is not {width} x {height}, the size of the file's picture")
    if original is not None and not restored.lossless:
        original = transparency.continued(original)
    standard = isinstance(info, StandardInfo)
    pictures = {("decoded", "Decoded"): decoded}
    pictures |= _enhanced(data, info, options) if standard else _without_update(data, options)
    variants = [
        Variant(
            key,
            title,
            _png(pixels),
            None if original is None else psnr_db(pixels[..., :3], original[..., :3]),
        )
        for (key, title), pixels in pictures.items()
    ]
    if original is not None:
        variants.insert(0, Variant("original", "Original", _png(original), None))
    parts = _parts(info) if standard else info.chunks
    return Comparison(info, width, height, parts, tuple(variants), restored.complaint)


def _without_update(data: bytes, options: DecodeOptions) -> dict[tuple[str, str], Pixels]:
    """The picture of a lossy file of this codec, less its update; nothing if it has none."""
    container = Container.unpack(data)
    if Tag.UPDATE not in container.chunks or container.header.lossless:
        return {}
    rest = {tag: part for tag, part in container.chunks.items() if tag != Tag.UPDATE}
    plain = Container(container.header, rest).pack()
    return {WITHOUT: codec.decode(plain, options)}


def _enhanced(
    data: bytes, info: StandardInfo, options: DecodeOptions
) -> dict[tuple[str, str], Pixels]:
    """The picture of a standard file, less its update if it has one, and not filtered at all."""
    carrier = carrier_of(data)
    pixels = standard_file.read_pixels(data, options.max_pixels)
    pictures = {}
    if info.matches and info.update_bytes:
        found = Enhancement.unpack(carrier.extract(data))
        picture = standard_file.picture_of(pixels)
        base = Enhancement.of_picture(picture, found.model, found.quality, b"")
        pictures[WITHOUT] = restore(carrier.insert(data, base.pack()), options).upright
    orientation = standard_file.read_metadata(data).orientation
    title = f"{carrier.NAME.upper()} as in any program"
    return pictures | {("plain", title): upright(pixels, orientation)}


def _parts(info: StandardInfo) -> dict[str, int]:
    """What a standard file consists of."""
    update = {"update": info.update_bytes} if info.update_bytes else {}
    return update | {info.format: info.bytes - info.payload_bytes}


def _png(pixels: Pixels) -> bytes:
    file = BytesIO()
    reading.save_png(pixels, file)
    return file.getvalue()
