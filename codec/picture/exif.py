"""Reads and edits EXIF in place: what it does not edit stays where it is, byte for byte.

EXIF is a TIFF structure (CIPA DC-008, section 4.6), full of positions; makers put notes in formats
of their own into it, whose positions nobody else can move.  So entries are taken out where they
stand, and a directory that grows is written again at the end.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction

ORIENTATION, X_RESOLUTION, Y_RESOLUTION, UNIT = 0x0112, 0x011A, 0x011B, 0x0128
SHORT, LONG, RATIONAL = 3, 4, 5
INCH, CENTIMETRE = 2, 3
CM_PER_INCH = 2.54
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
"""Bytes of a value by its type."""
BELOW = {0x8769, 0x8825, 0xA005}
"""Tags of directories below: EXIF, GPS, and what makes files interchangeable."""
HEAD, ENTRY = 8, 12
FINEST = 10_000
"""Largest denominator of a resolution."""
SAME = 0.005
"""By how much resolutions may differ, relatively, and still be rounded from the same."""
SHARED = 2
"""How much all values together may be longer than what they stand in."""
EMPTY = b"MM\0*\0\0\0\x08\0\0\0\0\0\0"


@dataclass(frozen=True)
class Directory:
    """An image file directory.

    Attributes:
        start: its position.
        entries: the 12 bytes of each, by tag, in their order.
        following: position of the next directory, 0 for none.
    """

    start: int
    entries: Mapping[int, bytes]
    following: int


def is_sound(tiff: bytes) -> bool:
    """Whether the first directory can be read, and each value has a place of its own in the data.

    Some may share theirs, but readers would copy a large one for each entry that names it.
    """
    total = 0
    try:
        order = _order(tiff)
        for entry in _first(tiff).entries.values():
            _, kind, count, place = struct.unpack(order + "HHII", entry)
            size = SIZES.get(kind, 1) * count
            total += size
            if (size > 4 and place + size > len(tiff)) or total > SHARED * len(tiff):
                return False
    except ValueError:
        return False
    return True


def orientation(tiff: bytes) -> int:
    """1 to 8; 0 if none is stated, or none that exists."""
    found = number(tiff, ORIENTATION) or 0
    return int(found) if found in range(1, 9) else 0


def upright(tiff: bytes) -> bytes:
    """EXIF for the picture after it was turned as its orientation says; empty if nothing is left.

    A thumbnail is not turned: it keeps the orientation that was the picture's too.
    """
    order, first = _order(tiff), _first(tiff)
    entry = first.entries.get(ORIENTATION)
    if entry is None:
        return tiff
    rest = {tag: raw for tag, raw in first.entries.items() if tag != ORIENTATION}
    if not rest and not first.following:
        return b""
    with suppress(ValueError):  # there may be no thumbnail, or a damaged one
        thumbnail = _directory(tiff, order, first.following or len(tiff))
        both = dict(sorted({ORIENTATION: entry, **thumbnail.entries}.items()))
        tiff, place = _appended(tiff, order, replace(thumbnail, entries=both))
        first = replace(first, following=place)
    body = _packed(order, replace(first, entries=rest)) + bytes(ENTRY)
    return tiff[: first.start] + body + tiff[first.start + len(body) :]


def resolution(tiff: bytes) -> tuple[float, float] | None:
    """Dots per inch, horizontally and vertically, if stated."""
    if not tiff:
        return None
    across, down = number(tiff, X_RESOLUTION), number(tiff, Y_RESOLUTION)
    unit = number(tiff, UNIT) or INCH
    if not across or not down or unit not in (INCH, CENTIMETRE):
        return None
    scale = CM_PER_INCH if unit == CENTIMETRE else 1.0
    return across * scale, down * scale


def with_resolution(tiff: bytes, dpi: tuple[float, float]) -> bytes:
    """EXIF that states a resolution; as it is if it states that already.

    Args:
        tiff: EXIF, or nothing.
        dpi: dots per inch, horizontally and vertically, positive.
    """
    stated = resolution(tiff)
    if stated and all(abs(a - b) <= SAME * b for a, b in zip(stated, dpi, strict=True)):
        return tiff
    tiff = tiff or EMPTY
    order, first = _order(tiff), _first(tiff)
    tiff += bytes(len(tiff) % 2)
    entries = dict(first.entries)
    for tag, value in zip((X_RESOLUTION, Y_RESOLUTION), dpi, strict=True):
        ratio = Fraction(value).limit_denominator(FINEST)
        entries[tag] = struct.pack(order + "HHII", tag, RATIONAL, 1, len(tiff))
        tiff += struct.pack(order + "II", ratio.numerator, ratio.denominator)
    entries[UNIT] = struct.pack(order + "HHIHH", UNIT, SHORT, 1, INCH, 0)
    tiff, place = _appended(tiff, order, replace(first, entries=dict(sorted(entries.items()))))
    return tiff[:4] + struct.pack(order + "I", place) + tiff[HEAD:]


def number(tiff: bytes, tag: int) -> float | None:
    """A number in the first directory; None if it is not stated."""
    if not tiff:
        return None
    order = _order(tiff)
    entry = _first(tiff).entries.get(tag)
    if entry is None:
        return None
    _, kind, count, place = struct.unpack(order + "HHII", entry)
    if count != 1:
        return None
    value: float | None = None
    if kind == SHORT:
        (value,) = struct.unpack_from(order + "H", entry, 8)
    elif kind == LONG:
        value = place
    elif kind == RATIONAL and place + 8 <= len(tiff):
        above, below = struct.unpack_from(order + "II", tiff, place)
        value = above / below if below else None
    return value


def copied(data: bytes, start: int, without: Collection[int]) -> tuple[bytes, list[str]]:
    """A directory of a TIFF file, with all below it, as an EXIF of its own.

    Args:
        data: the file.
        start: where the directory is.
        without: tags to leave out.

    Returns:
        The EXIF, empty if no tag is left, and the tags that are damaged and left out.
    """
    order = _order(data)
    damaged: list[str] = []
    out = bytearray(data[:4] + bytes(4))
    try:
        place = _copy(data, order, start, out, without, damaged)
    except ValueError:
        return b"", ["all"]
    if place is None:
        return b"", damaged
    out[4:8] = struct.pack(order + "I", place)
    return bytes(out), damaged


def _copy(
    data: bytes,
    order: str,
    start: int,
    out: bytearray,
    without: Collection[int],
    damaged: list[str],
    deepest: int = 2,
) -> int | None:
    """Appends a directory to `out`, its values before it; where it is then, None if it is empty."""
    rows = {}
    for tag, entry in _directory(data, order, start).entries.items():
        if tag in without:
            continue
        _, kind, count, place = struct.unpack(order + "HHII", entry)
        size = SIZES.get(kind, 1) * count
        if tag in BELOW and deepest:
            try:
                below = _copy(data, order, place, out, (), damaged, deepest - 1)
            except ValueError:
                below = None
                damaged.append(str(tag))
            if below is not None:
                rows[tag] = struct.pack(order + "HHII", tag, LONG, 1, below)
        elif size <= 4:
            rows[tag] = entry
        elif place + size > len(data) or len(out) + size > SHARED * len(data):
            damaged.append(str(tag))
        else:
            out += bytes(len(out) % 2)
            rows[tag] = entry[:8] + struct.pack(order + "I", len(out))
            out += data[place : place + size]
    if not rows:
        return None
    out += bytes(len(out) % 2)
    at = len(out)
    out += _packed(order, Directory(at, rows, 0))
    return at


def _order(tiff: bytes) -> str:
    """How `struct` calls the order of the bytes.  Raises ValueError if it is no TIFF structure."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        raise ValueError("not a TIFF structure")
    return order


