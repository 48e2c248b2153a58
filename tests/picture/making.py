"""Builds picture files byte by byte, with whatever Pillow does not write."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
TITLE = 0x010E
SIGNATURE = b"\x89PNG\r\n\x1a\n"
TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""PNG's colour type by the number of channels."""


def ramp(channels: int = 3, dtype: type = np.uint8) -> np.ndarray:
    """Noise [6 5 channels]."""
    top = np.iinfo(dtype).max
    return np.random.default_rng(channels).integers(0, top + 1, (6, 5, channels), dtype)


def chunk(kind: bytes, payload: bytes) -> bytes:
    body = kind + payload
    return struct.pack(">I", len(payload)) + body + struct.pack(">I", zlib.crc32(body))


def png(samples: np.ndarray, *chunks: bytes, depth: int | None = None) -> bytes:
    """A PNG of samples [h w c], 8 or 16 bits, with chunks before its picture."""
    height, width, channels = samples.shape
    bits = depth or 8 * samples.itemsize
    if bits < 8:
        rows = [np.packbits(np.unpackbits(row, axis=1)[:, 8 - bits :]) for row in samples]
    else:
        rows = list(samples.astype(f">u{samples.itemsize}"))
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, TYPES[channels], 0, 0, 0))
    return SIGNATURE + head + b"".join(chunks) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def saved(picture: Image.Image | np.ndarray, file_format: str, **options: object) -> bytes:
    """A file that Pillow writes."""
    picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    file = BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def exif(orientation: int = 1, **more: int) -> Image.Exif:
    tags = Image.Exif()
    tags[TITLE] = "a face"
    if orientation != 1:
        tags[0x0112] = orientation
    return tags


def jpeg(
    *segments: tuple[int, bytes], picture: np.ndarray | None = None, after: bytes = b""
) -> bytes:
    """A JPEG of grey with segments (number, content) after its first."""
    plain = saved(np.full((16, 16, 3), 90, np.uint8) if picture is None else picture, "JPEG")
    inserted = b"".join(
        bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content
        for marker, content in segments
    )
    return plain[:2] + inserted + plain[2:] + after


def tiff(entries: Iterable[tuple[int, int, object]], strip: bytes, order: str = "<") -> bytes:
    """A TIFF of one strip: entries (tag, type, value or values); 273 and 279 are filled in."""
    rows, extra = [], b""
    entries = sorted([*entries, (273, 4, 0), (279, 4, len(strip))])
    place = 8 + 2 + 12 * len(entries) + 4
    kinds = {1: "B", 3: "H", 4: "I", 5: "II", 7: "B", 2: "B"}
    for tag, kind, value in entries:
        values = list(value) if isinstance(value, bytes | tuple | list) else [value]
        packed = struct.pack(f"{order}{len(values)}{kinds[kind][0]}", *values)
        count = len(values) // 2 if kind == 5 else len(values)
        if len(packed) > 4:
            field = struct.pack(order + "I", place + len(extra))
            extra += packed + bytes(len(packed) % 2)
        else:
            field = packed.ljust(4, b"\0")
        rows.append((tag, struct.pack(order + "HHI", tag, kind, count) + field))
    at = struct.pack(order + "I", place + len(extra))
    rows = [(tag, row[:8] + at if tag == 273 else row) for tag, row in rows]
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8)
    table = struct.pack(order + "H", len(rows)) + b"".join(row for _, row in rows) + bytes(4)
    return head + table + extra + strip


def tiff_of(samples: np.ndarray, photometric: int, *more: tuple, order: str = "<") -> bytes:
    """A TIFF of samples [h w c] as they are."""
    height, width, channels = samples.shape
    bits = 8 * samples.itemsize
    entries = [
        (256, 3, width),
        (257, 3, height),
        (258, 3, (bits,) * channels),
        (259, 3, 1),
        (262, 3, photometric),
        (277, 3, channels),
        (278, 3, height),
        *more,
    ]
    return tiff(entries, samples.astype(f"{order}u{samples.itemsize}").tobytes(), order)
