"""Implements FORMAT.md section 12.2: the payload in a chunk of a WebP file.

Structure: RFC 9649, section 2.  Readers ignore chunks that they do not know, and writers keep them
(section 2.7, "Unknown Chunks").  That is said of the extended format; but decoders of the simple
one read its only chunk and no further, so that it needs no VP8X chunk, which has 18 bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from bitstream.carriers.parts import Part, checked, only, without
from bitstream.envelope import WEBP, standard_format
from bitstream.errors import BadMagic
from bitstream.wire import ByteReader, ByteWriter

NAME = WEBP
TAG = b"nnUP"
"""Not in capitals, which RIFF leaves to registered chunks."""

RIFF = b"RIFF"
FORM_TYPE = b"WEBP"
RIFF_HEADER_BYTES = 8
LOSSY, LOSSLESS, EXTENDED = b"VP8 ", b"VP8L", b"VP8X"


def insert(data: bytes, payload: bytes) -> bytes:
    """Puts the payload after all other chunks."""
    chunk = _pack_chunk(checked(payload))
    plain = strip(data)
    end = _riff_end(plain)
    return _resized(plain[:end] + chunk + plain[end:], len(chunk))


def extract(data: bytes) -> bytes | None:
    """The payload, wherever it stands among the chunks."""
    return only(part.content for part in _chunks(data) if _is_ours(part))


def strip(data: bytes) -> bytes:
    """Cuts the chunk out."""
    plain = without(data, filter(_is_ours, _chunks(data)))
    return _resized(plain, len(plain) - len(data))


def wrap(payload: bytes) -> bytes:
    """A bitstream without loss -> a file in the simple format (RFC 9649, section 2.6)."""
    chunk = _pack_chunk(payload, LOSSLESS)
    return _resized(RIFF + bytes(4) + FORM_TYPE + chunk, len(FORM_TYPE) + len(chunk))


def unwrap(data: bytes) -> bytes:
    """The inverse of `wrap`."""
    first = next(_chunks(data))
    assert first.tag == LOSSLESS  # noqa: S101 (callers have written such a file)
    return first.content


def stated_size(data: bytes) -> tuple[int, int]:
    """Width and height as the first chunk has them (RFC 9649, sections 2.5 to 2.7); else 0."""
    tag, head = data[12:16], data[20:30]
    if tag == EXTENDED:
        width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (4, 7))
    elif tag == LOSSLESS:
        bits = int.from_bytes(head[1:5], "little")
        width, height = bits % 2**14 + 1, (bits >> 14) % 2**14 + 1
    elif tag == LOSSY:
        width, height = (int.from_bytes(head[at : at + 2], "little") % 2**14 for at in (6, 8))
    else:
        return 0, 0
    return width, height


def _is_ours(part: Part) -> bool:
    return part.tag == TAG


def _pack_chunk(content: bytes, tag: bytes = TAG) -> bytes:
    writer = ByteWriter()
    writer.raw(tag)
    writer.u32(len(content))
    writer.raw(content)
    writer.raw(bytes(len(content) % 2))
    return writer.getvalue()


def _chunks(data: bytes) -> Iterator[Part]:
    """All chunks up to the end of the RIFF chunk; what follows it is not part of the picture."""
    if standard_format(data) != NAME:
        raise BadMagic("not a WebP file")
    reader = ByteReader(ByteReader(data).raw(_riff_end(data), "the RIFF chunk"))
    reader.raw(RIFF_HEADER_BYTES + len(FORM_TYPE), "the WebP header")
    while reader.remaining:
        start = reader.position
        tag = reader.raw(len(TAG), "a WebP chunk")
        size = reader.u32("a WebP chunk")
        content = reader.raw(size, "a WebP chunk")
        reader.raw(size % 2, "the padding of a WebP chunk")
        yield Part(tag, start, reader.position, content)


def _riff_end(data: bytes) -> int:
    """Position after the last byte that the RIFF header counts."""
    return RIFF_HEADER_BYTES + int.from_bytes(data[len(RIFF) : RIFF_HEADER_BYTES], "little")


def _resized(data: bytes, change: int) -> bytes:
    """The file with a RIFF header that counts more or fewer bytes."""
    header = ByteWriter()
    header.raw(RIFF)
    header.u32(_riff_end(data) - RIFF_HEADER_BYTES + change)
    return header.getvalue() + data[RIFF_HEADER_BYTES:]
