"""What a standard file says about its payload: the picture is decoded by Pillow, never filtered."""

from __future__ import annotations

from dataclasses import dataclass

from bitstream import FormatError
from bitstream.carriers import carrier_of
from bitstream.enhancement import Enhancement
from codec import standard_file
from codec.options import DecodeOptions

QUALITY_UNITS = 2
"""A payload counts quality in half units."""


@dataclass(frozen=True)
class StandardInfo:
    """A JPEG, WebP or AVIF file; what only a payload has is None without one.

    Attributes:
        format: "jpeg", "webp" or "avif".
        width: pixels per row, as stored.
        height: number of rows.
        bytes: length of the file.
        bpp: bits per pixel, of the whole file.
        payload_bytes: how long the payload is.
        model: id of the networks, hexadecimal; None too if the payload cannot be read.
        quality: 0 to 100, in halves, what the filter is conditioned on; likewise.
        update_bytes: what the weight update takes of the payload; likewise.
        matches: whether the payload was made for this very picture.
    """

    format: str
    width: int
    height: int
    bytes: int
    bpp: float
    payload_bytes: int | None = None
    model: str | None = None
    quality: float | None = None
    update_bytes: int | None = None
    matches: bool | None = None


def probe(data: bytes) -> StandardInfo:
    """Describes a file that `carrier_of` recognizes.

    Raises:
        FormatError: its structure is broken, or the picture is too large.
        ImageError: the picture is damaged, or 8-bit RGB does not hold it.
    """
    carrier = carrier_of(data)
    pixels = standard_file.read_pixels(data, DecodeOptions().max_pixels)
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
        found.matches(standard_file.picture_of(pixels)),
    )
