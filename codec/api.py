"""The public `encode` and `decode`: pictures and files in whatever form a caller has them."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from codec import decoder, encoder, file_info, image
from codec.encoder import OnProgress
from codec.options import DecodeOptions, EncodeOptions
from codec.report import EncodeResult

Picture = str | os.PathLike[str] | Image.Image | NDArray[np.uint8]
"""A picture's file, a Pillow image, or uint8 [h w 3], RGB."""


def encode(
    picture: Picture,
    options: EncodeOptions | None = None,
    on_progress: OnProgress | None = None,
) -> EncodeResult:
    """Encodes a picture.

    >>> import codec
    >>> result = codec.encode("photo.png", codec.EncodeOptions(quality=60, effort=0))
    >>> 8 * len(result.data) == round(result.report.bpp * 96 * 64)
    True

    A long search reports how far it is:

    >>> stages = set()
    >>> options = codec.EncodeOptions(effort=1)
    >>> result = codec.encode("photo.png", options, lambda stage, fraction: stages.add(stage))
    >>> stages
    {'update'}

    Args:
        picture: a file's name, a Pillow image (for both, EXIF orientation is applied), or an array
            uint8 [h w 3], RGB.
        options: quality, effort and so on.
        on_progress: called with a stage and the fraction of it that is done, 0 to 1.

    Raises:
        ImageError: it is no picture, or one that the format cannot hold without loss.
        OptionError: the device is not there.
        OSError: the file cannot be read.
        VerifyError: the file does not decode to what the encoder saw (never expected).
    """
    return encoder.encode(_pixels(picture), options, on_progress)


def decode(
    file: bytes | str | os.PathLike[str], options: DecodeOptions | None = None
) -> NDArray[np.uint8]:
    """Decodes a file.

    >>> import codec
    >>> pixels = codec.decode("photo.nni")
    >>> pixels.shape, pixels.dtype
    ((64, 96, 3), dtype('uint8'))

    Args:
        file: its bytes or its name.
        options: limits; none changes a pixel.

    Returns:
        uint8 [h w 3], RGB.

    Raises:
        FormatError: not a valid file, or one that needs a model or version that is not here.
        OSError: it cannot be read.
    """
    return decoder.decode(file_info.read(file), options)


def _pixels(picture: Picture) -> NDArray[np.uint8]:
    if isinstance(picture, str | os.PathLike):
        return image.load(os.fspath(picture))
    if isinstance(picture, Image.Image):
        return image.from_pillow(picture)
    return picture
