"""Implements FORMAT.md sections 3 and 5: the file as a header and chunks, framed and checksummed.

    magic   3 bytes   8E 4E 4E
    version u8        1
    header            see `bitstream.file.header`
    chunks            tag u8, length varint, payload
    crc32   u32       of all bytes before it

Outside of the payloads a file usually spends at most 26 bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from bitstream.envelope import MAGIC, Envelope
from bitstream.errors import InvalidField, LimitExceeded
from bitstream.file.header import Header
from bitstream.limits import MAX_CHUNK_BYTES
from bitstream.wire import ByteReader, ByteWriter

FORMAT_VERSION = 1
ANCILLARY = 0x80
ENVELOPE = Envelope(MAGIC, FORMAT_VERSION, 17, "file of this format", "format")
"""Of at least: magic and version 4, header 7, an empty CONTENT chunk 2, checksum 4."""


class Tag(IntEnum):
    """The chunks of version 1.

    Ancillary ones have the highest bit set and change no pixel; they stand first in a file, so that
    readers who want no pixels need not read on.  The critical ones follow in ascending order.
    """

    UPDATE = 0x01
    CONTENT = 0x02
    PRIOR = 0x04
    FINE = 0x08
    ALPHA = 0x10
    ICC = 0x90
    EXIF = 0x91
    XMP = 0x92
    IPTC = 0x93
    PIXELS = 0x94

    @property
    def is_ancillary(self) -> bool:
        """Whether a decoder may ignore it."""
        return bool(self & ANCILLARY)


@dataclass(frozen=True)
class Container:
    """A whole file.

    Attributes:
        header: size, quality, model.
        chunks: payloads by tag; CONTENT is mandatory.

    Raises:
        InvalidField: there is no CONTENT chunk.
        LimitExceeded: a payload is longer than `limits.MAX_CHUNK_BYTES`.
    """

    header: Header
    chunks: Mapping[Tag, bytes]

    def __post_init__(self) -> None:
        if Tag.CONTENT not in self.chunks:
            raise InvalidField("the file has no CONTENT chunk")
        for tag, payload in self.chunks.items():
            _check_length(tag.name, len(payload))

    def pack(self) -> bytes:
        """The bytes of the file."""
        writer = ByteWriter()
        self.header.pack(writer)
        for tag in sorted(self.chunks, key=lambda tag: (not tag.is_ancillary, tag)):
            writer.u8(tag)
            writer.varint(len(self.chunks[tag]))
            writer.raw(self.chunks[tag])
        return ENVELOPE.pack(writer.getvalue())

    @classmethod
    def unpack(cls, data: bytes) -> Container:
        """Inverse of `pack`.

        Raises:
            FormatError: the bytes are not a valid file; the subclass says why.
        """
        reader = ByteReader(ENVELOPE.unpack(data))
        header = Header.unpack(reader)
        return cls(header, _read_chunks(reader))


def chunk_bytes(payload: bytes) -> int:
    """What an optional chunk takes in a file: nothing if it is empty and left out."""
    if not payload:
        return 0
    writer = ByteWriter()
    writer.varint(len(payload))
    return 1 + len(writer.getvalue()) + len(payload)


def _read_chunks(reader: ByteReader) -> dict[Tag, bytes]:
    """All chunks up to the end; unknown ancillary ones are left out."""
    known = set(Tag)
    chunks: dict[Tag, bytes] = {}
    while reader.remaining:
        tag = reader.u8("chunk tag")
        length = reader.varint("chunk length")
        _check_length(f"0x{tag:02X}", length)
        payload = reader.raw(length, f"chunk 0x{tag:02X}")
        if tag in known:
            _check_place(Tag(tag), chunks)
            chunks[Tag(tag)] = payload
        elif not tag & ANCILLARY:
            raise InvalidField(f"unknown critical chunk 0x{tag:02X}: a newer version may be needed")
    return chunks


def _check_place(tag: Tag, before: Mapping[Tag, bytes]) -> None:
    """Whether a chunk may follow those `before`: once, and critical ones in ascending order."""
    if tag.is_ancillary:
        if tag in before:
            raise InvalidField(f"chunk {tag.name} is repeated")
    elif any(tag <= other for other in before if not other.is_ancillary):
        raise InvalidField(f"chunk {tag.name} is repeated or out of order")


def _check_length(name: str, length: int) -> None:
    if length > MAX_CHUNK_BYTES:
        raise LimitExceeded(f"chunk {name} has {length} bytes, the limit is {MAX_CHUNK_BYTES}")
