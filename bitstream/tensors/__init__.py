"""Packed weight files (docs/packed-weights.md): named tensors to bytes and back."""

from bitstream.coding.trellis import NEXT_STATE, all_points, points
from bitstream.tensors.archive import BASE_BYTES, Archive, level_bytes
from bitstream.tensors.dtypes import (
    DTYPES,
    FLOATS,
    INTEGERS,
    Values,
    from_bytes,
    item_size,
    to_bytes,
)
from bitstream.tensors.entries import WHOLE_STEP
from bitstream.tensors.level_coder import Scan
from bitstream.tensors.packed import Levels, PackedTensor, Product, Raw, Zeros

__all__ = [
    "BASE_BYTES",
    "DTYPES",
    "FLOATS",
    "INTEGERS",
    "NEXT_STATE",
    "WHOLE_STEP",
    "Archive",
    "Levels",
    "PackedTensor",
    "Product",
    "Raw",
    "Scan",
    "Values",
    "Zeros",
    "all_points",
    "from_bytes",
    "item_size",
    "level_bytes",
    "points",
    "to_bytes",
]
