"""Implements FORMAT.md section 5.2: the payload of a chunk with metadata.

size   varint     of what is compressed
data   the rest   a deflate stream (RFC 1951)
"""

from __future__ import annotations

import zlib

from bitstream.errors import InvalidField, LimitExceeded
from bitstream.limits import MAX_METADATA_BYTES
from bitstream.wire import ByteReader, ByteWriter

RAW_DEFLATE = -15
"""How zlib calls a stream without a header and a checksum: the file has its own."""


def pack(data: bytes) -> bytes:
    """Compresses metadata.

    Raises:
        InvalidField: there are none.
        LimitExceeded: they are longer than `limits.MAX_METADATA_BYTES`.
    """
    _check_size(len(data))
    writer = ByteWriter()
    writer.varint(len(data))
    deflate = zlib.compressobj(9, zlib.DEFLATED, RAW_DEFLATE)
    writer.raw(deflate.compress(data) + deflate.flush())
    return writer.getvalue()


def unpack(payload: bytes) -> bytes:
    """Inverse of `pack`.

    Raises:
        FormatError: no writer makes such a payload.
    """
    reader = ByteReader(payload)
    size = reader.varint("size of metadata")
    _check_size(size)
    inflate = zlib.decompressobj(RAW_DEFLATE)
    try:
        # One byte more than there should be, so that a longer stream is noticed and not followed.
        data = inflate.decompress(reader.raw(reader.remaining, "metadata"), size + 1)
    except zlib.error as error:
        raise InvalidField("metadata are not a valid deflate stream") from error
    if len(data) != size or not inflate.eof or inflate.unused_data:
        raise InvalidField("metadata are not as long as their size says")
    return data


def _check_size(size: int) -> None:
    if not size:
        raise InvalidField("a chunk with metadata holds none")
    if size > MAX_METADATA_BYTES:
        raise LimitExceeded(f"metadata of {size} bytes, the limit is {MAX_METADATA_BYTES}")
