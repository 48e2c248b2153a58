"""PNG and PPM files of 16 bits a sample, which Pillow does not write in colour.

Of PPM files it reads but 8 bits, so these are read here, too.
"""

from __future__ import annotations

import re
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from codec.picture.png import GREY, GREY_ALPHA, RGB, RGB_ALPHA, SIGNATURE, Chunk
from codec.picture.scaling import TOP, Deep

BITS = 16
_GAP = rb"(?:\s|#[^\n]*\n)+"
PPM_HEAD = re.compile(rb"P6" + _GAP + _GAP.join([rb"(\d{1,10})"] * 2 + [rb"(\d{1,5})\s"]))
"""Comments may stand between the numbers."""
SUB, UP, PAETH = 1, 2, 4
"""Filters of PNG that are tried for each row."""
LEVEL = 3
"""Of zlib; see the options of PNG in `codec.picture.formats`."""
PIXEL_CHUNKS = {b"IHDR", b"IDAT", b"PLTE", b"IEND"}


def png(samples: Deep, beside: bytes, level: int = LEVEL) -> bytes:
    """A PNG file.

    Args:
        samples: uint16 [h w 3] or [h w 4]; greys are written as such.
        beside: a PNG file of any picture, whose other chunks are taken over.
        level: how hard zlib tries.
    """
    height, width, channels = samples.shape
    kind = RGB if channels == 3 else RGB_ALPHA
    if (samples[..., :1] == samples[..., 1:3]).all():
        samples = samples[..., [0, *range(3, channels)]]
        kind = GREY if channels == 3 else GREY_ALPHA
    head = struct.pack(">IIBBBBB", width, height, BITS, kind, 0, 0, 0)
    found = [chunk for chunk in _chunks(beside) if chunk.kind not in PIXEL_CHUNKS]
    data = zlib.compress(_filtered(samples), level)
    chunks = [Chunk(b"IHDR", head, True), *found, Chunk(b"IDAT", data, True)]
    return SIGNATURE + b"".join(chunk.packed() for chunk in [*chunks, Chunk(b"IEND", b"", True)])


def ppm(samples: Deep) -> bytes:
    """A PPM file of uint16 [h w 3]."""
    height, width, _ = samples.shape
    return f"P6\n{width} {height}\n65535\n".encode() + samples.astype(">u2").tobytes()


def read_ppm(data: bytes) -> Deep | None:
    """The samples of a PPM file of more than 8 bits, [h w 3], scaled to 0..65535.

    None for all others, those that are cut short among them, and for colours beyond the greatest
    that is stated.
    """
    head = PPM_HEAD.match(data)
    if head is None:
        return None
    width, height, most = map(int, head.groups())
    size = 6 * width * height
    if not 255 < most <= TOP or not size or len(data) < head.end() + size:
        return None
    values = np.frombuffer(data, ">u2", size // 2, head.end()).reshape(height, width, 3)
    if values.max() > most:
        return None
    every = (np.arange(most + 1) * TOP + most // 2) // most
    found: Deep = every.astype(np.uint16)[values]
    return found


def _chunks(data: bytes) -> list[Chunk]:
    found, place = [], len(SIGNATURE)
    while place < len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        found.append(Chunk(kind, data[place + 8 : place + 8 + length], True))
        place += 12 + length
    return found


def _filtered(samples: Deep) -> bytes:
    """Rows of bytes, each with the filter that leaves the smallest sum (PNG, section 12.7)."""
    height, width, channels = samples.shape
    step = 2 * channels
    rows = np.ascontiguousarray(samples, ">u2").view(np.uint8)
    rows = rows.reshape(height, width * step)
    parts = []
    before = np.zeros(width * step + step, np.uint8)
    for row in rows:
        padded = np.concatenate([np.zeros(step, np.uint8), row])
        left, corner = padded[:-step], before[:-step]
        above = before[step:]
        tried = {SUB: row - left, UP: row - above, PAETH: row - _paeth(left, above, corner)}
        best = min(tried, key=lambda kind: int(np.abs(tried[kind].view(np.int8)).sum(dtype=int)))
        parts.append(bytes([best]) + tried[best].tobytes())
        before = padded
    return b"".join(parts)


def _paeth(
    left: NDArray[np.uint8], above: NDArray[np.uint8], corner: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Whichever of three is nearest to left + above - corner (PNG, section 9.4)."""
    a, b, c = (part.astype(np.int16) for part in (left, above, corner))
    to_left, to_above, to_corner = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    first = (to_left <= to_above) & (to_left <= to_corner)
    return np.where(first, left, np.where(to_above <= to_corner, above, corner))
