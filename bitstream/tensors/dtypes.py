"""Implements docs/packed-weights.md, section 3: the types of tensors, and rounding into them.

Types are named as in safetensors. numpy has no bfloat16: here it is the upper half of a float32.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bitstream.errors import InvalidField

_NUMPY: dict[str, np.dtype[np.number]] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "F64": np.dtype("<f8"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "I16": np.dtype("<i2"),
    "U16": np.dtype("<u2"),
    "I32": np.dtype("<i4"),
    "U32": np.dtype("<u4"),
    "I64": np.dtype("<i8"),
    "U64": np.dtype("<u8"),
    "BOOL": np.dtype("u1"),
}
DTYPES = ("F32", "F16", "BF16", "F64", *list(_NUMPY)[3:], "F8_E4M3", "F8_E5M2")
"""All types, in the order of their codes in the file."""

FLOATS = frozenset(("F32", "F16", "BF16", "F64"))
INTEGERS = frozenset(_NUMPY) - FLOATS - {"U64"}
"""Types whose values, all or those that matter, int64 holds; they are never rounded."""

Values = NDArray[np.float64] | NDArray[np.int64]
"""Values of a tensor: float64 for a type of `FLOATS`, int64 for one of `INTEGERS`."""

_SIZES = {name: dtype.itemsize for name, dtype in _NUMPY.items()}
_SIZES |= {"BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1}


def item_size(dtype: str) -> int:
    """Bytes of one value."""
    return _SIZES[dtype]


def from_bytes(data: bytes, dtype: str) -> Values:
    """The values of a tensor, flat: float64 for a type of `FLOATS`, int64 for one of `INTEGERS`."""
    with np.errstate(invalid="ignore"):  # of signalling NaNs
        if dtype == "BF16":
            upper = np.frombuffer(data, "<u2").astype(np.uint32) << 16
            return upper.view(np.float32).astype(np.float64)
        values = np.frombuffer(data, _NUMPY[dtype])
        return values.astype(np.float64) if dtype in FLOATS else values.astype(np.int64)


def to_bytes(values: Values, dtype: str) -> bytes:
    """Inverse of `from_bytes`.

    float64 is rounded to nearest, ties to even; for F16 and BF16 first to float32, then further.
    Beyond the largest finite value it becomes infinite.

    Raises:
        InvalidField: an integer does not fit the type.
    """
    if dtype in INTEGERS:
        low, high = (0, 1) if dtype == "BOOL" else _bounds(dtype)
        if values.size and (values.min() < low or values.max() > high):
            raise InvalidField(f"an integer does not fit the type {dtype}")
        return values.astype(_NUMPY[dtype]).tobytes()
    with np.errstate(over="ignore", invalid="ignore"):
        if dtype == "F64":
            return values.astype(_NUMPY[dtype]).tobytes()
        single = values.astype(np.float32)
        if dtype == "BF16":
            return _upper_half(single).astype("<u2").tobytes()
        return single.astype(_NUMPY[dtype]).tobytes()


def _bounds(dtype: str) -> tuple[int, int]:
    limits = np.iinfo(_NUMPY[dtype].name)
    return int(limits.min), int(limits.max)


def _upper_half(values: NDArray[np.float32]) -> NDArray[np.integer]:
    """Rounds float32 (no NaN) to its upper 16 bits, ties to even."""
    bits = values.view(np.uint32)
    return (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
