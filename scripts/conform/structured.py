"""Hostile inputs with right checksums and structure, one maker for each part of a file."""

from __future__ import annotations

import lzma
import math
import random
import zlib
from collections.abc import Sequence

import numpy as np

from bitstream import Container, Tag
from bitstream.file import alpha
from bitstream.update.methods import reference
from bitstream.update.shared import SharedUpdate
from codec.packing import Checkpoint, PackOptions, StoredTensor, pack
from scripts.conform.maker import chunk, sealed, varint
from scripts.conform.mutations import CHECKSUM_BYTES, EDGE_LENGTHS, damaged, random_payload

SIDE_PX = 40
RAW_DEFLATE = -15
METADATA = (Tag.ICC, Tag.EXIF, Tag.XMP, Tag.IPTC)
PACKED_HEAD = b"\x8eNW\x01"
SMALL_LZMA = alpha.CODER | alpha.QUICK | {"dict_size": 1 << 16}
"""Readers take it as it is; a search for matches in megabytes would take longer than all else."""
SIZES = (0, 1, 2, 3, 7, 16, 64, 100, 2**20, 2**31)


def header(rng: random.Random, model: bytes) -> tuple[bytes, int]:
    """Of a small picture, and its pixels."""
    width, height = rng.randint(1, SIDE_PX), rng.randint(1, SIDE_PX)
    return varint(width) + varint(height) + bytes([rng.randint(0, 200)]) + model, width * height


def with_alpha(rng: random.Random, plain: Container) -> bytes:
    """A sound file with transparency of the right length, or nearly, or that claims to be."""
    size = plain.header.width * plain.header.height
    size = rng.choice((size, size, size, size + 1, size - 1, 0, 2**17))
    residuals = rng.randbytes(size) if rng.random() < 0.5 else bytes(size)
    coder = SMALL_LZMA if rng.random() < 0.9 else SMALL_LZMA | {"lc": rng.randint(0, 4)}
    stream = lzma.compress(residuals, lzma.FORMAT_RAW, filters=[coder])
    stream = damaged(rng, [stream]) if rng.random() < 0.4 else stream
    kind = bytes([rng.choice((0, 1, 2, 3, 3, 4, 255))])
    return Container(plain.header, {**plain.chunks, Tag.ALPHA: kind + stream}).pack()


def with_metadata(rng: random.Random, model: bytes, contents: Sequence[bytes]) -> bytes:
    """A file with metadata that inflate to what they say, to more, or to nothing."""
    head, _ = header(rng, model)
    parts = [chunk(Tag.CONTENT, rng.choice(contents))]
    for tag in rng.sample(METADATA, rng.randint(1, len(METADATA))):
        raw = rng.choice(
            (b"", bytes(rng.randint(0, 70_000)), rng.randbytes(50), b"MM\0*\0\0\0\x08")
        )
        deflate = zlib.compressobj(9, zlib.DEFLATED, RAW_DEFLATE)
        stream = deflate.compress(raw) + deflate.flush()
        stream = damaged(rng, [stream]) if rng.random() < 0.3 else stream
        size = len(raw) if rng.random() < 0.6 else rng.choice((0, 1, 2**24, 2**24 + 1, 2**31))
        parts.insert(rng.randint(0, len(parts)), chunk(tag, varint(size) + stream))
    if rng.random() < 0.3:
        parts.insert(0, chunk(Tag.PIXELS, rng.randbytes(rng.choice((3, 4, 4, 5)))))
    return sealed(head + b"".join(parts))


def shared(rng: random.Random, model: bytes, updates: Sequence[bytes]) -> bytes:
    """An update file, whose id pictures would name."""
    payload = random_payload(rng, updates) or b"\1"
    if rng.random() < 0.1:
        payload = reference(payload) + rng.randbytes(rng.choice((0, 0, 1)))
    data = SharedUpdate(model, payload).pack()
    return damaged(rng, [data]) if rng.random() < 0.2 else data


def packed_seeds() -> list[bytes]:
    """Small packed weight files of every coding."""
    rng = np.random.default_rng(0)

    def stored(values: np.ndarray, dtype: str = "F32") -> StoredTensor:
        return StoredTensor.of(values, dtype, values.shape)

    tensors = {
        "a.bias": stored(rng.normal(0, 1, 21)),
        "a.weight": stored(rng.normal(0, 1, (6, 3, 3, 3)), "F16"),
        "b": stored(rng.normal(0, 1, (12, 1)) @ rng.normal(0, 1, (1, 16))),
        "c": stored(np.arange(-70, 70) ** 3 // 20, "I64"),
        "d": stored(np.zeros((3, 5))),
    }
    checkpoint = Checkpoint(tensors, {"note": "x"})
    return [pack(checkpoint, PackOptions(step, rank=1)) for step in (0.05, 0.5)]


def packed(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """A packed weight file that is damaged behind its checksum, or of random entries."""
    if rng.random() < 0.6:
        body = damaged(rng, [seed[len(PACKED_HEAD) : -CHECKSUM_BYTES] for seed in seeds])
    else:
        count = rng.choice((1, 2, 3, 4, 40))
        claimed = count if rng.random() < 0.95 else rng.choice(EDGE_LENGTHS)
        body = b"\0\0" + varint(claimed)
        for number in range(count):
            body += _entry(rng, number)
        body += rng.choice((rng.randbytes(rng.randint(0, 300)), b"\xff" * 99, b"", bytes(99)))
    return sealed_weights(body)


def sealed_weights(body: bytes) -> bytes:
    """A packed weight file whose magic, version and checksum are right."""
    framed = PACKED_HEAD + body
    return framed + zlib.crc32(framed).to_bytes(CHECKSUM_BYTES, "little")


def _entry(rng: random.Random, number: int) -> bytes:
    """One tensor: its name, shape and fields, mostly in their ranges."""
    name = b"%03d" % number + b"n" * rng.choice((0, 1, 200))
    coding = rng.choice((0, 1, 2, 2, 2, 3, 3, 0x10, 0x12))
    shape = [
        rng.choice(SIZES) if rng.random() < 0.2 else rng.randint(1, 12)
        for _ in range(rng.choice((0, 1, 2, 2, 3, 8)))
    ]
    size, rows = math.prod(shape), shape[0] if shape else 1
    body = b"\0" + varint(len(name)) + name + bytes([rng.randrange(4), coding])
    body += varint(len(shape)) + b"".join(map(varint, shape))
    if coding == 1:
        return body + rng.randbytes(min(4 * size, 400))
    if coding & 15 == 2:
        return body + _level_fields(rng, size)
    if coding == 3:
        rank = rng.randint(0, 4)
        factors = (rows * rank, rank * (size // max(rows, 1)))
        return body + varint(rank) + b"".join(_level_fields(rng, each) for each in factors)
    return body


def _level_fields(rng: random.Random, size: int) -> bytes:
    fitting = min(max(1, math.isqrt(max(size, 1) // 64) + 1), max(size, 1), 2**14)
    lanes = rng.choice((fitting, fitting, 1, min(max(size, 1), 2**14)))
    step = bytes([0, rng.choice((0x3F, 0x3F, 0x7F, 0))])
    return step + varint(lanes) + bytes([rng.choice((0, 1, 40, 127, 132, 200, 255))])
