"""GIF files (GIF89a): their structure, which Pillow tells little of.

A picture that does not cover the screen is laid over nothing: browsers show what is behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bitstream.limits import MAX_METADATA_BYTES
from codec.picture.found import Found

PICTURE, TRAILER = 0x2C, 0x3B
LABEL = 0x100
PLAIN_TEXT, APPLICATION = LABEL | 0x01, LABEL | 0xFF
XMP, ICC = b"XMP DataXMP", b"ICCRGBG1012"
"""Application extensions (XMP specification, part 3, section 1.1.2; ICC.1:2022, annex B.6)."""
XMP_END = b"\x01\xff\xfe"
"""What follows a packet: it ends where every block that one might take it for ends."""
HEAD_BYTES, ASPECT = 13, 12


@dataclass(frozen=True)
class Block:
    """An extension, a picture or the trailer.

    Attributes:
        kind: its first byte; of extensions their label, and `LABEL`.
        start: of what follows that.
        end: of all of it.
    """

    kind: int
    start: int
    end: int


def read_gif(data: bytes, found: Found) -> None:
    """XMP and a profile in application extensions, the shape of pixels, and what covers what."""
    pictures, end = [], len(data)
    for block in _blocks(data):
        if block.kind == PICTURE:
            pictures.append(block)
        elif block.kind == TRAILER:
            end = block.end
        elif block.kind == PLAIN_TEXT:
            found.notes.add("text that viewers draw into it not kept")
        elif block.kind == APPLICATION:
            _read_application(data, block, found)
    if pictures:
        found.covers = _rectangle(data, pictures[0])
    found.behind(data[end:])
    ratio = data[ASPECT : ASPECT + 1]
    if ratio not in (b"", b"\0"):  # section 18
        found.density(64, ratio[0] + 15, 0)


def _read_application(data: bytes, block: Block, found: Found) -> None:
    name = data[block.start + 1 : block.start + 1 + len(XMP)]
    if name == XMP:
        end = data.find(XMP_END, block.start)
        found.xmp = data[block.start + 1 + len(XMP) : max(end, block.start)]
    elif name == ICC:
        parts, size = [], 0
        for part in _sub_blocks(data, block.start + 1 + len(ICC)):
            parts.append(part)
            size += len(part)
            if size > MAX_METADATA_BYTES:
                return
        found.icc = b"".join(parts)


def _rectangle(data: bytes, picture: Block) -> tuple[int, int, int, int]:
    """Left, top, right and bottom."""
    left, top, width, height = (
        int.from_bytes(data[at : at + 2], "little")
        for at in range(picture.start, picture.start + 8, 2)
    )
    return left, top, left + width, top + height


def _blocks(data: bytes) -> Iterator[Block]:
    """All blocks; what is cut short or makes no sense ends them."""
    place = HEAD_BYTES + _table_bytes(data[10:11])
    while place < len(data):
        start = place + 1
        match data[place]:
            case 0x21:  # an extension
                kind, start = LABEL | (data[start : start + 1] or b"\0")[0], start + 1
                place = start
            case 0x2C:  # a picture
                kind = PICTURE
                place = start + 8 + 1 + _table_bytes(data[start + 8 : start + 9]) + 1
            case 0x3B:  # the trailer
                yield Block(TRAILER, start, start)
                return
            case _:
                return
        while place < len(data) and data[place]:
            place += 1 + data[place]
        place += 1
        yield Block(kind, start, place)


def _table_bytes(flags: bytes) -> int:
    """Of a table of colours."""
    return 3 * 2 ** ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def _sub_blocks(data: bytes, place: int) -> Iterator[bytes]:
    while place < len(data) and data[place]:
        yield data[place + 1 : place + 1 + data[place]]
        place += 1 + data[place]
