"""Implements docs/packed-weights.md, sections 1 and 2: the bytes of a packed weight file.

magic   3 bytes   8E 4E 57
version u8        1
base    u8, and 16 bytes if it is 1
notes   varint count, then pairs of strings
tensors varint count, then one entry each: see `bitstream.tensors.entries`
levels  one codeword (section 5)
crc32   u32       of all bytes before it
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bitstream.envelope import PACKED_MAGIC, Envelope
from bitstream.errors import InvalidField, LimitExceeded
from bitstream.limits import MAX_PACKED_TENSORS, PACKED_WORK, PACKED_WORK_PER_BYTE
from bitstream.tensors.entries import EntryReader, EntryWriter
from bitstream.tensors.level_coder import LevelCoder, LevelReader, LevelWriter, code_levels
from bitstream.tensors.level_model import LevelModel
from bitstream.tensors.packed import Levels, PackedTensor, Product
from bitstream.wire import ByteReader, ByteWriter

FORMAT_VERSION = 1
BASE_BYTES = 16
ENVELOPE = Envelope(PACKED_MAGIC, FORMAT_VERSION, 11, "packed weight file", "weight format")
"""Of at least: magic and version 4, no base 1, no notes 1, no tensors 1, checksum 4."""


@dataclass(frozen=True, eq=False)
class Archive:
    """A packed weight file.

    Attributes:
        tensors: in ascending order of the bytes of their names in UTF-8.
        notes: strings by name, as in a safetensors file.
        base: the first 16 bytes of the SHA-256 of the base, or empty if no tensor has one.
    """

    tensors: Sequence[PackedTensor]
    notes: Mapping[str, str]
    base: bytes = b""

    def pack(self) -> bytes:
        """The bytes of the file.

        Raises:
            LimitExceeded: it has more values, levels, steps, tensors or names than
                `bitstream.limits` allow.
            InvalidField: a number is out of its range.
        """
        writer = ByteWriter()
        writer.u8(int(bool(self.base)))
        writer.raw(self.base)
        writer.varint(len(self.notes))
        for pair in self.notes.items():
            for text in pair:
                writer.text(text)
        _check_count(len(self.tensors))
        writer.varint(len(self.tensors))
        entries = EntryWriter(writer)
        for tensor in self.tensors:
            entries.write(tensor)
        levels = LevelWriter()
        _code(levels, self.tensors)
        writer.raw(levels.finish())
        return ENVELOPE.pack(writer.getvalue())

    @classmethod
    def unpack(cls, data: bytes, max_values: int | None = None) -> Archive:
        """Inverse of `pack`.

        Args:
            data: the whole file.
            max_values: most values to accept, where a step of a tensor counts as
                `limits.STEP_WORK` values; None for as many as suit the length of the file.

        Raises:
            FormatError: the bytes are not a valid file; the subclass says why.
        """
        if max_values is None:
            max_values = PACKED_WORK + PACKED_WORK_PER_BYTE * len(data)
        archive, codeword = _read_head(data, max_values)
        return replace(archive, tensors=_code(LevelReader(codeword), archive.tensors))


def _read_head(data: bytes, max_values: int) -> tuple[Archive, bytes]:
    """Everything but the levels, which are all 0 in the result, and the codeword that holds them.

    Raises:
        FormatError: as `Archive.unpack`.
    """
    reader = ByteReader(ENVELOPE.unpack(data))
    has_base = reader.u8("base")
    if has_base > 1:
        raise InvalidField(f"base {has_base} is neither 0 nor 1")
    base = reader.raw(BASE_BYTES, "hash of the base") if has_base else b""
    notes: dict[str, str] = {}
    for _ in range(reader.varint("number of notes")):
        name = reader.text("name of a note")
        if name in notes:
            raise InvalidField(f"the note {name!r} is repeated")
        notes[name] = reader.text("note")
    entries = EntryReader(reader, max_values)
    count = reader.varint("number of tensors")
    _check_count(count)
    tensors = [entries.read() for _ in range(count)]
    if not base and any(tensor.based for tensor in tensors):
        raise InvalidField("a tensor is a difference, but the file names no base")
    return Archive(tensors, notes, base), reader.raw(reader.remaining, "levels")


def _check_count(tensors: int) -> None:
    if tensors > MAX_PACKED_TENSORS:
        raise LimitExceeded(f"{tensors} tensors, the limit is {MAX_PACKED_TENSORS}")


def _code(coder: LevelCoder, tensors: Sequence[PackedTensor]) -> list[PackedTensor]:
    """Codes the levels of all tensors in either direction; a reader takes their layout only."""
    model = LevelModel()
    return [_code_tensor(coder, model, tensor) for tensor in tensors]


def _code_tensor(coder: LevelCoder, model: LevelModel, tensor: PackedTensor) -> PackedTensor:
    def code(levels: Levels) -> Levels:
        return replace(levels, levels=code_levels(coder, model, levels.levels, levels.scan))

    coding = tensor.coding
    if isinstance(coding, Levels):
        coding = code(coding)
    elif isinstance(coding, Product):
        coding = replace(coding, left=code(coding.left), right=code(coding.right))
    return replace(tensor, coding=coding)


def level_bytes(archive: Archive) -> list[float]:
    """What the levels of each tensor take of the codeword."""
    coder, model = LevelWriter(), LevelModel()
    ends = [0.0]
    for tensor in archive.tensors:
        _code_tensor(coder, model, tensor)
        ends.append(coder.bits / 8)
    return [end - start for start, end in itertools.pairwise(ends)]
