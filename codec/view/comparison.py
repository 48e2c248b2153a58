"""The pictures that a file can be compared by, as PNG, and what is known of each."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

import codec
from bitstream import Container, Tag
from codec import image
from codec.errors import ImageError
from codec.file_info import FileInfo
from codec.options import DecodeOptions


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
    """All pictures of equal size, and the facts of the file."""

    info: FileInfo
    variants: tuple[Variant, ...]


def compare(
    data: bytes, original: NDArray[np.uint8] | None = None, options: DecodeOptions | None = None
) -> Comparison:
    """Decodes a file, with and without its update.

    Args:
        data: the whole file.
        original: uint8 [h w 3], the picture that was encoded.
        options: limits.

    Raises:
        FormatError: not a valid file.
        ImageError: the original has another size.
    """
    info = codec.probe(data)
    if original is not None and original.shape[:2] != (info.height, info.width):
        raise ImageError(f"is not {info.width} x {info.height}, the size of the file's picture")
    pictures = [("decoded", "Decoded", codec.decode(data, options))]
    container = Container.unpack(data)
    if Tag.UPDATE in container.chunks:
        rest = {tag: part for tag, part in container.chunks.items() if tag != Tag.UPDATE}
        plain = Container(container.header, rest).pack()
        pictures.append(("no-update", "Without update", codec.decode(plain, options)))
    variants = [
        Variant(
            key,
            title,
            _png(pixels),
            None if original is None else image.psnr_db(pixels, original),
        )
        for key, title, pixels in pictures
    ]
    if original is not None:
        variants.insert(0, Variant("original", "Original", _png(original), None))
    return Comparison(info, tuple(variants))


def _png(pixels: NDArray[np.uint8]) -> bytes:
    file = BytesIO()
    image.save_png(pixels, file)
    return file.getvalue()
