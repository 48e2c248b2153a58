"""Implements FORMAT.md section 12.4: what a standard file carries for the filter of its picture.

version   u8        1
model     4 bytes   whose post-filter it is
quality   u8        half units, what the filter is conditioned on
checksum  4 bytes   of the decoded picture and of all other fields
update    the rest  an UPDATE payload; empty for the base filter
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from bitstream.errors import InvalidField, UnsupportedVersion
from bitstream.file.header import MAX_QUALITY, MODEL_BYTES
from bitstream.wire import ByteReader, ByteWriter

VERSION = 1
CHECKSUM_BYTES = 4


@dataclass(frozen=True)
class PictureSamples:
    """A decoded picture.

    Attributes:
        width: pixels per row.
        height: number of rows.
        samples: 8 bits each, in raster order, red, green, blue.
    """

    width: int
    height: int
    samples: bytes


@dataclass(frozen=True)
class Enhancement:
    """The payload of a standard file.

    Attributes:
        model: first 4 bytes of the SHA-256 of the model file.
        quality: half units of the quality scale, 0..200.
        checksum: 4 bytes; see `matches`.
        update: what an UPDATE chunk would hold.

    Raises:
        InvalidField: a value out of its range.
    """

    model: bytes
    quality: int
    checksum: bytes
    update: bytes

    def __post_init__(self) -> None:
        if len(self.model) != MODEL_BYTES or len(self.checksum) != CHECKSUM_BYTES:
            raise InvalidField("the id of a model and a checksum have 4 bytes each")
        if not 0 <= self.quality <= MAX_QUALITY:
            raise InvalidField(f"quality {self.quality} is not in 0..{MAX_QUALITY}")

    @classmethod
    def of_picture(
        cls, picture: PictureSamples, model: bytes, quality: int, update: bytes
    ) -> Enhancement:
        """The payload for the file that decodes to this picture."""
        return cls(model, quality, _checksum(picture, model, quality, update), update)

    def matches(self, picture: PictureSamples) -> bool:
        """Whether it was made for this picture, and arrived as it was."""
        return self.checksum == _checksum(picture, self.model, self.quality, self.update)

    def pack(self) -> bytes:
        """The bytes that a carrier takes."""
        writer = ByteWriter()
        writer.u8(VERSION)
        writer.raw(self.model)
        writer.u8(self.quality)
        writer.raw(self.checksum)
        writer.raw(self.update)
        return writer.getvalue()

    @classmethod
    def unpack(cls, data: bytes) -> Enhancement:
        """Inverse of `pack`.

        Raises:
            FormatError: another version, or the bytes end early or are out of range.
        """
        reader = ByteReader(data)
        version = reader.u8("the version of the enhancement")
        if version != VERSION:
            raise UnsupportedVersion(
                f"enhancement of version {version}, this program reads version {VERSION}"
            )
        model = reader.raw(MODEL_BYTES, "the model of the enhancement")
        quality = reader.u8("the quality of the enhancement")
        checksum = reader.raw(CHECKSUM_BYTES, "the checksum of the enhancement")
        return cls(model, quality, checksum, reader.raw(reader.remaining, "the update"))


def _checksum(picture: PictureSamples, model: bytes, quality: int, update: bytes) -> bytes:
    """Sizes go first: they say where the samples end."""
    head, tail = ByteWriter(), ByteWriter()
    head.u32(picture.width)
    head.u32(picture.height)
    tail.u8(VERSION)
    tail.raw(model)
    tail.u8(quality)
    tail.raw(update)
    digest = hashlib.sha256(head.getvalue())
    digest.update(picture.samples)
    digest.update(tail.getvalue())
    return digest.digest()[:CHECKSUM_BYTES]
