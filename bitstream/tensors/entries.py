"""Implements docs/packed-weights.md, section 2: what a file says of a tensor before its levels.

Writer and reader go through the tensors in order: a name repeats the beginning of the one before.
"""

from __future__ import annotations

import math
import struct
from typing import TypeVar

import numpy as np

from bitstream.errors import InvalidField, LimitExceeded
from bitstream.limits import (
    MAX_PACKED_LANES,
    MAX_PACKED_NAMES,
    MAX_PACKED_PARAMETERS,
    MAX_PACKED_RANK,
    MAX_PACKED_STEPS,
    MAX_STEPS_PER_LANE,
    STEP_WORK,
)
from bitstream.tensors.dtypes import DTYPES, FLOATS, INTEGERS, item_size
from bitstream.tensors.level_coder import Scan
from bitstream.tensors.packed import Coding, Levels, PackedTensor, Product, Raw, Zeros
from bitstream.wire import ByteReader, ByteWriter

Choice = TypeVar("Choice")

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
        self._order.count_name(len(name))
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
        self._order.count_steps(-(-len(levels.levels) // levels.scan.lanes))
        self._writer.u16(_step_to_bits(levels.step))
        self._writer.varint(levels.scan.lanes)
        self._writer.u8(levels.scan.scale_code | TRELLIS * levels.scan.trellis)


class EntryReader:
    """Reads the entries of a file; their levels are all 0.

    Args:
        reader: stands before the first entry.
        most_work: values to accept, where a step of a tensor counts as `limits.STEP_WORK` values,
            and what the file spells out, or leaves as it is in the base, as none.
    """

    def __init__(self, reader: ByteReader, most_work: int) -> None:
        self._reader = reader
        self._order = _Order(most_work)

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
        bounded = kind is Raw or (kind is Zeros and flags & BASED)
        self._order.count(math.prod(shape), work=not bounded)
        coding = self._read_coding(kind, dtype, shape)
        tensor = PackedTensor(name, dtype, shape, coding, bool(flags & BASED))
        self._order.follow(tensor)
        return tensor

    def _read_name(self) -> str:
        shared = self._reader.varint("name of a tensor")
        if shared > len(self._order.name):
            raise InvalidField("a name repeats more than the name before it has")
        rest = self._reader.raw(self._reader.varint("name of a tensor"), "name of a tensor")
        self._order.count_name(shared + len(rest))
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
        self._order.count_steps(-(-size // lanes))
        return Levels(np.zeros(size, np.int32), scan, step)


class _Order:
    """What holds from one entry to the next, and the rules for an entry."""

    def __init__(self, most_work: int | None = None) -> None:
        self.name = b""
        self._first = True
        self._values = self._steps = self._names = self._work = 0
        self._most_work = most_work

    def count(self, values: int, *, work: bool = True) -> None:
        """Keeps the sum of all values and levels of factors within the limit."""
        self._values += values
        if self._values > MAX_PACKED_PARAMETERS:
            raise LimitExceeded(f"more than {MAX_PACKED_PARAMETERS} values")
        self._count_work(values * work)

    def count_name(self, size: int) -> None:
        """Keeps the sum of the lengths of all names, in bytes, within the limit."""
        self._names += size
        if self._names > MAX_PACKED_NAMES:
            raise LimitExceeded(f"names of more than {MAX_PACKED_NAMES} bytes")

    def count_steps(self, steps: int) -> None:
        """Keeps the sum of the steps of all levels within the limit."""
        self._steps += steps
        if self._steps > MAX_PACKED_STEPS:
            raise LimitExceeded(f"more than {MAX_PACKED_STEPS} steps")
        self._count_work(steps * STEP_WORK)

    def _count_work(self, work: int) -> None:
        self._work += work
        if self._most_work is not None and self._work > self._most_work:
            raise LimitExceeded(
                f"takes the work of more than {self._most_work:,} values; if it is yours, raise "
                "the limit with --max-values (max_values in Python)"
            )

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


def _choose(choices: tuple[Choice, ...], code: int, what: str) -> Choice:
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
    step: float = struct.unpack("<f", struct.pack("<I", bits << 16))[0]
    return step
