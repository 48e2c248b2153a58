"""Implements FORMAT.md section 4: the header, all that can be known without decoding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from bitstream.errors import InvalidField, LimitExceeded
from bitstream.limits import MAX_DIMENSION, MAX_PIXELS
from bitstream.wire import ByteReader, ByteWriter

MAX_QUALITY = 200
LOSSLESS_QUALITY = 201
"""What stands for the quality in a file that is not lossy."""
MODEL_BYTES = 4


class ExactContent(NamedTuple):
    """A bitstream of another codec that gives the very samples of a lossless file.

    Attributes:
        codec: "webp" or "jxl".
        channels: 3, or 4 with an opacity.
    """

    codec: str
    channels: int


EXACT_CONTENTS = {
    b"VP8L": ExactContent("webp", 3),
    b"VP8A": ExactContent("webp", 4),
    b"JXL ": ExactContent("jxl", 3),
    b"JXLA": ExactContent("jxl", 4),
}
"""What stands for the model in such a file -> its content."""


@dataclass(frozen=True)
class IntegerField:
    """An integer from `minimum` to `maximum`, in the given form."""

    name: str
    minimum: int
    maximum: int
    put: Callable[[ByteWriter, int], None]
    take: Callable[[ByteReader, str], int]

    def check(self, value: int) -> None:
        """Raises InvalidField if `value` is out of range."""
        if not self.minimum <= value <= self.maximum:
            raise InvalidField(f"{self.name} {value} is not in {self.minimum}..{self.maximum}")

    def write(self, writer: ByteWriter, value: int) -> None:
        """Appends the field."""
        self.put(writer, value)

    def read(self, reader: ByteReader) -> int:
        """Takes the field."""
        return self.take(reader, self.name)


@dataclass(frozen=True)
class RawField:
    """Exactly `size` bytes."""

    name: str
    size: int

    def check(self, value: bytes) -> None:
        """Raises InvalidField if `value` has another size."""
        if len(value) != self.size:
            raise InvalidField(f"{self.name} has {len(value)} bytes instead of {self.size}")

    def write(self, writer: ByteWriter, value: bytes) -> None:
        """Appends the field."""
        writer.raw(value)

    def read(self, reader: ByteReader) -> bytes:
        """Takes the field."""
        return reader.raw(self.size, self.name)


FIELDS = (
    IntegerField("width", 1, MAX_DIMENSION, ByteWriter.varint, ByteReader.varint),
    IntegerField("height", 1, MAX_DIMENSION, ByteWriter.varint, ByteReader.varint),
    IntegerField("quality", 0, LOSSLESS_QUALITY, ByteWriter.u8, ByteReader.u8),
    RawField("model", MODEL_BYTES),
)
"""The header in file order: `pack` and `unpack` both follow this table and nothing else."""


@dataclass(frozen=True)
class Header:
    """Size of the picture and how its content was coded.

    Attributes:
        width: pixels per row, 1..65535.
        height: number of rows, 1..65535.
        quality: half units of the quality scale 0..100, so 0..200; LOSSLESS_QUALITY for none.
        model: first 4 bytes of the SHA-256 of the model file.

    Raises:
        InvalidField: a value out of its range.
        LimitExceeded: more pixels than `limits.MAX_PIXELS`.
    """

    width: int
    height: int
    quality: int
    model: bytes

    def __post_init__(self) -> None:
        for field in FIELDS:
            field.check(getattr(self, field.name))
        if self.width * self.height > MAX_PIXELS:
            raise LimitExceeded(f"{self.width}x{self.height} is more than {MAX_PIXELS} pixels")

    @property
    def lossless(self) -> bool:
        """Whether the file gives the very same pixels again."""
        return self.quality == LOSSLESS_QUALITY

    @property
    def exact(self) -> ExactContent | None:
        """The bitstream of another codec that the content is; None for that of a model."""
        return EXACT_CONTENTS.get(self.model)

    def pack(self, writer: ByteWriter) -> None:
        """Writes all fields."""
        for field in FIELDS:
            field.write(writer, getattr(self, field.name))

    @classmethod
    def unpack(cls, reader: ByteReader) -> Header:
        """Reads all fields.

        Raises:
            FormatError: they end early or are out of range.
        """
        values: dict[str, Any] = {field.name: field.read(reader) for field in FIELDS}
        return cls(**values)
