"""Implements FORMAT.md section 5.5: the checksum of the picture that a file decodes to.

checksum  u32   CRC-32 of the samples
"""

from __future__ import annotations

import zlib

from bitstream.errors import ChecksumMismatch, InvalidField

CHECKSUM_BYTES = 4


def pack(samples: bytes | memoryview) -> bytes:
    """Makes the payload for the samples of a picture, 8 bits each, in raster order."""
    return zlib.crc32(samples).to_bytes(CHECKSUM_BYTES, "little")


def verify(payload: bytes, samples: bytes | memoryview) -> None:
    """Compares the samples of a decoded picture with what a payload says of them.

    Raises:
        InvalidField: the payload is no checksum.
        ChecksumMismatch: they are others.
    """
    if len(payload) != CHECKSUM_BYTES:
        raise InvalidField(f"the checksum of the pixels has {len(payload)} bytes, not 4")
    if pack(samples) != payload:
        raise ChecksumMismatch(
            "decodes to other pixels here than at the encoder: this machine or that one does not "
            "compute exactly, or the file is not the encoder's"
        )
