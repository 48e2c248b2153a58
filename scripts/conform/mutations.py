"""Hostile inputs: valid files bent in the ways that break parsers, and files built at random."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bitstream import FORMAT_VERSION, MAGIC
from bitstream.limits import MAX_CHUNK_BYTES, MAX_DIMENSION
from scripts.conform.maker import chunk, sealed, varint

CHECKSUM_BYTES = 4
LONGEST_RANDOM = 400
MOST_MUTATIONS = 4

EDGE_BYTES = (0x00, 0x01, 0x02, 0x7F, 0x80, 0x81, 0xFF)
EDGE_SIZES = (0, 1, 15, 16, 17, 31, 32, 33, 127, 128, 181, MAX_DIMENSION, MAX_DIMENSION + 1)
EDGE_LENGTHS = (0, 1, 127, 128, 16384, MAX_CHUNK_BYTES, MAX_CHUNK_BYTES + 1, 2**32 - 1, 2**33)
EDGE_QUALITIES = (200, 201, 202, 255)
EDGE_TAGS = (0x00, 0x01, 0x02, 0x03, 0x10, 0x7F, 0x80, 0x90, 0x91, 0x92, 0x93, 0x94, 0xFF)

Mutation = Callable[[random.Random, bytearray, Sequence[bytes]], None]


def _flip(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    for _bit in range(rng.randint(1, 8)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _edge(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    """Overwrites a byte near the start, where the fields are."""
    data[rng.randrange(min(len(data), 24))] = rng.choice(EDGE_BYTES)


def _truncate(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    del data[rng.randrange(len(data)) :]


def _cut(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start = rng.randrange(len(data))
    del data[start : start + rng.randint(1, 16)]


def _repeat(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start = rng.randrange(len(data))
    data[start:start] = data[start : start + rng.randint(1, 64)]


def _insert(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start = rng.randrange(len(data) + 1)
    data[start:start] = rng.randbytes(rng.randint(1, 16))


def _length(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    """Overwrites something with a length that promises much, or nothing."""
    start = rng.randrange(len(data))
    field = varint(rng.choice(EDGE_LENGTHS))
    data[start : start + len(field)] = field


def _splice(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> None:
    other = rng.choice(others)
    data[rng.randrange(len(data)) :] = other[rng.randrange(len(other) + 1) :]


MUTATIONS: tuple[Mutation, ...] = (
    _flip,
    _edge,
    _truncate,
    _cut,
    _repeat,
    _insert,
    _length,
    _splice,
)


def damaged(rng: random.Random, originals: Sequence[bytes]) -> bytes:
    """One of the originals after one or more mutations."""
    data = bytearray(rng.choice(originals))
    for _ in range(rng.randint(1, MOST_MUTATIONS)):
        if data:
            rng.choice(MUTATIONS)(rng, data, originals)
    return bytes(data)


def damaged_file(rng: random.Random, files: Sequence[bytes]) -> bytes:
    """A damaged file; in half of the cases the layers behind the checksum get to see it."""
    data = damaged(rng, files)
    return repaired(data) if rng.random() < 0.5 else data


def repaired(data: bytes) -> bytes:
    """The same body with the right magic, version and checksum."""
    body = data[len(MAGIC) + 1 : -CHECKSUM_BYTES]
    framed = MAGIC + bytes([FORMAT_VERSION]) + body
    return framed + zlib.crc32(framed).to_bytes(CHECKSUM_BYTES, "little")


@dataclass(frozen=True)
class Parts:
    """What random files are made of.

    Attributes:
        model: id.
        qualities: as headers hold them.
        longest_px: of a side.
        updates: payloads.
        contents: payloads.
    """

    model: bytes
    qualities: Sequence[int]
    longest_px: int
    updates: Sequence[bytes]
    contents: Sequence[bytes]


def random_file(rng: random.Random, parts: Parts) -> bytes:
    """A sealed file, mostly of the right structure, whose parts were never meant to meet."""

    def rare(odd: Sequence[int], usual: int) -> int:
        return rng.choice(odd) if rng.random() < 0.05 else usual

    header = varint(rare(EDGE_SIZES, rng.randint(1, parts.longest_px)))
    header += varint(rare(EDGE_SIZES, rng.randint(1, parts.longest_px)))
    header += bytes([rare(EDGE_QUALITIES, rng.choice(parts.qualities))]) + parts.model
    chunks = [chunk(rare(EDGE_TAGS, 0x02), random_payload(rng, parts.contents))]
    if rng.random() < 0.6:
        chunks.insert(0, chunk(rare(EDGE_TAGS, 0x01), random_payload(rng, parts.updates)))
    if rng.random() < 0.2:
        chunks.insert(rng.randint(0, len(chunks)), chunk(rng.choice(EDGE_TAGS), rng.randbytes(9)))
    return sealed(header + b"".join(chunks))


def random_payload(rng: random.Random, payloads: Sequence[bytes]) -> bytes:
    """Random bytes, a real payload, or a damaged one."""
    kind = rng.randrange(3)
    if kind == 0:
        return rng.randbytes(rng.randint(0, LONGEST_RANDOM))
    return rng.choice(payloads) if kind == 1 else damaged(rng, payloads)
