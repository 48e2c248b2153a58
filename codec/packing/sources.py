"""What is coded of a checkpoint: its tensors, or their differences to a base, folded and pruned."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bitstream.tensors import BASE_BYTES, FLOATS, INTEGERS, Values
from codec.packing.checkpoint import Checkpoint, StoredTensor
from codec.packing.folding import fold_batch_norms
from codec.packing.options import PackOptions

LARGEST = 2.0**100
"""Values that reach it are kept as bytes: their steps might leave float32, their squares float64.
So are those of tensors that do not reach its reciprocal."""


@dataclass(frozen=True)
class Base:
    """A safetensors file that both sides have."""

    hash: bytes
    checkpoint: Checkpoint

    @classmethod
    def parse(cls, data: bytes) -> Base:
        """Takes the bytes of the file.

        Raises:
            WeightsError: they are not a safetensors file.
        """
        return cls(hashlib.sha256(data).digest()[:BASE_BYTES], Checkpoint.parse(data))


@dataclass(frozen=True, eq=False)
class TensorSource:
    """A tensor to be packed.

    Attributes:
        name: as in the checkpoint.
        stored: what it was.
        values: float64 or int64, flat, that are coded for it; None if it is kept as bytes.
        based: whether the values are its difference to the base.
    """

    name: str
    stored: StoredTensor
    values: Values | None
    based: bool

    @property
    def quantized(self) -> NDArray[np.float64] | None:
        """The values if they go through a quantiser: floats, finite, not all 0, of sane size."""
        if self.values is None or self.stored.dtype not in FLOATS:
            return None
        values = self.values.astype(np.float64, copy=False)
        if not np.isfinite(values).all():
            return None
        return values if LARGEST**-1 < np.abs(values).max(initial=0) < LARGEST else None


def tensor_sources(
    checkpoint: Checkpoint, options: PackOptions, base: Base | None
) -> list[TensorSource]:
    """Everything that does not depend on the step, in the order of the packed file.

    Raises:
        WeightsError: there is no batch norm to fold, or one that cannot be folded.
    """
    if options.fold:
        checkpoint = fold_batch_norms(checkpoint)
    known = base.checkpoint.tensors if base else {}
    return [
        _pruned(_source(name, tensor, known.get(name)), options.prune)
        for name, tensor in sorted(checkpoint.tensors.items(), key=lambda pair: pair[0].encode())
    ]


def _source(name: str, stored: StoredTensor, old: StoredTensor | None) -> TensorSource:
    """The tensor itself, or its difference to the base's where that is smaller."""
    if stored.dtype not in FLOATS | INTEGERS:
        return TensorSource(name, stored, None, based=False)
    values = stored.values()
    if old is not None and (old.dtype, old.shape) == (stored.dtype, stored.shape):
        before = old.values()
        if _moderate(values) and _moderate(before) and energy(values - before) < energy(values):
            return TensorSource(name, stored, values - before, based=True)
    return TensorSource(name, stored, values, based=False)


def _moderate(values: Values) -> bool:
    return bool(np.isfinite(values).all() and np.abs(values).max(initial=0) < LARGEST)


def energy(values: Values) -> float:
    """The sum of squares."""
    return float(np.square(values.astype(np.float64)).sum())


def _pruned(source: TensorSource, fraction: float) -> TensorSource:
    values = source.quantized
    count = 0 if values is None else int(fraction * len(values))
    if values is None or not count or len(source.stored.shape) < 2:
        return source
    kept = values.copy()
    kept[np.argpartition(np.abs(kept), count - 1)[:count]] = 0
    return replace(source, values=kept)
