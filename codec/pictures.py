"""Pictures in whatever form a caller has them."""

from __future__ import annotations

import os
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bitstream import MAGIC
from codec import files, update_files
from codec.contract.decoding import DecodeOptions
from codec.contract.modes import Lossless
from codec.contract.options import EncodeOptions
from codec.errors import ImageError
from codec.opening import open_file
from codec.picture import reading
from codec.picture.reading import Raster

Picture = (
    Raster
    | bytes
    | str
    | os.PathLike[str]
    | BinaryIO
    | Image.Image
    | NDArray[np.uint8]
    | NDArray[np.uint16]
)
"""A file, as its bytes, its name, or open to be read, a Pillow image, or an array [h w 3] or
[h w 4]; or what reading one of these gave."""
EXPECTED = "the name or bytes of a file, an open file, a Pillow image or an array"


def load_raster(picture: Picture, options: EncodeOptions | None = None) -> Raster:
    """The picture upright, and what else a file is to hold.

    A file of this codec is decoded first.

    Raises:
        ImageError: it is none, or cannot be held, or loses something that `options` do not allow.
        OSError: the file cannot be read.
    """
    options = options or EncodeOptions()
    raster = _read(picture, options)
    is_lossless = isinstance(options.mode, Lossless)
    raster = raster.whole() if is_lossless else raster.unseen_noted()
    return raster.with_metadata(options.metadata, strict=options.strict)


def greys(picture: Picture) -> NDArray[np.uint8]:
    """The luma of a picture (ITU-R BT.601), uint8 [h w].  Raises as `load_network`."""
    pixels = load_raster(picture, EncodeOptions(metadata=())).pixels
    return np.asarray(Image.fromarray(pixels).convert("L"))


def _read(picture: Picture, options: EncodeOptions) -> Raster:
    if isinstance(picture, Raster):
        return picture
    if isinstance(picture, np.ndarray):
        return reading.from_samples(picture)
    if isinstance(picture, Image.Image):
        return reading.from_pillow(picture)
    name = ""
    if isinstance(picture, str | os.PathLike):
        name = os.fspath(picture)
        data = files.read(name)
    elif isinstance(picture, bytes | bytearray | memoryview):
        data = bytes(picture)
    elif callable(getattr(picture, "read", None)):
        data = picture.read()
        if not isinstance(data, bytes):
            raise ImageError("is a file open as text; open it in binary mode")
    else:
        raise ImageError(f"expected {EXPECTED}, not {_described(picture)}")
    if data.startswith(MAGIC):
        return _decoded(data, name, options)
    return reading.read_raster(data, options.reading)


def _described(picture: object) -> str:
    kind = f"{type(picture).__module__}.{type(picture).__qualname__}".removeprefix("builtins.")
    if hasattr(picture, "__array__"):
        return f"{kind}; numpy.asarray makes an array of it, which must be uint8 [h w 3]"
    return kind


def _decoded(data: bytes, name: str, options: EncodeOptions) -> Raster:
    """The picture in a file of this codec."""
    from codec.decoding import decoder

    opened = open_file(data)
    limits = update_files.beside(opened, name, DecodeOptions(options.max_pixels))
    found = decoder.restore(opened, limits)
    return reading.from_samples(found.pixels, found.metadata)
