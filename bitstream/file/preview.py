"""Reads what a file says before its pixels: the header and the metadata, but not the content.

The checksum is not verified, since that would need the whole file.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import IO

from bitstream.envelope import CHECKSUM_BYTES, MAGIC
from bitstream.errors import BadMagic, Truncated, UnsupportedVersion
from bitstream.file.container import FORMAT_VERSION, Tag
from bitstream.file.header import Header
from bitstream.wire import ByteReader

HEAD_BYTES = 32
"""More than magic, version and header can take."""
CHUNK_HEAD_BYTES = 6
"""The most that tag and length take."""


@dataclass(frozen=True)
class Preview:
    """What is known of a file.

    Attributes:
        header: size, quality, model.
        lengths: bytes of each payload.
        ancillary: the payloads that change no pixel.
    """

    header: Header
    lengths: dict[Tag, int]
    ancillary: dict[Tag, bytes]


def preview(file: IO[bytes]) -> Preview:
    """Reads a file that can be sought in, and passes over what it need not know.

    Raises:
        FormatError: what was read is not of a valid file.
    """
    end = file.seek(0, io.SEEK_END) - CHECKSUM_BYTES
    file.seek(0)
    reader = ByteReader(file.read(HEAD_BYTES))
    if reader.raw(min(len(MAGIC), reader.remaining), "magic") != MAGIC:
        raise BadMagic("not a file of this format")
    if reader.u8("version") != FORMAT_VERSION:
        raise UnsupportedVersion(f"not a file of version {FORMAT_VERSION}")
    found = Preview(Header.unpack(reader), {}, {})
    position = reader.position
    while position < end:
        file.seek(position)
        head = ByteReader(file.read(CHUNK_HEAD_BYTES))
        number, length = head.u8("chunk tag"), head.varint("chunk length")
        position += head.position + length
        if position > end:
            raise Truncated(f"truncated in chunk 0x{number:02X}")
        if number in set(Tag):
            tag = Tag(number)
            found.lengths[tag] = length
            if tag.is_ancillary:
                file.seek(position - length)
                found.ancillary[tag] = file.read(length)
    if Tag.CONTENT not in found.lengths:
        raise Truncated("truncated before the content")
    return found
