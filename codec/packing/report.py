"""What a packed file holds, as plain values."""

from __future__ import annotations

from bitstream.tensors import Archive, Levels, PackedTensor, Product, Raw, level_bytes


def describe(data: bytes, max_values: int | None = None) -> dict[str, object]:
    """Facts of a packed file and of each tensor; `max_values` is that of `packer.unpack`.

    Returns:
        `bytes` of the file, `values` in it and `bits_per_value`; `base`, the beginning of the
        base's SHA-256, or None; `tensors`, with `name`, `dtype`, `shape`, `coding`, `based`,
        `step` (None where there is none), `bytes` (a share of the codeword, so not whole; names
        and shapes are not counted) and `bits_per_value`.

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


def _row(tensor: PackedTensor, level_bytes: float) -> dict[str, object]:
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
