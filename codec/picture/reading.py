"""Pictures as arrays: uint8 [h w 3], RGB, or [h w 4] with transparency, the right way up.

Whatever the format cannot store (CMYK, animation) is refused; 16 bits are rounded to 8, and a note
says so.  Nothing is dropped in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from codec.errors import ImageError
from codec.picture import depth, transparency
from codec.picture.metadata import NO_METADATA, Metadata, upright
from codec.picture.pixels import Pixels

STORABLE_MODES = {"1", "L", "P", "RGB", "YCbCr", "LA", "La", "PA", "RGBA", "RGBa"}
"""Pillow's modes that RGB of 8 bits with an alpha channel holds (for YCbCr: as viewers show it)."""

XMP_KEYWORD = b"XML:com.adobe.xmp\0\0\0\0\0"
"""What stands before an XMP packet in PNG: not compressed, no language."""


@dataclass(frozen=True, eq=False)
class Raster:
    """A picture as encoders take it, upright.

    Attributes:
        pixels: uint8 [h w 3], RGB.
        alpha: uint8 [h w], 0 for what is not seen; None if all is opaque.
        metadata: what a file is to hold besides.
        note: what reading it has lost, in one line; empty if nothing.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    metadata: Metadata = NO_METADATA
    note: str = ""

    def continued(self) -> Raster:
        """The same, with colours where nothing is seen as a lossy file holds them."""
        if self.alpha is None:
            return self
        return replace(self, pixels=transparency.fill(self.pixels, self.alpha > 0))


def load(source: str | Path | BinaryIO) -> Pixels:
    """Reads any picture that Pillow knows: uint8 [h w 3], or [h w 4] with transparency.

    EXIF orientation is applied.

    Raises:
        ImageError: if it is no picture, is damaged, or would lose something.
        OSError: if the file cannot be opened.
    """
    raster = read(source)
    return transparency.join(raster.pixels, raster.alpha)


def read(source: str | Path | BinaryIO) -> Raster:
    """The same as all that an encoder keeps of a file."""
    if isinstance(source, str | Path):
        data = Path(source).read_bytes()
    else:
        source.seek(0)
        data = source.read()

    def opened() -> Image.Image:
        return Image.open(BytesIO(data))

    try:
        with opened() as image:
            refuse_bomb(image)
            image.verify()  # checksums, which reading the pixels may leave unread
        with opened() as image:
            return _read(image, data, opened)
    except ImageError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise ImageError(f"is larger than {Image.MAX_IMAGE_PIXELS:,} pixels") from None
    except UnidentifiedImageError:
        raise ImageError("is not an image that can be read") from None
    except Exception as error:
        # Pillow's readers raise almost anything on damaged data; only an error of the operating
        # system, which carries a number, is not about the content.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ImageError(f"is a damaged image: {error}") from error


def is_picture(name: str) -> bool:
    """Whether a file begins like a picture that Pillow knows."""
    try:
        with Image.open(name):
            return True
    except UnidentifiedImageError:
        return False
    except (OSError, Image.DecompressionBombError):  # unreadable, or too large: but no output
        return True


def from_pillow(image: Image.Image) -> Raster:
    """A Pillow image and its metadata; EXIF orientation is applied.

    Raises:
        ImageError: if it would lose something.
    """

    def opened() -> Image.Image:
        raise ImageError("has 16 bits per sample, of which Pillow gives 8; give its file instead")

    return _read(image, b"", opened)


def _read(image: Image.Image, data: bytes, again: Callable[[], Image.Image]) -> Raster:
    """The picture of an open file, which is `data` and can be opened again."""
    refuse_frames(image)
    if depth.is_deep(image, data):
        return _raster(image, depth.read_deep(image, again), depth.NOTE)
    refuse_mode(image)
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return _raster(image, np.asarray(image.convert(mode)))


def _raster(image: Image.Image, samples: Pixels, note: str = "") -> Raster:
    """The samples of a Pillow image, as it stores them, with its metadata."""
    colour = samples if samples.ndim == 3 else np.dstack([samples] * 3)
    metadata = Metadata.of(image)
    if metadata.orientation != 1:
        colour = upright(colour, metadata.orientation)
        metadata = Metadata.of(ImageOps.exif_transpose(image))
    return from_samples(colour, metadata, note)


def from_samples(samples: Pixels, metadata: Metadata = NO_METADATA, note: str = "") -> Raster:
    """An array uint8 or uint16 [h w 3] or [h w 4], RGB or RGBA; 16 bits are rounded to 8.

    Raises:
        ImageError: it is not such an array.
    """
    if samples.dtype == np.uint16:
        samples, note = depth.to_eight(samples), depth.NOTE
    if samples.dtype != np.uint8 or samples.ndim != 3 or samples.shape[2] not in (3, 4):
        raise ImageError(
            "expected uint8 or uint16 pixels [h w 3] or [h w 4], not "
            f"{samples.dtype} {list(samples.shape)}"
        )
    return Raster(*transparency.split(samples), metadata, note)


def save_png(pixels: Pixels, file: str | Path | BinaryIO, metadata: Metadata | None = None) -> None:
    """Writes a picture as PNG: uint8 [h w 3] or [h w 4]."""
    options = (metadata or NO_METADATA).save_options()
    chunks = PngInfo()
    if "xmp" in options:  # Pillow's writer of PNG leaves it out
        chunks.add(b"iTXt", XMP_KEYWORD + options["xmp"])
    Image.fromarray(pixels).save(file, format="PNG", pnginfo=chunks, **options)


def refuse_bomb(image: Image.Image) -> None:
    """Raises DecompressionBombError for an open file that Pillow would warn of.

    Filters of warnings are the process's, so that a warning cannot be made an error in one thread.
    """
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and image.width * image.height > limit:
        raise Image.DecompressionBombError


def refuse_loss(image: Image.Image, data: bytes) -> None:
    """Raises ImageError for the picture of an open file that 8-bit RGB does not hold."""
    refuse_frames(image)
    if depth.is_deep(image, data):
        raise ImageError(f"has more than 8 bits per sample; {depth.ADVICE}")
    refuse_mode(image)
    if image.has_transparency_data:
        lowest, _ = image.convert("RGBA").getchannel("A").getextrema()
        if lowest < transparency.OPAQUE:
            raise ImageError("has transparency; flatten it onto a background first")


def refuse_mode(image: Image.Image) -> None:
    """Raises ImageError for colours that are not red, green and blue."""
    if image.mode not in STORABLE_MODES:
        raise ImageError(f"is in colour mode {image.mode}; convert it to RGB first")


def refuse_frames(image: Image.Image) -> None:
    """Raises ImageError for an animation."""
    # A phone's MPO file keeps previews and depth maps behind the photograph; only the first counts.
    frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    if frames > 1:
        raise ImageError(f"has {frames} frames; extract the one to encode first")
