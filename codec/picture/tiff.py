"""TIFF files (TIFF 6.0): tags that change how Pillow must read them, and those that tell more."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from codec.errors import ImageError
from codec.picture import colour, depth, exif, iptc, profiles
from codec.picture.found import Found
from codec.picture.profiles import D65, SRGB, Chromaticities

BITS, PHOTOMETRIC, SAMPLES, EXTRA, FORMAT = 258, 262, 277, 338, 339
PREDICTOR, PLANES, SUBFILE, ORIENTATION, COLOURS = 317, 284, 254, 274, 320
TRANSFER, WHITE, PRIMARIES = 301, 318, 319
XMP, IPTC, PHOTOSHOP, ICC, SUBFILES, LAYERS = 700, 33723, 34377, 34675, 330, 37724
MIN_IS_WHITE, MIN_IS_BLACK, RGB, PALETTE = 0, 1, 2, 3
ASSOCIATED, UNASSOCIATED = 1, 2
REDUCED, MASK = 1, 4
"""Bits of a page's NewSubfileType."""
HORIZONTAL = 2
SIGNED = 2
HEADS = {b"II*\0": "<", b"MM\0*": ">"}
SHORT = 3
NO_UNIT = 1
NUMBERS = {3: "u2", 4: "u4", 5: "u4"}
"""Types of whole numbers and of ratios, as numpy calls them."""
DIRECTORIES = {0x8769, 0x8825}
"""Tags of EXIF and of GPS."""
MAX_PAGES = 10_000

STRUCTURE = {
    *range(254, 267),
    *range(273, 282),
    284,
    *range(288, 294),
    TRANSFER,
    *range(317, 326),
    *range(330, 333),
    *range(338, 349),
    *range(512, 522),
    *range(529, 533),
    XMP,
    IPTC,
    PHOTOSHOP,
    ICC,
    LAYERS,
}
"""Tags about how samples are stored, or that are kept by other means; all else is EXIF."""
NEEDED = STRUCTURE - {TRANSFER, WHITE, PRIMARIES, SUBFILES, XMP, IPTC, PHOTOSHOP, ICC, LAYERS}
"""Those that Pillow must see."""


