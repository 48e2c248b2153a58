"""Colours that are not red, green and blue: converted as their profile says, and said so."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from codec.errors import ImageError
from codec.picture import profiles
from codec.picture.found import Found

DIRECT = {"1", "L", "P", "RGB", "YCbCr", "LA", "PA", "RGBA", "RGBX"}
"""Pillow's modes that it makes into 8-bit RGB with opacity (YCbCr: as viewers show it)."""
PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
GREYS = {"1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N"}
RELATIVE = ImageCms.Intent.RELATIVE_COLORIMETRIC
SPACES = {"CMYK": b"CMYK", "LAB": b"Lab "}


def rgb_of(image: Image.Image, found: Found) -> NDArray[np.uint8]:
    """Pixels of 8 bits: uint8 [h w 3], or [h w 4] with opacity.

    Args:
        image: of any mode of 8 bits.
        found: takes a note if colours were converted; then its profile is that of the result.

    Raises:
        ImageError: there is no way to red, green and blue.
    """
    if image.mode in SPACES:
        return _managed(image, found)
    if image.mode == "HSV":
        found.notes.add("colours converted from HSV")
        return np.asarray(image.convert("RGB"))
    if image.mode in PREMULTIPLIED:
        image = image.convert(PREMULTIPLIED[image.mode])
    if image.mode not in DIRECT:
        raise ImageError(f"is in colour mode {image.mode}; convert it to RGB first")
    return np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"))


def _managed(image: Image.Image, found: Found) -> NDArray[np.uint8]:
    """CMYK and Lab, into sRGB."""
    icc, found.icc, found.colour = found.icc, b"", b""
    source: ImageCms.ImageCmsProfile | None = None
    if image.mode == "LAB":
        source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    elif icc and icc[profiles.SPACE] == SPACES[image.mode] and profiles.is_sound(icc):
        source = ImageCms.ImageCmsProfile(BytesIO(icc))
    if source is None:
        why = "whose profile cannot be used" if icc else "which has no profile"
        found.notes.add(f"colours converted from {image.mode}, {why}, by a rule of thumb")
        return np.asarray(image.convert("RGB"))
    found.notes.add(f"colours converted from {image.mode} to sRGB")
    target = ImageCms.createProfile("sRGB")
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    converted = ImageCms.profileToProfile(image, source, target, RELATIVE, "RGB", flags=flags)
    return np.asarray(converted)
