"""A checkpoint to a packed file at a given step, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bitstream.errors import InvalidField
from bitstream.limits import MAX_PACKED_LEVEL
from bitstream.tensors import (
    INTEGERS,
    WHOLE_STEP,
    Archive,
    Levels,
    PackedTensor,
    Product,
    Raw,
    Scan,
    Zeros,
)
from codec.errors import WeightsError
from codec.packing.checkpoint import Checkpoint, StoredTensor
from codec.packing.low_rank import factorize
from codec.packing.options import PackOptions
from codec.packing.quantizer import Candidate, choose_lanes, quantize
from codec.packing.sources import Base, TensorSource, energy, tensor_sources

MOST_PITCHES = 2.0**30
"""A value further from 0 is not quantised: its level could leave 32 bits."""


def pack(checkpoint: Checkpoint, options: PackOptions, base: Base | None = None) -> bytes:
    """The packed file.

    Raises:
        WeightsError: there is no batch norm to fold, or one that cannot be folded.
        FormatError: the checkpoint is too large for the format.
    """
    return assemble(tensor_sources(checkpoint, options, base), checkpoint.notes, options, base)


def assemble(
    sources: Sequence[TensorSource],
    notes: Mapping[str, str],
    options: PackOptions,
    base: Base | None,
) -> bytes:
    """The packed file of what `sources.prepare` made.

    Raises:
        FormatError: it is too large for the format.
    """
    quantized = [values for source in sources if (values := source.quantized) is not None]
    count = sum(len(values) for values in quantized)
    deviation = math.sqrt(sum(map(energy, quantized)) / max(count, 1))
    tensors: list[PackedTensor] = []
    for source in sources:
        coding = _choose_coding(source, options, deviation)
        based = source.based and not isinstance(coding, Raw)
        stored = source.stored
        tensors.append(PackedTensor(source.name, stored.dtype, stored.shape, coding, based))
    is_based = any(tensor.based for tensor in tensors)
    return Archive(tensors, notes, base.hash if base and is_based else b"").pack()


def unpack(data: bytes, base: Base | None = None, max_values: int | None = None) -> Checkpoint:
    """Inverse of `pack`, but for the error of the quantiser.

    Args:
        data: the packed file.
        base: what it was packed against, if it was.
        max_values: most values to accept, since a few bytes can claim any number; None for as many
            as suit the length of the file (docs/hostile-input.md).

    Raises:
        FormatError: the data is not a valid packed file, or not one for this base, or one that
            claims too much.
        WeightsError: it needs a base and got none, or another one.
    """
    archive = Archive.unpack(data, max_values)
    if archive.base:
        wanted = f"the file whose SHA-256 begins {archive.base.hex()}"
        if base is None:
            raise WeightsError(f"needs its base, {wanted}")
        if base.hash != archive.base:
            raise WeightsError(f"belongs to another base, {wanted}")
    known = base.checkpoint.tensors if base else {}
    tensors = {tensor.name: _restore(tensor, known) for tensor in archive.tensors}
    return Checkpoint(tensors, archive.notes)


def _choose_coding(
    source: TensorSource, options: PackOptions, deviation: float
) -> Zeros | Raw | Levels | Product:
    """How a tensor is coded; as bytes wherever that is smaller, or nothing else can hold it."""
    stored, values = source.stored, source.values
    if values is None:
        return Raw(stored.data)
    if np.all(values == 0):
        return Zeros()
    if stored.dtype in INTEGERS:
        # Not by the absolute value, which -2**63 does not have in 64 bits.
        if np.any((values > MAX_PACKED_LEVEL) | (values < -MAX_PACKED_LEVEL)):
            return Raw(stored.data)
        levels = values.astype(np.int32)
        scan = Scan.fitting(levels, choose_lanes(stored.shape), trellis=False)
        return Levels(levels, scan, WHOLE_STEP)
    quantized = source.quantized
    if quantized is None:
        return Raw(stored.data)
    pitch = _pitch(quantized, stored.shape, options, deviation)
    if np.abs(quantized).max() > MOST_PITCHES * pitch:
        return Raw(stored.data)
    best: Candidate[Levels] | Candidate[Product] = quantize(quantized, stored.shape, pitch)
    if options.rank and len(stored.shape) > 1:
        product = factorize(quantized, stored.shape, options.rank, pitch)
        if product and product.cost(quantized, pitch) < best.cost(quantized, pitch):
            best = product
    if best.bits > 8 * len(stored.data):
        return Raw(stored.data)
    if isinstance(best.coding, Levels) and not best.coding.levels.any():
        return Zeros()
    return best.coding


def _pitch(
    values: NDArray[np.float64], shape: tuple[int, ...], options: PackOptions, deviation: float
) -> float:
    """Distance of the quantiser's points for a tensor."""
    own = math.sqrt(energy(values) / len(values))
    pitch: float = options.step * deviation ** (1 - options.spread) * own**options.spread
    return pitch if len(shape) > 1 else pitch / options.vector_divisor


def _restore(tensor: PackedTensor, known: Mapping[str, StoredTensor]) -> StoredTensor:
    """Values to a tensor of a checkpoint, with the base's added where it is a difference."""
    if isinstance(tensor.coding, Raw):
        return StoredTensor(tensor.dtype, tensor.shape, tensor.coding.data)
    old = known.get(tensor.name) if tensor.based else None
    if tensor.based and (old is None or (old.dtype, old.shape) != (tensor.dtype, tensor.shape)):
        raise InvalidField(f"the base has no tensor {tensor.name!r} of this type and shape")
    if isinstance(tensor.coding, Zeros):
        # Bytes, not sums: what did not change keeps even the sign of its zeros.
        data = old.data if old else bytes(tensor.raw_size())
        return StoredTensor(tensor.dtype, tensor.shape, data)
    values = tensor.values()
    return StoredTensor.of(values + old.values() if old else values, tensor.dtype, tensor.shape)