def _first(tiff: bytes) -> Directory:
    order = _order(tiff)
    if len(tiff) < HEAD:
        raise ValueError("no directory")
    return _directory(tiff, order, struct.unpack_from(order + "I", tiff, 4)[0])


def _directory(tiff: bytes, order: str, start: int) -> Directory:
    """Raises ValueError if it reaches beyond the end; the position that follows may be missing."""
    if start + 2 > len(tiff):
        raise ValueError("no directory")
    (count,) = struct.unpack_from(order + "H", tiff, start)
    end = start + 2 + ENTRY * count
    if end > len(tiff):
        raise ValueError("cut short")
    rows = (tiff[place : place + ENTRY] for place in range(start + 2, end, ENTRY))
    entries = {struct.unpack_from(order + "H", row)[0]: row for row in rows}
    following = struct.unpack_from(order + "I", tiff, end)[0] if end + 4 <= len(tiff) else 0
    return Directory(start, entries, following)


def _packed(order: str, directory: Directory) -> bytes:
    count = struct.pack(order + "H", len(directory.entries))
    following = struct.pack(order + "I", directory.following)
    return count + b"".join(directory.entries.values()) + following


def _appended(tiff: bytes, order: str, directory: Directory) -> tuple[bytes, int]:
    """The structure with a directory at its end, which nothing names yet, and where that is."""
    tiff += bytes(len(tiff) % 2)
    return tiff + _packed(order, directory), len(tiff)
