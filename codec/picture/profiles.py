"""Writes colour profiles for red, green and blue, and judges those that pictures bring along.

ICC.1:2022 (profile version 4.4): a matrix and three equal curves, relative to the white D50.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import ImageCms

Point = tuple[float, float]


@dataclass(frozen=True)
class Chromaticities:
    """CIE x and y of the white, and of red, green and blue."""

    white: Point
    primaries: tuple[Point, Point, Point]

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Chromaticities:
        """Takes eight numbers: x and y of each, in this order."""
        white, red, green, blue = zip(numbers[::2], numbers[1::2], strict=True)
        return cls(white, (red, green, blue))


D65 = (0.3127, 0.3290)
SRGB = Chromaticities(D65, ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)))

RGB, GREY = b"RGB ", b"GRAY"
SPACE, CONNECTION = slice(16, 20), slice(20, 24)
"""Where a profile names its colour space, and that to which it connects (section 7.2)."""
SIGNATURE = slice(36, 40)
HEAD_BYTES, ENTRY_BYTES = 128, 12
MOST_ELEMENTS = 100
"""As many as colour management looks at."""
VERSION = 0x04400000
D50 = np.array([0.9642, 1.0, 0.8249])
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
"""To cone responses (annex E)."""
LARGEST_ENTRY = 8
"""Of the matrix of any colour space that makes sense."""
CICP = b"cicp"


def write(space: Chromaticities, curve: bytes, *, code_points: bytes = b"") -> bytes:
    """A profile.

    Args:
        space: white and primaries.
        curve: element of the type "para" or "curv", from samples to light.
        code_points: of ITU-T H.273, four bytes, for readers that know better than the curve.
    """
    tags = {
        b"desc": _text("RGB"),
        b"cprt": _text("CC0"),
        b"wtpt": _xyz(D50),
        b"chad": b"sf32" + bytes(4) + _fixed(_adaptation(space.white).ravel()),
        **{
            name: _xyz(column)
            for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), _matrix(space).T, strict=True)
        },
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    if code_points:
        tags[CICP] = CICP + bytes(4) + code_points
    return _file(tags)


def parametric(*parameters: float) -> bytes:
    """A curve: a power of the sample, or that with a line near black (functions 0 and 3)."""
    function = 3 if len(parameters) > 1 else 0
    return b"para" + struct.pack(">IHH", 0, function, 0) + _fixed(parameters)


def table(light: NDArray[np.float64]) -> bytes:
    """A curve through light, 0..1, at equal distances of the samples."""
    points = np.rint(np.clip(light, 0, 1) * 65535).astype(">u2")
    return b"curv" + struct.pack(">II", 0, len(points)) + points.tobytes()


def from_grey(profile: bytes) -> bytes:
    """A profile of greys -> one of red, green and blue that shows greys alike; empty if it cannot.

    Its curve leads to the lightness of the white D50, which is what equal red, green and blue
    add up to.
    """
    curve = element_of(profile, b"kTRC")
    if curve[:4] not in (b"para", b"curv") or profile[CONNECTION] != b"XYZ ":
        return b""
    return write(SRGB, curve)


def code_points(profile: bytes) -> bytes:
    """The four code points of ITU-T H.273 that a profile states; empty for none."""
    element = element_of(profile, CICP)
    return element[8:12] if element[:4] == CICP and len(element) >= 12 else b""


def is_sound(profile: bytes) -> bool:
    """Whether colour management can read a profile."""
    if profile[SIGNATURE] != b"acsp":
        return False
    try:
        ImageCms.ImageCmsProfile(BytesIO(profile))
    except (OSError, ImageCms.PyCMSError):
        return False
    return True


def element_of(profile: bytes, name: bytes) -> bytes:
    """The element of a profile that has this signature; empty if there is none.

    The others stay unread: a small profile may name many elements that are all of it.
    """
    count = int.from_bytes(profile[HEAD_BYTES : HEAD_BYTES + 4], "big")
    first = HEAD_BYTES + 4
    for row in range(first, first + ENTRY_BYTES * min(count, MOST_ELEMENTS), ENTRY_BYTES):
        if profile[row : row + 4] == name and row + ENTRY_BYTES <= len(profile):
            start, size = struct.unpack_from(">II", profile, row + 4)
            return profile[start : start + size]
    return b""


def _matrix(space: Chromaticities) -> NDArray[np.float64]:
    """Linear red, green and blue -> XYZ relative to D50, the primaries in columns.

    Raises ValueError or LinAlgError for chromaticities that no light has.
    """
    columns = np.array([_light(xy) for xy in space.primaries]).T
    white = _light(space.white)
    gains = np.linalg.solve(columns, white)
    matrix: NDArray[np.float64] = _adaptation(space.white) @ (columns * gains)
    if not np.abs(matrix).max() < LARGEST_ENTRY:
        raise ValueError("no light has these chromaticities")
    return matrix


def _adaptation(white: tuple[float, float]) -> NDArray[np.float64]:
    """From a white to D50 (Bradford)."""
    gains = (BRADFORD @ D50) / (BRADFORD @ _light(white))
    return np.linalg.solve(BRADFORD, gains[:, None] * BRADFORD)


def _light(xy: tuple[float, float]) -> NDArray[np.float64]:
    """XYZ of a chromaticity.  Y is 1, or all is scaled where it has none (the X and Z of CIE)."""
    x, y = xy
    return np.array([x, y, 1 - x - y]) / (y or 1)


def _file(tags: Mapping[bytes, bytes]) -> bytes:
    """Header, table of tags, and elements, equal ones once."""
    place = HEAD_BYTES + 4 + ENTRY_BYTES * len(tags)
    places: dict[bytes, int] = {}
    rows, body = b"", b""
    for name, element in tags.items():
        if element not in places:
            places[element] = place + len(body)
            body += element + bytes(-len(element) % 4)
        rows += struct.pack(">4sII", name, places[element], len(element))
    head = struct.pack(
        ">I4sI4s4s4s12s4s4sI4s4sQI12s48x",
        place + len(body),
        bytes(4),
        VERSION,
        b"mntr",
        RGB,
        b"XYZ ",
        struct.pack(">6H", 2026, 1, 1, 0, 0, 0),  # always the same bytes for the same picture
        b"acsp",
        bytes(4),
        0,
        bytes(4),
        bytes(4),
        0,
        0,
        _fixed(D50),
    )
    return head + struct.pack(">I", len(tags)) + rows + body


def _text(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return b"mluc" + struct.pack(">III4sII", 0, 1, 12, b"enUS", len(encoded), 28) + encoded


def _xyz(values: NDArray[np.float64]) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(values)


def _fixed(values: object) -> bytes:
    """Numbers as s15Fixed16."""
    return np.rint(np.asarray(values, np.float64) * 65536).astype(">i4").tobytes()
