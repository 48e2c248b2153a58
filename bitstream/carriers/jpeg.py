"""Implements FORMAT.md section 12.1: the payload in an application segment of a JPEG file.

Structure: ITU-T T.81, annex B.  Why APP10: readers take from application segments what begins with
an identifier they know, and APP10 has the fewest in use ("UNICODE" of PhotoStudio, "AROT" of
Apple).  APP0 to APP2, APP11, APP13 and APP14 decide how pictures are shown (JFIF, Exif, ICC, gain
maps, JPEG XT, Adobe); cameras put segments without identifiers into APP3 to APP9; old ones wrote
plain text into APP12 and APP15.  The identifier is three letters and the NUL that ends such names:
one letter less would save a byte and be a likely choice of somebody else.
"""

from __future__ import annotations

from collections.abc import Iterator

from bitstream.carriers.parts import Part, checked, only, without
from bitstream.envelope import JPEG, standard_format
from bitstream.errors import BadMagic, InvalidField
from bitstream.wire import ByteReader

NAME = JPEG
IDENTIFIER = b"NNU\0"

START_OF_IMAGE = b"\xff\xd8"
APP2 = b"\xff\xe2"
APP10 = b"\xff\xea"
METADATA = {bytes([0xFF, code]) for code in (*range(0xE0, 0xF0), 0xFE)}
"""APP0 to APP15 and COM."""

STANDALONE = {bytes([0xFF, code]) for code in (0x00, 0x01, *range(0xD0, 0xDA))}
"""Not the marker of a segment: a stuffed FF, TEM, RST0 to RST7, SOI, EOI."""

MULTI_PICTURE = b"MPF\0"
LENGTH_BYTES = 2


def insert(data: bytes, payload: bytes) -> bytes:
    """Puts the payload after all metadata, but before an index of pictures.

    That index (CIPA DC-007) gives the positions of further pictures in the file relative to itself;
    they stay right as long as nothing is put between it and them.
    """
    content = IDENTIFIER + checked(payload)
    segment = APP10 + (LENGTH_BYTES + len(content)).to_bytes(LENGTH_BYTES, "big") + content
    plain = strip(data)
    place = next(part.start for part in _segments(plain) if _ends_metadata(part))
    return plain[:place] + segment + plain[place:]


def extract(data: bytes) -> bytes | None:
    """The payload, wherever it stands among the metadata."""
    return only(part.content[len(IDENTIFIER) :] for part in _segments(data) if _is_ours(part))


def strip(data: bytes) -> bytes:
    """Cuts the segment out."""
    return without(data, filter(_is_ours, _segments(data)))


def _is_ours(part: Part) -> bool:
    return part.tag == APP10 and part.content.startswith(IDENTIFIER)


def _ends_metadata(part: Part) -> bool:
    is_index = part.tag == APP2 and part.content.startswith(MULTI_PICTURE)
    return is_index or part.tag not in METADATA


def _segments(data: bytes) -> Iterator[Part]:
    """All segments up to the first that is not metadata; of that one only tag and start."""
    if standard_format(data) != NAME:
        raise BadMagic("not a JPEG file")
    reader = ByteReader(data)
    reader.raw(len(START_OF_IMAGE), "SOI")
    while True:
        start = reader.position
        tag = _read_marker(reader)
        if tag not in METADATA:
            yield Part(tag, start, start, b"")
            return
        length = int.from_bytes(reader.raw(LENGTH_BYTES, "a JPEG segment"), "big")
        if length < LENGTH_BYTES:
            raise InvalidField(f"the JPEG segment at byte {start} has the length {length}")
        content = reader.raw(length - LENGTH_BYTES, "a JPEG segment")
        yield Part(tag, start, reader.position, content)


def _read_marker(reader: ByteReader) -> bytes:
    """A marker, without the bytes FF that may precede it as padding."""
    start = reader.position
    prefix = code = reader.raw(1, "a JPEG marker")
    while code == b"\xff":
        code = reader.raw(1, "a JPEG marker")
    marker = prefix + code
    if prefix != b"\xff" or marker in STANDALONE:
        raise InvalidField(f"no JPEG segment begins at byte {start}")
    return marker
