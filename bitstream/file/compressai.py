"""Implements FORMAT.md section 5.1.1: a content that a network of the CompressAI zoo decodes.

weights   8 bytes   of the SHA-256 of the file of its weights
checksum  4 bytes   of the SHA-256 of the decoded samples
quality   u8        of the network, as the zoo counts
name      text      of its architecture
rows      varint    of the latents that are not predicted
columns   varint
strings   varint    how many there are, then each as varint length and bytes
"""

from __future__ import annotations

from dataclasses import dataclass

from bitstream.errors import InvalidField
from bitstream.wire import ByteReader, ByteWriter

WEIGHTS_BYTES = 8
CHECKSUM_BYTES = 4
MOST_STRINGS = 16


@dataclass(frozen=True)
class ZooPayload:
    """What a network wrote, and which network it was.

    Attributes:
        name: of the architecture, such as "mbt2018-mean".
        quality: 1 to 8 for most of them.
        weights: first 8 bytes of the SHA-256 of the file that holds them.
        checksum: first 4 bytes of the SHA-256 of the decoded picture's samples.
        shape: rows and columns of its most compressed latents.
        strings: what its entropy coders wrote.
    """

    name: str
    quality: int
    weights: bytes
    checksum: bytes
    shape: tuple[int, int]
    strings: tuple[bytes, ...]

    def pack(self) -> bytes:
        """The CONTENT payload."""
        writer = ByteWriter()
        writer.raw(self.weights)
        writer.raw(self.checksum)
        writer.u8(self.quality)
        writer.text(self.name)
        for size in (*self.shape, len(self.strings)):
            writer.varint(size)
        for string in self.strings:
            writer.varint(len(string))
            writer.raw(string)
        return writer.getvalue()

    @classmethod
    def unpack(cls, data: bytes) -> ZooPayload:
        """Inverse of `pack`.

        Raises:
            FormatError: no writer makes such a payload.
        """
        reader = ByteReader(data)
        weights = reader.raw(WEIGHTS_BYTES, "hash of the weights")
        checksum = reader.raw(CHECKSUM_BYTES, "checksum of the content")
        quality = reader.u8("quality of the network")
        name = reader.text("name of the network")
        shape = reader.varint("rows of latents"), reader.varint("columns of latents")
        count = reader.varint("number of strings")
        if count > MOST_STRINGS:
            raise InvalidField(f"a content of {count} strings is not of this format")
        strings = tuple(
            reader.raw(reader.varint("length of a string"), "string") for _ in range(count)
        )
        if reader.remaining:
            raise InvalidField("bytes after the strings of the content")
        return cls(name, quality, weights, checksum, shape, strings)
