"""The first bytes of each kind of file.

In the first two, the high bit and the invalid UTF-8 catch transfers that treat the file as text.
"""

from __future__ import annotations

MAGIC = b"\x8eNN"
"""A picture."""
PACKED_MAGIC = b"\x8eNW"
"""Packed weights."""
UPDATE_MAGIC = b"NNU"
"""A weight update that several pictures share."""

JPEG, WEBP, AVIF = "jpeg", "webp", "avif"
"""The standard formats that carry payloads of this codec."""
AVIF_BRANDS = {b"avif", b"avis"}
"""One picture, and a sequence of pictures."""


def standard_format(data: bytes) -> str | None:
    """Names the standard format of a file by its first bytes: JPEG, WEBP, AVIF, or None."""
    if data.startswith(b"\xff\xd8\xff"):  # SOI, and another marker
        return JPEG
    if data.startswith(b"RIFF") and data.startswith(b"WEBP", 8):
        return WEBP
    if data.startswith(b"ftyp", 4):  # the major brand, four bytes of version, compatible brands
        end = min(int.from_bytes(data[:4], "big"), len(data))
        if any(data[place : place + 4] in AVIF_BRANDS for place in (8, *range(16, end, 4))):
            return AVIF
    return None
