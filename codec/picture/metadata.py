"""What a picture file holds besides pixels and changes how they are shown, or tells of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bitstream import Tag
from bitstream.errors import LimitExceeded
from codec.errors import ImageError

TAGS = {"icc": Tag.ICC, "exif": Tag.EXIF, "xmp": Tag.XMP, "iptc": Tag.IPTC}
"""The chunk of each kind of metadata."""
NAMES = {"icc": "colour profile", "exif": "EXIF", "xmp": "XMP", "iptc": "IPTC"}
EXIF_PREFIX = b"Exif\0\0"

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
        iptc: records.
        orientation: 1 to 8, as EXIF counts; 1 is upright.
    """

    icc: bytes = b""
    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    orientation: int = 1

    @classmethod
    def of_chunks(cls, chunks: Mapping[Tag, bytes]) -> Metadata:
        """Of a file of this codec, whose picture is upright.

        Raises:
            FormatError: a chunk is malformed.
        """
        if chunks.keys().isdisjoint(TAGS.values()):
            return NO_METADATA
        from bitstream.file import metadata

        def part(tag: Tag) -> bytes:
            return metadata.unpack(chunks[tag]) if tag in chunks else b""

        prefix = EXIF_PREFIX if Tag.EXIF in chunks else b""
        return cls(part(Tag.ICC), prefix + part(Tag.EXIF), part(Tag.XMP), part(Tag.IPTC))

    def chunks(self) -> dict[Tag, bytes]:
        """Inverse of `of_chunks`.

        Raises:
            ImageError: they are too large for the format.
        """
        from bitstream.file import metadata

        found = {tag: getattr(self, name) for name, tag in TAGS.items()}
        found[Tag.EXIF] = self.tiff
        try:
            return {tag: metadata.pack(data) for tag, data in found.items() if data}
        except LimitExceeded as error:
            raise ImageError(f"has {error}; leave them out (--metadata none)") from error

    def info(self) -> dict[str, object]:
        """As Pillow's images have them in their `info`."""
        found = {
            "icc_profile": self.icc,
            "exif": self.exif,
            "xmp": self.xmp,
            "iptc": self.iptc,
            "dpi": self.dpi,
        }
        return {name: value for name, value in found.items() if value}

    @property
    def tiff(self) -> bytes:
        """The EXIF without its prefix."""
        return self.exif.removeprefix(EXIF_PREFIX)

    @property
    def dpi(self) -> tuple[float, float] | None:
        """Dots per inch, horizontally and vertically, as EXIF says."""
        from codec.picture import exif

        return exif.resolution(self.tiff) if exif.is_sound(self.tiff) else None

    def only(self, kinds: Collection[str]) -> Metadata:
        """Some kinds of metadata: names of `TAGS`."""
        return self.without([name for name in TAGS if name not in kinds])

    def without(self, kinds: Collection[str]) -> Metadata:
        """All but some kinds of metadata: names of `TAGS`."""
        emptied: dict[str, Any] = dict.fromkeys(kinds, b"")
        return replace(self, **emptied)

    def upright(self) -> Metadata:
        """Those of the picture after it was turned as they say."""
        from codec.picture import exif, xmp

        tiff = exif.upright(self.tiff) if exif.is_sound(self.tiff) else self.tiff
        turned = EXIF_PREFIX + tiff if tiff else b""
        return replace(self, exif=turned, xmp=xmp.upright(self.xmp), orientation=1)


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
