"""What a file says about itself, known without decoding: neither torch nor weights are needed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bitstream import FORMAT_VERSION, Container

QUALITY_UNITS = 2
"""The header counts quality in half units."""


@dataclass(frozen=True)
class FileInfo:
    """The header of a file and the sizes of its parts.

    Attributes:
        width: pixels per row.
        height: number of rows.
        bytes: length of the file.
        bpp: bits per pixel, of the whole file.
        quality: 0 to 100, in halves.
        model: id of the networks, hexadecimal.
        format_version: byte 3 of the file.
        chunks: payload bytes by the name of the chunk, in lower case.
    """

    width: int
    height: int
    bytes: int
    bpp: float
    quality: float
    model: str
    format_version: int
    chunks: dict[str, int]


def probe(file: bytes | str | os.PathLike[str]) -> FileInfo:
    """Reads what is known without decoding; the checksum is verified.

    >>> import codec
    >>> info = codec.probe("photo.nni")
    >>> info.width, info.height, info.quality
    (96, 64, 60.0)
    >>> sorted(info.chunks)
    ['content']

    Args:
        file: its bytes or its name.

    Raises:
        FormatError: the bytes are not a valid file; the subclass says why.
        OSError: it cannot be read.
    """
    data = read(file)
    container = Container.unpack(data)
    header = container.header
    return FileInfo(
        width=header.width,
        height=header.height,
        bytes=len(data),
        bpp=8 * len(data) / (header.width * header.height),
        quality=header.quality / QUALITY_UNITS,
        model=header.model.hex(),
        format_version=FORMAT_VERSION,
        chunks={tag.name.lower(): len(payload) for tag, payload in container.chunks.items()},
    )


def read(file: bytes | str | os.PathLike[str]) -> bytes:
    """The bytes of a file that is given by its name, or by its bytes already."""
    return Path(file).read_bytes() if isinstance(file, str | os.PathLike) else bytes(file)
