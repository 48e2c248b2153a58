"""How many bytes of a JPEG, WebP or AVIF file are the coded picture: what its rate is taken of.

Colour profiles, EXIF with its thumbnail, previews after the end and payloads are no part of it.  A
picture that a camera has wrapped in 150 kB of them is worth the same update as the bare one.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from itertools import pairwise

from bitstream.carriers import jpeg, webp
from bitstream.envelope import AVIF, JPEG, WEBP, standard_format

END_OF_IMAGE, START_OF_SCAN = 0xD9, 0xDA
JPEG_METADATA = {*range(0xE0, 0xF0), 0xFE}
"""APP0 to APP15 and COM (ITU-T T.81, table B.1)."""
MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
"""In coded data a byte FF is followed by 00, or by a restart marker (T.81, section B.1.1.5)."""
WEBP_PICTURE = {b"VP8 ", b"VP8L", b"ALPH"}
"""RFC 9649, section 2."""
AVIF_METADATA = {b"Exif", b"mime", b"uri "}
"""Types of items that are no pictures (ISO/IEC 14496-12, section 8.11; 23008-12, annex A)."""
FULL_BOX_BYTES = 4


def coded_bytes(data: bytes) -> int:
    """Bytes of the coded picture in a file that Pillow can decode.

    Where a reader understands a structure that this does not, all of the file counts.
    """
    counts = {JPEG: _jpeg_bytes, WEBP: _webp_bytes, AVIF: _avif_bytes}
    name = standard_format(data)
    try:
        return (counts[name](data) if name else 0) or len(data)
    except (struct.error, IndexError, KeyError):
        return len(data)


def _jpeg_bytes(data: bytes) -> int:
    """Everything from the first to the last marker of the picture but metadata."""
    place = total = len(jpeg.START_OF_IMAGE)
    while found := MARKER.search(data, place):
        code, start = found[1][0], found.end() - 2
        if code == END_OF_IMAGE:
            return total + len(jpeg.START_OF_IMAGE)
        place = found.end() + struct.unpack_from(">H", data, found.end())[0]
        if code == START_OF_SCAN:
            following = MARKER.search(data, place)
            place = following.start() if following else len(data)
        if code not in JPEG_METADATA:
            total += place - start
    return total


def _webp_bytes(data: bytes) -> int:
    """The chunks of the picture."""
    place, total = webp.RIFF_HEADER_BYTES + len(webp.FORM_TYPE), 0
    while place + 8 <= len(data):
        tag, size = struct.unpack_from("<4sI", data, place)
        place += 8 + size + size % 2
        if tag in WEBP_PICTURE:
            total += 8 + size
    return total


def _avif_bytes(data: bytes) -> int:
    """The items that are no metadata."""
    meta = dict(_boxes(data))[b"meta"][FULL_BOX_BYTES:]
    parts = dict(_boxes(meta))
    kinds = _item_kinds(parts[b"iinf"])
    sizes = _item_sizes(parts[b"iloc"])
    return sum(size for item, size in sizes if kinds.get(item) not in AVIF_METADATA)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Types and contents of boxes that follow each other (ISO/IEC 14496-12, section 4.2)."""
    place = 0
    while place + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", data, place + 8), 16
        size = size or len(data) - place
        if size < head:
            return
        yield kind, data[place + head : place + size]
        place += size


def _item_kinds(body: bytes) -> dict[int, bytes]:
    """The box `iinf` (section 8.11.6): items and their types."""
    entries = body[FULL_BOX_BYTES + (2 if body[0] == 0 else 4) :]
    kinds = {}
    for _, entry in _boxes(entries):
        wide = entry[0] >= 3
        (item,) = struct.unpack_from(">I" if wide else ">H", entry, FULL_BOX_BYTES)
        place = FULL_BOX_BYTES + (4 if wide else 2) + 2
        kinds[item] = entry[place : place + 4]
    return kinds


def _item_sizes(body: bytes) -> Iterator[tuple[int, int]]:
    """The box `iloc` (section 8.11.3): items and how many bytes each has."""
    version = body[0]
    sizes = body[4] >> 4, body[4] & 15, body[5] >> 4, body[5] & 15
    offset, length, base, index = sizes if version else (*sizes[:3], 0)
    wide = version >= 2
    place = 6
    (count,) = struct.unpack_from(">I" if wide else ">H", body, place)
    place += 4 if wide else 2
    for _ in range(count):
        (item,) = struct.unpack_from(">I" if wide else ">H", body, place)
        place += (4 if wide else 2) + (2 if version else 0) + 2 + base
        (extents,) = struct.unpack_from(">H", body, place)
        place += 2
        steps = range(
            place, place + extents * (index + offset + length) + 1, index + offset + length
        )
        for start, end in pairwise(steps):
            yield item, int.from_bytes(body[start + index + offset : end], "big")
        place = steps[-1]
