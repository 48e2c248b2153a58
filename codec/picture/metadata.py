"""What a picture file holds besides pixels and changes how they are shown, or tells of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from bitstream import Tag
from bitstream.errors import LimitExceeded
from bitstream.file import metadata
from codec.errors import ImageError

TAGS = {"icc": Tag.ICC, "exif": Tag.EXIF, "xmp": Tag.XMP}
"""The chunk of each kind of metadata."""
EXIF_PREFIX = b"Exif\0\0"
ORIENTATION = 0x0112
"""Exif 2.32, section 4.6.4."""
RGB_PROFILE = b"RGB "
PROFILE_SPACE = slice(16, 20)
"""Where an ICC profile names its colour space (ICC.1:2022, section 7.2)."""

TURNS = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}
"""Orientation -> what makes stored pixels upright: swap the axes, then mirror rows, columns."""


@dataclass(frozen=True)
class Metadata:
    """Byte strings as Pillow takes them; empty where there is none.

    Attributes:
        icc: colour profile, of RGB.
        exif: beginning with its prefix.
        xmp: a packet.
        orientation: 1 to 8, as EXIF counts; 1 is upright.
    """

    icc: bytes = b""
    exif: bytes = b""
    xmp: bytes = b""
    orientation: int = 1

    @classmethod
    def of(cls, image: Image.Image) -> Metadata:
        """Of a Pillow image, as it stands there."""
        icc = image.info.get("icc_profile") or b""
        exif = image.info.get("exif") or b""
        tags = image.getexif()
        orientation = tags.get(ORIENTATION, 1)
        if orientation not in TURNS:
            orientation = 1
        if orientation != 1 and not exif:  # only XMP, or a box of AVIF, says so
            exif = tags.tobytes()
        if exif and not exif.startswith(EXIF_PREFIX):
            exif = EXIF_PREFIX + exif
        # The pixels become RGB: a profile of greys would not fit them.
        icc = icc if icc[PROFILE_SPACE] == RGB_PROFILE else b""
        return cls(icc, exif, image.info.get("xmp") or b"", orientation)

    @classmethod
    def of_chunks(cls, chunks: Mapping[Tag, bytes]) -> Metadata:
        """Of a file of this codec, whose picture is upright.

        Raises:
            FormatError: a chunk is malformed.
        """
        found = {name: metadata.unpack(chunks[tag]) for name, tag in TAGS.items() if tag in chunks}
        if "exif" in found:
            found["exif"] = EXIF_PREFIX + found["exif"]
        return cls(**found)

    def chunks(self) -> dict[Tag, bytes]:
        """Inverse of `of_chunks`.

        Raises:
            ImageError: they are too large for the format.
        """
        found = {
            Tag.ICC: self.icc,
            Tag.EXIF: self.exif.removeprefix(EXIF_PREFIX),
            Tag.XMP: self.xmp,
        }
        try:
            return {tag: metadata.pack(data) for tag, data in found.items() if data}
        except LimitExceeded as error:
            raise ImageError(f"has {error}; leave them out (--metadata none)") from error

    def only(self, kinds: Collection[str]) -> Metadata:
        """Some kinds of metadata: names of `TAGS`."""
        return replace(self, **{name: b"" for name in TAGS if name not in kinds})

    def save_options(self) -> dict[str, Any]:
        """Arguments of Pillow's `Image.save`."""
        options = {"icc_profile": self.icc, "exif": self.exif, "xmp": self.xmp}
        return {name: value for name, value in options.items() if value}


NO_METADATA = Metadata()


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Stored pixels [h w c] -> as they are shown: [h w c] or [w h c]."""
    swap, *mirrored = TURNS[orientation]
    return _mirror(pixels.swapaxes(0, 1) if swap else pixels, *mirrored)


def as_stored(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Inverse of `upright`."""
    swap, *mirrored = TURNS[orientation]
    mirror = _mirror(pixels, *mirrored)
    return np.ascontiguousarray(mirror.swapaxes(0, 1) if swap else mirror)


def _mirror(pixels: np.ndarray, rows: bool, columns: bool) -> np.ndarray:
    return np.ascontiguousarray(pixels[:: -1 if rows else 1, :: -1 if columns else 1])
