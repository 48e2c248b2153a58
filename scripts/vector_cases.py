"""Which conformance vectors there are: valid files, and one invalid file per rule of the format."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray

from bitstream import FORMAT_VERSION, MAGIC, Tag, UpdatePayload
from bitstream.limits import MAX_CHUNK_BYTES, MAX_ESCAPE_PREFIX, MAX_UPDATE_LEVEL
from codec import update
from codec.encoder import pad
from codec.latents import Grid, encode_latents
from codec.quality import VALUE_BITS, level_at
from codec.weights import ReleasedModel

WIDTH, HEIGHT, HALF = 20, 18, 75
"""Size and quality of a vector whose rule is about something else."""


@dataclass(frozen=True)
class Case:
    """A vector to write; `error` is the class that refuses it, None if it is valid."""

    id: str
    purpose: str
    data: bytes
    error: str | None = None


def chunk(tag: int, payload: bytes) -> bytes:
    return bytes([tag]) + varint(len(payload)) + payload


def varint(value: int) -> bytes:
    digits = [value >> shift & 0x7F for shift in range(0, max(value.bit_length(), 1), 7)]
    return bytes([digit | 0x80 for digit in digits[:-1]] + digits[-1:])


def sealed(body: bytes) -> bytes:
    """A file whose magic, version and checksum are right, whatever lies between them."""
    framed = MAGIC + bytes([FORMAT_VERSION]) + body
    return framed + zlib.crc32(framed).to_bytes(4, "little")


class Maker:
    """Makes files for one model; the rules of the format are the caller's business."""

    def __init__(self, model: ReleasedModel) -> None:
        self.model = model
        self.analysis = model.search().analysis
        self.layout = update.layout_of(model.integer.postfilter)

    def header(self, width: int = WIDTH, height: int = HEIGHT, half: int = HALF) -> bytes:
        return varint(width) + varint(height) + bytes([half]) + self.model.id

    def content(self, width: int = WIDTH, height: int = HEIGHT, half: int = HALF) -> bytes:
        """CONTENT payload of a smooth picture with a few edges."""
        y, x = np.mgrid[:height, :width]
        boxes = 80 * ((x // 11 + y // 7) % 2)
        pixels = np.stack([(3 * x + y) % 256, (x + 2 * y) % 256, (5 * y) % 256]) // 2 + boxes
        picture = torch.from_numpy(pixels)[None].float() - 128
        with torch.no_grad():
            quality = level_at(torch.tensor([half / 2])).quality
            latents = self.analysis(pad(picture, Grid.of_picture(width, height)), quality)
        return self.coded(latents, width, height, half)

    def coded(self, latents: torch.Tensor, width: int, height: int, half: int) -> bytes:
        """CONTENT payload of these latents."""
        model, grid = self.model, Grid.of_picture(width, height)
        level = model.level(half)
        with torch.no_grad():
            return encode_latents(latents, model.integer.context, level, grid, model.tables)[0]

    def large_content(self, symbol: float) -> bytes:
        """CONTENT payload whose symbols are about +-`symbol`."""
        grid = Grid.of_picture(WIDTH, HEIGHT)
        shape = (1, self.model.config.channels, grid.height, grid.width)
        signs = 1 - 2 * (torch.arange(np.prod(shape)).view(shape) % 2)
        step = self.model.level(HALF).step / 2**VALUE_BITS
        return self.coded(signs * symbol * step, WIDTH, HEIGHT, HALF)

    def picture(self, width: int, height: int, half: int = HALF, payload: bytes = b"") -> bytes:
        """A whole file, with an UPDATE chunk if there is a payload."""
        chunks = chunk(Tag.UPDATE, payload) if payload else b""
        chunks += chunk(Tag.CONTENT, self.content(width, height, half))
        return sealed(self.header(width, height, half) + chunks)

    def levels(self, share: float, largest: int, seed: int) -> tuple[NDArray[np.int32], ...]:
        """Random levels, a `share` of them not zero."""
        rng = np.random.default_rng(seed)
        shapes = [(tensor.rows, tensor.columns) for tensor in self.layout]
        return tuple(
            (
                rng.integers(-largest, largest, shape, endpoint=True) * (rng.random(shape) < share)
            ).astype(np.int32)
            for shape in shapes
        )

    def update(self, shifts: tuple[int, int], levels: tuple[NDArray[np.int32], ...]) -> bytes:
        return update.pack(UpdatePayload(shifts, levels), self.model.integer.postfilter)

    def single_levels(self, level: int) -> tuple[NDArray[np.int32], ...]:
        """The first weight and the first bias change by `level`, nothing else.

        The sign is that which takes the weight towards 0: it has to fit 16 bits afterwards.
        """
        towards_zero = -1 if self.model.integer.postfilter.enter.weight[0, 0, 0, 0] > 0 else 1
        levels = self.levels(0, 1, seed=0)
        levels[0][0, 0] = levels[1][0, 0] = towards_zero * level
        return levels


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
    for name, shifts, levels, purpose in (
        ("update-sparse", (2, 2), maker.levels(0.05, 9, seed=1), "a typical update"),
        ("update-dense", (0, 0), maker.levels(1, 40, seed=2), "an update of all parameters"),
        ("update-nothing", (3, 5), maker.levels(0, 1, seed=0), "an update that changes nothing"),
        ("update-shifts", (15, 15), maker.single_levels(1), "the largest step shifts"),
        (
            "update-level",
            (0, 0),
            maker.single_levels(MAX_UPDATE_LEVEL),
            "the largest level of an update",
        ),
    ):
        payload = maker.update(shifts, levels)
        yield Case(name, purpose, maker.picture(45, 37, HALF, payload))

    def of_content(payload: bytes) -> bytes:
        return sealed(maker.header() + chunk(Tag.CONTENT, payload))

    largest = maker.large_content(1.5 * 2**MAX_ESCAPE_PREFIX)
    arbitrary = np.random.default_rng(3).bytes(90)
    yield Case("largest-escapes", "escape codes with a prefix of 24", of_content(largest))
    yield Case("empty-content", "a codeword without bytes", of_content(b""))
    yield Case("arbitrary-content", "a codeword that no encoder chose", of_content(arbitrary))
    yield Case(
        "ancillary-chunks",
        "unknown ancillary chunks before, between and after the others",
        sealed(
            maker.header()
            + chunk(0x80, b"first")
            + chunk(Tag.UPDATE, maker.update((2, 2), maker.levels(0.05, 9, seed=1)))
            + chunk(0xFF, b"")
            + chunk(0x80, bytes(200))
            + chunk(Tag.CONTENT, maker.content())
            + chunk(0x81, b"last")
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

    nothing = chunk(Tag.UPDATE, maker.update((0, 0), maker.levels(0, 1, seed=0)))
    huge = bytes([Tag.CONTENT]) + varint(MAX_CHUNK_BYTES + 1)
    for name, chunks, error, purpose in (
        ("chunk-missing", chunk(0x80, b"ab"), "InvalidField", "no CONTENT"),
        ("chunk-critical", chunk(0x03, b"") + content, "InvalidField", "unknown critical chunk"),
        ("chunk-repeated", content + content, "InvalidField", "CONTENT twice"),
        ("chunk-order", content + nothing, "InvalidField", "UPDATE after CONTENT"),
        ("chunk-cut", content[:-1], "Truncated", "a chunk longer than the rest of the file"),
        ("chunk-no-length", content + b"\x80", "Truncated", "a tag without a length"),
        ("chunk-limit", huge, "LimitExceeded", "a chunk of 2**30 + 1 bytes"),
    ):
        yield Case(name, purpose, sealed(header + chunks), error)

    beyond = Tag.CONTENT, b"\xff" * 8
    with mock.patch("bitstream.symbols.MAX_ESCAPE_PREFIX", MAX_ESCAPE_PREFIX + 1):
        long_escape = Tag.CONTENT, maker.large_content(1.5 * 2 ** (MAX_ESCAPE_PREFIX + 1))
    with mock.patch("bitstream.update.MAX_UPDATE_LEVEL", MAX_UPDATE_LEVEL + 1):
        level = Tag.UPDATE, maker.update((0, 0), maker.single_levels(MAX_UPDATE_LEVEL + 1))
    inexact = Tag.UPDATE, maker.update((15, 0), maker.levels(1, MAX_UPDATE_LEVEL, seed=4))
    for name, (tag, payload), purpose in (
        ("content-range", beyond, "a codeword outside of what the range coder reaches"),
        ("content-escape", long_escape, "an escape code with a prefix of 25"),
        ("update-prefix", (Tag.UPDATE, b""), "an Exp-Golomb prefix of more than 14"),
        ("update-level-limit", level, "a level of 2**15"),
        ("update-exact-range", inexact, "weights outside of the exact range"),
    ):
        rest = b"" if tag == Tag.CONTENT else content
        yield Case(name, purpose, sealed(header + chunk(tag, payload) + rest), "InvalidField")
