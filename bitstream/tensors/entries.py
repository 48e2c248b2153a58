"""Implements docs/packed-weights.md, section 2: what a file says of a tensor before its levels.

Writer and reader go through the tensors in order: a name repeats the beginning of the one before.
"""

from __future__ import annotations

import math
import struct

import numpy as np

from bitstream.errors import InvalidField, LimitExceeded
from bitstream.limits import (
    MAX_PACKED_LANES,
    MAX_PACKED_PARAMETERS,
    MAX_PACKED_RANK,
    MAX_STEPS_PER_LANE,
)
from bitstream.tensors.dtypes import DTYPES, FLOATS, INTEGERS, item_size
from bitstream.tensors.level_coder import Scan
from bitstream.tensors.packed import Coding, Levels, PackedTensor, Product, Raw, Zeros
from bitstream.wire import ByteReader, ByteWriter

CODINGS: tuple[type[Coding], ...] = (Zeros, Raw, Levels, Product)
"""In the order of their codes in the file."""
BASED = 0x10
TRELLIS = 0x80
WHOLE_STEP = 0.5
"""The step of integers: then the first quantiser's points are exactly the integers."""


class EntryWriter:
    """Writes the entries of a file."""

    def __init__(self, writer: ByteWriter) -> None:
        self._writer = writer
        self._order = _Order()

    def write(self, tensor: PackedTensor) -> None:
        """Writes an entry.

        Raises:
            InvalidField: a number is out of its range, or the names do not ascend.
            LimitExceeded: the tensors so far are too many values.
        """
        writer, name = self._writer, tensor.name.encode()
        same = [a == b for a, b in zip(self._order.name, name, strict=False)]
        shared = [*same, False].index(False)
        writer.varint(shared)
        writer.varint(len(name) - shared)
        writer.raw(name[shared:])
        writer.u8(DTYPES.index(tensor.dtype))
        writer.u8(CODINGS.index(type(tensor.coding)) | BASED * tensor.based)
        writer.varint(len(tensor.shape))
        for length in tensor.shape:
            writer.varint(length)
        self._order.count(tensor.size)
        self._order.follow(tensor)
        if isinstance(tensor.coding, Raw):
            writer.raw(tensor.coding.data)
        elif isinstance(tensor.coding, Levels):
            self._write_levels(tensor.coding)
        elif isinstance(tensor.coding, Product):
            self._order.count(len(tensor.coding.left.levels) + len(tensor.coding.right.levels))
            writer.varint(tensor.coding.rank)
            self._write_levels(tensor.coding.left)
            self._write_levels(tensor.coding.right)

    def _write_levels(self, levels: Levels) -> None:
        self._writer.u16(_step_to_bits(levels.step))
        self._writer.varint(levels.scan.lanes)
        self._writer.u8(levels.scan.scale_code | TRELLIS * levels.scan.trellis)


