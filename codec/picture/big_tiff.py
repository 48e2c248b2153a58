"""Rewrites TIFF files with positions of 64 bits as what all readers know: positions of 32 bits.

Specification: "The BigTIFF file format" (Adobe and Aware Systems, 2007).  Samples and values stay
where they are; directories, which are laid out otherwise, are written again at the end.
"""

from __future__ import annotations

import struct

from codec.errors import ImageError
from codec.picture.exif import BELOW, SHARED, SIZES

HEADS = {b"II+\0": "<", b"MM\0+": ">"}
LONG = 4
LONG8, SLONG8, IFD8 = 16, 17, 18
NARROWED = {LONG8: (LONG, "Q", "I"), SLONG8: (9, "q", "i"), IFD8: (13, "Q", "I")}
"""Types of 64 bits -> the type of 32 bits in their place, and how `struct` calls both."""
INLINE, ENTRY = 8, 20
MAX_ENTRIES, MAX_DIRECTORIES = 2**16 - 1, 10_000


def as_classic(data: bytes) -> bytes:
    """The same pictures and tags with positions of 32 bits; other files as they are.

    Raises:
        ImageError: it is larger than 4 GB, or its structure is damaged.
    """
    if data[:4] not in HEADS:
        return data
    if len(data) >= 2**32:
        raise ImageError("is a TIFF file of more than 4 GB")
    try:
        return _Rewriter(data).all()
    except (struct.error, OverflowError) as error:
        raise ImageError("is a damaged image: its directories cannot be read") from error


class _Rewriter:
    """Writes directories behind the file."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order = HEADS[data[:4]]
        self._out = bytearray(data)
        self._left = SHARED * len(data)
        """Bytes of entries and values that may still be read: about as many as there are."""

    def all(self) -> bytes:
        """The whole file."""
        (start,) = self._unpacked("Q", INLINE)
        link, seen = 4, set[int]()
        while start and start not in seen and len(seen) < MAX_DIRECTORIES:
            seen.add(start)
            place, start = self._directory(start)
            self._out[link : link + 4] = self._packed("I", place)
            (count,) = struct.unpack_from(self._order + "H", self._out, place)
            link = place + 2 + 12 * count
        magic = {"<": b"II*\0", ">": b"MM\0*"}[self._order]
        return magic + bytes(self._out[4:])

    def _directory(self, start: int, deepest: int = 2) -> tuple[int, int]:
        """Where a directory is now, and where the next one was."""
        (count,) = self._unpacked("Q", start)
        self._left -= ENTRY * count
        if count > MAX_ENTRIES or self._left < 0:
            raise ImageError("is a damaged image: a directory has too many entries")
        rows = [self._entry(start + 8 + ENTRY * number, deepest) for number in range(count)]
        (following,) = self._unpacked("Q", start + 8 + ENTRY * count)
        self._out += bytes(len(self._out) % 2)
        place = len(self._out)
        self._out += self._packed("H", count) + b"".join(rows) + bytes(4)
        return place, following

    def _entry(self, at: int, deepest: int) -> bytes:
        tag, kind, count = self._unpacked("HHQ", at)
        size = count * (8 if kind in NARROWED else SIZES.get(kind, 1))
        place = at + 12 if size <= INLINE else self._unpacked("Q", at + 12)[0]
        if tag in BELOW and count == 1 and deepest:
            below, _ = self._directory(self._number(kind, place), deepest - 1)
            return self._packed("HHII", tag, LONG, 1, below)
        if kind not in NARROWED and size > INLINE:
            return self._packed("HHII", tag, kind, count, place)
        self._left -= size
        if place + size > len(self._data) or self._left < 0:
            raise ImageError(f"is a damaged image: tag {tag} lies outside of it")
        values = self._data[place : place + size]
        if kind in NARROWED:
            kind, wide, narrow = NARROWED[kind]
            numbers = struct.unpack(f"{self._order}{count}{wide}", values)
            values = struct.pack(f"{self._order}{count}{narrow}", *numbers)
        if len(values) <= 4:
            return self._packed("HHI", tag, kind, count) + values.ljust(4, b"\0")
        self._out += bytes(len(self._out) % 2)
        position = len(self._out)
        self._out += values
        return self._packed("HHII", tag, kind, count, position)

    def _number(self, kind: int, place: int) -> int:
        """A position that a tag holds."""
        number: int = self._unpacked("Q" if kind in NARROWED else "I", place)[0]
        return number

    def _unpacked(self, layout: str, place: int) -> tuple[int, ...]:
        return struct.unpack_from(self._order + layout, self._data, place)

    def _packed(self, layout: str, *values: int) -> bytes:
        return struct.pack(self._order + layout, *values)
