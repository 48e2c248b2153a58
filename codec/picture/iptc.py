"""IPTC captions: records (IPTC-IIM 4.2) inside of Photoshop's image resources.

A resource is "8BIM", a number, a name of even length with its length before it, and data, padded to
even length (Adobe Photoshop File Formats Specification, "Image Resources Section").
"""

from __future__ import annotations

from collections.abc import Iterator

from bitstream.wire import ByteReader

IDENTIFIER = b"Photoshop 3.0\0"
"""What stands before the resources in a JPEG segment."""
SIGNATURE = b"8BIM"
RECORDS, RESOLUTION, EXIF, XMP = 0x0404, 0x03ED, 0x0422, 0x0424
RECORD_MARK = 0x1C
"""The first byte of each record."""
CLIPPING = range(0x07D0, 0x0BB7)
"""Paths, of which one may cut the picture out."""


def resources(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Numbers and data of image resources; what is cut short is left out."""
    reader = ByteReader(data)
    try:
        while reader.remaining and reader.raw(4, "signature") == SIGNATURE:
            number = int.from_bytes(reader.raw(2, "number"), "big")
            length = reader.u8("name")
            reader.raw(length + (length + 1) % 2, "name")
            size = int.from_bytes(reader.raw(4, "size"), "big")
            yield number, reader.raw(size, "data")
            if reader.remaining:
                reader.raw(size % 2, "padding")
    except ValueError:
        return


def records(data: bytes) -> bytes:
    """The IPTC records in image resources, or in data that are records already; empty for none."""
    if data[:1] == bytes([RECORD_MARK]):
        return data
    return next((found for number, found in resources(data) if number == RECORDS), b"")


def resolution(data: bytes) -> tuple[float, float] | None:
    """Dots per inch, horizontally and vertically, that image resources state."""
    stated = next((found for number, found in resources(data) if number == RESOLUTION), b"")
    if len(stated) < 16:
        return None
    across, down = (int.from_bytes(stated[at : at + 4], "big") / 65536 for at in (0, 8))
    return (across, down) if across and down else None


def as_resources(data: bytes) -> bytes:
    """Inverse of `records`."""
    head = SIGNATURE + RECORDS.to_bytes(2, "big") + b"\0\0" + len(data).to_bytes(4, "big")
    return head + data + bytes(len(data) % 2)
