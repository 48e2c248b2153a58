"""Which conformance vectors there are: valid files, and one invalid file per rule of the format."""

from __future__ import annotations

import lzma
from collections.abc import Iterator
from unittest import mock

import numpy as np

from bitstream import FORMAT_VERSION, MAGIC, Tag
from bitstream.file import alpha, metadata, pixel_checksum
from bitstream.limits import (
    MAX_CHUNK_BYTES,
    MAX_ESCAPE_PREFIX,
)
from codec import decode
from codec.picture.pixels import samples_of
from scripts.conform.maker import HALF, HEIGHT, WIDTH, Case, Maker, chunk, sealed, varint
from scripts.conform.update_cases import invalid_updates, valid_updates

SHORTEST = bytes(8)
"""The shortest codeword of zeros that a picture of this size and model takes."""
TURNED = bytes.fromhex("4d4d002a00000008000101120003000000010006000000000000")
"""EXIF with nothing but the orientation 6."""


def transparency(kind: int, samples: int = WIDTH * HEIGHT) -> bytes:
    """ALPHA payload of residuals that differ from each other."""
    residuals = bytes(index * 7 % 256 for index in range(samples))
    return bytes([kind]) + lzma.compress(residuals, lzma.FORMAT_RAW, filters=[alpha.CODER])


def valid_cases(maker: Maker) -> Iterator[Case]:
    """Files that every decoder accepts."""
    for name, width, height, half, purpose in (
        ("one-pixel", 1, 1, 100, "the smallest picture"),
        ("one-row", 70, 1, 100, "a picture of one row"),
        ("one-column", 1, 70, 100, "a picture of one column"),
        ("even-grid", 64, 32, 100, "sizes that are multiples of the grid"),
        ("odd-grid", 45, 37, 100, "an odd number of positions each way, cropped output"),
        ("half-quality", 33, 16, 75, "a quality between two integers"),
        ("coarsest", 33, 50, 0, "the largest quantiser step"),
        ("finest", 20, 52, 200, "the smallest quantiser step, escapes"),
    ):
        yield Case(name, purpose, maker.picture(width, height, half))
    for name, payload, purpose in valid_updates(maker):
        yield Case(name, purpose, maker.picture(45, 37, HALF, payload))

    def of_content(payload: bytes) -> bytes:
        return sealed(maker.header() + chunk(Tag.CONTENT, payload))

    largest = maker.large_content(1.5 * 2**MAX_ESCAPE_PREFIX)
    arbitrary = np.random.default_rng(3).bytes(90)
    yield Case("largest-escapes", "escape codes with a prefix of 24", of_content(largest))
    empty = sealed(maker.header(1, 1) + chunk(Tag.CONTENT, b""))
    yield Case("empty-content", "a codeword without bytes", empty)
    yield Case("zero-content", "a codeword read 16 bytes past its end", of_content(SHORTEST))
    yield Case("arbitrary-content", "a codeword that no encoder chose", of_content(arbitrary))
    yield Case(
        "ancillary-chunks",
        "unknown ancillary chunks before, between and after the others",
        sealed(
            maker.header()
            + chunk(0x80, b"first")
            + chunk(Tag.UPDATE, maker.subspace(24, 0, maker.subspace_levels(0.3, 9, seed=1)))
            + chunk(0xFF, b"")
            + chunk(0x80, bytes(200))
            + chunk(Tag.CONTENT, maker.content())
            + chunk(0x81, b"last")
        ),
    )
    yield Case(
        "metadata",
        "a colour profile, EXIF that speaks of another orientation, and XMP, here and there",
        sealed(
            maker.header()
            + chunk(Tag.XMP, metadata.pack(b"<x:xmpmeta/>"))
            + chunk(Tag.CONTENT, maker.content())
            + chunk(Tag.EXIF, metadata.pack(TURNED))
            + chunk(Tag.ICC, metadata.pack(bytes(128)))
        ),
    )
    captions = bytes.fromhex("1c02780003") + b"cat"  # IIM, record 2, dataset 120
    yield Case(
        "iptc",
        "captions",
        sealed(
            maker.header()
            + chunk(Tag.IPTC, metadata.pack(captions))
            + chunk(Tag.CONTENT, maker.content())
        ),
    )
    for name, rest in (("", b""), ("-alpha", chunk(Tag.ALPHA, transparency(3)))):
        body = chunk(Tag.CONTENT, maker.content()) + rest
        checksum = pixel_checksum.pack(samples_of(decode(sealed(maker.header() + body))))
        data = sealed(maker.header() + chunk(Tag.PIXELS, checksum) + body)
        yield Case(f"pixels{name}", "the checksum of the pixels", data)
    for kind in alpha.Filter:
        yield Case(
            f"alpha-{kind.name.lower()}",
            f"transparency with filter {kind}",
            sealed(
                maker.header()
                + chunk(Tag.CONTENT, maker.content())
                + chunk(Tag.ALPHA, transparency(kind))
            ),
        )


