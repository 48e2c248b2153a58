"""The file and the model file: FORMAT.md sections 2 to 5 and 11, for `decoder`."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .entropy_coders import Array, DecodeError, require

Tensors = dict[str, Array]

# 2.2 Primitive fields


class Reader:
    """Reads fields from the start of bytes to their end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def raw(self, size: int) -> bytes:
        require(self.position + size <= len(self.data), "3", "a field runs past the end")
        self.position += size
        return self.data[self.position - size : self.position]

    def u8(self) -> int:
        return self.raw(1)[0]

    def varint(self) -> int:
        value = 0
        for index in range(5):
            byte = self.u8()
            value += (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                require(byte != 0 or index == 0, "2.2", "a varint is longer than needed")
                require(value < 2**32, "2.2", "a varint is too large")
                return value
        raise DecodeError("2.2", "a varint has more than five bytes")


# 3 File structure

MAGIC = b"\x8eNN"
VERSION = 1
SMALLEST_FILE = 17


@dataclass(frozen=True)
class File:
    """What a file says before any entropy decoding.

    Attributes:
        half: quality in half units.
        model: id of the model.
        chunks: payloads of the critical chunks and of the checksum of the pixels, by their tags.
    """

    width: int
    height: int
    half: int
    model: bytes
    chunks: dict[int, bytes]

    @property
    def rows(self) -> int:
        return -(-self.height // 16)

    @property
    def columns(self) -> int:
        return -(-self.width // 16)


def read_file(data: bytes) -> File:
    require(len(data) >= SMALLEST_FILE, "3", "the file is too short")
    require(data[:3] == MAGIC, "3.1", "another format")
    require(data[3] == VERSION, "3.1", "another version")
    # 3.2 Checksum
    require(zlib.crc32(data[:-4]) == int.from_bytes(data[-4:], "little"), "3.2", "damaged")
    reader = Reader(data[4:-4])
    # 4 Header
    width, height, half, model = reader.varint(), reader.varint(), reader.u8(), reader.raw(4)
    require(1 <= width <= 65535 and 1 <= height <= 65535, "4", "size out of range")
    require(width * height <= 2**28, "3.3", "too many pixels")
    require(half <= 201, "4", "quality out of range")
    return File(width, height, half, model, read_chunks(reader))


# 5 Chunks

UPDATE, CONTENT, PRIOR, FINE, ALPHA = 1, 2, 4, 8, 0x10
ICC, EXIF, XMP, IPTC, PIXELS = 0x90, 0x91, 0x92, 0x93, 0x94


def read_chunks(reader: Reader) -> dict[int, bytes]:
    """Reads all chunks and returns the critical ones, and the checksum of the pixels."""
    chunks: dict[int, bytes] = {}
    checksum: dict[int, bytes] = {}
    metadata: set[int] = set()
    while reader.position < len(reader.data):
        tag, length = reader.u8(), reader.varint()
        require(length <= 2**30, "3.3", "a chunk is too large")
        payload = reader.raw(length)
        if tag >= 0x80:
            require(tag not in metadata, "5", "metadata are repeated")
            metadata |= {tag} & {ICC, EXIF, XMP, IPTC, PIXELS}
            if tag == PIXELS:
                checksum[tag] = payload
            continue
        require(tag in (UPDATE, CONTENT, PRIOR, FINE, ALPHA), "5", "unknown critical chunk")
        require(all(tag > earlier for earlier in chunks), "5", "chunks out of order")
        chunks[tag] = payload
    require(CONTENT in chunks, "5", "no CONTENT")
    return chunks | checksum


# 11 Models

DTYPES = {"I16": "<i2", "I32": "<i4", "I64": "<i8"}


@dataclass(frozen=True)
class Model:
    """What a model file says.

    Attributes:
        content: what makes its content.
        networks: sizes of its networks.
        below: for each probability table, the sums of the frequencies before each symbol, and of
            all.
    """

    content: str
    networks: dict
    tensors: Tensors
    below: list[Array]


def read_model(path: Path) -> Model:
    """11.1: reads the tensors of the decoder from a safetensors file."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    entries = json.loads(data[8:start])
    metadata = entries.pop("__metadata__")
    t: Tensors = {}
    for name, entry in entries.items():
        if entry["dtype"] in DTYPES:
            first, end = entry["data_offsets"]
            flat = np.frombuffer(data[start + first : start + end], DTYPES[entry["dtype"]])
            t[name] = flat.astype(np.int64).reshape(entry["shape"])
    tables = np.split(t["tables.frequencies"], np.cumsum(t["tables.sizes"])[:-1])
    below = [np.concatenate([[0], np.cumsum(table)]) for table in tables]
    architecture = json.loads(metadata["architecture"])
    return Model(architecture["content"], architecture["networks"], t, below)
