"""The mark of a PNG file that `decode` has written: which file it was decoded from."""

from __future__ import annotations

import hashlib
import struct
import zlib
from pathlib import Path

from codec.batch.resume import Made

PNG_HEAD = b"\x89PNG\r\n\x1a\n"
MARK_PLACE = len(PNG_HEAD) + 25
"""After the chunk IHDR, which is the first and has a fixed length (PNG, section 11.2.2)."""
PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
MARK = b"nnSR"
"""Ancillary, private, and not to be copied by programs that change the picture (section 5.4)."""
HASH_BYTES = 16


def marked(png: bytes, source: bytes, scale: int = 1) -> bytes:
    """Writes into a PNG file which file it was decoded from, and at what part of its size."""
    digest = _source_digest(source, scale)
    body = MARK + digest
    chunk = struct.pack(">I", len(digest)) + body + struct.pack(">I", zlib.crc32(body))
    return png[:MARK_PLACE] + chunk + png[MARK_PLACE:]


def _source_digest(source: bytes, scale: int) -> bytes:
    part = f"1/{scale}".encode() if scale > 1 else b""
    return hashlib.sha256(source + part).digest()[:HASH_BYTES]


def decoded(data: bytes, source: str, scale: int = 1) -> Made:
    """The check of what `decode` writes."""
    if not data.startswith(PNG_HEAD):
        return Made.OTHERWISE if PNG_HEAD.startswith(data) else Made.UNKNOWN
    length, tag = data[MARK_PLACE : MARK_PLACE + 4], data[MARK_PLACE + 4 :][:4]
    if not tag:  # it ends where the mark would be, and holds no picture
        return Made.OTHERWISE
    if tag != MARK or int.from_bytes(length, "big") != HASH_BYTES:
        return Made.UNKNOWN
    digest = data[MARK_PLACE + 8 :][:HASH_BYTES]
    same = digest == _source_digest(Path(source).read_bytes(), scale)
    return Made.AS_ASKED if same and data.endswith(PNG_END) else Made.OTHERWISE
