"""JPEG files (ITU-T T.81, annex B): what shows the picture for Pillow, the rest read here."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from bitstream.limits import MAX_METADATA_BYTES
from codec.errors import ImageError
from codec.picture import iptc, xmp
from codec.picture.exif import CM_PER_INCH
from codec.picture.found import Found

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
APP0, APP1, APP2, APP10, APP11, APP13, APP14, COM = 0xE0, 0xE1, 0xE2, 0xEA, 0xEB, 0xED, 0xEE, 0xFE
APPLICATION = range(0xE0, 0xF0)
SOS = 0xDA
MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")
"""All but those of restarts, which stand among the samples."""
STANDALONE = {0x01, *range(0xD0, 0xD9)}
EXIF, JFIF, ADOBE = b"Exif\0", b"JFIF\0", b"Adobe"
XMP, MORE_XMP = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
ICC, MULTI_PICTURE, GAIN_MAP = b"ICC_PROFILE\0", b"MPF\0", b"urn:iso:std:iso:ts:21496:-1\0"
OURS = b"NNU\0"
"""What this codec puts into such files; it is for its own pixels."""
PER_INCH, PER_CM = 1, 2
UNUSED = {(APP0, b"JFXX"), (APP2, b"FPXR"), (APP10, b"NNU")}
CAPTION_DIGEST, THUMBNAILS = 0x0425, {0x0409, 0x040C}
INTERNAL = {iptc.RESOLUTION, CAPTION_DIGEST, iptc.RECORDS, *THUMBNAILS}
"""Photoshop's resources that say what is kept, or shown, anyway."""


@dataclass(frozen=True)
class Segment:
    """A segment with its marker; `start` and `end` are positions in the file."""

    marker: int
    content: bytes
    start: int
    end: int


def split(data: bytes, found: Found, *, truncated: bool) -> bytes:
    """The picture alone, as a JPEG file, and what stands beside it in `found`.

    Raises:
        ImageError: it ends too soon, and `truncated` does not say that what is there will do.
    """
    kept, position = [SOI], len(SOI)
    profile: dict[int, bytes] = {}
    for segment in _segments(data):
        if segment.marker not in APPLICATION and segment.marker != COM:
            kept.append(data[segment.start : segment.end])
        elif _is_needed(segment):
            kept.append(data[segment.start : segment.end])
        position = segment.end
        _read(segment, found, profile)
    if profile:
        _join_profile(profile, found)
    end = _end_of_picture(data, position)
    if end is None:
        if not truncated:
            raise ImageError("is cut short: its end marker is missing; --truncated takes it so")
        found.notes.add("cut short: what could not be read is made up")
        kept.append(data[position:] + EOI)
    else:
        kept.append(data[position:end])
    _name_hidden(data[end:] if end else b"", found)
    return b"".join(kept)


def _segments(data: bytes) -> Iterator[Segment]:
    """All before the first scan; what is cut short ends them."""
    place = len(SOI)
    while place + 4 <= len(data) and data[place] == 0xFF:
        start = place
        while place + 4 <= len(data) and data[place + 1] == 0xFF:
            place += 1
        marker = data[place + 1]
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        end = place + 2 + length
        if marker in STANDALONE or marker == SOS or length < 2 or end > len(data):
            return
        yield Segment(marker, data[place + 4 : end], start, end)
        place = end


def _is_needed(segment: Segment) -> bool:
    """Whether it says how the samples are to be understood."""
    head = segment.content
    return (segment.marker == APP0 and head.startswith(JFIF) and len(head) >= 12) or (
        segment.marker == APP14 and head.startswith(ADOBE)
    )


def _end_of_picture(data: bytes, position: int) -> int | None:
    """Where the end marker of the picture ends; None if there is none.

    Entropy-coded data hold no marker but those of restarts; between scans stand segments.
    """
    while match := MARKER.search(data, position):
        position = match.end()
        if match[0] == EOI:
            return position
        position += int.from_bytes(data[position : position + 2], "big")
    return len(data) if data.endswith(EOI) else None


def _read(segment: Segment, found: Found, profile: dict[int, bytes]) -> None:
    marker, content = segment.marker, segment.content
    if marker == APP0 and content.startswith(JFIF):
        if len(content) >= 12:
            unit, across, down = struct.unpack_from(">BHH", content, 7)
            found.density(across, down, {PER_INCH: 1.0, PER_CM: CM_PER_INCH}.get(unit, 0))
    elif marker == APP1 and content.startswith(EXIF):
        # What does not fit into one segment goes on in the next, which readers seldom follow.
        found.exif += content[6:] if len(found.exif) < MAX_METADATA_BYTES else b""
    elif marker == APP1 and content.startswith(XMP):
        found.xmp = content[len(XMP) :]
    elif marker == APP1 and content.startswith(MORE_XMP):
        found.lost("more XMP than fits into one segment")
    elif marker == APP2 and content.startswith(ICC) and len(content) > len(ICC) + 2:
        profile[content[len(ICC)]] = content[len(ICC) + 2 :]
    elif marker == APP2 and content.startswith(GAIN_MAP):
        found.notes.add(xmp.GAIN_MAP)
    elif marker == APP2 and content.startswith(MULTI_PICTURE):
        _read_index(content[len(MULTI_PICTURE) :], found)
    elif marker == APP13 and content.startswith(iptc.IDENTIFIER):
        _read_resources(content[len(iptc.IDENTIFIER) :], found)
    elif marker == COM:
        found.texts.append("comment")
    elif marker == APP11 and content.startswith(b"JP"):
        found.lost("content credentials or other boxes (JUMBF)")
    elif marker in APPLICATION and not (marker == APP14 and content.startswith(ADOBE)):
        name = content.partition(b"\0")[0].decode("latin-1")
        if (marker, name.encode("latin-1")) not in UNUSED and content.strip(b"\0"):
            found.lost("application data", [f"APP{marker - APP0} {name}"])


def _join_profile(parts: dict[int, bytes], found: Found) -> None:
    found.icc = b"".join(parts[number] for number in sorted(parts))


def _read_index(index: bytes, found: Found) -> None:
    """How many pictures there are (CIPA DC-007, section 5.2.3): the entry 0xB001."""
    order = "<" if index.startswith(b"II") else ">"
    try:
        (place,) = struct.unpack_from(order + "I", index, 4)
        (entries,) = struct.unpack_from(order + "H", index, place)
        for row in range(place + 2, place + 2 + 12 * entries, 12):
            tag, _, _, value = struct.unpack_from(order + "HHII", index, row)
            if tag == 0xB001 and value > 1:
                found.notes.add(f"further pictures not kept ({value - 1}: views, depth, gain maps)")
    except struct.error:
        found.lost("a damaged index of pictures")


def _read_resources(data: bytes, found: Found) -> None:
    found.iptc = found.iptc or iptc.records(data)
    numbers = {number for number, _ in iptc.resources(data)}
    if found.dpi is None:  # which JFIF and EXIF say more often
        found.dpi = iptc.resolution(data)
    if any(number in iptc.CLIPPING for number in numbers):
        found.lost("clipping paths")
    rest = numbers - INTERNAL
    if rest:
        found.lost("Photoshop's settings")


def _name_hidden(rest: bytes, found: Found) -> None:
    """What stands after the picture."""
    promised = any(name in found.xmp for name in (*xmp.GAIN_MAP_NAMES, *xmp.FILM_NAMES))
    if b"ftyp" in rest[:4096] or b"MotionPhoto_Data" in rest:
        found.lost(xmp.FILM)
    elif not promised and not any("further" in note.text for note in found.notes):
        found.behind(rest)
