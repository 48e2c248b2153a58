"""AVIF and HEIF files (ISO/IEC 14496-12, 23008-12): the properties of their picture.

Decoders apply what turns a picture, not all what crops it, and none what describes its colours.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Iterator

from codec.picture import colour, xmp
from codec.picture.found import Found

HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avci"}
AVIF_BRANDS = {b"avif", b"avis"}
GAIN_MAP, DEPTH = (b"hdrgainmap", b":hdr"), (b"depth", b"disparity")
EXIF_ITEM = re.compile(rb"(infe(?:\x02.{7}|\x03.{9}))Exif", re.DOTALL)
"""An entry of the item information (ISO/IEC 14496-12, section 8.11.6)."""
MOTION_PHOTO = b"mpvd"
TOP_BOXES = {
    b"ftyp",
    b"meta",
    b"mdat",
    b"idat",
    b"free",
    b"skip",
    b"moov",
    b"uuid",
    b"wide",
    b"jumb",
}
"""What may stand in such a file, not in another box."""
MAX_BOXES = 100_000


def brands(data: bytes) -> set[bytes]:
    """What the file type box names; empty for other files."""
    if data[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(data[:4], "big"), len(data))
    return {data[8:12], *(data[place : place + 4] for place in range(16, end, 4))}


def read_properties(data: bytes, found: Found, *, crops: bool) -> None:
    """Takes note of what the picture loses; its colours, if it has no profile, become one.

    Args:
        data: the file.
        found: takes all that.
        crops: whether the decoder crops as the file says.
    """
    name_rest(data, TOP_BOXES, found)
    try:
        meta = next((body for kind, body in boxes(data) if kind == b"meta"), b"")
        parts = dict(boxes(meta[4:]))
        _read_items(parts.get(b"iinf", b""), found)
        for kind, body in _of_primary(parts):
            if kind == b"clap" and not crops:
                found.notes.add("what the file crops is shown")
            _read_property(kind, body, found)
        containers = dict(boxes(parts.get(b"iprp", b"")))
        _name_auxiliary(containers.get(b"ipco", b""), found)
    except (struct.error, IndexError):
        found.lost("properties, which are damaged,")


def name_rest(data: bytes, known: Collection[bytes], found: Found) -> None:
    """Takes note of films, and of what stands behind the last box of a kind that is known."""
    end = 0
    for kind, _, place in _spans(data):
        if kind not in known:
            break
        end = place
    rest = data[end:]
    if rest[4:8] == MOTION_PHOTO:
        found.lost(xmp.FILM)
    elif len(rest) > 8:
        found.behind(rest)


def without_exif(data: bytes) -> bytes:
    """The file with its EXIF under a type that nobody looks for, nothing else moved."""
    return EXIF_ITEM.sub(rb"\1skip", data, count=1)


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Types and contents of boxes that follow each other."""
    for kind, start, end in _spans(data):
        yield kind, data[start:end]


def _spans(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Types of boxes, and where their contents are."""
    place = 0
    while place + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, place + 8)
            head = 16
        elif size == 0:
            size = len(data) - place
        if size < head:
            return
        yield kind, place + head, place + size
        place += size


def _of_primary(parts: dict[bytes, bytes]) -> Iterator[tuple[bytes, bytes]]:
    """The properties of the primary item."""
    pitm = parts.get(b"pitm", b"")
    primary = int.from_bytes(pitm[4:8] if pitm[:1] == b"\1" else pitm[4:6], "big")
    containers = dict(boxes(parts.get(b"iprp", b"")))
    properties = list(boxes(containers.get(b"ipco", b"")))
    for item, numbers in _associations(containers.get(b"ipma", b"")):
        if item == primary:
            yield from (properties[n - 1] for n in numbers if 0 < n <= len(properties))


def _associations(body: bytes) -> Iterator[tuple[int, list[int]]]:
    if not body:
        return
    wide_id, wide_index = body[0] >= 1, body[3] & 1
    (count,) = struct.unpack_from(">I", body, 4)
    place = 8
    for _ in range(min(count, MAX_BOXES)):
        (item,) = struct.unpack_from(">I" if wide_id else ">H", body, place)
        place += 4 if wide_id else 2
        size = body[place]
        place += 1
        kind, mask, width = (">H", 0x7FFF, 2) if wide_index else (">B", 0x7F, 1)
        numbers = [struct.unpack_from(kind, body, place + width * n)[0] & mask for n in range(size)]
        place += width * size
        yield item, numbers


def _read_property(kind: bytes, body: bytes, found: Found) -> None:
    if kind == b"colr" and body[:4] == b"nclx" and len(body) >= 11 and not found.icc:
        primaries, transfer = struct.unpack_from(">HH", body, 4)
        # The decoder gives red, green and blue of full range, whatever was stored.
        if primaries < 256 and transfer < 256:
            codes = bytes([primaries, transfer, colour.IDENTITY, 1])
            found.colour = colour.from_code_points(codes, found.notes)
    elif kind == b"pasp" and len(body) >= 8:
        across, down = struct.unpack_from(">II", body)
        found.density(down, across, 0)
    elif kind in (b"clli", b"mdcv", b"amve"):
        found.lost("brightness of the screen it was made on")


def _read_items(body: bytes, found: Found) -> None:
    entries = boxes(body[6 if body[:1] == b"\0" else 8 :])
    kinds = [entry[8:12] for kind, entry in entries if kind == b"infe"]
    if b"tmap" in kinds:
        found.notes.add(xmp.GAIN_MAP)


def _name_auxiliary(body: bytes, found: Found) -> None:
    for kind, entry in boxes(body):
        if kind != b"auxC":
            continue
        urn = entry[4:].partition(b"\0")[0].lower()
        if any(word in urn for word in GAIN_MAP):
            found.notes.add(xmp.GAIN_MAP)
        elif any(word in urn for word in DEPTH):
            found.lost("depth map")
        elif b"alpha" not in urn and not urn.endswith(b"auxid:1"):
            found.lost("an auxiliary picture")
