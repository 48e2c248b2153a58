"""What a packed file holds, as plain values."""

from __future__ import annotations

from typing import TypedDict

from bitstream.tensors import Archive, Levels, PackedTensor, Product, Raw, level_bytes


class TensorFacts(TypedDict):
    """What a packed file says of a tensor."""

    name: str
    dtype: str
    shape: list[int]
    coding: str
    based: bool
    step: float | None
    """None where there is none."""
    bytes: float
    """A share of the codeword, so not whole; names and shapes are not counted."""
    bits_per_value: float


class PackedFacts(TypedDict):
    """What a packed file holds."""

    bytes: int
    values: int
    bits_per_value: float
    base: str | None
    """The beginning of the base's SHA-256."""
    tensors: list[TensorFacts]


def packed_facts(data: bytes, max_values: int | None = None) -> PackedFacts:
    """Tells what a packed file holds; `max_values` is that of `packer.unpack`.

    Raises:
        FormatError: the data is not a valid packed file.
    """
    archive = Archive.unpack(data, max_values)
    values = sum(tensor.size for tensor in archive.tensors)
    taken = level_bytes(archive)
    return {
        "bytes": len(data),
        "values": values,
        "bits_per_value": 8 * len(data) / max(values, 1),
        "base": archive.base.hex() or None,
        "tensors": [_row(*pair) for pair in zip(archive.tensors, taken, strict=True)],
    }


def _row(tensor: PackedTensor, level_bytes: float) -> TensorFacts:
    coding = tensor.coding
    taken = len(coding.data) if isinstance(coding, Raw) else level_bytes
    return {
        "name": tensor.name,
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "coding": _coding_name(tensor),
        "based": tensor.based,
        "step": coding.step if isinstance(coding, Levels) else None,
        "bytes": round(taken, 1),
        "bits_per_value": round(8 * taken / max(tensor.size, 1), 3),
    }


def _coding_name(tensor: PackedTensor) -> str:
    coding = tensor.coding
    if isinstance(coding, Levels):
        return "trellis" if coding.scan.trellis else "uniform"
    return f"rank {coding.rank}" if isinstance(coding, Product) else type(coding).__name__.lower()
