"""TIFF pages that Pillow has opened, where there is no file to read their tags from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from codec.errors import ImageError
from codec.picture import iptc
from codec.picture.found import Found
from codec.picture.tiff import (
    BITS,
    DIRECTORIES,
    FORMAT,
    ICC,
    IPTC,
    MIN_IS_WHITE,
    ORIENTATION,
    PHOTOMETRIC,
    PHOTOSHOP,
    SIGNED,
    STRUCTURE,
    XMP,
)


def read_tags(image: TiffImageFile, found: Found) -> None:
    """What Pillow knows of the tags of an open page, where there is no file to read them from."""
    tags = image.tag_v2
    found.icc, found.xmp = _as_bytes(tags.get(ICC)), _as_bytes(tags.get(XMP))
    found.iptc = iptc.records(_as_bytes(tags.get(IPTC)))
    found.iptc = found.iptc or iptc.records(_as_bytes(tags.get(PHOTOSHOP)))
    found.exif = _exif(image, found)


def as_meant(image: TiffImageFile, samples: NDArray[np.integer]) -> NDArray[np.integer]:
    """Samples that Pillow has given of an open page, as their tags mean them.

    Raises:
        ImageError: nobody can tell from what it has given.
    """
    tags = image.tag_v2
    bits, photometric = tags.get(BITS, (1,))[0], tags.get(PHOTOMETRIC)
    if tags.get(FORMAT, (1,))[0] == SIGNED and bits in (8, 16):
        raise ImageError("has samples with a sign; convert it to 8 bits without first")
    if bits == 12:
        samples = samples << 4 | samples >> 8
    if photometric == MIN_IS_WHITE and bits > 8:
        samples = (2**16 - 1) - samples
    return samples


def _exif(image: Image.Image, found: Found) -> bytes:
    """All tags that tell of the picture, as an EXIF of its own."""
    kept, damaged = Image.Exif(), []
    tags = image.getexif()
    for tag in [tag for tag in tags if tag not in STRUCTURE and tag != ORIENTATION]:
        one = Image.Exif()
        try:
            value = tags.get_ifd(tag) if tag in DIRECTORIES else tags[tag]
            one[tag] = value
            one.tobytes()
        except Exception:  # Pillow's writer raises almost anything on values of a wrong type
            damaged.append(str(tag))
        else:
            kept[tag] = value
    if damaged:
        found.lost("damaged tags", damaged)
    return kept.tobytes() if len(kept) else b""


def _as_bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | bytearray) else b""
