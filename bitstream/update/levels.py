"""Implements FORMAT.md sections 9.3 and 9.6: sparse integer weight changes in one codeword.

The binarisation is that of DeepCABAC (Wiedemann et al., IEEE JSTSP 14(4), 2020) and ISO/IEC
15938-17, cut down for updates of a few hundred levels: all tensors share one small set of contexts,
because at this size contexts of their own cost more to learn than they save.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitstream.coding.binary_coder import BinaryCoder, BinaryDecoder, BinaryEncoder, Context
from bitstream.coding.golomb import code_exp_golomb
from bitstream.errors import InvalidField, LimitExceeded
from bitstream.limits import MAX_UPDATE_LEVEL, MAX_UPDATE_PARAMETERS

STEP_SHIFT_BITS = 4
GREATER_FLAGS = 3
MAX_PREFIX = 14


@dataclass(frozen=True)
class TensorLayout:
    """How one tensor is coded; known to both sides from the model.

    Attributes:
        rows: number of rows; a convolution kernel has one per output channel, a bias has one.
        columns: length of a row.
        group: index of the tensor's step shift.
    """

    rows: int
    columns: int
    group: int


@dataclass(frozen=True, eq=False)
class UpdatePayload:
    """The content of an UPDATE chunk whose method is kernels.

    Attributes:
        step_shifts: one per group, 0..15.
        levels: one int32 [rows, columns] per tensor of the layout, magnitudes below 2**15.
    """

    step_shifts: tuple[int, ...]
    levels: tuple[NDArray[np.int32], ...]


class _Contexts:
    """All adaptive probabilities, with what they start from in units of 2**-16."""

    def __init__(self) -> None:
        self.row = Context(0x8000)
        self.significant = {
            kind: [Context(start) for start in (0x0800, 0x3000, 0x6000)]
            for kind in ("bias", "kernel")
        }
        self.greater = [Context(0x6000) for _ in range(GREATER_FLAGS)]
        self.prefix = [Context(0x8000) for _ in range(MAX_PREFIX + 1)]


def pack(payload: UpdatePayload, layout: Sequence[TensorLayout]) -> bytes:
    """Writes an update of tensors of the given layout.

    Raises:
        InvalidField: the payload does not fit the layout, or a number is out of its range.
        LimitExceeded: the layout has more than `limits.MAX_UPDATE_PARAMETERS` levels.
    """
    _check_size(layout)
    _check(payload, layout)
    encoder = BinaryEncoder()
    _walk(encoder, payload)
    return encoder.finish()


def unpack(data: bytes, layout: Sequence[TensorLayout]) -> UpdatePayload:
    """Inverse of `pack`.

    Raises:
        InvalidField: no writer makes such data.
        LimitExceeded: the layout has more than `limits.MAX_UPDATE_PARAMETERS` levels.
    """
    _check_size(layout)
    blank = UpdatePayload(
        step_shifts=(0,) * _group_count(layout),
        levels=tuple(np.zeros((tensor.rows, tensor.columns), np.int32) for tensor in layout),
    )
    payload = _walk(BinaryDecoder(data), blank)
    _check(payload, layout)
    return payload


def _walk(coder: BinaryCoder, payload: UpdatePayload) -> UpdatePayload:
    """Codes an update in either direction; a decoder takes only the shapes of `payload`."""
    contexts = _Contexts()
    return UpdatePayload(
        tuple(coder.bypass(shift, STEP_SHIFT_BITS) for shift in payload.step_shifts),
        tuple(_code_tensor(coder, levels, contexts) for levels in payload.levels),
    )


def _code_tensor(
    coder: BinaryCoder, levels: NDArray[np.int32], contexts: _Contexts
) -> NDArray[np.int32]:
    """Codes one tensor: per row a flag, and the levels if any is not zero."""
    significant = contexts.significant["bias" if len(levels) == 1 else "kernel"]
    coded = np.zeros_like(levels)
    for index, row in enumerate(levels.tolist()):
        if coder.code(int(any(row)), contexts.row):
            coded[index] = _code_row(coder, row, significant, contexts)
    return coded


def _code_row(
    coder: BinaryCoder, row: list[int], significant: list[Context], contexts: _Contexts
) -> list[int]:
    """Codes a row that is not all zero; the context counts non-zeros among the last two levels."""
    coded: list[int] = []
    last, before_last, empty = 0, 0, True
    for level in row:
        # A row that is not all zero has its only non-zero last if nowhere else.
        implied = empty and len(coded) == len(row) - 1
        present = implied or coder.code(int(level != 0), significant[last + before_last])
        coded.append(_code_nonzero(coder, level, contexts) if present else 0)
        last, before_last, empty = int(present), last, empty and not present
    return coded


def _code_nonzero(coder: BinaryCoder, level: int, contexts: _Contexts) -> int:
    """Codes sign and magnitude of a level that is not zero."""
    negative = coder.bypass(int(level < 0), 1)
    magnitude = 1
    for context in contexts.greater:
        if not coder.code(int(abs(level) > magnitude), context):
            return -magnitude if negative else magnitude
        magnitude += 1
    magnitude += code_exp_golomb(
        max(abs(level) - magnitude, 0),
        lambda bit, position: coder.code(bit, contexts.prefix[position]),
        coder.bypass,
        MAX_PREFIX,
    )
    return -magnitude if negative else magnitude


def _group_count(layout: Sequence[TensorLayout]) -> int:
    return 1 + max((tensor.group for tensor in layout), default=-1)


def _check_size(layout: Sequence[TensorLayout]) -> None:
    size = sum(tensor.rows * tensor.columns for tensor in layout)
    if size > MAX_UPDATE_PARAMETERS:
        raise LimitExceeded(
            f"an update of {size} parameters is beyond the limit of {MAX_UPDATE_PARAMETERS}"
        )


def _check(payload: UpdatePayload, layout: Sequence[TensorLayout]) -> None:
    shapes = [(tensor.rows, tensor.columns) for tensor in layout]
    if [levels.shape for levels in payload.levels] != shapes:
        raise InvalidField("the tensors of the update do not have the shapes of the layout")
    if len(payload.step_shifts) != _group_count(layout):
        raise InvalidField("the update does not have one step shift per group")
    if any(not 0 <= shift < 1 << STEP_SHIFT_BITS for shift in payload.step_shifts):
        raise InvalidField("a step shift of the update is not in 0..15")
    if any(_beyond_limit(levels) for levels in payload.levels):
        raise InvalidField(f"a level of the update is beyond {MAX_UPDATE_LEVEL}")


def _beyond_limit(levels: NDArray[np.int32]) -> bool:
    # Not by the absolute value, which -2**31 does not have in 32 bits.
    return bool(np.any((levels > MAX_UPDATE_LEVEL) | (levels < -MAX_UPDATE_LEVEL)))
