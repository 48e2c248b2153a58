"""What a standard file says about its payload: the picture is decoded by Pillow, never filtered."""

from __future__ import annotations

from bitstream import FormatError
from bitstream.carriers import carrier_of
from bitstream.carriers.enhancement import Enhancement
from codec.contract.options import DecodeOptions
from codec.info import QUALITY_UNITS, StandardInfo
from codec.picture import standard


def probe(data: bytes) -> StandardInfo:
    """Describes a file that `carrier_of` recognizes.

    Raises:
        FormatError: its structure is broken, or the picture is too large.
        ImageError: the picture is damaged, or 8-bit RGB does not hold it.
    """
    carrier = carrier_of(data)
    pixels = standard.read_pixels(data, DecodeOptions().max_pixels)
    height, width, _ = pixels.shape
    size = len(data)
    facts = (carrier.NAME, width, height, size, 8 * size / (width * height))
    payload = carrier.extract(data)
    if payload is None:
        return StandardInfo(*facts)
    try:
        found = Enhancement.unpack(payload)
    except FormatError:
        return StandardInfo(*facts, len(payload), matches=False)
    return StandardInfo(
        *facts,
        len(payload),
        found.model.hex(),
        found.quality / QUALITY_UNITS,
        len(found.update),
        found.matches(standard.picture_of(pixels)),
    )
