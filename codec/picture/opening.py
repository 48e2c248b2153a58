"""Opens picture files by Pillow's readers, without Pillow's limits and warnings, which are global.

`Image.open` warns of and refuses large pictures by a limit of the whole process, and prints what it
finds odd.  Here the readers are asked one after the other, as `Image.open` does, and sizes are
checked against the caller's own limit before any pixel is decoded.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO

from PIL import Image, ImageFile, UnidentifiedImageError

from bitstream.carriers import webp
from bitstream.errors import LimitExceeded
from codec.errors import ImageError
from codec.picture import isobmff, settings

Reader = Callable[[BytesIO, str], ImageFile.ImageFile]
JXL_HEADS = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
NOT_THIS_READER = (SyntaxError, IndexError, TypeError, struct.error)
"""How a reader says that a file is not its own."""
RAW_CAMERA_HEADS = (b"FUJIFILMCCD-RAW", b"IIRS", b"MMOR", b"IIRO", b"IIU\0")
VECTOR_HEADS = (b"<svg", b"<?xml", b"%pdf", b"%!ps", b"\xc5\xd0\xd3\xc6", b"\xd7\xcd\xc6\x9a")
"""SVG, PDF, PostScript, and Windows metafiles."""
PROGRAMS = {"EPS", "WMF"}
"""Formats that only other programs draw, which Pillow would run."""


def open_image(
    data: bytes, formats: tuple[str, ...] = (), *, allowed: int | None = 0
) -> ImageFile.ImageFile:
    """Opens a file.

    Args:
        data: the whole file.
        formats: Pillow's names of formats that it may have; any if empty.
        allowed: pixels that it may have although Pillow would refuse them; None for any number,
            0 for those that Pillow accepts.

    Raises:
        ImageError: no reader knows it; a plugin may, which the message names.
        Else what the reader raises on damaged data.
    """
    plugin = None if formats else _plugin_for(data)
    if plugin is not None:
        return plugin(BytesIO(data), "")
    tried: set[str] = set()
    for load in (Image.preinit, Image.init):
        load()
        for name in formats or tuple(Image.ID):
            if name in tried or name in PROGRAMS or name not in Image.OPEN:
                continue
            tried.add(name)
            factory, accepts = Image.OPEN[name]
            try:
                if accepts and accepts(data[:16]) is not True:
                    continue
                with settings.held(pixels=_stated_pixels(data, allowed)):
                    return factory(BytesIO(data), "")
            except NOT_THIS_READER:
                continue
    raise UnidentifiedImageError(_what_it_is(data))


@contextmanager
def explained(subject: str = "is a damaged image") -> Iterator[None]:
    """Turns whatever a reader of Pillow's raises into one line about a picture.

    Raises:
        ImageError: in place of all errors but those of the operating system.
    """
    try:
        yield
    except (ImageError, LimitExceeded):
        raise
    except UnidentifiedImageError as error:
        raise ImageError(str(error)) from None
    except Exception as error:
        # Pillow's readers raise almost anything on damaged data; only an error of the operating
        # system, which carries a number, is not about the content.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ImageError(f"{subject}: {error}") from error


def check_size(size: tuple[int, int], max_pixels: int | None) -> None:
    """Refuses a picture before its pixels are decoded.

    Raises:
        ImageError: it has more pixels.
    """
    width, height = size
    if max_pixels is not None and width * height > max_pixels:
        raise ImageError(
            f"is larger than {max_pixels:,} pixels: {width}x{height}; "
            "a larger --max-pixels (max_pixels) accepts it"
        )


def _stated_pixels(data: bytes, allowed: int | None) -> int:
    """Of a WebP file, of which Pillow asks before it knows what is allowed; else 0."""
    if data[8:12] != webp.FORM_TYPE or allowed == 0:
        return 0
    size = webp.stated_size(data)
    check_size(size, allowed)
    return math.prod(size)


def _plugin_for(data: bytes) -> Reader | None:
    """The reader of a format that Pillow itself does not know.

    Raises:
        ImageError: it is not installed.
    """
    brands = isobmff.brands(data)
    if brands & isobmff.HEIF_BRANDS and not brands & isobmff.AVIF_BRANDS:
        try:
            from pillow_heif import HeifImageFile
        except ImportError:
            raise ImageError("is a HEIC picture: pip install pillow-heif lets it be read") from None
        heif: Reader = HeifImageFile
        return heif
    if data.startswith(JXL_HEADS):
        try:
            from pillow_jxl.JpegXLImagePlugin import JXLImageFile
        except ImportError:
            raise ImageError(
                "is a JPEG XL picture: pip install pillow-jxl-plugin lets it be read"
            ) from None
        jxl: Reader = JXLImageFile
        return jxl
    return None


def _what_it_is(data: bytes) -> str:
    head = data[:64].lstrip()
    if head.startswith(RAW_CAMERA_HEADS):
        return "is not an image that can be read: raw data of a camera; develop it first"
    if head.lower().startswith(VECTOR_HEADS):
        return "is not an image that can be read: it has no pixels; render it first"
    return "is not an image that can be read"
