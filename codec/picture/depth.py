"""Pictures with more than 8 bits per sample: read in full; all but lossless files round them to 8.

Pillow shows 16-bit colour by its more significant bytes, which is not rounding: it darkens.  Asked
to read a file in the other byte order, it gives the other bytes; both together are all.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from codec.errors import ImageError

NOTE = "more than 8 bits per sample, rounded to 8"
OPACITY_NOTE = "opacity of more than 8 bits, rounded to 8"
ADVICE = "convert it to 8 bits first"

GREY_MODES = {"I;16", "I;16B", "I;16L", "I;16N"}
COLOUR_LAYOUTS = {f"{mode};16{order}" for mode in ("RGB", "RGBA") for order in "BLN"}
"""Pillow's names of samples in a file, of which it keeps half."""
OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if np.little_endian else "L"}

STEP = 257
"""From one value of 8 bits to the next, in 16."""
TO_EIGHT = ((np.arange(2**16) + 128) // 257).astype(np.uint8)
"""The nearest of 0..255 for each of 0..65535; there are no ties."""

BITS_OF_TIFF, PLANES_OF_TIFF, SEPARATE = 258, 284, 2
ROUNDING = {"AVIF", "HEIF"}
"""Formats whose decoders give the nearest of 8 bits."""
HEAD_BYTES = 2**16
"""Where formats state their depth."""


class Bits(Enum):
    """How much Pillow gives of each sample.

    EIGHT: the file has no more than 8 bits.  WHOLE: all bits of a file that has more, or the
    nearest of 8.  HALF: the more significant byte of two.
    """

    EIGHT = 0
    WHOLE = 1
    HALF = 2


def of(image: Image.Image, data: bytes) -> Bits:
    """How many bits per sample a picture has, before it is loaded.

    Args:
        image: as Pillow opened it.
        data: the file, if there is one.

    Raises:
        ImageError: it has more than 8, but cannot be rounded.
    """
    head = data[:HEAD_BYTES]
    unusual = _layouts(image) - COLOUR_LAYOUTS - GREY_MODES
    if any(";16" in layout for layout in unusual) or _foreign_bits(image, head) > 8:
        raise ImageError(f"has more than 8 bits per sample in an unusual layout; {ADVICE}")
    if _layouts(image) & COLOUR_LAYOUTS:
        return Bits.HALF
    if image.mode in GREY_MODES or _is_scaled(image):
        return Bits.WHOLE
    if image.format in ROUNDING:
        bits = max(_av1_bits(head), image.info.get("bit_depth", 8))
        return Bits.WHOLE if bits > 8 else Bits.EIGHT
    if image.mode in ("I", "F"):
        raise ImageError(f"has samples of 32 bits; {ADVICE}")
    return Bits.EIGHT


def read_deep(
    image: Image.Image, bits: Bits, twin: Callable[[], Image.Image]
) -> NDArray[np.integer]:
    """The samples of a deep picture as stored: [h w], [h w 3] or [h w 4].

    They are uint8 if Pillow has rounded them, else integers up to 65535.

    Args:
        image: loaded.
        bits: what `of` said of it before.
        twin: gives the same picture after `take_other_bytes`.
    """
    if bits is Bits.WHOLE:
        return np.asarray(image)
    with twin() as other:
        samples = np.asarray(other).astype(np.uint16)
    samples += np.left_shift(np.asarray(image), 8, dtype=np.uint16)
    return samples


def take_other_bytes(image: ImageFile.ImageFile) -> None:
    """Has Pillow give the less significant bytes of a picture that it has not loaded yet."""
    image.tile = [tile._replace(args=_in_other_order(tile.args)) for tile in image.tile]


def grey_alpha_of(quads: NDArray[np.uint8], order: str) -> NDArray[np.uint16]:
    """Grey and opacity of 16 bits, read as four samples of 8: uint8 [h w 4] -> uint16 [h w 4].

    Args:
        quads: bytes as they stand in the file.
        order: of two bytes, as `struct` calls it.
    """
    pairs = np.ascontiguousarray(quads).view(f"{order}u2").astype(np.uint16)
    return np.dstack([*[pairs[..., :1]] * 3, pairs[..., 1:]])


def unmultiplied(samples: NDArray[np.integer]) -> NDArray[np.integer]:
    """Colours that were multiplied by the opacity, the last channel, as they were before."""
    opacity = np.maximum(samples[..., 3:], 1).astype(np.float64)
    colours = np.minimum(np.rint(samples[..., :3] * 65535.0 / opacity), 65535).astype(np.uint16)
    return np.dstack([colours, samples[..., 3]])


def to_eight(samples: NDArray[np.integer]) -> NDArray[np.uint8]:
    """0..65535 -> 0..255, rounded; row by row, because indices take memory."""
    found = np.empty(samples.shape, np.uint8)
    for row, line in zip(found, samples, strict=True):
        row[...] = TO_EIGHT[line]
    return found


def _layouts(image: Image.Image) -> set[str]:
    return {_layout(tile.args) for tile in _tiles(image)}


def _tiles(image: Image.Image) -> list[ImageFile._Tile]:
    """What Pillow has still to read; a picture that is no file has none."""
    return image.tile if isinstance(image, ImageFile.ImageFile) else []


def _layout(arguments: Any) -> str:
    """How samples stand in the file, from what Pillow tells its decoder."""
    first = arguments[0] if isinstance(arguments, tuple) else arguments
    return first if isinstance(first, str) else ""


def _in_other_order(arguments: Any) -> Any:
    layout = _layout(arguments)
    other = layout[:-1] + OTHER_ORDER[layout[-1]]
    return (other, *arguments[1:]) if isinstance(arguments, tuple) else other


def _is_scaled(image: Image.Image) -> bool:
    """Whether Pillow maps the samples to 0..255 or 0..65535 itself: a PNM file."""
    return image.format == "PPM" and (
        image.mode == "I"
        or any(tile.codec_name.startswith("ppm") and _is_deep(tile.args) for tile in _tiles(image))
    )


def _is_deep(arguments: Any) -> bool:
    """Whether the samples of a PNM file, whose maximum its decoder is told last, take 16 bits."""
    return isinstance(arguments, tuple) and bool(arguments[-1] > 255)


def _foreign_bits(image: Image.Image, head: bytes) -> int:
    """Bits of samples that Pillow cuts: of JPEG 2000, of SGI, and of TIFF plane by plane."""
    if image.format == "JPEG2000":
        return _jpeg_2000_bits(head)
    if image.format == "SGI":
        return 8 * head[3]
    tags = getattr(image, "tag_v2", {})
    return max(tags.get(BITS_OF_TIFF, (8,))) if tags.get(PLANES_OF_TIFF) == SEPARATE else 8


def _av1_bits(head: bytes) -> int:
    """From the box "av1C" (AV1 in ISOBMFF, section 2.3.3)."""
    at = head.find(b"av1C")
    flags = head[at + 6] if 0 <= at < len(head) - 6 else 0
    return (12 if flags & 0x20 else 10) if flags & 0x40 else 8


def _jpeg_2000_bits(head: bytes) -> int:
    """From the marker segment SIZ that follows SOC (ITU-T T.800, annex A.5.1)."""
    at = head.find(b"\xff\x4f\xff\x51")
    return (head[at + 42] & 0x7F) + 1 if 0 <= at < len(head) - 42 else 8