class EntryReader:
    """Reads the entries of a file; their levels are all 0."""

    def __init__(self, reader: ByteReader) -> None:
        self._reader = reader
        self._order = _Order()

    def read(self) -> PackedTensor:
        """Reads an entry.

        Raises:
            FormatError: no writer makes such data, or it claims too many values.
        """
        reader = self._reader
        name = self._read_name()
        dtype = _choose(DTYPES, reader.u8("type of a tensor"), "type")
        flags = reader.u8("coding of a tensor")
        kind = _choose(CODINGS, flags & ~BASED, "coding")
        dimensions = reader.varint("number of dimensions")
        if dimensions > MAX_PACKED_RANK:
            raise LimitExceeded(f"{dimensions} dimensions, the limit is {MAX_PACKED_RANK}")
        shape = tuple(reader.varint("dimension") for _ in range(dimensions))
        self._order.count(math.prod(shape))
        coding = self._read_coding(kind, dtype, shape)
        tensor = PackedTensor(name, dtype, shape, coding, bool(flags & BASED))
        self._order.follow(tensor)
        return tensor

    def _read_name(self) -> str:
        shared = self._reader.varint("name of a tensor")
        if shared > len(self._order.name):
            raise InvalidField("a name repeats more than the name before it has")
        rest = self._reader.raw(self._reader.varint("name of a tensor"), "name of a tensor")
        try:
            return (self._order.name[:shared] + rest).decode()
        except UnicodeDecodeError:
            raise InvalidField("the name of a tensor is not valid UTF-8") from None

    def _read_coding(self, kind: type[Coding], dtype: str, shape: tuple[int, ...]) -> Coding:
        size = math.prod(shape)
        if kind is Raw:
            return Raw(self._reader.raw(size * item_size(dtype), "values of a tensor"))
        if kind is Levels:
            return self._read_levels(size)
        if kind is Product:
            rank = self._reader.varint("rank")
            rows = shape[0] if shape else 1
            columns = size // max(rows, 1)
            if not 1 <= rank <= min(rows, columns):
                raise InvalidField(f"a rank of {rank} does not fit the shape {list(shape)}")
            self._order.count((rows + columns) * rank)
            return Product(rank, self._read_levels(rows * rank), self._read_levels(rank * columns))
        return Zeros()

    def _read_levels(self, size: int) -> Levels:
        step = _bits_to_step(self._reader.u16("step"))
        lanes = self._reader.varint("lanes")
        code = self._reader.u8("scale")
        scan = Scan(lanes, bool(code & TRELLIS), code & ~TRELLIS)
        _check_lanes(lanes, size)
        return Levels(np.zeros(size, np.int32), scan, step)


class _Order:
    """What holds from one entry to the next, and the rules for an entry."""

    def __init__(self) -> None:
        self.name = b""
        self._first = True
        self._values = 0

    def count(self, values: int) -> None:
        """Keeps the sum of all values and levels of factors within the limit."""
        self._values += values
        if self._values > MAX_PACKED_PARAMETERS:
            raise LimitExceeded(f"more than {MAX_PACKED_PARAMETERS} values")

    def follow(self, tensor: PackedTensor) -> None:
        """Checks an entry and takes it as the latest."""
        name, coding = tensor.name.encode(), tensor.coding
        if not self._first and name <= self.name:
            raise InvalidField(f"the tensor {tensor.name!r} is repeated or out of order")
        self.name, self._first = name, False
        if isinstance(coding, Levels | Product) and tensor.dtype not in FLOATS | INTEGERS:
            raise InvalidField(f"{tensor.name!r}: the type {tensor.dtype} has no levels")
        if isinstance(coding, Product) and tensor.dtype not in FLOATS:
            raise InvalidField(f"{tensor.name!r}: a product is not for the type {tensor.dtype}")
        if isinstance(coding, Raw) and tensor.based:
            raise InvalidField(f"{tensor.name!r}: raw values are not a difference")
        if isinstance(coding, Levels):
            whole = coding.step == WHOLE_STEP and not coding.scan.trellis
            if tensor.dtype in INTEGERS and not whole:
                raise InvalidField(f"{tensor.name!r}: integers must not be quantised")
            _check_lanes(coding.scan.lanes, tensor.size)


def _check_lanes(lanes: int, size: int) -> None:
    most = min(max(size, 1), MAX_PACKED_LANES)
    if not 1 <= lanes <= most or size > MAX_STEPS_PER_LANE * lanes * lanes:
        raise InvalidField(f"{lanes} lanes do not fit {size} levels")


def _choose(choices: tuple, code: int, what: str) -> str | type[Coding]:
    if code >= len(choices):
        raise InvalidField(f"unknown {what} {code} of a tensor")
    return choices[code]


def _step_to_bits(step: float) -> int:
    bits = int.from_bytes(struct.pack("<f", step), "little")
    if bits & 0xFFFF or _bits_to_step(bits >> 16) != step:
        raise InvalidField(f"the step {step} is not a positive number of 8 significant bits")
    return bits >> 16


def _bits_to_step(bits: int) -> float:
    """A normal, positive float32, given its upper half."""
    if not 0x0080 <= bits < 0x7F80:
        raise InvalidField(f"the step 0x{bits:04X} is not a positive normal number")
    return struct.unpack("<f", struct.pack("<I", bits << 16))[0]
