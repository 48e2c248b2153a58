"""Implements FORMAT.md section 9.2: an update as levels in the subspace that ships with a model.

Both sides know from the model how far each coordinate usually moves, so nothing is adapted: a level
is coded with the table of its coordinate's scale, shifted by one number for the whole update.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitstream.coding.symbols import CdfTables, SymbolReader, SymbolWriter
from bitstream.errors import InvalidField
from bitstream.limits import MAX_SUBSPACE_LEVEL
from bitstream.wire import ByteReader, ByteWriter

STEPS = 64
"""Quantiser steps, a quarter of an octave apart, coarse to fine."""
SPREAD_ZERO = 128
"""The stored byte of spread 0."""
LEVEL_TABLES = 54
"""Levels are coded with the first tables of a model, if it has more."""


@dataclass(frozen=True, eq=False)
class SubspacePayload:
    """Levels of an update and how they were quantised.

    Attributes:
        step: index of the quantiser step, 0..63.
        spread: what is added to every scale index, -128..127.
        levels: int32 [rows outputs], magnitudes up to 2**10.
    """

    step: int
    spread: int
    levels: NDArray[np.int32]


def table_of(scales: NDArray[np.integer], spread: int, tables: CdfTables) -> NDArray[np.int64]:
    """Index of each coordinate's table: int64 [rows outputs].

    scales: integers [rows outputs], from the model.
    """
    last = min(LEVEL_TABLES, len(tables.frequencies)) - 1
    return np.clip(scales.astype(np.int64) + spread, 0, last)


def pack(payload: SubspacePayload, scales: NDArray[np.integer], tables: CdfTables) -> bytes:
    """Writes an update.

    Raises:
        InvalidField: a number is out of its range.
    """
    _check(payload)
    writer = ByteWriter()
    writer.u8(payload.step)
    writer.u8(payload.spread + SPREAD_ZERO)
    symbols = SymbolWriter(tables)
    symbols.code(payload.levels, table_of(scales, payload.spread, tables))
    writer.raw(symbols.finish())
    return writer.getvalue()


def unpack(data: bytes, scales: NDArray[np.integer], tables: CdfTables) -> SubspacePayload:
    """Inverse of `pack`.

    Raises:
        FormatError: no writer makes such data.
    """
    reader = ByteReader(data)
    step = reader.u8("update step")
    _check_step(step)
    spread = reader.u8("update spread") - SPREAD_ZERO
    symbols = SymbolReader(reader.raw(reader.remaining, "update levels"), tables)
    blank = np.zeros(scales.shape, np.int32)
    payload = SubspacePayload(step, spread, symbols.code(blank, table_of(scales, spread, tables)))
    _check(payload)
    return payload


def _check_step(step: int) -> None:
    if not 0 <= step < STEPS:
        raise InvalidField(f"step {step} of the update is not in 0..{STEPS - 1}")


def _check(payload: SubspacePayload) -> None:
    _check_step(payload.step)
    if not -SPREAD_ZERO <= payload.spread < SPREAD_ZERO:
        raise InvalidField(f"spread {payload.spread} of the update is not in -128..127")
    if np.any((payload.levels > MAX_SUBSPACE_LEVEL) | (payload.levels < -MAX_SUBSPACE_LEVEL)):
        raise InvalidField(f"a level of the update is beyond {MAX_SUBSPACE_LEVEL}")