def invalid_cases(maker: Maker) -> Iterator[Case]:
    """One file per rule, invalid for no other reason."""
    good = sealed(maker.header() + chunk(Tag.CONTENT, maker.content()))
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 0x10
    newer = MAGIC + bytes([FORMAT_VERSION + 1]) + good[4:]
    for name, data, error, purpose in (
        ("empty", b"", "Truncated", "no bytes"),
        ("magic", b"\x89PNG\r\n\x1a\n" + good[8:], "BadMagic", "another format"),
        ("magic-truncated", good[:2], "Truncated", "ends inside of the magic"),
        ("sixteen-bytes", good[:16], "Truncated", "shorter than any file"),
        ("version", newer, "UnsupportedVersion", "a version that does not exist"),
        ("checksum-flipped-bit", bytes(flipped), "ChecksumMismatch", "one flipped bit"),
        ("checksum-cut", good[:-1], "ChecksumMismatch", "the last byte is missing"),
        ("checksum-appended", good + b"\0", "ChecksumMismatch", "a byte after the checksum"),
    ):
        yield Case(name, purpose, data, error)

    content = chunk(Tag.CONTENT, maker.content())
    header, model = maker.header(), maker.model.id
    unknown = bytes(byte ^ 0xFF for byte in model)
    for name, body, error, purpose in (
        ("width-zero", b"\x00\x12\x4b" + model, "InvalidField", "width 0"),
        ("height-zero", b"\x14\x00\x4b" + model, "InvalidField", "height 0"),
        ("width-limit", maker.header(width=1 << 16), "InvalidField", "width 65536"),
        ("height-limit", maker.header(height=1 << 16), "InvalidField", "height 65536"),
        ("pixels-limit", maker.header(16385, 16384), "LimitExceeded", "2**28 + 2**14 pixels"),
        ("quality-limit", maker.header(half=201), "InvalidField", "quality 201"),
        ("varint-longer", b"\x94\x00\x12\x4b" + model, "InvalidField", "a varint with a spare 00"),
        ("varint-six-bytes", b"\x80" * 5 + b"\x01", "InvalidField", "a varint of six bytes"),
        ("varint-33-bits", varint(1 << 32), "InvalidField", "a varint of 2**32"),
        ("model", b"\x14\x12\x4b" + unknown, "UnknownModel", "a model that does not exist"),
    ):
        yield Case(name, purpose, sealed(body + content), error)
    header_cut = varint(65535) + varint(65535) + b"\x4b" + model[:2]
    yield Case("header-cut", "ends inside of the header", sealed(header_cut), "Truncated")

    nothing = chunk(Tag.UPDATE, maker.subspace(0, 0, maker.subspace_levels(0, 1, seed=0)))

    def bad_alpha(payload: bytes) -> bytes:
        return content + chunk(Tag.ALPHA, payload)

    other = chunk(Tag.PIXELS, b"pxls")
    xmp = chunk(Tag.XMP, metadata.pack(b"<x:xmpmeta/>"))
    huge = bytes([Tag.CONTENT]) + varint(MAX_CHUNK_BYTES + 1)
    for name, chunks, error, purpose in (
        ("chunk-missing", chunk(0x80, b"ab"), "InvalidField", "no CONTENT"),
        ("chunk-critical", chunk(0x03, b"") + content, "InvalidField", "unknown critical chunk"),
        ("chunk-repeated", content + content, "InvalidField", "CONTENT twice"),
        ("chunk-order", content + nothing, "InvalidField", "UPDATE after CONTENT"),
        ("chunk-cut", content[:-1], "Truncated", "a chunk longer than the rest of the file"),
        ("chunk-no-length", content + b"\x80", "Truncated", "a tag without a length"),
        ("chunk-limit", huge, "LimitExceeded", "a chunk of 2**30 + 1 bytes"),
        ("alpha-empty", content + chunk(Tag.ALPHA, b""), "Truncated", "no filter"),
        (
            "alpha-filter",
            bad_alpha(transparency(4)),
            "InvalidField",
            "an unknown filter",
        ),
        ("alpha-short", bad_alpha(transparency(0, 99)), "InvalidField", "too few samples"),
        ("alpha-long", bad_alpha(transparency(0, 999)), "InvalidField", "too many samples"),
        ("alpha-stream", bad_alpha(b"\0hello, world"), "InvalidField", "not an LZMA stream"),
        ("alpha-open", bad_alpha(transparency(0)[:-5]), "InvalidField", "no end marker"),
        ("alpha-more", bad_alpha(transparency(0) + b"x"), "InvalidField", "a byte after the end"),
        ("pixels-other", other + content, "ChecksumMismatch", "the checksum of other pixels"),
        ("pixels-length", chunk(Tag.PIXELS, bytes(3)) + content, "InvalidField", "three bytes"),
        ("pixels-repeated", other + content + other, "InvalidField", "two checksums of pixels"),
        ("metadata-repeated", xmp + content + xmp, "InvalidField", "XMP twice"),
    ):
        yield Case(name, purpose, sealed(header + chunks), error)

    with mock.patch("bitstream.coding.symbols.MAX_ESCAPE_PREFIX", MAX_ESCAPE_PREFIX + 1):
        long_escape = maker.large_content(1.5 * 2 ** (MAX_ESCAPE_PREFIX + 1))
    for name, payload, error, purpose in (
        ("range", b"\xff" * 8, "InvalidField", "a codeword that the range coder does not reach"),
        ("escape", long_escape, "InvalidField", "an escape code with a prefix of 25"),
        ("end", SHORTEST[:-1], "Truncated", "a codeword read 17 bytes past its end"),
    ):
        yield Case(f"content-{name}", purpose, sealed(header + chunk(Tag.CONTENT, payload)), error)
    for name, payload, error, purpose in invalid_updates(maker):
        yield Case(name, purpose, sealed(header + chunk(Tag.UPDATE, payload) + content), error)