class Layout:
    """What Pillow must be told otherwise about a page, and what is left to do then.

    Attributes:
        page: number of the page that counts.
        data: the file for Pillow.
        order: of the bytes, as `struct` calls it.
        is_pairs: samples of 16 bits, grey and opacity, are read as four of 8.
    """

    def __init__(self, data: bytes, page: int | None = None) -> None:
        self._file = self.data = data
        self.order = HEADS[data[:4]]
        self._start = 0
        self._places: dict[int, int] = {}
        self.is_pairs = self._inverted = self._associated = False
        self._bits = 8
        pages = list(_pages(data, self.order))
        self.page = _page_that_counts([self._value(p, SUBFILE) for _, p in pages], page)
        if self.page < len(pages):
            self._start, self._places = pages[self.page]
            self._read(self._places)
            self._hide(self._places)

    def finished(self, samples: NDArray[np.integer]) -> NDArray[np.integer]:
        """The samples as they are meant."""
        if self._bits == 12:
            samples = samples << 4 | samples >> 8
        if self._inverted:
            samples = (2**16 - 1) - samples
        return depth.unmultiplied(samples) if self._associated else samples

    def describe(self, found: Found) -> None:
        """What the tags of the page say besides its pixels."""
        found.icc, found.xmp = self._bytes(ICC), self._bytes(XMP)
        found.iptc = iptc.records(self._bytes(IPTC)) or iptc.records(self._bytes(PHOTOSHOP))
        swapped = self._bytes(IPTC)[: len(self._bytes(IPTC)) // 4 * 4]
        if not found.iptc and swapped[3:4] == b"\x1c":  # written as numbers of 32 bits
            found.iptc = np.frombuffer(swapped, ">u4").astype("<u4").tobytes()
        found.exif, damaged = exif.copied(self._file, self._start, STRUCTURE)
        if damaged:
            found.lost("damaged tags", damaged)
        across, down = (
            exif.number(found.exif, tag) for tag in (exif.X_RESOLUTION, exif.Y_RESOLUTION)
        )
        if across and down and exif.number(found.exif, exif.UNIT) == NO_UNIT:
            found.density(across, down, 0)
        for tag, name in ((SUBFILES, "further pictures in it"), (LAYERS, "Photoshop's layers")):
            if tag in self._places:
                found.lost(name)
        extra = self._numbers(EXTRA)
        if len(extra) > 1 or 0 in extra:
            found.notes.add("channels besides the colours not kept")
        if not found.icc:
            found.colour = self._colour(found)

    def _colour(self, found: Found) -> bytes:
        """A profile of the chromaticities and the transfer function that tags state."""
        space = None
        numbers = [*(self._numbers(WHITE) or D65), *self._numbers(PRIMARIES)]
        if len(numbers) == 8:
            space = Chromaticities.of(numbers)
        light = np.array(self._numbers(TRANSFER)) / 65535
        if not light.size:
            return colour.from_gamma(None, space, found.notes)
        curve = profiles.table(light[: 2**self._bits])
        try:
            return profiles.write(space or SRGB, curve)
        except (ValueError, np.linalg.LinAlgError):
            found.notes.add("the description of its colours makes no sense and is left out")
            return b""

    def _bytes(self, tag: int) -> bytes:
        """The values of a tag, of whatever type; empty if they are not there."""
        place = self._places.get(tag)
        if place is None:
            return b""
        _, kind, count, start = struct.unpack_from(self.order + "HHII", self._file, place)
        size = exif.SIZES.get(kind, 1) * count
        start = place + 8 if size <= 4 else start
        return self._file[start : start + size] if start + size <= len(self._file) else b""

    def _numbers(self, tag: int) -> list[float]:
        """The values of a tag of whole numbers or ratios."""
        if tag not in self._places:
            return []
        kind = struct.unpack_from(self.order + "2xH", self._file, self._places[tag])[0]
        if kind not in NUMBERS:
            return []
        values = np.frombuffer(self._bytes(tag), self.order + NUMBERS[kind])
        if kind != exif.RATIONAL:
            return [float(value) for value in values]
        return [float(a) / float(b or 1) for a, b in zip(values[::2], values[1::2], strict=False)]

    def _hide(self, places: dict[int, int]) -> None:
        """Has Pillow see the tags about the samples only: it trips over faults in others."""
        rows = [self.data[at : at + 12] for tag, at in places.items() if tag in NEEDED]
        end = self._start + 2 + 12 * len(places)
        body = struct.pack(self.order + "H", len(rows)) + b"".join(rows) + self.data[end : end + 4]
        self.data = self.data[: self._start] + body + self.data[self._start + len(body) :]

    def _read(self, places: dict[int, int]) -> None:
        value = {
            tag: self._value(places, tag) for tag in (BITS, PHOTOMETRIC, SAMPLES, EXTRA, FORMAT)
        }
        bits, photometric, samples = value[BITS] or 1, value[PHOTOMETRIC], value[SAMPLES] or 1
        self._bits = bits
        if value[FORMAT] == SIGNED and bits in (8, 16):
            raise ImageError("has samples with a sign; convert it to 8 bits without first")
        if photometric == PALETTE:
            self._widen(places)
        if bits != 16:
            return
        if photometric == MIN_IS_WHITE and samples == 1:
            self._inverted = True
            self._write(places, PHOTOMETRIC, MIN_IS_BLACK)
        if value[EXTRA] == ASSOCIATED and samples in (2, 4):
            self._associated = True
            self._write(places, EXTRA, UNASSOCIATED)
        if samples == 2 and photometric == MIN_IS_BLACK and value[EXTRA] in (1, 2):
            if self._value(places, PREDICTOR) == HORIZONTAL or self._value(places, PLANES) == 2:
                raise ImageError("has more than 8 bits per sample in an unusual layout")
            self.is_pairs = True
            self._write(places, BITS, 8)
            self._write(places, SAMPLES, 4)
            self._write(places, PHOTOMETRIC, RGB)

    def _widen(self, places: dict[int, int]) -> None:
        """Makes 16 bits of colours that some writers state in 8, which Pillow shows as black."""
        colours = np.frombuffer(self._bytes(COLOURS), self.order + "u2")
        if colours.size and colours.max() < 2**8:
            self.data = (
                self.data[: places[COLOURS] + 8]
                + struct.pack(self.order + "I", len(self.data))
                + self.data[places[COLOURS] + 12 :]
            )
            self.data += (colours * 257).astype(self.order + "u2").tobytes()

    def _value(self, places: dict[int, int], tag: int) -> int | None:
        """The first value of a tag of short numbers."""
        if tag not in places:
            return None
        _, kind, count, place = struct.unpack_from(self.order + "HHII", self.data, places[tag])
        if kind != SHORT:
            return place if count == 1 else None
        inline = places[tag] + 8 if count <= 2 else place
        if inline + 2 > len(self.data):
            return None
        value: int = struct.unpack_from(self.order + "H", self.data, inline)[0]
        return value

    def _write(self, places: dict[int, int], tag: int, value: int) -> None:
        """Replaces the values of a tag by one."""
        place = places[tag]
        entry = struct.pack(self.order + "HHIHH", tag, SHORT, 1, value, 0)
        self.data = self.data[:place] + entry + self.data[place + len(entry) :]


def _page_that_counts(kinds: list[int | None], asked: int | None) -> int:
    """The only page that is no smaller copy or mask of another, given their NewSubfileType.

    Raises:
        ImageError: there are several, or none.
    """
    if asked is not None:
        return asked
    full = [number for number, kind in enumerate(kinds) if not (kind or 0) & (REDUCED | MASK)]
    if len(full) > 1:
        raise ImageError(f"has {len(full)} pages; choose one with --frame 0, 1, ...")
    if kinds and not full:
        raise ImageError("holds only a small copy of its picture that can be read")
    return full[0] if full else 0


def _pages(data: bytes, order: str) -> Iterator[tuple[int, dict[int, int]]]:
    """Where each page's directory is, and the positions of its entries by their tags.

    Directories that overlap end it: there are not more entries than fit into the file.
    """
    seen: set[int] = set()
    left = len(data) // 12
    try:
        (start,) = struct.unpack_from(order + "I", data, 4)
        while start and start not in seen and len(seen) < MAX_PAGES:
            seen.add(start)
            (count,) = struct.unpack_from(order + "H", data, start)
            left -= count
            if left < 0:
                return
            places = range(start + 2, start + 2 + 12 * count, 12)
            yield start, {struct.unpack_from(order + "H10x", data, at)[0]: at for at in places}
            (start,) = struct.unpack_from(order + "I", data, places.stop)
    except struct.error:
        return
